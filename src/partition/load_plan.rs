//! Which hot map slots move, so that no worker carries much more than the mean: few moves, the best first.
//!
//! ```
//! use shared_nothing::partition::{MAP_SLOTS, SlotTable};
//!
//! let mut table = SlotTable::even(4)?;
//! // Messages of each map slot in the last second, say. Worker 0 has two hot slots.
//! let mut loads = [1_u32; MAP_SLOTS];
//! (loads[7], loads[9]) = (1000, 1500);
//!
//! let old = table.clone();
//! let plan = old.load_plan(&loads, 125)?; // nobody above 125 % of the mean
//! let moves: Vec<_> = plan.collect();
//! assert_eq!(moves.len(), 1, "the least that is enough");
//! assert_eq!((moves[0].map_slot, moves[0].from, moves[0].to), (7, 0, 1));
//! for planned in moves {
//!     table.apply(planned)?; // here a pool hands over the state of the slot
//! }
//! assert_eq!(table.load_plan(&loads, 125)?.count(), 0);
//! # Ok::<(), shared_nothing::partition::PartitionError>(())
//! ```
//!
//! Again and again, the worker that carries most gives a slot to the one that carries least, until nobody is above the
//! bound: the least slot that ends its excess, or else the hottest for which the taker has room. So
//!
//! - each slot moves once at most, and nobody who takes is ever above the bound;
//! - nobody gives more slots than its hottest ones that make up its excess, as long as the takers have room for those;
//! - half a plan is the better half: take as many moves as one round may make, and ask again with newer loads.
//!
//! A slot without a load never moves. A slot that is above the bound alone stays where it is, and its worker gives the
//! rest away; split such a key, for no map can. A worker that owns no slot counts as drained and takes nothing, as in
//! every plan but [`even_plan`](SlotTable::even_plan).
//!
//! The table may be a copy: [`SlotTable::from_owners`] makes one of a snapshot. Loads may be old by the time of a move;
//! a move that comes too late is refused by [`apply`](SlotTable::apply).
//!
//! Cost: a pass over the table for the sums, and one over workers and table for each move; 35 KiB in the plan, no
//! allocation. The fewest moves of all are a packing problem; this is the greedy answer.
#![forbid(unsafe_code)]

use core::{fmt, iter::FusedIterator};

use super::slot_table::{MAP_SLOTS, SlotTable, WORKERS_MAX};
use super::{PartitionError, Partitioner, SlotMove};

/// Moves by load, the best first; see the [module](self).
#[derive(Clone)]
#[must_use = "a plan moves nothing by itself"]
pub struct LoadPlan<'a> {
    table: &'a SlotTable,
    loads: &'a [u32; MAP_SLOTS],
    /// What each worker carries after the moves that were handed out.
    carried: [u64; WORKERS_MAX],
    moved: Bits<{ MAP_SLOTS / 64 }>,
    /// Workers above the bound that have nothing more to give.
    stuck: Bits<{ WORKERS_MAX / 64 }>,
    bound: u64,
}

impl SlotTable {
    /// The moves after which no worker carries more than `percent` of the mean load, as far as whole slots allow it.
    ///
    /// # Errors
    ///
    /// [`PartitionError::BoundTooLow`] below 100: not all could be there.
    pub fn load_plan<'a>(
        &'a self,
        loads: &'a [u32; MAP_SLOTS],
        percent: u32,
    ) -> Result<LoadPlan<'a>, PartitionError> {
        if percent < 100 {
            return Err(PartitionError::BoundTooLow { percent });
        }
        let mut carried = [0; WORKERS_MAX];
        for (&owner, &load) in self.owners().iter().zip(loads) {
            carried[usize::from(owner)] += u64::from(load);
        }
        let total: u64 = carried.iter().sum();
        let active = self.slot_counts().iter().filter(|&&held| held > 0).count();
        let bound = (u128::from(total) * u128::from(percent)).div_ceil(100 * active as u128);
        Ok(LoadPlan {
            table: self,
            loads,
            carried,
            moved: Bits::NONE,
            stuck: Bits::NONE,
            bound: u64::try_from(bound).unwrap_or(u64::MAX),
        })
    }
}

impl LoadPlan<'_> {
    /// What nobody should carry more than.
    #[must_use]
    pub const fn bound(&self) -> u64 {
        self.bound
    }

    /// What each worker carries after the moves that this plan has handed out so far, by its number.
    #[must_use]
    pub fn carried(&self) -> &[u64] {
        &self.carried[..self.table.workers()]
    }

    /// The worker above the bound that carries most, and could still give something.
    fn giver(&self) -> Option<usize> {
        let above = |&worker: &usize| self.carried[worker] > self.bound && !self.stuck.has(worker);
        let workers = (0..self.table.workers()).filter(above);
        // The first of equals.
        workers.rev().max_by_key(|&worker| self.carried[worker])
    }

    /// The worker that carries least, of those that own slots.
    fn taker(&self) -> Option<usize> {
        let counts = self.table.slot_counts();
        let active = (0..counts.len()).filter(|&worker| counts[worker] > 0);
        active.min_by_key(|&worker| self.carried[worker])
    }

    /// The slot of `from` that should go: the least that is `excess` or more, or else the hottest; none above `room`.
    fn slot(&self, from: usize, excess: u64, room: u64) -> Option<usize> {
        let load = |&map_slot: &usize| u64::from(self.loads[map_slot]);
        let fits =
            |map_slot: &usize| (1..=room).contains(&load(map_slot)) && !self.moved.has(*map_slot);
        let slots = || self.table.slots_of(from).filter(fits);
        let enough = slots().filter(|map_slot| load(map_slot) >= excess);
        // The first of equals, in both cases.
        let enough = enough.min_by_key(load);
        enough.or_else(|| slots().reduce(|a, b| if load(&b) > load(&a) { b } else { a }))
    }
}

impl Iterator for LoadPlan<'_> {
    type Item = SlotMove;

    fn next(&mut self) -> Option<SlotMove> {
        loop {
            let (from, to) = (self.giver()?, self.taker()?);
            let excess = self.carried[from] - self.bound;
            let room = self.bound.saturating_sub(self.carried[to]);
            let Some(map_slot) = self.slot(from, excess, room) else {
                self.stuck.put(from);
                continue;
            };
            let load = u64::from(self.loads[map_slot]);
            self.moved.put(map_slot);
            self.carried[from] -= load;
            self.carried[to] += load;
            return Some(SlotMove { map_slot, from, to });
        }
    }
}

impl FusedIterator for LoadPlan<'_> {}

impl fmt::Debug for LoadPlan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadPlan")
            .field("bound", &self.bound)
            .field("carried", &self.carried())
            .finish_non_exhaustive()
    }
}

/// A set of small numbers.
#[derive(Clone)]
struct Bits<const WORDS: usize>([u64; WORDS]);

impl<const WORDS: usize> Bits<WORDS> {
    const NONE: Self = Self([0; WORDS]);

    fn has(&self, number: usize) -> bool {
        self.0[number / 64] >> (number % 64) & 1 == 1
    }

    fn put(&mut self, number: usize) {
        self.0[number / 64] |= 1 << (number % 64);
    }
}
