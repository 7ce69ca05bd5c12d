//! How a ring is made, and what happens when its ends go.

use core::{alloc::Layout, mem::MaybeUninit};

use super::{
    header::{Cell, Header},
    raw::Raw,
    stamp::{CLOSED, STEP, Says, after, mask_of, unused},
};
#[cfg(feature = "alloc")]
use crate::storage::owned::Memory;
use crate::{
    CapacityError, MemoryError,
    pos::slots_for,
    share::Home,
    storage,
    storage::Block,
    sync::{AtomicUsize, Ordering::Relaxed},
};

impl<T> Raw<T> {
    /// Size and alignment of a ring.
    pub(crate) fn layout(capacity: usize) -> Result<Layout, CapacityError> {
        storage::layout::<Header, Cell<T>>(slots_for(capacity)?)
    }

    /// A ring in memory that stays borrowed as long as the ring is used.
    pub(crate) fn place(
        memory: &mut [MaybeUninit<u8>],
        capacity: usize,
        start: usize,
        one_producer: bool,
    ) -> Result<Self, MemoryError> {
        let slots = slots_for(capacity)?;
        let start = start & !(STEP - 1);
        let header = Header::new(capacity, slots, start, one_producer);
        let block = storage::mapped::place(memory, header, slots)?;
        // SAFETY: just made, with that many slots.
        unsafe { stamp_all::<T>(block, slots, start) };
        Ok(Self { block })
    }

    /// A ring in memory that it owns from now on.
    #[cfg(feature = "alloc")]
    pub(crate) fn place_in(
        mut memory: impl Memory,
        capacity: usize,
        one_producer: bool,
    ) -> Result<Self, MemoryError> {
        // SAFETY: 1: a ring that is refused is none, and else the keeper lives until `leave_memory`. 2: this is the one.
        let bytes = unsafe { storage::owned::slice(&mut memory) };
        let raw = Self::place(bytes, capacity, 0, one_producer)?;
        let keeper = alloc::boxed::Box::new(memory);
        raw.header().fixed.keeper.set(keeper);
        Ok(raw)
    }

    /// Ends a ring from [`place`](Self::place) or `place_in` without a look at its slots.
    ///
    /// # Safety
    ///
    /// 1. The ring came from there, and nothing uses it afterwards.
    unsafe fn leave_memory(self) {
        #[cfg(feature = "alloc")]
        let _dropped_last = self.header().fixed.keeper.take();
        // SAFETY: duty 1.
        unsafe { storage::mapped::leave(self.block) };
    }

    /// A ring on the heap.
    #[cfg(feature = "alloc")]
    pub(crate) fn allocate(
        capacity: usize,
        start: usize,
        one_producer: bool,
    ) -> Result<Self, CapacityError> {
        let slots = slots_for(capacity)?;
        let start = start & !(STEP - 1);
        let header = Header::new(capacity, slots, start, one_producer);
        let block = storage::heap::allocate::<Header, Cell<T>>(header, slots)?;
        // SAFETY: just made, with that many slots.
        unsafe { stamp_all::<T>(block, slots, start) };
        Ok(Self { block })
    }

    /// # Safety
    ///
    /// 1. The ring came from [`allocate`](Self::allocate), and nothing uses it afterwards.
    #[cfg(feature = "alloc")]
    unsafe fn deallocate(self) {
        let slots = super::stamp::slots_of(self.header().fixed.mask);
        // SAFETY: duty 1, and `allocate` made that many slots.
        unsafe { storage::heap::deallocate(self.block, slots) };
    }

    /// Counts the first end of either side of a new ring.
    pub(crate) fn claim_first_ends(&self) {
        let fixed = &self.header().fixed;
        let first = fixed.ends.claim(2) && fixed.producers.claim(1) && fixed.consumers.claim(1);
        debug_assert!(first, "a new ring has no ends");
    }

