//! A table from map slots to workers: the default, because its slots can be moved one by one and counted.
//!
//! ```
//! use shared_nothing::partition::{Partitioner, SlotTable, StableHash};
//!
//! let mut table = SlotTable::even(4)?;
//! let hash = "user:42".stable_hash(0);
//! let worker = table.worker_of(hash);
//!
//! // A hot map slot goes to another worker; all others stay.
//! let map_slot = SlotTable::map_slot_of(hash);
//! let to = (worker + 1) % 4;
//! assert_eq!(table.move_slot(map_slot, to)?, worker);
//! assert_eq!(table.worker_of(hash), to);
//! assert_eq!(table.epoch(), 1);
//! # Ok::<(), shared_nothing::partition::PartitionError>(())
//! ```
//!
//! ```text
//! hash ──► upper 14 bits ──► map slot 0 │ 1 │ 2 │ … │ 16383      owners: one u16 each, 32 KiB in all
//!                                     0   0   0         3
//! ```
//!
//! A map slot is what moves when workers come and go: with its keys and their state. Invariants:
//!
//! - **I1** each map slot has exactly one owner, below `workers`;
//! - **I2** `held[w]` is the number of map slots that `w` owns; the sum is [`MAP_SLOTS`];
//! - **I3** each change of I1 or of `workers` adds one to the epoch, and a refused change adds nothing.
//!
//! So two processes that start from one table and apply the same changes in order have equal tables at equal
//! epochs.
//!
//! # Cost
//!
//! A lookup is a shift and a load, without a bounds check. The table is plain data of 40 KiB without an
//! allocator: keep it in a static, a box or an `Arc` rather than on a small stack. Moves are planned by
//! [`grow_plan`](SlotTable::grow_plan), [`shrink_plan`](SlotTable::shrink_plan),
//! [`drain_plan`](SlotTable::drain_plan) and [`even_plan`](SlotTable::even_plan).
//!
//! Reference: the 16384 hash slots of the Redis cluster specification; here the slot is the upper bits of the
//! hash, not a remainder, and the number of slots is fixed for the same reason: both sides must agree on it.
#![forbid(unsafe_code)]

use core::fmt;

use super::{PartitionError, Partitioner, SlotMove};

/// Map slots in a table.
pub const MAP_SLOTS: usize = 1 << MAP_SLOT_BITS;
const MAP_SLOT_BITS: u32 = 14;

/// The most workers that a strategy with a table can number: at this many, each owns four map slots.
pub const WORKERS_MAX: usize = 4096;

/// Which worker owns which map slot; see the [module](self).
#[derive(Clone, PartialEq, Eq)]
pub struct SlotTable {
    owners: [u16; MAP_SLOTS],
    held: [u16; WORKERS_MAX],
    workers: usize,
    epoch: u64,
}

impl SlotTable {
    /// A table at epoch 0 in which workers `0..workers` own equally many map slots, give or take one, each of
    /// them in one run.
    ///
    /// # Errors
    ///
    /// [`PartitionError::NoWorkers`] for 0, [`PartitionError::TooManyWorkers`] above [`WORKERS_MAX`].
    pub const fn even(workers: usize) -> Result<Self, PartitionError> {
        if let Err(error) = check_workers(workers) {
            return Err(error);
        }
        let mut table = Self {
            owners: [0; MAP_SLOTS],
            held: [0; WORKERS_MAX],
            workers,
            epoch: 0,
        };
        let mut map_slot = 0;
        while map_slot < MAP_SLOTS {
            let worker = (map_slot * workers) >> MAP_SLOT_BITS;
            table.owners[map_slot] = worker as u16;
            table.held[worker] += 1;
            map_slot += 1;
        }
        Ok(table)
    }

    /// The table that another process described: its owners, number of workers and epoch.
    ///
    /// # Errors
    ///
    /// As [`even`](Self::even), and [`PartitionError::WorkerNotFound`] for an owner that is not below
    /// `workers`.
    pub fn from_owners(
        owners: &[u16; MAP_SLOTS],
        workers: usize,
        epoch: u64,
    ) -> Result<Self, PartitionError> {
        check_workers(workers)?;
        let mut table = Self {
            owners: *owners,
            held: [0; WORKERS_MAX],
            workers,
            epoch,
        };
        for &owner in owners {
            let worker = usize::from(owner);
            if worker >= workers {
                return Err(PartitionError::WorkerNotFound { worker, workers });
            }
            table.held[worker] += 1;
        }
        Ok(table)
    }

