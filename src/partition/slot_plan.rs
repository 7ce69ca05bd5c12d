//! Which map slots move when workers come and go: the fewest that do it.
//!
//! ```
//! use shared_nothing::partition::SlotTable;
//!
//! let old = SlotTable::even(16)?;
//! let plan = old.grow_plan(17)?;
//! assert_eq!(plan.len(), 963); // 5.9 % of 16384, all of them to the new worker
//!
//! let mut table = old.clone();
//! table.set_workers(17)?;
//! for planned in plan {
//!     table.apply(planned)?; // here a pool hands over the state of the slot
//! }
//! assert!(table.slot_counts().iter().all(|&count| (963..=964).contains(&count)));
//! # Ok::<(), shared_nothing::partition::PartitionError>(())
//! ```
//!
//! A plan decides first how many slots each worker gives or takes, then walks the table once and names them.
//! It takes from those that own most and gives to those that own least, down to or up to one level, as water
//! would find it. Takers are served in turn, so that half a plan is half as good, not lopsided.
//!
//! | plan | moves | does not touch |
//! |---|---|---|
//! | [`grow_plan`](SlotTable::grow_plan) | from old workers to new ones | who owns what among the old |
//! | [`shrink_plan`](SlotTable::shrink_plan) | all slots of the workers that go | the slots of those that stay |
//! | [`drain_plan`](SlotTable::drain_plan) | all slots of one worker, any | the slots of the others |
//! | [`even_plan`](SlotTable::even_plan) | from who has too many to who has too few | workers within one of the mean |
//!
//! These count slots. By what the slots carry goes [`load_plan`](SlotTable::load_plan).
//!
//! A worker that owns no slot counts as drained: only `even_plan` fills it again. Cost: one pass over the
//! workers for each of 15 levels, then one over the table; 8 KiB in the plan, no allocation.
#![forbid(unsafe_code)]

use core::fmt;

use super::slot_table::{MAP_SLOTS, SlotTable, WORKERS_MAX, check_workers};
use super::{PartitionError, Partitioner};

/// One map slot changes hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotMove {
    /// The map slot.
    pub map_slot: usize,
    /// Its owner when the plan was made.
    pub from: usize,
    /// Its owner to be.
    pub to: usize,
}

/// The moves of one change, in rising order of their map slots; see the [module](self).
#[derive(Clone)]
#[must_use = "a plan moves nothing by itself"]
pub struct SlotPlan<'a> {
    table: &'a SlotTable,
    /// What a worker has still to give (below 0) or to take (above 0). The sum is 0.
    due: [i16; WORKERS_MAX],
    moves_left: usize,
    next_map_slot: usize,
    next_taker: usize,
    workers: usize,
}

impl SlotTable {
    /// The moves by which new workers, up to `workers` in all, get their equal part of the slots.
    ///
    /// Add the workers with [`set_workers`](Self::set_workers) after the plan is made and before its first
    /// move.
    ///
    /// # Errors
    ///
    /// [`PartitionError::WrongDirection`] for fewer workers than now, [`PartitionError::TooManyWorkers`].
    pub fn grow_plan(&self, workers: usize) -> Result<SlotPlan<'_>, PartitionError> {
        let old = self.workers();
        check_workers(workers)?;
        if workers < old {
            return Err(PartitionError::WrongDirection {
                from: old,
                to: workers,
            });
        }
        let active = (0..old).filter(|&worker| self.holds(worker)).count();
        let all = active + workers - old;
        // The rest of the division stays with the old workers, one each; what they cannot hold goes on.
        let (share, extra) = (MAP_SLOTS / all, (MAP_SLOTS % all).saturating_sub(active));
        let mut plan = SlotPlan::empty(self, workers);
        for (taker, due) in plan.due[old..workers].iter_mut().enumerate() {
            *due = (share + usize::from(taker < extra)) as i16;
        }
        plan.take_from_fullest(share * (workers - old) + extra);
        Ok(plan)
    }

    /// The moves by which the workers from `workers` on lose all their slots to those below.
    ///
    /// Remove them with [`set_workers`](Self::set_workers) after the last move.
    ///
    /// # Errors
    ///
    /// [`PartitionError::NoWorkers`] for 0, [`PartitionError::WrongDirection`] for more workers than now.
    pub fn shrink_plan(&self, workers: usize) -> Result<SlotPlan<'_>, PartitionError> {
        let old = self.workers();
        check_workers(workers)?;
        if workers > old {
            return Err(PartitionError::WrongDirection {
                from: old,
                to: workers,
            });
        }
        Ok(self.leave_plan(|worker| worker >= workers))
    }

    /// The moves by which one worker, any of them, loses all its slots. It keeps its number.
    ///
    /// # Errors
    ///
    /// [`PartitionError::WorkerNotFound`], and [`PartitionError::NoWorkers`] where nobody else is left.
    pub fn drain_plan(&self, worker: usize) -> Result<SlotPlan<'_>, PartitionError> {
        self.check_worker(worker)?;
        if self.workers() == 1 {
            return Err(PartitionError::NoWorkers);
        }
        Ok(self.leave_plan(|other| other == worker))
    }

    /// The fewest moves after which all workers own equally many slots, give or take one.
    pub fn even_plan(&self) -> SlotPlan<'_> {
        let (share, mut extra) = (MAP_SLOTS / self.workers(), MAP_SLOTS % self.workers());
        let mut plan = SlotPlan::empty(self, self.workers());
        // The extra slots stay with workers that have them already; what is left goes to the first others.
        for over in [true, false] {
            for (worker, &held) in self.slot_counts().iter().enumerate() {
                let held = usize::from(held);
                if (held > share) != over {
                    continue;
                }
                let target = share + usize::from(extra > 0);
                extra = extra.saturating_sub(1);
                plan.due[worker] = target as i16 - held as i16;
            }
        }
        plan.moves_left = plan
            .due
            .iter()
            .filter(|due| **due > 0)
            .map(|due| *due as usize)
            .sum();
        plan
    }

    /// Changes the number of workers and carries out the whole plan at once. Returns how many map slots moved.
    ///
    /// For tables whose slots have no state to hand over.
    ///
    /// # Errors
    ///
    /// [`PartitionError::NoWorkers`] and [`PartitionError::TooManyWorkers`].
    pub fn resize(&mut self, workers: usize) -> Result<usize, PartitionError> {
        let old = self.clone();
        let plan = match workers < old.workers() {
            true => old.shrink_plan(workers)?,
            false => old.grow_plan(workers)?,
        };
        let moves = plan.len();
        self.set_workers(workers.max(old.workers()))?;
        for planned in plan {
            self.apply(planned)?;
        }
        self.set_workers(workers)?;
        Ok(moves)
    }

    fn leave_plan(&self, leaves: impl Fn(usize) -> bool) -> SlotPlan<'_> {
        let mut plan = SlotPlan::empty(self, self.workers());
        let mut given = 0;
        for worker in (0..self.workers()).filter(|&worker| leaves(worker)) {
            plan.due[worker] = -(self.slot_counts()[worker] as i16);
            given += usize::from(self.slot_counts()[worker]);
        }
        let anybody = !(0..self.workers()).any(|worker| self.holds(worker) && !leaves(worker));
        plan.give_to_emptiest(given, |worker| {
            !leaves(worker) && (anybody || self.holds(worker))
        });
        plan
    }

    fn holds(&self, worker: usize) -> bool {
        self.slot_counts()[worker] > 0
    }
}

