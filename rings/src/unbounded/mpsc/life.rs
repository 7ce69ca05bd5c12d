//! How a ring begins on the heap, and how it ends: leftovers, blocks, header.

use core::ptr::NonNull;

use super::{
    raw::{Cell, Header, Raw},
    stamp::{STEP, index},
};
use crate::{CapacityError, storage::heap, sync::Ordering::Relaxed};

impl<T> Raw<T> {
    /// Drops every value that was published and not taken, where it lies. The ring is empty afterwards.
    ///
    /// A value that panics while it is dropped stops nothing: the rest are dropped during the unwinding.
    ///
    /// # Safety
    ///
    /// 1. All ends are gone, and what they did happened before this call.
    unsafe fn drop_leftovers(&self) {
        let consumer = &self.header().consumer;
        loop {
            // SAFETY: no end is left but the caller (duty 1), so the consumer's number is the caller's.
            let pos = unsafe { consumer.own_pos.get() };
            // SAFETY: as above.
            let Some(block) = (unsafe { self.find(pos) }) else {
                break;
            };
            // SAFETY: as above. It moves first, so that a value whose drop panics is behind it.
            unsafe { consumer.own_pos.set(pos.wrapping_add(STEP)) };
            let rest = Rest(*self);
            let index = index(pos, Self::SLOTS);
            // SAFETY: by I1 a slot stamped as written is full, and by duty 1 nobody else's.
            unsafe {
                let cell = block.slot(index);
                cell.slot.drop_value(&block.header().watch, index);
            };
            core::mem::forget(rest);
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

    /// Drops what is left and frees all blocks, also when a leftover's drop panics.
    ///
    /// # Safety
    ///
    /// 1. All ends are gone, and what they did happened before this call.
    /// 2. The ring is not used afterwards.
    pub(super) unsafe fn clear(&self) {
        let _free = Free(*self);
        if core::mem::needs_drop::<T>() {
            // SAFETY: duty 1.
            unsafe { self.drop_leftovers() };
        }

        struct Free<T>(Raw<T>);
        impl<T> Drop for Free<T> {
            fn drop(&mut self) {
                let Header {
                    fixed,
                    pool,
                    consumer,
                    ..
                } = self.0.header();
                // SAFETY: the duties of `clear`: all blocks from the consumer's on are chained, and so are the retired
                // ones, and nobody uses them.
                unsafe {
                    let current = consumer.block.get();
                    // RELAXED: no other end is alive.
                    let first = fixed.first.load(Relaxed);
                    let chain = if current.is_null() { first } else { current };
                    pool.free::<Cell<T>>(chain, Raw::<T>::SLOTS);
                    pool.free::<Cell<T>>(consumer.retired.get(), Raw::<T>::SLOTS);
                }
            }
        }
    }

    /// A ring on the heap.
    pub(super) fn allocate(start: usize) -> Result<Self, CapacityError> {
        let start = start & !(STEP * Self::SLOTS - 1);
        let header = heap::allocate::<Header, ()>(Header::new(start), 0)?;
        // SAFETY: 1: it stays until `deallocate`. 2: it is new.
        Ok(unsafe { Self::new(NonNull::new_unchecked(header.as_ptr())) })
    }

    /// [Clears](Self::clear) the ring and frees it.
    ///
    /// # Safety
    ///
    /// 1. Those of [`clear`](Self::clear), and the ring came from [`allocate`](Self::allocate).
    pub(super) unsafe fn deallocate(self) {
        let _free = Free(self);
        // SAFETY: duty 1.
        unsafe { self.clear() };

        struct Free<T>(Raw<T>);
        impl<T> Drop for Free<T> {
            fn drop(&mut self) {
                // SAFETY: the duty of `deallocate`.
                unsafe { heap::deallocate(self.0.header, 0) };
            }
        }
    }
}