    /// Drops every value that was published and not claimed. The ring is empty afterwards.
    ///
    /// A value that panics while it is dropped stops nothing: the rest are dropped during the unwinding.
    ///
    /// # Safety
    ///
    /// 1. All ends are gone, and what they did happened before this call.
    pub(crate) unsafe fn drop_leftovers(&self) {
        let Header {
            producers,
            consumers,
            ..
        } = self.header();
        // RELAXED: no end is left but the caller (duty 1).
        let end = producers.write_pos.load(Relaxed) & !CLOSED;
        // RELAXED: as above.
        let mut pos = consumers.read_pos.load(Relaxed);
        while pos != end {
            let next = after(pos, 1);
            // SAFETY: no end is left but the caller (duty 1). RELAXED: as above. It moves first, so that a value whose
            // drop panics is behind it.
            unsafe { consumers.read_pos.store(next, Relaxed) };
            let rest = Rest(*self);
            // A grant that was forgotten leaves a position without a value.
            if self.at(pos).look() == Says::Written {
                // SAFETY: no other end is left (duty 1), and just found written.
                unsafe { self.at(pos).drop_value() };
            }
            core::mem::forget(rest);
            pos = next;
        }

        /// Goes on behind a value whose drop panicked.
        struct Rest<T>(Raw<T>);
        impl<T> Drop for Rest<T> {
            fn drop(&mut self) {
                // SAFETY: made by `drop_leftovers` alone, so its duty holds.
                unsafe { self.0.drop_leftovers() };
            }
        }
    }
}

/// Writes the stamps of a new ring. A slot without a value needs no write.
///
/// # Safety
///
/// 1. The block has that many slots, and nobody else has it yet.
unsafe fn stamp_all<T>(block: Block<Header, Cell<T>>, slots: usize, start: usize) {
    for index in 0..slots {
        let stamp = unused(index, mask_of(slots), start);
        // SAFETY: inside the block, and nobody else has it yet (duty 1).
        unsafe {
            (&raw mut (*block.slot_ptr(index).as_ptr()).stamp).write(AtomicUsize::new(stamp))
        };
    }
}

/// Which ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Side {
    Producers,
    Consumers,
}

/// An end goes. The last of its side closes the ring, and the last of all cleans up a ring that nobody else keeps.
///
/// # Safety
///
/// 1. The caller is an end of `side` that lives by `home`, is counted there, and never touches the ring again.
pub(crate) unsafe fn leave<T>(raw: Raw<T>, home: Home, side: Side) {
    let fixed = &raw.header().fixed;
    let last = match side {
        Side::Producers => fixed.producers.leave(),
        Side::Consumers => fixed.consumers.leave(),
    };
    if !last {
        return;
    }
    match side {
        // SAFETY: the last producer is the one producer of a ring that has one.
        Side::Producers if fixed.one_producer => unsafe { raw.header().finish() },
        _ => raw.header().close(),
    }
    match home {
        Home::Borrowed => {}
        Home::Static => {
            let _last = fixed.ends.leave();
        }
        Home::Mapped => {
            if fixed.ends.leave() {
                // SAFETY: the last end; LEAVE orders what the others did before this. The ring came from `place`.
                unsafe { clean_up(raw, Raw::leave_memory) };
            }
        }
        #[cfg(feature = "alloc")]
        Home::Heap => {
            if fixed.ends.leave() {
                // SAFETY: the last end; LEAVE orders what the others did before this. The ring came from `allocate`.
                unsafe { clean_up(raw, Raw::deallocate) };
            }
        }
    }
}

/// Drops what is left in a ring and then ends it by `end`, also when a leftover's drop panics.
///
/// # Safety
///
/// 1. The last end is gone, and what all ends did happened before this call.
/// 2. `end` may be called on the ring, and nothing uses it afterwards.
unsafe fn clean_up<T>(raw: Raw<T>, end: unsafe fn(Raw<T>)) {
    struct End<T>(Raw<T>, unsafe fn(Raw<T>));
    impl<T> Drop for End<T> {
        fn drop(&mut self) {
            // SAFETY: duty 2 of `clean_up`, which alone makes one.
            unsafe { (self.1)(self.0) };
        }
    }
    let _end = End(raw, end);
    // SAFETY: duty 1.
    unsafe { raw.drop_leftovers() };
}
