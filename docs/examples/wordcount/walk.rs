//! Paths to a list of files.

use std::fs::{self, DirEntry, FileType};
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::skip::{Reason, Skipped};

/// The regular files under `paths`. What is not counted is added to `skipped`.
///
/// A path that is given may be a link to a folder. Links found on the way are followed to files only, so no loop of
/// links is entered. A file is listed as often as it is reached.
///
/// # Errors
/// The first of the paths that does not exist.
pub(crate) fn list(paths: &[PathBuf], skipped: &mut Skipped) -> Result<Vec<PathBuf>, PathBuf> {
    let mut found = Found {
        files: Vec::new(),
        folders: Vec::new(),
        skipped,
    };
    for path in paths {
        match fs::metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(path.clone()),
            metadata => found.add(path.clone(), metadata.map(|metadata| metadata.file_type())),
        }
        while let Some(folder) = found.folders.pop() {
            match fs::read_dir(&folder) {
                Ok(entries) => entries.for_each(|entry| found.add_entry(&folder, entry)),
                Err(_) => found.skipped.add(&folder, Reason::Unreadable),
            }
        }
    }
    Ok(found.files)
}

struct Found<'a> {
    files: Vec<PathBuf>,
    /// Still to be read.
    folders: Vec<PathBuf>,
    skipped: &'a mut Skipped,
}

impl Found<'_> {
    fn add(&mut self, path: PathBuf, kind: Result<FileType, Error>) {
        match kind {
            Ok(kind) if kind.is_file() => self.files.push(path),
            Ok(kind) if kind.is_dir() => self.folders.push(path),
            // A pipe or a device may never end.
            Ok(_) => self.skipped.add(&path, Reason::NotAFile),
            Err(_) => self.skipped.add(&path, Reason::Unreadable),
        }
    }

    fn add_entry(&mut self, folder: &Path, entry: Result<DirEntry, Error>) {
        let Ok(entry) = entry else {
            return self.skipped.add(folder, Reason::Unreadable);
        };
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_symlink() => match fs::metadata(&path) {
                Ok(target) if target.is_dir() => self.skipped.add(&path, Reason::LinkedFolder),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    self.skipped.add(&path, Reason::DanglingLink);
                }
                target => self.add(path, target.map(|target| target.file_type())),
            },
            kind => self.add(path, kind),
        }
    }
}

/// What is counted when no path is given: the documentation of the Rust toolchain, or else the current folder.
pub(crate) fn default_path() -> PathBuf {
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output();
    sysroot
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .map(|sysroot| Path::new(sysroot.trim_end()).join("share/doc"))
        .filter(|docs| docs.is_dir())
        .unwrap_or_else(|| PathBuf::from("."))
}
