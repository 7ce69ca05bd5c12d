//! The power of two choices: two workers by hash, and the less loaded one gets the message.
//!
//! ```
//! use shared_nothing::partition::{StableHash, TwoChoices};
//!
//! let route = TwoChoices::new(4)?;
//! let depths = [3_u64, 0, 9, 4];
//! let hash = "user:42".stable_hash(0);
//! let [a, b] = route.candidates(hash);
//! let chosen = route.choose(hash, |worker| depths[worker]);
//! assert_eq!(depths[chosen], depths[a].min(depths[b]));
//! # Ok::<(), shared_nothing::partition::PartitionError>(())
//! ```
//!
//! For workers whose loads can be read cheaply. With the hash of a key, a key is only ever in two places, so
//! state can be kept in two parts and joined (partial key grouping). With any other well mixed number, say
//! `hash_u64(count, seed)`, it is plain load balancing. Loads may be old: two choices are far better than one
//! even then.
//!
//! Cost: a mixer, two wide multiplications, two loads asked. No memory. With `n` messages on `n` workers the
//! fullest holds about `log2 ln n` instead of `ln n / ln ln n`.
//!
//! References: M. Mitzenmacher, *The power of two choices in randomized load balancing*, IEEE Transactions on
//! Parallel and Distributed Systems 12(10), 2001; M. Nasir and others, *The power of both choices*, ICDE 2015
//! (partial key grouping).
#![forbid(unsafe_code)]

use super::multiply_shift::scale;
use super::{PartitionError, hash_u64};

const SECOND_SEED: u64 = 0x0074_776f;

/// Two candidates for each hash; see the [module](self).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TwoChoices {
    workers: usize,
}

impl TwoChoices {
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

    /// The two workers of a hash: different ones, unless there is only one.
    #[inline]
    #[must_use]
    pub const fn candidates(&self, hash: u64) -> [usize; 2] {
        let first = scale(hash, self.workers);
        if self.workers == 1 {
            return [first; 2];
        }
        // One of the others, each as likely.
        let other = scale(hash_u64(hash, SECOND_SEED), self.workers - 1);
        [first, if other < first { other } else { other + 1 }]
    }

    /// The candidate with the lower load, and the first one of equals.
    #[inline]
    pub fn choose(&self, hash: u64, load_of: impl Fn(usize) -> u64) -> usize {
        let [first, second] = self.candidates(hash);
        if load_of(second) < load_of(first) {
            second
        } else {
            first
        }
    }

    /// How many workers there are.
    #[must_use]
    pub const fn workers(&self) -> usize {
        self.workers
    }
}
