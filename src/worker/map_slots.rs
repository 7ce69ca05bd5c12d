//! A set of map slots, for workers that give the state of some away.
#![forbid(unsafe_code)]

use core::fmt;

use crate::{
    partition::{MAP_SLOTS, SlotTable, StableHash},
    pool::key_hash,
};

/// Map slots that move together. A key belongs to one of them, or not.
#[derive(Clone, PartialEq, Eq)]
pub struct MapSlots {
    bits: Box<[u64]>,
    slots: Box<[usize]>,
}

impl MapSlots {
    pub(crate) fn new(slots: &[usize]) -> Self {
        let mut bits = vec![0; MAP_SLOTS / 64];
        for slot in slots {
            bits[slot / 64] |= 1 << (slot % 64);
        }
        Self {
            bits: bits.into(),
            slots: slots.into(),
        }
    }

    /// Whether the map slot is one of them.
    #[must_use]
    pub fn contains(&self, map_slot: usize) -> bool {
        let word = self.bits.get(map_slot / 64);
        word.is_some_and(|word| word >> (map_slot % 64) & 1 == 1)
    }

    /// Whether messages of `key` go to one of them.
    #[must_use]
    pub fn contains_key<K: StableHash + ?Sized>(&self, key: &K) -> bool {
        self.contains(SlotTable::map_slot_of(key_hash(key)))
    }

    /// Their numbers.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.slots.iter().copied()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    pub(crate) fn slots(&self) -> &[usize] {
        &self.slots
    }
}

impl fmt::Debug for MapSlots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MapSlots").field(&self.slots).finish()
    }
}
