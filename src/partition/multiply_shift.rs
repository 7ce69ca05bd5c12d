//! The hash scaled to the number of workers: for pools that never change their size.
//!
//! ```
//! use shared_nothing::partition::{MultiplyShift, Partitioner, StableHash};
//!
//! let route = MultiplyShift::new(4)?;
//! assert!(route.worker_of("user:42".stable_hash(0)) < 4);
//! # Ok::<(), shared_nothing::partition::PartitionError>(())
//! ```
//!
//! `hash * workers / 2^64`: each worker owns one interval of hashes, and the intervals differ by at most one
//! hash. Cost: one wide multiplication, no memory. When the number of workers changes, most keys move (about
//! half); use [`SlotTable`](super::SlotTable) or [`Jump`](super::Jump) where that matters. It reads the upper
//! bits of the hash, so a strategy inside the worker should use the lower ones.
//!
//! Reference: D. Lemire, *Fast random integer generation in an interval*, arXiv:1805.10941.
#![forbid(unsafe_code)]

use super::{PartitionError, Partitioner};

/// Each worker owns one equal interval of hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MultiplyShift {
    workers: usize,
}

impl MultiplyShift {
    /// Over workers `0..workers`.
    ///
    /// # Errors
    ///
    /// [`PartitionError::NoWorkers`] for 0.
    pub const fn new(workers: usize) -> Result<Self, PartitionError> {
        match workers {
            0 => Err(PartitionError::NoWorkers),
            _ => Ok(Self { workers }),
        }
    }
}

impl Partitioner for MultiplyShift {
    #[inline]
    fn worker_of(&self, hash: u64) -> usize {
        scale(hash, self.workers)
    }

    fn workers(&self) -> usize {
        self.workers
    }
}

/// `hash * range / 2^64`: below `range`, and even when the hash is.
#[inline]
pub(super) const fn scale(hash: u64, range: usize) -> usize {
    ((hash as u128 * range as u128) >> 64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_start_where_arithmetic_says() {
        let route = MultiplyShift::new(3).unwrap();
        let third = u64::MAX / 3; // 2^64 = 3 * third + 1
        assert_eq!(route.worker_of(0), 0);
        assert_eq!(route.worker_of(third), 0);
        assert_eq!(route.worker_of(third + 1), 1);
        assert_eq!(route.worker_of(2 * third), 1);
        assert_eq!(route.worker_of(2 * third + 1), 2);
        assert_eq!(route.worker_of(u64::MAX), 2);
    }

    #[test]
    fn nobody_to_route_to_is_an_error() {
        assert_eq!(MultiplyShift::new(0), Err(PartitionError::NoWorkers));
    }
}
