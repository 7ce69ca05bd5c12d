//! Files that were not counted, and why.

use std::fmt;
use std::path::{Path, PathBuf};

/// Why a file was not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    NotUtf8,
    Unreadable,
    DanglingLink,
    LinkedFolder,
    NotAFile,
}

impl Reason {
    pub(crate) const ALL: [Self; 5] = [
        Self::NotUtf8,
        Self::Unreadable,
        Self::DanglingLink,
        Self::LinkedFolder,
        Self::NotAFile,
    ];

    /// The name in JSON.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::NotUtf8 => "not_utf8",
            Self::Unreadable => "unreadable",
            Self::DanglingLink => "dangling_link",
            Self::LinkedFolder => "linked_folder",
            Self::NotAFile => "not_a_file",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::NotUtf8 => "not UTF-8",
            Self::Unreadable => "unreadable",
            Self::DanglingLink => "dangling link",
            Self::LinkedFolder => "link to a folder, not followed",
            Self::NotAFile => "neither file nor folder",
        })
    }
}

/// Files kept by name for each reason; the rest are only counted.
const NAMED: usize = 3;

/// How many files were skipped for each reason, and the first of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Skipped {
    reasons: [(u64, Vec<PathBuf>); Reason::ALL.len()],
}

impl Skipped {
    pub(crate) fn add(&mut self, path: &Path, reason: Reason) {
        let (count, named) = &mut self.reasons[reason as usize];
        *count += 1;
        if named.len() < NAMED {
            named.push(path.to_owned());
        }
    }

    /// Adds what another walk or pass skipped.
    pub(crate) fn merge(&mut self, other: Self) {
        for ((count, named), (more, names)) in self.reasons.iter_mut().zip(other.reasons) {
            *count += more;
            named.extend(names);
            named.truncate(NAMED);
        }
    }

    /// Each reason, how many files it kept out, and the first few of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Reason, u64, &[PathBuf])> {
        let reasons = Reason::ALL.into_iter().zip(&self.reasons);
        reasons.map(|(reason, (count, named))| (reason, *count, named.as_slice()))
    }

    pub(crate) fn total(&self) -> u64 {
        self.reasons.iter().map(|(count, _)| count).sum()
    }
}
