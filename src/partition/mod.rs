//! From a key to a worker: stable hashes, and strategies that turn a hash into a worker.
//!
//! 1. A key becomes a hash by [`StableHash`]: the same on every machine.
//! 2. A strategy turns the hash into a worker: the same in every process that made the strategy alike.
//!
//! ```
//! use shared_nothing::partition::{Partitioner, SlotTable, StableHash};
//!
//! let table = SlotTable::even(8)?;
//! let worker = table.worker_of(("orders", 42_u32).stable_hash(0));
//! assert!(worker < table.workers());
//! # Ok::<(), shared_nothing::partition::PartitionError>(())
//! ```
//!
//! # Which strategy for which job
//!
//! | job | strategy | cost of a lookup | moved from `n` to `n + 1` workers | without `std` |
//! |---|---|---|---|---|
//! | a pool that may be resized or rebalanced: the default | [`SlotTable`] | one load | `1/(n+1)`, slots of your choice | yes |
//! | a number of workers that never changes | [`MultiplyShift`] | one multiplication | about half | yes |
//! | no memory, and only the last worker ever leaves | [`Jump`] | `ln n` divisions | `1/(n+1)` | yes |
//! | few workers, any may leave | [`Rendezvous`] | `n` multiplications | `1/(n+1)` | yes |
//! | the same with weights | [`WeightedRendezvous`] | `2 n` multiplications | in proportion | yes |
//! | every process builds the table from a list | `Maglev` | one load from 128 KiB | a little over `1/(n+1)` | no |
//! | others expect a ring | `HashRing` | two or three loads | about `1/(n+1)`, uneven | no |
//! | neighbours live together, scans | `RangeMap` | binary search | what is split | no |
//! | no key at all | [`RoundRobin`], `WeightedRoundRobin` | an addition, a load | | yes, no |
//! | no state, one hot key may not drown a worker | [`BoundedLoad`] | that of its base, and a mixer for each full worker | as its base | yes |
//! | loads can be read | [`TwoChoices`] | two loads asked | | yes |
//! | your own rule | [`Custom`] | | | yes |
//!
//! [`PartitionMap`] is a slot table with the seed of its keys, and what one process sends to another. [`SlotPlan`] and
//! [`LoadPlan`] say which map slots move, by their number and by what they carry.
//!
//! Strategies are pure: no clock, no thread, no randomness. Those that need no allocator work without `std`.
#![forbid(unsafe_code)]

pub mod bounded_load;
pub mod custom;
mod error;
pub mod hash;
pub mod jump;
pub mod load_plan;
mod log2;
#[cfg(feature = "std")]
pub mod maglev;
pub mod map;
#[cfg(feature = "serde")]
mod map_serde;
pub mod multiply_shift;
#[cfg(feature = "std")]
pub mod range;
pub mod rendezvous;
#[cfg(feature = "std")]
pub mod ring;
pub mod round_robin;
pub mod slot_plan;
pub mod slot_table;
pub mod two_choices;
pub mod weighted_rendezvous;
#[cfg(feature = "std")]
pub mod weighted_round_robin;

pub use bounded_load::BoundedLoad;
pub use custom::Custom;
pub use error::PartitionError;
pub use hash::{HASH_VERSION, StableHash, hash_bytes, hash_u64};
pub use jump::Jump;
pub use load_plan::LoadPlan;
#[cfg(feature = "std")]
pub use maglev::Maglev;
pub use map::{PARTITION_MAP_LEN, PartitionMap};
pub use multiply_shift::MultiplyShift;
#[cfg(feature = "std")]
pub use range::RangeMap;
pub use rendezvous::Rendezvous;
#[cfg(feature = "std")]
pub use ring::HashRing;
pub use round_robin::RoundRobin;
pub use slot_plan::{SlotMove, SlotPlan};
pub use slot_table::{MAP_SLOTS, SlotTable, WORKERS_MAX};
pub use two_choices::TwoChoices;
pub use weighted_rendezvous::WeightedRendezvous;
#[cfg(feature = "std")]
pub use weighted_round_robin::WeightedRoundRobin;

/// A pure function from hashes to workers.
pub trait Partitioner {
    /// The worker of a hash, below [`workers`](Self::workers).
    ///
    /// The hash must be well mixed in its upper bits, as those of [`StableHash`] are; a plain integer is not.
    fn worker_of(&self, hash: u64) -> usize;

    /// How many worker numbers there are. Not every number need be in use: a worker may have been drained.
    fn workers(&self) -> usize;
}

impl<P: Partitioner + ?Sized> Partitioner for &P {
    #[inline]
    fn worker_of(&self, hash: u64) -> usize {
        (**self).worker_of(hash)
    }

    fn workers(&self) -> usize {
        (**self).workers()
    }
}
