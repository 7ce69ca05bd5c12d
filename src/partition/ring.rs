//! A ring of hashes with virtual nodes: consistent hashing as most systems know it, with weights.
//!
//! ```
//! use shared_nothing::partition::{HashRing, Partitioner, StableHash};
//!
//! let mut ring = HashRing::new(4)?;
//! let hash = "user:42".stable_hash(0);
//! let old = ring.worker_of(hash);
//! ring.add_worker(4, 256)?;
//! let new = ring.worker_of(hash);
//! assert!(new == old || new == 4, "a key stays or goes to the new worker");
//! ring.remove_worker(4)?;
//! assert_eq!(ring.worker_of(hash), old);
//! # Ok::<(), shared_nothing::partition::PartitionError>(())
//! ```
//!
//! ```text
//! 0 ─────●───────────●────●──────────────●─────── 2^64    each ● is a vnode of some worker and owns the hashes
//!        w2          w0   w2             w1  ──► w2       from the vnode before it, so the last arc wraps round
//! ```
//!
//! Use it where others expect a ring. It is less even than every other strategy here: with `v` vnodes a
//! worker, the deviation of a share is about `1 / sqrt(v)`; with 256 the largest of 16 shares is about 11 %
//! over the mean. [`SlotTable`](super::SlotTable) and [`Rendezvous`](super::Rendezvous) are even.
//!
//! Cost: two or three loads, however many vnodes there are: an index says which vnode is the first from each of some
//! `2 * workers * vnodes` equal parts of the ring on, and between the begin of its part and a hash lies a quarter of a
//! vnode in the mean. A binary search would take twelve steps for 4096 vnodes, each waiting for the one before. Memory:
//! 18 to 26 bytes a vnode; a change sorts them again.
//!
//! Reference: D. Karger and others, *Consistent hashing and random trees*, STOC 1997.
#![forbid(unsafe_code)]

extern crate std;

use std::vec::Vec;

use super::{PartitionError, Partitioner, StableHash, WORKERS_MAX};

/// Virtual nodes of a worker where nothing else is said.
pub const VNODES_DEFAULT: usize = 256;

/// The most virtual nodes of one worker.
pub const VNODES_MAX: usize = 1 << 16;

/// Where the vnodes of a ring lie depends on this number; another one would be another ring.
const RING_SEED: u64 = 0x7269_6e67;

/// Workers with weights on a ring of hashes; see the [module](self).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashRing {
    /// Positions of all vnodes, sorted; never empty.
    positions: Vec<u64>,
    /// The worker of each.
    owners: Vec<u16>,
    /// The ring in equal parts, a power of two: how many vnodes lie before each.
    before: Vec<u32>,
    /// What a hash is shifted by to get its part.
    shift: u32,
    /// Vnodes of each worker number, 0 for one that is no member.
    vnodes: Vec<u32>,
}

impl HashRing {
    /// Workers `0..workers` with [`VNODES_DEFAULT`] each.
    ///
    /// # Errors
    ///
    /// [`PartitionError::NoWorkers`] for 0, [`PartitionError::TooManyWorkers`] above [`WORKERS_MAX`].
    pub fn new(workers: usize) -> Result<Self, PartitionError> {
        super::slot_table::check_workers(workers)?;
        Self::weighted(&std::vec![VNODES_DEFAULT; workers])
    }

    /// As many workers as `vnodes` is long, each with that many vnodes: a worker's share is in proportion.
    /// With 0 it is no member.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), [`PartitionError::TooManyVnodes`], and [`PartitionError::NoWorkers`] where all
    /// are 0.
    pub fn weighted(vnodes: &[usize]) -> Result<Self, PartitionError> {
        super::slot_table::check_workers(vnodes.len())?;
        for &vnodes in vnodes {
            check_vnodes(vnodes)?;
        }
        let vnodes = vnodes.iter().map(|&vnodes| vnodes as u32).collect();
        let mut ring = Self {
            positions: Vec::new(),
            owners: Vec::new(),
            before: Vec::new(),
            shift: 0,
            vnodes,
        };
        ring.place();
        match ring.positions.is_empty() {
            true => Err(PartitionError::NoWorkers),
            false => Ok(ring),
        }
    }

    /// Adds a worker. Only keys that it now owns move.
    ///
    /// # Errors
    ///
    /// [`PartitionError::WorkerExists`], [`PartitionError::TooManyWorkers`] for a number from [`WORKERS_MAX`]
    /// on, [`PartitionError::TooManyVnodes`], and [`PartitionError::NoWorkers`] for 0 vnodes.
    pub fn add_worker(&mut self, worker: usize, vnodes: usize) -> Result<(), PartitionError> {
        super::slot_table::check_workers(worker.saturating_add(1))?;
        check_vnodes(vnodes)?;
        if vnodes == 0 {
            return Err(PartitionError::NoWorkers);
        }
        if self.vnodes_of(worker) > 0 {
            return Err(PartitionError::WorkerExists { worker });
        }
        self.vnodes.resize(self.vnodes.len().max(worker + 1), 0);
        self.vnodes[worker] = vnodes as u32;
        self.place();
        Ok(())
    }

