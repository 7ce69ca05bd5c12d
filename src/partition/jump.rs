//! Jump consistent hash: an even split and the fewest moves, without a table.
//!
//! ```
//! use shared_nothing::partition::{Jump, Partitioner, StableHash};
//!
//! let hash = "user:42".stable_hash(0);
//! let (four, five) = (Jump::new(4)?, Jump::new(5)?);
//! let (old, new) = (four.worker_of(hash), five.worker_of(hash));
//! assert!(new == old || new == 4, "a key stays or goes to the new worker");
//! # Ok::<(), shared_nothing::partition::PartitionError>(())
//! ```
//!
//! Use it where the workers are numbered `0..n` and only the last one ever leaves. For any other worker to
//! leave, take [`Rendezvous`](super::Rendezvous) or [`SlotTable`](super::SlotTable).
//!
//! Cost: about `ln(n)` steps of one multiplication and one division; no memory.
//!
//! The paper divides floats; here the same quotient is rounded down from integers, so that it cannot depend
//! on how a machine rounds. The two differ only where a float lands on the wrong side of a whole number:
//! never, in the vectors and samples of the tests.
//!
//! Reference: J. Lamping, E. Veach, *A fast, minimal memory, consistent hash algorithm*, arXiv:1406.2294.
#![forbid(unsafe_code)]

use super::{PartitionError, Partitioner};

/// Workers `0..n`, of which the last may leave and a new last may come; see the [module](self).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jump {
    workers: u32,
}

impl Jump {
    /// Over workers `0..workers`.
    ///
    /// # Errors
    ///
    /// [`PartitionError::NoWorkers`] for 0, [`PartitionError::TooManyWorkers`] above `i32::MAX`, the limit of
    /// the paper.
    pub const fn new(workers: usize) -> Result<Self, PartitionError> {
        const LIMIT: usize = i32::MAX as usize;
        match workers {
            0 => Err(PartitionError::NoWorkers),
            1..=LIMIT => Ok(Self {
                workers: workers as u32,
            }),
            _ => Err(PartitionError::TooManyWorkers {
                workers,
                limit: LIMIT,
            }),
        }
    }
}

impl Partitioner for Jump {
    #[inline]
    fn worker_of(&self, hash: u64) -> usize {
        let workers = u64::from(self.workers);
        let (mut key, mut landed) = (hash, 0);
        loop {
            // Draws the next number of workers at which this key moves: `moves / draw`, rounded down. The key
            // is where its last move within `workers` took it.
            key = key.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(1);
            let draw = (key >> 33) + 1;
            let moves = (landed + 1) << 31;
            // Asked before the division, so that the last one is not waited for.
            if moves >= workers * draw {
                return landed as usize;
            }
            landed = moves / draw;
        }
    }

    fn workers(&self) -> usize {
        self.workers as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Published with the Go port of the paper's code (dgryski/go-jump).
    #[test]
    fn h28_routes_match_published_vectors() {
        for (hash, workers, worker) in [
            (1, 1, 0),
            (42, 57, 43),
            (0xDEAD_10CC, 1, 0),
            (0xDEAD_10CC, 666, 361),
            (256, 1024, 520),
        ] {
            assert_eq!(Jump::new(workers).unwrap().worker_of(hash), worker);
        }
    }

    /// The loop of the paper, with its floats.
    fn by_floats(mut key: u64, workers: i64) -> usize {
        let (mut landed, mut next) = (0, 0);
        while next < workers {
            landed = next;
            key = key.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(1);
            let draw = ((key >> 33) + 1) as f64;
            next = ((landed + 1) as f64 * ((1_u64 << 31) as f64 / draw)) as i64;
        }
        landed as usize
    }

    #[test]
    fn integers_land_where_the_floats_of_the_paper_do() {
        for workers in [1, 2, 16, 17, 1000, 1_000_000, i32::MAX as usize] {
            let route = Jump::new(workers).unwrap();
            for hash in (0..20_000).map(|key| super::super::hash_u64(key, 0)) {
                assert_eq!(route.worker_of(hash), by_floats(hash, workers as i64));
            }
        }
    }

    #[test]
    fn the_largest_draw_stays_among_the_workers() {
        // The first step takes this hash to `u64::MAX`, so that `moves` is `draw` and the quotient is 1.
        let hash = 0x4033_2ff0_ccc6_2756;
        assert_eq!(Jump::new(1).unwrap().worker_of(hash), 0);
        assert_eq!(Jump::new(16).unwrap().worker_of(hash), by_floats(hash, 16));
    }

    #[test]
    fn a_bad_number_of_workers_is_an_error() {
        assert_eq!(Jump::new(0), Err(PartitionError::NoWorkers));
        #[cfg(target_pointer_width = "64")]
        assert!(matches!(
            Jump::new(1 << 31),
            Err(PartitionError::TooManyWorkers { .. })
        ));
    }
}
