//! A strategy of your own, as a closure.
//!
//! ```
//! use shared_nothing::partition::{Custom, Partitioner};
//!
//! // The lowest bits, for a hash that another system made.
//! let route = Custom::new(4, |hash| (hash & 3) as usize)?;
//! assert_eq!(route.worker_of(6), 2);
//! # Ok::<(), shared_nothing::partition::PartitionError>(())
//! ```
//!
//! The closure must be pure: the same hash, the same worker. An answer outside the workers is a mistake:
//! [`try_worker_of`](Custom::try_worker_of) reports it; [`worker_of`](super::Partitioner::worker_of), which
//! cannot, takes the remainder, so that the promise of the trait holds in any case.
#![forbid(unsafe_code)]

use super::{PartitionError, Partitioner};

/// Workers `0..n` as a closure says; see the [module](self).
#[derive(Clone, Copy)]
pub struct Custom<F> {
    workers: usize,
    choose: F,
}

impl<F: Fn(u64) -> usize> Custom<F> {
    /// Over workers `0..workers`; `choose` turns a hash into one of them.
    ///
    /// # Errors
    ///
    /// [`PartitionError::NoWorkers`] for 0.
    pub fn new(workers: usize, choose: F) -> Result<Self, PartitionError> {
        match workers {
            0 => Err(PartitionError::NoWorkers),
            _ => Ok(Self { workers, choose }),
        }
    }

    /// The worker of a hash, as the closure said it.
    ///
    /// # Errors
    ///
    /// [`PartitionError::WorkerNotFound`] where the closure named no worker.
    pub fn try_worker_of(&self, hash: u64) -> Result<usize, PartitionError> {
        let (worker, workers) = ((self.choose)(hash), self.workers);
        match worker < workers {
            true => Ok(worker),
            false => Err(PartitionError::WorkerNotFound { worker, workers }),
        }
    }
}

impl<F: Fn(u64) -> usize> Partitioner for Custom<F> {
    #[inline]
    fn worker_of(&self, hash: u64) -> usize {
        let worker = (self.choose)(hash);
        // A division only after a mistake.
        if worker < self.workers {
            worker
        } else {
            worker % self.workers
        }
    }

    fn workers(&self) -> usize {
        self.workers
    }
}

impl<F> core::fmt::Debug for Custom<F> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Custom")
            .field("workers", &self.workers)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_outside_the_workers_is_reported_and_never_passed_on() {
        let route = Custom::new(3, |hash| hash as usize).unwrap();
        assert_eq!(route.try_worker_of(2), Ok(2));
        let missing = PartitionError::WorkerNotFound {
            worker: 7,
            workers: 3,
        };
        assert_eq!(route.try_worker_of(7), Err(missing));
        assert_eq!(route.worker_of(7), 1);
        assert_eq!(
            Custom::new(0, |_| 0).unwrap_err(),
            PartitionError::NoWorkers
        );
    }
}
