//! One cell for one value: written once, taken once, then empty again. The unsafe core for payloads.

use core::{cell::UnsafeCell, mem::MaybeUninit};

#[cfg(loom)]
use crate::sync::Cell;

/// Memory for one value. Whether a value is there is the ring's knowledge, not the slot's.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Slot<T>(UnsafeCell<MaybeUninit<T>>);

impl<T> Slot<T> {
    pub(crate) const fn new() -> Self {
        Self(UnsafeCell::new(MaybeUninit::uninit()))
    }

    /// A slot that has a value from the beginning, for rings of plain bytes.
    pub(crate) const fn with(value: T) -> Self {
        Self(UnsafeCell::new(MaybeUninit::new(value)))
    }

    /// Puts a value in.
    ///
    /// # Safety
    ///
    /// 1. No other thread reads or writes this slot until the caller publishes it.
    /// 2. The slot is empty, or its value may be forgotten.
    #[cfg_attr(
        not(target_has_atomic = "ptr"),
        allow(dead_code, reason = "of the rings of many")
    )]
    #[inline(always)]
    pub(crate) unsafe fn write(&self, watch: &Watch, index: usize, value: T) {
        watch.exclusive(index);
        // SAFETY: duty 1 gives exclusive access; a `MaybeUninit` may be overwritten without a drop (duty 2).
        unsafe { (*self.0.get()).write(value) };
    }

    /// Puts a value in that may be several lines long.
    ///
    /// # Safety
    ///
    /// The duties of [`write`](Self::write).
    #[inline(always)]
    pub(crate) unsafe fn write_lines(&self, watch: &Watch, index: usize, value: T) {
        watch.exclusive(index);
        // SAFETY: as in `write`.
        unsafe { crate::lines::write(self.0.get().cast::<T>(), value) };
    }

    /// Takes the value out; the slot is empty afterwards.
    ///
    /// # Safety
    ///
    /// 1. No other thread reads or writes this slot until the caller vacates it.
    /// 2. The slot holds a value, and the write of it happened before this call.
    #[inline(always)]
    pub(crate) unsafe fn take(&self, watch: &Watch, index: usize) -> T {
        // A move out is an exclusive access: two of them would be two owners.
        watch.exclusive(index);
        // SAFETY: duty 2 says it is initialised; with duty 1 nobody takes it twice.
        unsafe { (*self.0.get()).assume_init_read() }
    }

    /// Drops the value where it lies; the slot is empty afterwards, also when the drop panics.
    ///
    /// # Safety
    ///
    /// The duties of [`take`](Self::take).
    pub(crate) unsafe fn drop_value(&self, watch: &Watch, index: usize) {
        watch.exclusive(index);
        // SAFETY: initialised and nobody else's, by the duties.
        unsafe { (*self.0.get()).assume_init_drop() };
    }
}

/// Lets loom see who touches which slot. Nothing at all outside a model.
///
/// The values stay in plain contiguous memory in both worlds, so that a slice of slots is a slice of values; a
/// model keeps a tracked cell beside each slot and touches it whenever the slot is touched.
#[derive(Debug)]
pub(crate) struct Watch {
    #[cfg(loom)]
    cells: std::boxed::Box<[Cell<()>]>,
}

#[cfg(not(any(loom, shuttle)))]
impl Watch {
    pub(crate) const fn new(_slots: usize) -> Self {
        Self {}
    }

    #[inline(always)]
    pub(crate) const fn exclusive(&self, _index: usize) {}

    #[inline(always)]
    pub(crate) const fn exclusive_range(&self, _pos: usize, _count: usize, _mask: usize) {}
}

/// Between what an end knows of a slot and what it does to it, others may run.
#[cfg(shuttle)]
impl Watch {
    pub(crate) const fn new(_slots: usize) -> Self {
        Self {}
    }

    pub(crate) fn exclusive(&self, _index: usize) {
        crate::sync::switch();
    }

    pub(crate) fn exclusive_range(&self, _pos: usize, _count: usize, _mask: usize) {
        crate::sync::switch();
    }
}

#[cfg(loom)]
impl Watch {
    pub(crate) fn new(slots: usize) -> Self {
        let cells = (0..slots).map(|_| Cell::new(())).collect();
        Self { cells }
    }

    pub(crate) fn exclusive(&self, index: usize) {
        self.cells[index].with_mut(|_| ());
    }

    pub(crate) fn exclusive_range(&self, pos: usize, count: usize, mask: usize) {
        (0..count).for_each(|offset| self.exclusive(pos.wrapping_add(offset) & mask));
    }
}

#[cfg(not(loom))]
static_assertions::const_assert_eq!(size_of::<Slot<u64>>(), size_of::<u64>());
#[cfg(not(loom))]
static_assertions::const_assert_eq!(size_of::<Watch>(), 0);