    /// Removes a worker, any of them. Only its keys move. It keeps its number.
    ///
    /// # Errors
    ///
    /// [`PartitionError::WorkerNotFound`], and [`PartitionError::NoWorkers`] for the last one.
    pub fn remove_worker(&mut self, worker: usize) -> Result<(), PartitionError> {
        let vnodes = self.vnodes_of(worker);
        if vnodes == 0 {
            return Err(PartitionError::WorkerNotFound {
                worker,
                workers: self.vnodes.len(),
            });
        }
        if vnodes == self.positions.len() {
            return Err(PartitionError::NoWorkers);
        }
        self.vnodes[worker] = 0;
        self.place();
        Ok(())
    }

    /// The vnodes of a worker; 0 where it is no member.
    #[must_use]
    pub fn vnodes_of(&self, worker: usize) -> usize {
        self.vnodes.get(worker).map_or(0, |&vnodes| vnodes as usize)
    }

    /// How many of the 2^64 hashes each worker owns, by its number: its exact share.
    #[must_use]
    pub fn shares(&self) -> Vec<u128> {
        let mut shares = std::vec![0; self.vnodes.len()];
        // The first vnode owns what lies up to it, and what lies after the last one.
        let mut from = self.positions[self.positions.len() - 1];
        for (&position, &owner) in self.positions.iter().zip(&self.owners) {
            shares[usize::from(owner)] += u128::from(position.wrapping_sub(from));
            from = position;
        }
        if self.positions[0] == from {
            shares[usize::from(self.owners[0])] = 1 << 64; // a single position owns the whole ring
        }
        shares
    }

    /// Sorts all vnodes by position. Equal positions are sorted by worker, so that the order they came in
    /// does not matter.
    fn place(&mut self) {
        let mut points: Vec<(u64, u16)> = Vec::new();
        for (worker, &vnodes) in (0_u16..).zip(&self.vnodes) {
            points
                .extend((0..vnodes).map(|vnode| ((worker, vnode).stable_hash(RING_SEED), worker)));
        }
        points.sort_unstable();
        self.positions = points.iter().map(|point| point.0).collect();
        self.owners = points.iter().map(|point| point.1).collect();
        self.index();
    }

    /// Counts what lies before each part, for twice as many parts as vnodes or more.
    fn index(&mut self) {
        let parts = (2 * self.positions.len()).next_power_of_two().max(2);
        self.shift = u64::BITS - parts.trailing_zeros();
        self.before.clear();
        self.before.reserve_exact(parts);
        let mut before = 0;
        for part in 0..parts as u64 {
            let begin = part << self.shift;
            before += self.positions[before..]
                .iter()
                .take_while(|&&position| position < begin)
                .count();
            self.before.push(before as u32);
        }
    }
}

fn check_vnodes(vnodes: usize) -> Result<(), PartitionError> {
    match vnodes {
        0..=VNODES_MAX => Ok(()),
        _ => Err(PartitionError::TooManyVnodes {
            vnodes,
            limit: VNODES_MAX,
        }),
    }
}

impl Partitioner for HashRing {
    #[inline]
    fn worker_of(&self, hash: u64) -> usize {
        let first = self.before[(hash >> self.shift) as usize] as usize;
        let after = self.positions[first..].iter();
        let vnode = first + after.take_while(|&&position| position < hash).count();
        // Past the last vnode the ring closes.
        let vnode = if vnode == self.owners.len() { 0 } else { vnode };
        usize::from(self.owners[vnode])
    }

    fn workers(&self) -> usize {
        self.vnodes.len()
    }
}

const _: () = assert!(WORKERS_MAX <= 1 << 16, "owners are kept in 16 bits");
const _: () = assert!(
    WORKERS_MAX * VNODES_MAX <= u32::MAX as usize,
    "vnodes are counted in 32 bits"
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partition::hash_u64;

    #[test]
    fn the_index_finds_what_a_search_finds() {
        for vnodes in [
            std::vec![1],
            std::vec![1, 1],
            std::vec![3, 0, 2],
            std::vec![256; 16],
        ] {
            let ring = HashRing::weighted(&vnodes).unwrap();
            let near =
                |&position: &u64| [position.wrapping_sub(1), position, position.wrapping_add(1)];
            let begins = (0..ring.before.len() as u64).map(|part| part << ring.shift);
            let edges = ring.positions.iter().copied().chain(begins);
            let hashes = edges.flat_map(|edge| near(&edge));
            for hash in hashes.chain((0..5000).map(|key| hash_u64(key, 1))) {
                let vnode = ring.positions.partition_point(|&position| position < hash);
                let owner = usize::from(ring.owners[vnode % ring.owners.len()]);
                assert_eq!(ring.worker_of(hash), owner, "{hash:x} among {vnodes:?}");
            }
        }
    }
}
