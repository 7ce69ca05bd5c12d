//! Messages that nobody handled and nobody got back, by the reason.
#![forbid(unsafe_code)]

use core::ops::AddAssign;

/// Why a message was dropped. Each is counted; no message is dropped without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DropReason {
    /// The mailbox was full, and the overflow policy drops what comes.
    Newest,
    /// The mailbox was full, and the overflow policy drops what has waited longest.
    Oldest,
    /// It waited for longer than it was worth.
    Expired,
    /// It killed a worker too often, and became a dead letter.
    Poison,
    /// Its worker stays down, and its sender cannot be given it back.
    WorkerGone,
    /// The pool stopped and was not asked for a report, or no longer waited for.
    Stopped,
}

/// How many reasons there are.
pub(crate) const REASONS: usize = 6;

impl DropReason {
    /// All reasons, in the order of their declaration.
    pub const ALL: [Self; REASONS] = [
        Self::Newest,
        Self::Oldest,
        Self::Expired,
        Self::Poison,
        Self::WorkerGone,
        Self::Stopped,
    ];

    /// Its name, in lower case, as a label wants it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Oldest => "oldest",
            Self::Expired => "expired",
            Self::Poison => "poison",
            Self::WorkerGone => "worker_gone",
            Self::Stopped => "stopped",
        }
    }

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

/// How many messages were dropped, for each reason.
///
/// ```
/// use shared_nothing::stats::{DropReason, Dropped};
///
/// let none = Dropped::default();
/// assert_eq!((none.total(), none.of(DropReason::Expired)), (0, 0));
/// assert_eq!(none.iter().count(), DropReason::ALL.len());
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dropped {
    pub(super) counts: [u64; REASONS],
}

impl Dropped {
    /// How many for this reason.
    #[must_use]
    pub const fn of(&self, reason: DropReason) -> u64 {
        self.counts[reason.index()]
    }

    /// How many at all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    pub(super) fn add(&mut self, reason: DropReason, messages: u64) {
        self.counts[reason.index()] += messages;
    }

    /// Every reason with its count, zeros too.
    pub fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        DropReason::ALL.into_iter().zip(self.counts)
    }
}

impl AddAssign for Dropped {
    fn add_assign(&mut self, other: Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_its_place_and_its_name() {
        let mut names = Vec::new();
        for (place, reason) in DropReason::ALL.into_iter().enumerate() {
            assert_eq!(reason.index(), place);
            names.push(reason.name());
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), REASONS);
    }

    #[test]
    fn counts_add_by_reason() {
        let mut dropped = Dropped::default();
        dropped.counts[DropReason::Poison.index()] = 2;
        let more = dropped;
        dropped += more;
        assert_eq!((dropped.of(DropReason::Poison), dropped.total()), (4, 4));
    }
}
