//! The words before the slots, and what a process that finds them checks.
#![forbid(unsafe_code)]

use super::{AttachError, Owner};
use crate::sync::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

/// In this order of bytes on every machine.
pub(super) const MAGIC: u64 = u64::from_ne_bytes(*b"SNrings1");
/// Stands in the place of the magic while the rest is written.
const CREATING: u64 = u64::from_ne_bytes(*b"creating");
/// Another number on a machine of another byte order.
const BYTE_ORDER: u64 = 0x0102_0304_0506_0708;
/// To be raised with every change of the layout.
pub(super) const VERSION: u64 = 1;

/// What lies before the slots. Any bytes are a header, so that memory of unknown content may be looked at as one.
#[derive(Debug, Default)]
#[repr(C)]
pub(super) struct Header {
    pub(super) fixed: Fixed,
    pub(super) producer: EndLine,
    pub(super) consumer: EndLine,
}

#[derive(Debug, Default)]
#[repr(C, align(128))]
pub(super) struct Fixed {
    magic: AtomicU64,
    byte_order: AtomicU64,
    version: AtomicU64,
    item_bytes: AtomicU64,
    item_align: AtomicU64,
    capacity: AtomicU64,
}

/// What one end writes. The other reads it, and believes nothing.
#[derive(Debug, Default)]
#[repr(C, align(128))]
pub(super) struct EndLine {
    pub(super) pos: AtomicU64,
    pub(super) owner: AtomicU64,
    beats: AtomicU64,
    pub(super) closed: AtomicU64,
}

#[cfg(not(loom))]
mod layout {
    use core::mem::offset_of;

    use super::{EndLine, Fixed, Header};

    static_assertions::const_assert_eq!(offset_of!(Fixed, magic), 0);
    static_assertions::const_assert_eq!(offset_of!(Fixed, byte_order), 8);
    static_assertions::const_assert_eq!(offset_of!(Fixed, version), 16);
    static_assertions::const_assert_eq!(offset_of!(Fixed, item_bytes), 24);
    static_assertions::const_assert_eq!(offset_of!(Fixed, item_align), 32);
    static_assertions::const_assert_eq!(offset_of!(Fixed, capacity), 40);
    static_assertions::const_assert_eq!(offset_of!(EndLine, pos), 0);
    static_assertions::const_assert_eq!(offset_of!(EndLine, owner), 8);
    static_assertions::const_assert_eq!(offset_of!(EndLine, beats), 16);
    static_assertions::const_assert_eq!(offset_of!(EndLine, closed), 24);
    static_assertions::const_assert_eq!(offset_of!(Header, producer), 128);
    static_assertions::const_assert_eq!(offset_of!(Header, consumer), 256);
    static_assertions::const_assert_eq!(size_of::<Header>(), 384);
    static_assertions::const_assert_eq!(align_of::<Header>(), 128);
}

impl Header {
    /// Takes memory whose first word is 0 for a new ring; `false` if it is not.
    #[must_use]
    pub(super) fn begin(&self) -> bool {
        // RELAXED: it decides who goes on. What he writes is handed over by READY.
        self.fixed
            .magic
            .compare_exchange(0, CREATING, Relaxed, Relaxed)
            .is_ok()
    }

    /// Writes the header of an empty ring of items of this size and alignment, and makes it ready.
    pub(super) fn finish(&self, (bytes, align): (u64, u64), capacity: u64, first: u64) {
        let fixed = &self.fixed;
        // RELAXED: READY hands all of it over.
        fixed.byte_order.store(BYTE_ORDER, Relaxed);
        fixed.version.store(VERSION, Relaxed);
        fixed.item_bytes.store(bytes, Relaxed);
        fixed.item_align.store(align, Relaxed);
        fixed.capacity.store(capacity, Relaxed);
        for line in [&self.producer, &self.consumer] {
            // RELAXED: READY hands all of it over.
            line.pos.store(first, Relaxed);
            line.owner.store(0, Relaxed);
            line.beats.store(0, Relaxed);
            line.closed.store(0, Relaxed);
        }
        // READY, release end: whoever sees the magic sees the header.
        fixed.magic.store(MAGIC, Release);
    }

    /// The capacity of the ring that lies here, if it has such items. It may be any number.
    pub(super) fn check(&self, item: (u64, u64)) -> Result<u64, AttachError> {
        let fixed = &self.fixed;
        // READY, acquire end: the header is written.
        match fixed.magic.load(Acquire) {
            MAGIC => {}
            0 | CREATING => return Err(AttachError::NotReady),
            _ => return Err(AttachError::NotARing),
        }
        // RELAXED: written before READY, and never again.
        let byte_order = fixed.byte_order.load(Relaxed);
        if byte_order == BYTE_ORDER.swap_bytes() {
            return Err(AttachError::ForeignByteOrder);
        }
        if byte_order != BYTE_ORDER {
            return Err(AttachError::NotARing);
        }
        // RELAXED: written before READY, and never again.
        let found = fixed.version.load(Relaxed);
        if found != VERSION {
            let known = VERSION;
            return Err(AttachError::Version { found, known });
        }
        // RELAXED: written before READY, and never again.
        let found = (
            fixed.item_bytes.load(Relaxed),
            fixed.item_align.load(Relaxed),
        );
        if found != item {
            return Err(AttachError::Item { found });
        }
        // RELAXED: written before READY, and never again.
        Ok(fixed.capacity.load(Relaxed))
    }
}

impl EndLine {
    pub(super) fn owner(&self) -> Option<Owner> {
        // RELAXED: a question to the operating system follows, if anything.
        Owner::from_word(self.owner.load(Relaxed))
    }

    pub(super) fn is_owned_by(&self, me: Owner) -> bool {
        self.owner() == Some(me)
    }

    pub(super) fn beats(&self) -> u64 {
        // RELAXED: a count.
        self.beats.load(Relaxed)
    }

    /// Shows that the owner lives.
    pub(super) fn beat(&self) {
        // RELAXED: a count, stored by its owner alone.
        self.beats
            .store(self.beats.load(Relaxed).wrapping_add(1), Relaxed);
    }

    /// What a new owner does first.
    pub(super) fn opened(&self) {
        // RELAXED: an end that sees the flag a little longer finds it gone at its next look.
        self.closed.store(0, Relaxed);
        self.beat();
    }

    /// Gives the end up, unless somebody has taken it over.
    pub(super) fn free(&self, me: Owner) {
        // LEAVE, release end: where this owner stopped.
        let _replaced = self
            .owner
            .compare_exchange(me.to_word(), 0, Release, Relaxed);
    }
}