impl<'a> SlotPlan<'a> {
    fn empty(table: &'a SlotTable, workers: usize) -> Self {
        let due = [0; WORKERS_MAX];
        Self {
            table,
            due,
            moves_left: 0,
            next_map_slot: 0,
            next_taker: 0,
            workers,
        }
    }

    /// Takes `amount` slots from the workers of the table, highest first, down to one level.
    fn take_from_fullest(&mut self, amount: usize) {
        let counts = self.table.slot_counts();
        let above = |level: usize| -> usize {
            counts
                .iter()
                .map(|&held| usize::from(held).saturating_sub(level))
                .sum()
        };
        // The lowest level that does not take too much.
        let level = lowest(|level| above(level) <= amount);
        let mut rest = amount - above(level);
        for (due, &held) in self.due.iter_mut().zip(counts) {
            let held = usize::from(held);
            let one_more = usize::from(rest > 0 && held >= level && level > 0);
            rest -= one_more;
            *due -= (held.saturating_sub(level) + one_more) as i16;
        }
        self.moves_left = amount;
    }

    /// Gives `amount` slots to the workers of the table that may take, lowest first, up to one level.
    fn give_to_emptiest(&mut self, amount: usize, takes: impl Fn(usize) -> bool) {
        let counts = self.table.slot_counts();
        let takers = || {
            (0..counts.len())
                .filter(|&w| takes(w))
                .map(|w| (w, usize::from(counts[w])))
        };
        let below = |level: usize| {
            takers()
                .map(|(_, held)| level.saturating_sub(held))
                .sum::<usize>()
        };
        // One below the lowest level that gives too much.
        let level = lowest(|level| below(level) > amount) - 1;
        let mut rest = amount - below(level);
        for (worker, held) in takers() {
            let one_more = usize::from(rest > 0 && held <= level);
            rest -= one_more;
            self.due[worker] += (level.saturating_sub(held) + one_more) as i16;
        }
        self.moves_left = amount;
    }

    /// The next worker, in turn, that has still something to take.
    fn taker(&mut self) -> usize {
        loop {
            let worker = self.next_taker;
            self.next_taker = (worker + 1) % self.workers;
            if self.due[worker] > 0 {
                return worker;
            }
        }
    }
}

/// The lowest level at which `holds` becomes true and stays so; at the latest just above all slots.
fn lowest(holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, MAP_SLOTS + 1);
    while low < high {
        let middle = (low + high) / 2;
        match holds(middle) {
            true => high = middle,
            false => low = middle + 1,
        }
    }
    low
}

impl Iterator for SlotPlan<'_> {
    type Item = SlotMove;

    fn next(&mut self) -> Option<SlotMove> {
        while self.moves_left > 0 {
            let map_slot = self.next_map_slot;
            let from = self.table.owner_of(map_slot)?;
            self.next_map_slot += 1;
            if self.due[from] < 0 {
                self.due[from] += 1;
                let to = self.taker();
                self.due[to] -= 1;
                self.moves_left -= 1;
                return Some(SlotMove { map_slot, from, to });
            }
        }
        None
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.moves_left, Some(self.moves_left))
    }
}

impl fmt::Debug for SlotPlan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlotPlan")
            .field("moves_left", &self.moves_left)
            .finish_non_exhaustive()
    }
}

impl ExactSizeIterator for SlotPlan<'_> {}
impl core::iter::FusedIterator for SlotPlan<'_> {}
