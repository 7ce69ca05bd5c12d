//! A partition map in any format of `serde`: feature `serde`.
//!
//! ```
//! use shared_nothing::partition::{PartitionMap, SlotTable};
//!
//! let map = PartitionMap::new(SlotTable::even(4)?, 7);
//! let text = serde_json::to_string(&map)?;
//! assert!(text.starts_with(r#"{"format":1,"hash":1,"workers":4,"seed":7,"epoch":0,"owners":[0,0,"#));
//! assert_eq!(serde_json::from_str::<PartitionMap>(&text)?, map);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The members are those of the encoding in bytes, less its check sum: the version of the format and of the hash, the
//! number of workers, the seed, the epoch, and the owner of each map slot. Versions come first, so that a later format
//! is refused by its number, whatever follows. Other versions, other lengths, owners that are no worker, unknown
//! members and missing ones are errors, with the reasons of [`PartitionError`](super::PartitionError) in words.
//!
//! The seed and the epoch are numbers of 64 bits: whatever carries the map must not take them for floats. Cost: about
//! 48 KB as JSON; [`encode`](PartitionMap::encode) needs 32 KiB. No allocation here, and no `std`.
#![forbid(unsafe_code)]

use core::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, SeqAccess, Visitor},
};

use super::map::FORMAT_VERSION;
use super::{HASH_VERSION, MAP_SLOTS, PartitionMap, Partitioner, SlotTable};

/// What is written.
#[derive(Serialize)]
#[serde(rename = "PartitionMap")]
struct Written<'a> {
    format: u32,
    hash: u32,
    workers: u32,
    seed: u64,
    epoch: u64,
    owners: &'a [u16],
}

/// What is read: the same members, checked as they come.
#[derive(Deserialize)]
#[serde(rename = "PartitionMap", deny_unknown_fields)]
struct Read {
    #[serde(deserialize_with = "format_version")]
    #[allow(dead_code, reason = "it is checked when it is read")]
    format: (),
    #[serde(deserialize_with = "hash_version")]
    #[allow(dead_code, reason = "it is checked when it is read")]
    hash: (),
    workers: u32,
    seed: u64,
    epoch: u64,
    owners: Owners,
}

impl Serialize for PartitionMap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let written = Written {
            format: FORMAT_VERSION,
            hash: HASH_VERSION,
            workers: self.table().workers() as u32,
            seed: self.seed(),
            epoch: self.table().epoch(),
            owners: self.table().owners(),
        };
        written.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PartitionMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = Read::deserialize(deserializer)?;
        let workers = read.workers as usize;
        let table = SlotTable::from_owners(&read.owners.0, workers, read.epoch)
            .map_err(D::Error::custom)?;
        Ok(Self::new(table, read.seed))
    }
}

fn format_version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    known(deserializer, "format", FORMAT_VERSION)
}

fn hash_version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    known(deserializer, "hash", HASH_VERSION)
}

fn known<'de, D: Deserializer<'de>>(
    deserializer: D,
    what: &str,
    version: u32,
) -> Result<(), D::Error> {
    match u32::deserialize(deserializer)? {
        found if found == version => Ok(()),
        found => Err(D::Error::custom(format_args!(
            "a partition map of {what} {found} is not known here, only of {version}"
        ))),
    }
}

/// Exactly as many owners as there are map slots.
struct Owners([u16; MAP_SLOTS]);

impl<'de> Deserialize<'de> for Owners {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(OwnersVisitor)
    }
}

struct OwnersVisitor;

impl<'de> Visitor<'de> for OwnersVisitor {
    type Value = Owners;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the owners of {MAP_SLOTS} map slots")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Owners, A::Error> {
        let mut owners = [0; MAP_SLOTS];
        for (map_slot, owner) in owners.iter_mut().enumerate() {
            *owner = seq
                .next_element()?
                .ok_or_else(|| A::Error::invalid_length(map_slot, &self))?;
        }
        // One too many is enough to know: a hostile list is not read to its end.
        match seq.next_element::<serde::de::IgnoredAny>()? {
            None => Ok(Owners(owners)),
            Some(_) => Err(A::Error::invalid_length(MAP_SLOTS + 1, &self)),
        }
    }
}
