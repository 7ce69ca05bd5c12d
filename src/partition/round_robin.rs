//! Each worker in turn: for work that has no key.
//!
//! ```
//! use shared_nothing::partition::RoundRobin;
//!
//! let mut turns = RoundRobin::new(3)?;
//! let first: Vec<usize> = (0..5).map(|_| turns.next_worker()).collect();
//! assert_eq!(first, [0, 1, 2, 0, 1]);
//! # Ok::<(), shared_nothing::partition::PartitionError>(())
//! ```
//!
//! Counts differ by one at most, at all times. There is no key, so it is no
//! [`Partitioner`](super::Partitioner); give each sender its own, started at another worker, rather than
//! sharing one. Cost: an addition and a comparison. With weights, see `WeightedRoundRobin`.
#![forbid(unsafe_code)]

use super::PartitionError;

/// Workers `0..n`, again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoundRobin {
    workers: usize,
    next: usize,
}

impl RoundRobin {
    /// Starts with worker 0.
    ///
    /// # Errors
    ///
    /// [`PartitionError::NoWorkers`] for 0.
    pub const fn new(workers: usize) -> Result<Self, PartitionError> {
        match workers {
            0 => Err(PartitionError::NoWorkers),
            _ => Ok(Self { workers, next: 0 }),
        }
    }

    /// The same, started with worker `first % workers`: so that many senders do not all start with worker 0.
    #[must_use]
    pub const fn starting_at(self, first: usize) -> Self {
        Self {
            workers: self.workers,
            next: first % self.workers,
        }
    }

    /// Whose turn it is.
    #[inline]
    pub fn next_worker(&mut self) -> usize {
        let worker = self.next;
        self.next = if worker + 1 == self.workers {
            0
        } else {
            worker + 1
        };
        worker
    }

    /// How many workers there are.
    #[must_use]
    pub const fn workers(&self) -> usize {
        self.workers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_worker_is_followed_by_the_first() {
        let mut turns = RoundRobin::new(3).unwrap().starting_at(5);
        assert_eq!([(); 4].map(|()| turns.next_worker()), [2, 0, 1, 2]);
        let mut alone = RoundRobin::new(1).unwrap().starting_at(usize::MAX);
        assert_eq!([(); 2].map(|()| alone.next_worker()), [0, 0]);
    }

    #[test]
    fn nobody_to_take_turns_is_an_error() {
        assert_eq!(RoundRobin::new(0), Err(PartitionError::NoWorkers));
    }
}
