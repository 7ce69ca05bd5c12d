//! Maglev: a lookup table that is almost perfectly even and almost stable when workers come and go.
//!
//! ```
//! use shared_nothing::partition::{Maglev, Partitioner, StableHash};
//!
//! let table = Maglev::new(4)?;
//! assert!(table.worker_of("user:42".stable_hash(0)) < 4);
//!
//! let without_two = Maglev::from_members(&[0, 1, 3])?; // rebuilt without worker 2
//! assert_ne!(without_two.worker_of("user:42".stable_hash(0)), 2);
//! # Ok::<(), shared_nothing::partition::PartitionError>(())
//! ```
//!
//! Use it where members change rarely, any of them may leave, and every process builds the table by itself
//! from the list of members: nothing but the list need be shared. A change moves a little more than it must
//! (about half a percent of the keys with 16 workers); [`SlotTable`](super::SlotTable) moves exactly what it
//! must, but the table has to be handed round.
//!
//! Each worker has a permutation of the table, from two hashes of its number; in turns, each takes the first
//! free place of its permutation until the table is full. So shares differ by one place at most.
//!
//! Cost: a lookup is a wide multiplication and a load from 128 KiB; building takes about `size * ln(size)`
//! steps in the mean, a millisecond or so.
//!
//! Reference: D. Eisenbud and others, *Maglev: a fast and reliable software network load balancer*, NSDI
//! 2016, section 3.4.
#![forbid(unsafe_code)]

extern crate std;

use std::{boxed::Box, vec::Vec};

use super::multiply_shift::scale;
use super::slot_table::check_workers;
use super::{PartitionError, Partitioner, hash_u64};

/// Places of a table where nothing else is said: a prime, large against the workers.
pub const MAGLEV_SIZE_DEFAULT: usize = 65537;
/// The most places of a table.
pub const MAGLEV_SIZE_MAX: usize = 1 << 24;

/// The permutations depend on these numbers; others would make another table.
const OFFSET_SEED: u64 = 0x6f66_6673;
const SKIP_SEED: u64 = 0x736b_6970;
const FREE: u16 = u16::MAX;

/// A table built from the list of its members; see the [module](self).
#[derive(Clone, PartialEq, Eq)]
pub struct Maglev {
    owners: Box<[u16]>,
    workers: usize,
}

impl Maglev {
    /// Workers `0..workers`, with [`MAGLEV_SIZE_DEFAULT`] places.
    ///
    /// # Errors
    ///
    /// [`PartitionError::NoWorkers`] for 0, [`PartitionError::TooManyWorkers`] above
    /// [`WORKERS_MAX`](super::WORKERS_MAX).
    pub fn new(workers: usize) -> Result<Self, PartitionError> {
        check_workers(workers)?;
        Self::from_members(&(0..workers).collect::<Vec<_>>())
    }

    /// The workers named by their numbers, in any order, with [`MAGLEV_SIZE_DEFAULT`] places.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), and [`PartitionError::WorkerExists`] for a number that occurs twice.
    pub fn from_members(members: &[usize]) -> Result<Self, PartitionError> {
        Self::with_size(members, MAGLEV_SIZE_DEFAULT)
    }

    /// The same with `size` places. A hundred times as many places as workers keeps shares within one percent.
    ///
    /// # Errors
    ///
    /// As [`from_members`](Self::from_members), and [`PartitionError::BadTableSize`] where `size` is not a
    /// prime, is above [`MAGLEV_SIZE_MAX`], or is below the number of members.
    pub fn with_size(members: &[usize], size: usize) -> Result<Self, PartitionError> {
        let mut members = members.to_vec();
        members.sort_unstable();
        let workers = members.last().map_or(0, |&last| last.saturating_add(1));
        check_workers(workers)?;
        if let Some(pair) = members.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(PartitionError::WorkerExists { worker: pair[0] });
        }
        if size > MAGLEV_SIZE_MAX || !is_prime(size) || size < members.len() {
            return Err(PartitionError::BadTableSize { size });
        }
        Ok(Self {
            owners: fill(&members, size),
            workers,
        })
    }

    /// The owner of each place.
    #[must_use]
    pub fn owners(&self) -> &[u16] {
        &self.owners
    }
}

fn fill(members: &[usize], size: usize) -> Box<[u16]> {
    let mut owners = std::vec![FREE; size].into_boxed_slice();
    let mut turns: Vec<Turn> = members
        .iter()
        .map(|&worker| Turn::of(worker, size))
        .collect();
    for taken in 0..size {
        let turn = &mut turns[taken % members.len()];
        // A skip below a prime size visits every place, so a free one is found.
        while owners[turn.place] != FREE {
            turn.step(size);
        }
        owners[turn.place] = turn.worker;
    }
    owners
}

/// A worker's way through its permutation.
struct Turn {
    worker: u16,
    place: usize,
    skip: usize,
}

impl Turn {
    fn of(worker: usize, size: usize) -> Self {
        let place = scale(hash_u64(worker as u64, OFFSET_SEED), size);
        let skip = 1 + scale(hash_u64(worker as u64, SKIP_SEED), size - 1);
        Self {
            worker: worker as u16,
            place,
            skip,
        }
    }

    fn step(&mut self, size: usize) {
        self.place += self.skip;
        if self.place >= size {
            self.place -= size;
        }
    }
}

fn is_prime(number: usize) -> bool {
    let divisors = || (2..).take_while(|divisor| divisor * divisor <= number);
    number > 1 && divisors().all(|divisor| number % divisor != 0)
}

impl Partitioner for Maglev {
    #[inline]
    fn worker_of(&self, hash: u64) -> usize {
        usize::from(self.owners[scale(hash, self.owners.len())])
    }

    fn workers(&self) -> usize {
        self.workers
    }
}

impl core::fmt::Debug for Maglev {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Maglev")
            .field("workers", &self.workers)
            .field("size", &self.owners.len())
            .finish_non_exhaustive()
    }
}