    /// The map slot of a hash: its upper 14 bits.
    #[inline]
    #[must_use]
    pub const fn map_slot_of(hash: u64) -> usize {
        (hash >> (64 - MAP_SLOT_BITS)) as usize
    }

    /// The owner of each map slot.
    #[must_use]
    pub const fn owners(&self) -> &[u16; MAP_SLOTS] {
        &self.owners
    }

    /// How many changes this table has seen.
    #[inline]
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The owner of a map slot, or `None` where there is no such slot.
    #[inline]
    #[must_use]
    pub fn owner_of(&self, map_slot: usize) -> Option<usize> {
        self.owners.get(map_slot).map(|&owner| usize::from(owner))
    }

    /// How many map slots each worker owns, by its number.
    #[must_use]
    pub fn slot_counts(&self) -> &[u16] {
        &self.held[..self.workers]
    }

    /// The map slots that `worker` owns, in rising order. Cost: one pass over the table.
    pub fn slots_of(&self, worker: usize) -> impl Iterator<Item = usize> + '_ {
        let owned = move |&(_, owner): &(usize, &u16)| usize::from(*owner) == worker;
        self.owners
            .iter()
            .enumerate()
            .filter(owned)
            .map(|(map_slot, _)| map_slot)
    }

    /// Gives a map slot to `to`, and returns who had it. A move to its owner changes nothing, not even the
    /// epoch.
    ///
    /// # Errors
    ///
    /// [`PartitionError::MapSlotNotFound`] and [`PartitionError::WorkerNotFound`].
    pub fn move_slot(&mut self, map_slot: usize, to: usize) -> Result<usize, PartitionError> {
        self.check_worker(to)?;
        let Some(owner) = self.owners.get_mut(map_slot) else {
            return Err(PartitionError::MapSlotNotFound { map_slot });
        };
        let from = usize::from(*owner);
        if from != to {
            *owner = to as u16;
            self.held[from] -= 1;
            self.held[to] += 1;
            self.epoch += 1;
        }
        Ok(from)
    }

    /// Carries out one move of a plan, if the slot still has the owner that the plan saw.
    ///
    /// # Errors
    ///
    /// As [`move_slot`](Self::move_slot), and [`PartitionError::StaleMove`] where another move came first.
    pub fn apply(&mut self, planned: SlotMove) -> Result<(), PartitionError> {
        let SlotMove {
            map_slot,
            from: expected,
            to,
        } = planned;
        match self.owner_of(map_slot) {
            Some(found) if found != expected => Err(PartitionError::StaleMove {
                map_slot,
                expected,
                found,
            }),
            _ => self.move_slot(map_slot, to).map(|_| ()),
        }
    }

    /// Changes how many workers there are, without a move: new ones own nothing yet, those that go must own
    /// nothing more.
    ///
    /// # Errors
    ///
    /// As [`even`](Self::even), and [`PartitionError::WorkerHoldsSlots`] for the first worker that would go
    /// and still owns map slots.
    pub fn set_workers(&mut self, workers: usize) -> Result<(), PartitionError> {
        check_workers(workers)?;
        for worker in workers..self.workers {
            if self.held[worker] > 0 {
                let held = usize::from(self.held[worker]);
                return Err(PartitionError::WorkerHoldsSlots { worker, held });
            }
        }
        if workers != self.workers {
            self.workers = workers;
            self.epoch += 1;
        }
        Ok(())
    }

    pub(super) fn check_worker(&self, worker: usize) -> Result<(), PartitionError> {
        match worker < self.workers {
            true => Ok(()),
            false => Err(PartitionError::WorkerNotFound {
                worker,
                workers: self.workers,
            }),
        }
    }
}

/// Whether a table can number this many workers.
pub(super) const fn check_workers(workers: usize) -> Result<(), PartitionError> {
    match workers {
        0 => Err(PartitionError::NoWorkers),
        1..=WORKERS_MAX => Ok(()),
        _ => Err(PartitionError::TooManyWorkers {
            workers,
            limit: WORKERS_MAX,
        }),
    }
}

impl Partitioner for SlotTable {
    #[inline]
    fn worker_of(&self, hash: u64) -> usize {
        usize::from(self.owners[Self::map_slot_of(hash)])
    }

    fn workers(&self) -> usize {
        self.workers
    }
}

impl fmt::Debug for SlotTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlotTable")
            .field("epoch", &self.epoch)
            .field("slot_counts", &self.slot_counts())
            .finish_non_exhaustive()
    }
}
