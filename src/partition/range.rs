//! Ranges of keys in their order: for scans, for time, and wherever neighbours should live together.
//!
//! ```
//! use shared_nothing::partition::RangeMap;
//!
//! // Worker 0 owns what is below "h", worker 1 up to below "q", worker 2 the rest.
//! let mut map = RangeMap::from_bounds(vec!["h", "q"])?;
//! assert_eq!(map.worker_of_key("alice"), 0);
//! assert_eq!(map.worker_of_key("h"), 1, "a bound belongs to the range that it opens");
//!
//! // Worker 3 takes the upper part of the last range; nothing else moves.
//! map.split("t", 3)?;
//! assert_eq!((map.worker_of_key("sam"), map.worker_of_key("zoe")), (2, 3));
//! # Ok::<(), shared_nothing::partition::PartitionError>(())
//! ```
//!
//! ```text
//! range        0     │       1       │      2      │  3
//! keys      … < "h"  │  "h" … < "q"  │ "q" … < "t" │ "t" …       bounds[i] opens range i + 1
//! ```
//!
//! Keys are compared, never hashed, so this is no [`Partitioner`](super::Partitioner): a map over hashes
//! would be a [`MultiplyShift`](super::MultiplyShift) with more work. Balance is as good as the bounds; a
//! stream of rising keys goes to one worker.
//!
//! Cost: a binary search in the bounds; a split or a merge shifts those above it.
//!
//! Reference: F. Chang and others, *Bigtable: a distributed storage system for structured data*, OSDI 2006,
//! section 5.1 (tablets).
#![forbid(unsafe_code)]

extern crate std;

use core::borrow::Borrow;
use std::vec::Vec;

use super::PartitionError;
use super::slot_table::{WORKERS_MAX, check_workers};

/// Which worker owns which range of keys; see the [module](self).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeMap<K> {
    /// Strictly rising.
    bounds: Vec<K>,
    /// One more than there are bounds.
    owners: Vec<u16>,
    epoch: u64,
}

impl<K: Ord> RangeMap<K> {
    /// One range with all keys, owned by worker 0, at epoch 0.
    #[must_use]
    pub fn whole() -> Self {
        Self {
            bounds: Vec::new(),
            owners: std::vec![0],
            epoch: 0,
        }
    }

    /// The ranges between these bounds; worker `i` owns range `i`.
    ///
    /// # Errors
    ///
    /// [`PartitionError::BoundsNotRising`] with the first bound that is not above the one before it,
    /// [`PartitionError::TooManyWorkers`] for more than [`WORKERS_MAX`] ranges.
    pub fn from_bounds(bounds: Vec<K>) -> Result<Self, PartitionError> {
        check_workers(bounds.len() + 1)?;
        if let Some(below) = bounds.windows(2).position(|pair| pair[0] >= pair[1]) {
            return Err(PartitionError::BoundsNotRising { bound: below + 1 });
        }
        let owners = (0..).take(bounds.len() + 1).collect();
        Ok(Self {
            bounds,
            owners,
            epoch: 0,
        })
    }

    /// The worker of a key.
    #[inline]
    pub fn worker_of_key<Q: Ord + ?Sized>(&self, key: &Q) -> usize
    where
        K: Borrow<Q>,
    {
        usize::from(self.owners[self.range_of_key(key)])
    }

    /// The number of the range that a key lies in.
    #[inline]
    pub fn range_of_key<Q: Ord + ?Sized>(&self, key: &Q) -> usize
    where
        K: Borrow<Q>,
    {
        self.bounds.partition_point(|bound| bound.borrow() <= key)
    }

    /// Cuts the range that `at` lies in: from `at` on, it belongs to `owner`. Returns the number of the new
    /// range.
    ///
    /// # Errors
    ///
    /// [`PartitionError::BoundsNotRising`] where `at` is a bound already, [`PartitionError::TooManyWorkers`]
    /// for an owner from [`WORKERS_MAX`] on.
    pub fn split(&mut self, at: K, owner: usize) -> Result<usize, PartitionError> {
        check_workers(owner.saturating_add(1))?;
        let Err(below) = self.bounds.binary_search(&at) else {
            return Err(PartitionError::BoundsNotRising {
                bound: self.range_of_key(&at) - 1,
            });
        };
        self.bounds.insert(below, at);
        self.owners.insert(below + 1, owner as u16);
        self.epoch += 1;
        Ok(below + 1)
    }

    /// Joins a range with the one after it, whose keys go to the owner of the first. Returns the bound that
    /// went.
    ///
    /// # Errors
    ///
    /// [`PartitionError::RangeNotFound`] where there is no such range or none after it.
    pub fn merge(&mut self, range: usize) -> Result<K, PartitionError> {
        if range >= self.bounds.len() {
            return Err(PartitionError::RangeNotFound {
                range,
                ranges: self.owners.len(),
            });
        }
        self.owners.remove(range + 1);
        self.epoch += 1;
        Ok(self.bounds.remove(range))
    }

    /// Gives a range to another worker, and returns who had it.
    ///
    /// # Errors
    ///
    /// [`PartitionError::RangeNotFound`], and [`PartitionError::TooManyWorkers`] for an owner from
    /// [`WORKERS_MAX`] on.
    pub fn move_range(&mut self, range: usize, to: usize) -> Result<usize, PartitionError> {
        check_workers(to.saturating_add(1))?;
        let ranges = self.owners.len();
        let Some(owner) = self.owners.get_mut(range) else {
            return Err(PartitionError::RangeNotFound { range, ranges });
        };
        let from = usize::from(*owner);
        if from != to {
            *owner = to as u16;
            self.epoch += 1;
        }
        Ok(from)
    }

    /// The bounds, rising; bound `i` opens range `i + 1`.
    #[must_use]
    pub fn bounds(&self) -> &[K] {
        &self.bounds
    }

    /// The owner of each range.
    #[must_use]
    pub fn owners(&self) -> &[u16] {
        &self.owners
    }

    /// How many changes this map has seen.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }
}

const _: () = assert!(WORKERS_MAX <= 1 << 16, "owners are kept in 16 bits");
