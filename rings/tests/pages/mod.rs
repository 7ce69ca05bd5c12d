//! Memory that two ends of a test share, as two processes would share a mapping.
#![allow(dead_code, reason = "not every test uses all of it")]

use std::{
    alloc::{Layout, alloc_zeroed, dealloc},
    ptr::NonNull,
    sync::atomic::AtomicU64,
};

use shared_nothing_rings::shared::{self, AttachError, CreateError, Owner, Plain, Ring};

/// Bytes before the slots.
pub(crate) const SLOTS: usize = 384;

/// Zeroed memory, as a mapping would be.
pub(crate) struct Pages {
    pub(crate) start: NonNull<u8>,
    layout: Layout,
}

// SAFETY: only its address moves.
unsafe impl Send for Pages {}
// SAFETY: all accesses to it are atomic.
unsafe impl Sync for Pages {}

impl Pages {
    pub(crate) fn new(bytes: usize) -> Self {
        let layout = Layout::from_size_align(bytes, 4096).expect("a small layout");
        // SAFETY: not of size 0.
        let start = NonNull::new(unsafe { alloc_zeroed(layout) }).expect("memory");
        Self { start, layout }
    }

    pub(crate) fn word(&self, offset: usize) -> &AtomicU64 {
        assert!(offset + 8 <= self.layout.size() && offset % 8 == 0);
        // SAFETY: inside the pages, aligned, and all accesses to them are atomic.
        unsafe { self.start.add(offset).cast().as_ref() }
    }

    pub(crate) fn try_create<T: Plain>(&self, capacity: usize) -> Result<Ring<'_, T>, CreateError> {
        // SAFETY: the pages live for the borrow and are touched atomically alone.
        unsafe { shared::create(self.start, self.layout.size(), capacity) }
    }

    pub(crate) fn create<T: Plain>(&self, capacity: usize, first: u64) -> Ring<'_, T> {
        // SAFETY: as in `try_create`.
        unsafe { shared::create_at(self.start, self.layout.size(), capacity, first) }.expect("room")
    }

    pub(crate) fn attach<T: Plain>(&self) -> Result<Ring<'_, T>, AttachError> {
        // SAFETY: as in `try_create`.
        unsafe { shared::attach(self.start, self.layout.size()) }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout; every ring borrows the pages.
        unsafe { dealloc(self.start.as_ptr(), self.layout) };
    }
}

pub(crate) fn owner(pid: u32) -> Owner {
    Owner::new(pid, 7).expect("an id")
}

/// A xorshift generator: the same numbers in every run.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}
