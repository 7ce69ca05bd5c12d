//! Rendezvous hashing: every worker bids for a key, the highest bid wins. Even, and any worker may leave.
//!
//! ```
//! use shared_nothing::partition::{Partitioner, Rendezvous, StableHash};
//!
//! let mut members = Rendezvous::new(4)?;
//! let hash = "user:42".stable_hash(0);
//! let owner = members.worker_of(hash);
//! members.remove_worker((owner + 1) % 4)?;
//! assert_eq!(members.worker_of(hash), owner, "only the keys of the one that left move");
//! # Ok::<(), shared_nothing::partition::PartitionError>(())
//! ```
//!
//! Use it for up to some 64 workers of equal weight, without an allocator; with weights take
//! [`WeightedRendezvous`](super::WeightedRendezvous).
//!
//! Cost: one wide multiplication for each member. No allocation; 0.5 KiB inline. The moves are the fewest
//! there can be: a worker that comes takes an equal part from each other, one that leaves gives an equal part
//! to each.
//!
//! Reference: D. Thaler, C. Ravishankar, *Using name-based mappings to increase hit rates*, IEEE/ACM
//! Transactions on Networking 6(1), 1998.
#![forbid(unsafe_code)]

use super::hash::{fold, hash_u64};
use super::{PartitionError, Partitioner};

/// The most members of a rendezvous: above, a lookup costs too much.
pub const MEMBERS_MAX: usize = 64;

/// Bids depend on this number; another one would be another rendezvous.
const BID_SEED: u64 = 0x6269_6473;
/// The odd number that bids are multiplied by: the golden ratio's bits, as in the mixer of the key.
const BID_FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// Members, each of which may leave; see the [module](self).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendezvous {
    /// What member `i` mixes into its bids.
    salts: [u64; MEMBERS_MAX],
    members: Members,
}

impl Rendezvous {
    /// Workers `0..workers`.
    ///
    /// # Errors
    ///
    /// [`PartitionError::NoWorkers`] for 0, [`PartitionError::TooManyWorkers`] above [`MEMBERS_MAX`].
    pub const fn new(workers: usize) -> Result<Self, PartitionError> {
        let members = match Members::first(workers) {
            Ok(members) => members,
            Err(error) => return Err(error),
        };
        let mut salts = [0; MEMBERS_MAX];
        let mut worker = 0;
        while worker < workers {
            salts[worker] = salt_of(worker);
            worker += 1;
        }
        Ok(Self { salts, members })
    }

    /// Adds a worker. Only keys that it now owns move.
    ///
    /// # Errors
    ///
    /// [`PartitionError::WorkerExists`], [`PartitionError::TooManyWorkers`] where there is no place or the
    /// number is 65536 or more.
    pub fn add_worker(&mut self, worker: usize) -> Result<(), PartitionError> {
        let at = self.members.insert(worker)?;
        self.salts[at..self.members.len()].rotate_right(1);
        self.salts[at] = salt_of(worker);
        Ok(())
    }

    /// Removes a worker, any of them. Only its keys move.
    ///
    /// # Errors
    ///
    /// [`PartitionError::WorkerNotFound`], and [`PartitionError::NoWorkers`] for the last one.
    pub fn remove_worker(&mut self, worker: usize) -> Result<(), PartitionError> {
        let at = self.members.remove(worker)?;
        self.salts[at..].rotate_left(1);
        self.salts[MEMBERS_MAX - 1] = 0;
        Ok(())
    }

    /// The numbers of the members, rising.
    #[must_use]
    pub fn members(&self) -> impl ExactSizeIterator<Item = usize> + '_ {
        self.members
            .numbers()
            .iter()
            .map(|&number| usize::from(number))
    }
}

impl Partitioner for Rendezvous {
    #[inline]
    fn worker_of(&self, hash: u64) -> usize {
        let (mut best, mut best_bid) = (0, 0);
        for (member, &salt) in self.salts[..self.members.len()].iter().enumerate() {
            let bid = bid_of(hash, salt);
            // Ties go to the lower number.
            if bid > best_bid {
                (best, best_bid) = (member, bid);
            }
        }
        usize::from(self.members.numbers()[best])
    }

    fn workers(&self) -> usize {
        self.members.workers()
    }
}

/// What worker `worker` mixes into its bids.
pub(super) const fn salt_of(worker: usize) -> u64 {
    hash_u64(worker as u64, BID_SEED)
}

/// What the owner of `salt` bids for a hash.
#[inline]
pub(super) const fn bid_of(hash: u64, salt: u64) -> u64 {
    fold(hash ^ salt, BID_FACTOR)
}

/// Up to [`MEMBERS_MAX`] worker numbers, rising; unused places are 0, so that equal sets are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Members {
    numbers: [u16; MEMBERS_MAX],
    len: u16,
}

impl Members {
    pub(super) const fn first(workers: usize) -> Result<Self, PartitionError> {
        match workers {
            0 => return Err(PartitionError::NoWorkers),
            1..=MEMBERS_MAX => {}
            _ => {
                return Err(PartitionError::TooManyWorkers {
                    workers,
                    limit: MEMBERS_MAX,
                });
            }
        }
        let mut numbers = [0; MEMBERS_MAX];
        let mut worker = 0;
        while worker < workers {
            numbers[worker] = worker as u16;
            worker += 1;
        }
        Ok(Self {
            numbers,
            len: workers as u16,
        })
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        // The bound is known to the reader; said here, it spares a bounds check at each use.
        usize::from(self.len).min(MEMBERS_MAX)
    }

    #[inline]
    pub(super) fn numbers(&self) -> &[u16] {
        &self.numbers[..self.len()]
    }

    pub(super) fn workers(&self) -> usize {
        self.numbers()
            .last()
            .map_or(0, |&number| usize::from(number) + 1)
    }

    /// The place of a new number.
    pub(super) fn insert(&mut self, worker: usize) -> Result<usize, PartitionError> {
        let Ok(number) = u16::try_from(worker) else {
            let limit = 1 << 16;
            return Err(PartitionError::TooManyWorkers {
                workers: worker.saturating_add(1),
                limit,
            });
        };
        let Err(at) = self.numbers().binary_search(&number) else {
            return Err(PartitionError::WorkerExists { worker });
        };
        let workers = self.len() + 1;
        if workers > MEMBERS_MAX {
            return Err(PartitionError::TooManyWorkers {
                workers,
                limit: MEMBERS_MAX,
            });
        }
        self.len += 1;
        self.numbers[at..workers].rotate_right(1);
        self.numbers[at] = number;
        Ok(at)
    }

    /// The place that a number had.
    pub(super) fn remove(&mut self, worker: usize) -> Result<usize, PartitionError> {
        let at = self.place_of(worker)?;
        if self.len() == 1 {
            return Err(PartitionError::NoWorkers);
        }
        self.len -= 1;
        self.numbers[at..].rotate_left(1);
        self.numbers[MEMBERS_MAX - 1] = 0;
        Ok(at)
    }

    pub(super) fn place_of(&self, worker: usize) -> Result<usize, PartitionError> {
        let found = self
            .numbers()
            .iter()
            .position(|&number| usize::from(number) == worker);
        found.ok_or(PartitionError::WorkerNotFound {
            worker,
            workers: self.workers(),
        })
    }
}
