//! The least that a queue can do: floors to measure against, not queues to use.

use std::{
    alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error},
    ptr::NonNull,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::rings::peer::{Item, Peer, Pop, Push, Shape};

/// A slot's own first word says whether it is full: there is no shared position, and 0 cannot be sent
/// (Giacomoni, Moseley, Vachharajani, *FastForward for Efficient Pipeline Parallelism*, PPoPP 2008).
pub(crate) struct SlotFlag;

/// Slots from a line's begin on, so that an item of 64 bytes is one line.
struct Slots<T> {
    first: NonNull<T>,
    layout: Layout,
    mask: usize,
}

// SAFETY: the two ends share it as `SlotFlagTx` and `SlotFlagRx` do: by each slot's first word.
unsafe impl<T: Send> Send for Slots<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Slots<T> {}

impl<T: Item> Slots<T> {
    fn new(capacity: usize) -> Self {
        let count = capacity.next_power_of_two();
        let layout = Layout::array::<T>(count)
            .and_then(|layout| layout.align_to(128))
            .expect("the capacity is small");
        // SAFETY: an item is at least one word, so the layout is not empty.
        let first = unsafe { alloc_zeroed(layout) }.cast();
        Self {
            first: NonNull::new(first).unwrap_or_else(|| handle_alloc_error(layout)),
            layout,
            mask: count - 1,
        }
    }

    #[inline(always)]
    fn slot(&self, pos: usize) -> (*mut T, &AtomicU64) {
        // SAFETY: a masked position is within the allocation. An item is made of words, and its first one is only ever
        // touched as an atomic.
        unsafe {
            let slot = self.first.as_ptr().add(pos & self.mask);
            (slot, AtomicU64::from_ptr(slot.cast()))
        }
    }
}

impl<T> Drop for Slots<T> {
    fn drop(&mut self) {
        // SAFETY: allocated by `new` with this layout.
        unsafe { dealloc(self.first.as_ptr().cast(), self.layout) };
    }
}

#[repr(align(128))]
pub(crate) struct SlotFlagTx<T> {
    slots: Arc<Slots<T>>,
    pos: usize,
}

#[repr(align(128))]
pub(crate) struct SlotFlagRx<T> {
    slots: Arc<Slots<T>>,
    pos: usize,
}

impl<T: Item> Peer<T> for SlotFlag {
    type Tx = SlotFlagTx<T>;
    type Rx = SlotFlagRx<T>;

    fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        let slots = Arc::new(Slots::new(shape.capacity));
        let tx = SlotFlagTx {
            slots: Arc::clone(&slots),
            pos: 0,
        };
        (vec![tx], vec![SlotFlagRx { slots, pos: 0 }])
    }
}

impl<T: Item> Push<T> for SlotFlagTx<T> {
    #[inline(always)]
    fn push_one(&mut self, item: T) -> bool {
        let (slot, flag) = self.slots.slot(self.pos);
        if flag.load(Ordering::Acquire) != 0 {
            return false;
        }
        let words = size_of::<T>() / 8;
        let from = (&raw const item).cast::<u64>();
        // SAFETY: the flag says that the slot is empty, so it is the producer's; an item is `words` words.
        let first = unsafe {
            slot.cast::<u64>()
                .add(1)
                .copy_from_nonoverlapping(from.add(1), words - 1);
            *from
        };
        flag.store(first, Ordering::Release);
        self.pos += 1;
        true
    }
}

impl<T: Item> Pop<T> for SlotFlagRx<T> {
    #[inline(always)]
    fn pop_one(&mut self) -> Option<T> {
        let (slot, flag) = self.slots.slot(self.pos);
        let first = flag.load(Ordering::Acquire);
        if first == 0 {
            return None;
        }
        let words = size_of::<T>() / 8;
        let mut item = T::default();
        let into = (&raw mut item).cast::<u64>();
        // SAFETY: the flag says that the slot is full, so it is the consumer's; an item is `words` words.
        unsafe {
            into.write(first);
            into.add(1)
                .copy_from_nonoverlapping(slot.cast::<u64>().add(1), words - 1);
        }
        flag.store(0, Ordering::Release);
        self.pos += 1;
        Some(item)
    }
}
