//! Bounded load: a key goes where its strategy says, unless that worker is full.
//!
//! ```
//! use shared_nothing::partition::{BoundedLoad, Jump, StableHash};
//!
//! // Nobody holds more than 125 % of the mean.
//! let route = BoundedLoad::new(Jump::new(4)?, 125)?;
//! let mut loads = [0_u64; 4];
//! for i in 0..1000_u64 {
//!     let capacity = route.capacity(i, 4);
//!     let one_hot_key = "user:42".stable_hash(0);
//!     let worker = route.choose(one_hot_key, capacity, |worker| Some(loads[worker])).expect("room");
//!     loads[worker] += 1;
//! }
//! assert_eq!(loads.iter().max(), Some(&313)); // 1.25 times 250, rounded up
//! # Ok::<(), shared_nothing::partition::PartitionError>(())
//! ```
//!
//! For workers **without state of their own**: a key has no fixed home any more, so neither its order nor its
//! state is kept in one place. Use it where one hot key may not drown a worker and any worker can do the job.
//!
//! With `total` messages on `live` workers, each may hold `ceil(percent / 100 * (total + 1) / live)`. A
//! refused key tries further places that depend on it alone, so the overflow of one worker is spread over all
//! others and does not roll on to its neighbour.
//!
//! Cost: the strategy, and a mixer for each full worker met: fewer than `1 / (1 - 100 / percent)` in the
//! mean, 5 for 125. After 16 it looks through the workers one by one. No memory: the loads are the caller's.
//!
//! References: V. Mirrokni, M. Thorup, M. Zadimoghaddam, *Consistent hashing with bounded loads*, SODA 2018;
//! J. Chen, B. Coleman, A. Shrivastava, *Revisiting consistent hashing with bounded loads*, AAAI 2021 (the
//! random jumps).
#![forbid(unsafe_code)]

use super::{PartitionError, Partitioner, hash_u64};

/// Further places tried by hash before the workers are looked through.
const JUMPS: u64 = 16;
const JUMP_SEED: u64 = 0x6a75_6d70;

/// A strategy under a bound on load; see the [module](self).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoundedLoad<P> {
    base: P,
    percent: u32,
}

impl<P: Partitioner> BoundedLoad<P> {
    /// Nobody is to hold more than `percent` of the mean. Usual values are 110 to 200.
    ///
    /// # Errors
    ///
    /// [`PartitionError::BoundTooLow`] below 100: not all could be placed.
    pub fn new(base: P, percent: u32) -> Result<Self, PartitionError> {
        match percent {
            0..100 => Err(PartitionError::BoundTooLow { percent }),
            _ => Ok(Self { base, percent }),
        }
    }

    /// What a worker may hold when one more comes to `total` on `live` workers. With no worker alive, nothing.
    #[must_use]
    pub const fn capacity(&self, total: u64, live: usize) -> u64 {
        if live == 0 {
            return 0;
        }
        // A division of 128 bits is a call of some thirty steps; those who carry less are spared it.
        if total < 1 << 32 && (live as u64) < 1 << 32 {
            return ((total + 1) * self.percent as u64).div_ceil(100 * live as u64);
        }
        let held = (total as u128 + 1) * self.percent as u128;
        let capacity = held.div_ceil(100 * live as u128);
        if capacity > u64::MAX as u128 {
            u64::MAX
        } else {
            capacity as u64
        }
    }

    /// The worker for a hash: one that holds less than `capacity`. `load_of` says what a worker holds, `None`
    /// for one that must not be chosen.
    ///
    /// `None` where nobody has room; with a capacity from [`capacity`](Self::capacity), true loads and as many
    /// workers alive as it was told, somebody has.
    pub fn choose(
        &self,
        hash: u64,
        capacity: u64,
        load_of: impl Fn(usize) -> Option<u64>,
    ) -> Option<usize> {
        let has_room = |worker: &usize| load_of(*worker).is_some_and(|load| load < capacity);
        let home = self.base.worker_of(hash);
        if has_room(&home) {
            return Some(home);
        }
        let mut jumps = (0..JUMPS).map(|jump| {
            self.base
                .worker_of(hash_u64(hash, JUMP_SEED.wrapping_add(jump)))
        });
        let workers = self.base.workers();
        let mut all = (1..workers).map(|step| (home + step) % workers);
        jumps.find(has_room).or_else(|| all.find(has_room))
    }

    /// The strategy under the bound.
    pub const fn base(&self) -> &P {
        &self.base
    }
}
