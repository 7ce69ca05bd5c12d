//! Rendezvous hashing with weights: each worker gets keys in proportion to its weight, and any may leave.
//!
//! ```
//! use shared_nothing::partition::{Partitioner, StableHash, WeightedRendezvous};
//!
//! let mut members = WeightedRendezvous::new(&[1, 1, 4])?; // the third gets two thirds of all keys
//! let hash = "user:42".stable_hash(0);
//! let old = members.worker_of(hash);
//! members.set_weight(1, 3)?;
//! let new = members.worker_of(hash);
//! assert!(new == old || new == 1, "keys move only to the one that gained");
//! # Ok::<(), shared_nothing::partition::PartitionError>(())
//! ```
//!
//! A worker of weight `w` bids `-ln(u) / w` for a key, with `u` uniform in `0..1`; the lowest bid wins. Such
//! a bid is an exponential variable of rate `w`, and the least of several belongs to each in proportion to
//! its rate. Only ratios count, so the logarithm may be binary.
//!
//! Cost: for each member a wide multiplication for `u`, one for the division by `w`, and a logarithm from a
//! table of 2 KiB; all in integers, the same on every machine. No allocation; 1.2 KiB inline.
//!
//! Reference: C. Schindelhauer, G. Schomaker, *Weighted distributed hash tables*, SPAA 2005 (the logarithmic
//! method).
#![forbid(unsafe_code)]

use super::log2::minus_log2;
use super::rendezvous::{MEMBERS_MAX, Members, bid_of, salt_of};
use super::{PartitionError, Partitioner};

/// Members with weights; see the [module](self).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeightedRendezvous {
    /// What member `i` mixes into its bids, and 2^64 divided by its weight.
    bidders: [(u64, u64); MEMBERS_MAX],
    members: Members,
}

impl WeightedRendezvous {
    /// As many workers as `weights` is long. With weight 0 a worker is no member.
    ///
    /// # Errors
    ///
    /// [`PartitionError::TooManyWorkers`] above [`MEMBERS_MAX`], [`PartitionError::NoWorkers`] where none has
    /// a weight.
    pub fn new(weights: &[u32]) -> Result<Self, PartitionError> {
        let members = Members::first(weights.len())?;
        let mut all = Self {
            bidders: [(0, 0); MEMBERS_MAX],
            members,
        };
        for (worker, &weight) in weights.iter().enumerate() {
            // A weight of 0 is left for the end: the last member cannot go.
            all.bidders[worker] = (salt_of(worker), u64::MAX / u64::from(weight.max(1)));
        }
        for (worker, _) in weights
            .iter()
            .enumerate()
            .filter(|(_, weight)| **weight == 0)
        {
            all.set_weight(worker, 0)?;
        }
        Ok(all)
    }

    /// Gives a worker a new weight: a new one is added, one with weight 0 is removed. Keys move only to or
    /// from it.
    ///
    /// # Errors
    ///
    /// [`PartitionError::TooManyWorkers`] where there is no place or the number is 65536 or more;
    /// [`PartitionError::NoWorkers`] where the last member would go; [`PartitionError::WorkerNotFound`] where
    /// one without a weight is to lose it.
    pub fn set_weight(&mut self, worker: usize, weight: u32) -> Result<(), PartitionError> {
        if weight == 0 {
            let at = self.members.remove(worker)?;
            self.bidders[at..].rotate_left(1);
            self.bidders[MEMBERS_MAX - 1] = (0, 0);
            return Ok(());
        }
        let at = match self.members.place_of(worker) {
            Ok(at) => at,
            Err(_) => {
                let at = self.members.insert(worker)?;
                self.bidders[at..self.members.len()].rotate_right(1);
                at
            }
        };
        self.bidders[at] = (salt_of(worker), u64::MAX / u64::from(weight));
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

impl Partitioner for WeightedRendezvous {
    #[inline]
    fn worker_of(&self, hash: u64) -> usize {
        let (mut best, mut best_bid) = (0, u64::MAX);
        for (member, &(salt, share)) in self.bidders[..self.members.len()].iter().enumerate() {
            let log = minus_log2(bid_of(hash, salt));
            let bid = ((u128::from(log) * u128::from(share)) >> 64) as u64;
            // Ties go to the lower number.
            if bid < best_bid {
                (best, best_bid) = (member, bid);
            }
        }
        usize::from(self.members.numbers()[best])
    }

    fn workers(&self) -> usize {
        self.members.workers()
    }
}
