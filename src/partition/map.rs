//! A partition map: all that another process must know to route alike.
//!
//! ```
//! use shared_nothing::partition::{PARTITION_MAP_LEN, PartitionMap, SlotTable};
//!
//! let map = PartitionMap::new(SlotTable::even(4)?, 7);
//! let mut bytes = vec![0; PARTITION_MAP_LEN];
//! map.encode((&mut bytes[..]).try_into().expect("the length is right"));
//!
//! // In another process, on another machine, in another build:
//! let theirs = PartitionMap::decode(&bytes)?;
//! assert_eq!(theirs.worker_of_key("user:42"), map.worker_of_key("user:42"));
//! # Ok::<(), shared_nothing::partition::PartitionError>(())
//! ```
//!
//! # Format 1
//!
//! All numbers little-endian.
//!
//! | bytes | content |
//! |---|---|
//! | 0..4 | `"SNPM"` |
//! | 4..8 | version of this format: 1 |
//! | 8..12 | [`HASH_VERSION`] |
//! | 12..16 | number of workers |
//! | 16..24 | seed of the hash |
//! | 24..32 | epoch of the table |
//! | 32..32800 | the owner of each map slot, 2 bytes each |
//! | 32800..32808 | [`hash_bytes`] of all bytes before, with seed 0 |
//!
//! The last number finds damage, not forgery. Cost: one pass over 32 KiB each way; no allocation.
//!
//! With the feature `serde` a map is `Serialize` and `Deserialize`, too, with the same members but the sum: `format`,
//! `hash`, `workers`, `seed`, `epoch` and `owners`. What this build does not know or cannot route by is refused, in words.
#![forbid(unsafe_code)]

use super::{
    HASH_VERSION, MAP_SLOTS, PartitionError, Partitioner, SlotTable, StableHash, hash_bytes,
};

/// Bytes of an encoded [`PartitionMap`].
pub const PARTITION_MAP_LEN: usize = HEADER_LEN + 2 * MAP_SLOTS + 8;

const HEADER_LEN: usize = 32;
const MAGIC: &[u8; 4] = b"SNPM";
pub(super) const FORMAT_VERSION: u32 = 1;

/// A slot table and the seed that its keys are hashed with; see the [module](self).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionMap {
    table: SlotTable,
    seed: u64,
}

impl PartitionMap {
    /// Routes keys, hashed with `seed`, by `table`.
    #[must_use]
    pub const fn new(table: SlotTable, seed: u64) -> Self {
        Self { table, seed }
    }

    /// The worker of a key.
    #[inline]
    pub fn worker_of_key<K: StableHash + ?Sized>(&self, key: &K) -> usize {
        self.table.worker_of(key.stable_hash(self.seed))
    }

    /// The map slot of a key.
    #[inline]
    pub fn map_slot_of_key<K: StableHash + ?Sized>(&self, key: &K) -> usize {
        SlotTable::map_slot_of(key.stable_hash(self.seed))
    }

    /// What keys are hashed with.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// The table, to read.
    #[must_use]
    pub const fn table(&self) -> &SlotTable {
        &self.table
    }

    /// The table, to change.
    pub const fn table_mut(&mut self) -> &mut SlotTable {
        &mut self.table
    }

    /// Writes the map in format 1.
    pub fn encode(&self, out: &mut [u8; PARTITION_MAP_LEN]) {
        let (body, sum) = out.split_at_mut(PARTITION_MAP_LEN - 8);
        let (header, owners) = body.split_at_mut(HEADER_LEN);
        header[..4].copy_from_slice(MAGIC);
        header[4..8].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        header[8..12].copy_from_slice(&HASH_VERSION.to_le_bytes());
        header[12..16].copy_from_slice(&(self.table.workers() as u32).to_le_bytes());
        header[16..24].copy_from_slice(&self.seed.to_le_bytes());
        header[24..].copy_from_slice(&self.table.epoch().to_le_bytes());
        for (bytes, owner) in owners.chunks_exact_mut(2).zip(self.table.owners()) {
            bytes.copy_from_slice(&owner.to_le_bytes());
        }
        sum.copy_from_slice(&hash_bytes(body, 0).to_le_bytes());
    }

    /// Reads what [`encode`](Self::encode) wrote. Any bytes may be given.
    ///
    /// # Errors
    ///
    /// [`PartitionError::NotAMap`] for another length or beginning, [`PartitionError::UnknownVersion`] for a
    /// format or a hash that this build does not know, [`PartitionError::DamagedMap`] where the sum is wrong,
    /// and what [`SlotTable::from_owners`] refuses.
    pub fn decode(bytes: &[u8]) -> Result<Self, PartitionError> {
        let Ok(bytes) = <&[u8; PARTITION_MAP_LEN]>::try_from(bytes) else {
            return Err(PartitionError::NotAMap);
        };
        let (body, sum) = bytes.split_at(PARTITION_MAP_LEN - 8);
        let (header, encoded) = body.split_at(HEADER_LEN);
        if &header[..4] != MAGIC {
            return Err(PartitionError::NotAMap);
        }
        let (format, hash) = (u32_at(header, 4), u32_at(header, 8));
        if format != FORMAT_VERSION || hash != HASH_VERSION {
            return Err(PartitionError::UnknownVersion { format, hash });
        }
        if hash_bytes(body, 0) != u64_at(sum, 0) {
            return Err(PartitionError::DamagedMap);
        }
        let mut owners = [0; MAP_SLOTS];
        for (owner, bytes) in owners.iter_mut().zip(encoded.chunks_exact(2)) {
            *owner = u16::from_le_bytes([bytes[0], bytes[1]]);
        }
        let workers = u32_at(header, 12) as usize;
        let table = SlotTable::from_owners(&owners, workers, u64_at(header, 24))?;
        Ok(Self {
            table,
            seed: u64_at(header, 16),
        })
    }
}

/// Four bytes of a header, whose length the caller has checked.
fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes[at..]
        .first_chunk()
        .map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

/// Eight bytes of the same.
fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes[at..]
        .first_chunk()
        .map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
