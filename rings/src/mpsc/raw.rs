//! What the ends share, and which of them may touch what.
//!
//! | field | written by | read by | when |
//! |---|---|---|---|
//! | `capacity`, `span`, `mask` | constructor | all | any time |
//! | `write_pos` | producers, by exchange; any end, the closed bit | all | claims; CLOSE |
//! | `seen_read_pos` | producers | producers | RELAY: what one of them saw of `read_pos` |
//! | `read_pos` | consumer | producers | ever growing; VACATE |
//! | `own_pos`, `owes` | consumer | consumer | any time |
//! | stamp of a slot | the producer that claimed it | consumer | once a lap; PUBLISH |
//! | value of a slot | the end that [I1](super#invariants) gives it to | the same | |

use core::{alloc::Layout, mem::MaybeUninit};

use crossbeam_utils::{Backoff, CachePadded};

use super::stamp::{CLOSED, STEP, index, skipped, written};
use crate::{
    CapacityError, MemoryError, TryReserveError,
    share::Ends,
    slot::{Slot, Watch},
    storage::Block,
    sync::{
        AtomicUsize,
        Ordering::{Acquire, Relaxed, Release},
        Private, const_constructor,
    },
};

/// One line that nobody writes in steady state, one for all producers, one for the consumer.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Header {
    pub(super) fixed: CachePadded<Fixed>,
    pub(super) producers: CachePadded<ProducersLine>,
    pub(super) consumer: CachePadded<ConsumerLine>,
}

#[derive(Debug)]
pub(super) struct Fixed {
    pub(super) capacity: usize,
    /// How far `write_pos` may be ahead of `read_pos`: the capacity in steps.
    span: usize,
    mask: usize,
    /// Living producers. The last one closes the ring.
    pub(super) producers: Ends,
    /// The consumer, and the producers as one.
    pub(super) ends: Ends,
    watch: Watch,
}

#[derive(Debug)]
pub(super) struct ProducersLine {
    pub(super) write_pos: AtomicUsize,
    seen_read_pos: AtomicUsize,
}

#[derive(Debug)]
pub(super) struct ConsumerLine {
    pub(super) read_pos: AtomicUsize,
    pub(super) own_pos: Private,
    /// Not 0 while a batch has moved `own_pos` and not published it. A batch that was forgotten leaves it so.
    pub(super) owes: Private,
}

/// A slot and the word that says what is in it, side by side: one line brings both.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Cell<T> {
    stamp: AtomicUsize,
    slot: Slot<T>,
}

static_assertions::const_assert!(align_of::<Header>() >= 32);
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
static_assertions::const_assert_eq!(align_of::<Header>(), 128);
#[cfg(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(loom)))]
static_assertions::const_assert_eq!(size_of::<Header>(), 3 * 128);
#[cfg(not(loom))]
static_assertions::const_assert_eq!(size_of::<Cell<usize>>(), 2 * size_of::<usize>());

impl Header {
    const_constructor! {
        /// An empty ring whose positions begin at `start`.
        pub(super) fn new(capacity: usize, slots: usize, start: usize) -> Self {
            Self {
                fixed: CachePadded::new(Fixed {
                    capacity,
                    span: capacity * STEP,
                    mask: slots - 1,
                    producers: Ends::none(),
                    ends: Ends::none(),
                    watch: Watch::new(slots),
                }),
                producers: CachePadded::new(ProducersLine {
                    write_pos: AtomicUsize::new(start),
                    seen_read_pos: AtomicUsize::new(start),
                }),
                consumer: CachePadded::new(ConsumerLine {
                    read_pos: AtomicUsize::new(start),
                    own_pos: Private::new(start),
                    owes: Private::new(0),
                }),
            }
        }
    }
}

impl<T> Cell<T> {
    const_constructor! {
        pub(super) fn new(stamp: usize) -> Self {
            Self { stamp: AtomicUsize::new(stamp), slot: Slot::new() }
        }
    }
}

/// What the consumer finds at its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// A value, which the consumer may take.
    Value,
    /// A place that was claimed and given up.
    Gap,
    /// Not claimed, or claimed and not yet written.
    Nothing,
}

/// A ring by pointer, as all ends hold it.
#[derive(Debug)]
pub(super) struct Raw<T> {
    block: Block<Header, Cell<T>>,
}

impl<T> Clone for Raw<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Raw<T> {}

impl<T> Raw<T> {
    pub(super) const fn new(block: Block<Header, Cell<T>>) -> Self {
        Self { block }
    }

    #[inline(always)]
    pub(super) const fn header(&self) -> &Header {
        self.block.header()
    }

    #[inline(always)]
    fn cell(&self, pos: usize) -> (&Cell<T>, usize) {
        let index = index(pos, self.header().fixed.mask);
        // SAFETY: a masked position is less than the number of slots.
        (unsafe { self.block.slot(index) }, index)
    }

    /// Claims one position: its slot is the caller's, and is empty.
    ///
    /// Lock-free: an exchange fails only because another producer's succeeded.
    #[inline]
    pub(super) fn claim_one(&self) -> Result<usize, TryReserveError> {
        let line = &self.header().producers;
        // RELAXED: the exchange fails when this is outdated, and nothing was handed over by it.
        let tail = line.write_pos.load(Relaxed);
        // RELAY, acquire end: the slots before this position were vacated, as another producer saw.
        let used = tail.wrapping_sub(line.seen_read_pos.load(Acquire));
        // A `tail` older than the position makes a huge distance: that goes the long way, too.
        if tail & CLOSED == 0 && used < self.header().fixed.span && self.take_over(tail, 1) {
            return Ok(tail);
        }
        self.claim(1).map(|(pos, _)| pos)
    }

    /// Claims up to `want` positions in a row, at least one: their slots are the caller's, and are empty.
    ///
    /// Lock-free: an exchange fails only because another producer's succeeded.
    pub(super) fn claim(&self, want: usize) -> Result<(usize, usize), TryReserveError> {
        let line = &self.header().producers;
        let backoff = Backoff::new();
        loop {
            // RELAXED: the exchange fails when this is outdated, and nothing was handed over by it.
            let tail = line.write_pos.load(Relaxed);
            if tail & CLOSED != 0 {
                return Err(TryReserveError::Closed);
            }
            // RELAY, acquire end: the slots before this position were vacated, as another producer saw.
            let mut free = self.free_slots(tail, line.seen_read_pos.load(Acquire));
            if free.is_none_or(|free| free < want) {
                free = self.free_slots(tail, self.refresh_read_pos());
            }
            match free {
                // The consumer is ahead of `tail`, so `tail` is old.
                None => continue,
                Some(0) => return Err(TryReserveError::Full),
                Some(free) => {
                    let count = free.min(want);
                    if self.take_over(tail, count) {
                        return Ok((tail, count));
                    }
                    backoff.spin();
                }
            }
        }
    }

    /// Makes the `count` positions from `tail` the caller's, unless another producer was faster.
    #[inline(always)]
    fn take_over(&self, tail: usize, count: usize) -> bool {
        let next = tail.wrapping_add(count * STEP);
        // RELAXED: it decides who owns the positions. That their slots are empty came by RELAY or VACATE; that they
        // are written goes by PUBLISH.
        self.header()
            .producers
            .write_pos
            .compare_exchange_weak(tail, next, Relaxed, Relaxed)
            .is_ok()
    }

    /// Slots free at `tail` for all that `read_pos` tells; `None` if `tail` is older than `read_pos`.
    fn free_slots(&self, tail: usize, read_pos: usize) -> Option<usize> {
        // `tail` may be older than `read_pos`: the distance is then huge. It may also be so much younger than a
        // `read_pos` that was relayed late that no slot seems free: then a fresh look follows.
        let used = tail.wrapping_sub(read_pos);
        let free = self.header().fixed.span.saturating_sub(used) / STEP;
        (used as isize >= 0).then_some(free)
    }

    #[cold]
    fn refresh_read_pos(&self) -> usize {
        // VACATE, acquire end: the consumer has finished with every slot before this position.
        let read_pos = self.header().consumer.read_pos.load(Acquire);
        // RELAY, release end: hands on what VACATE brought. An older value may overwrite a newer one; the next
        // producer that finds too little looks again.
        self.header()
            .producers
            .seen_read_pos
            .store(read_pos, Release);
        read_pos
    }

    /// Writes and publishes one claimed position.
    ///
    /// # Safety
    ///
    /// 1. The caller claimed `pos`, and has neither published nor skipped it.
    #[inline(always)]
    pub(super) unsafe fn publish(&self, pos: usize, value: T) {
        let (cell, index) = self.cell(pos);
        // SAFETY: by I1 a claimed slot that is not stamped is the claimer's, and is empty.
        unsafe { cell.slot.write(&self.header().fixed.watch, index, value) };
        // PUBLISH, release end: whoever loads this stamp also sees the value.
        cell.stamp.store(written(pos), Release);
    }

    /// Gives one claimed position up.
    ///
    /// # Safety
    ///
    /// 1. The caller claimed `pos`, and has neither published nor skipped it.
    pub(super) unsafe fn skip(&self, pos: usize) {
        // RELAXED: there is no value to carry, and the slot was never touched.
        self.cell(pos).0.stamp.store(skipped(pos), Relaxed);
    }

    /// What lies at `pos`, the consumer's next position.
    #[inline(always)]
    pub(super) fn look(&self, pos: usize) -> Found {
        // PUBLISH, acquire end: if the stamp says so, the value is written.
        let stamp = self.cell(pos).0.stamp.load(Acquire);
        if stamp == written(pos) {
            Found::Value
        } else if stamp == skipped(pos) {
            Found::Gap
        } else {
            Found::Nothing
        }
    }

    /// # Safety
    ///
    /// 1. The caller is the consumer, `pos` its next position, and [`look`](Self::look) found a value there.
    #[inline(always)]
    pub(super) unsafe fn take(&self, pos: usize) -> T {
        let (cell, index) = self.cell(pos);
        // SAFETY: by I1 a slot stamped as written is the consumer's, and is full.
        unsafe { cell.slot.take(&self.header().fixed.watch, index) }
    }

    /// Drops every value that was published and not taken. The ring is empty afterwards.
    ///
    /// A value that panics while it is dropped stops nothing: the rest are dropped during the unwinding.
    ///
    /// # Safety
    ///
    /// 1. All ends are gone, and what they did happened before this call.
    pub(super) unsafe fn drop_leftovers(&self) {
        let consumer = &self.header().consumer;
        // RELAXED: no end is left but the caller (duty 1).
        let end = self.header().producers.write_pos.load(Relaxed) & !CLOSED;
        // SAFETY: no end is left but the caller (duty 1), so the consumer's number is the caller's.
        let mut pos = unsafe { consumer.own_pos.get() };
        while pos != end {
            let next = pos.wrapping_add(STEP);
            // SAFETY: as above. It moves first, so that a value whose drop panics is behind it.
            unsafe { consumer.own_pos.set(next) };
            let rest = Rest(*self);
            // A grant that was forgotten leaves a position without a value.
            if self.look(pos) == Found::Value {
                let (cell, index) = self.cell(pos);
                // SAFETY: by I1 a slot stamped as written is full, and by duty 1 nobody else's.
                unsafe { cell.slot.drop_value(&self.header().fixed.watch, index) };
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

impl<T> Raw<T> {
    /// Size and alignment of a ring.
    pub(super) fn layout(capacity: usize) -> Result<Layout, CapacityError> {
        crate::storage::layout::<Header, Cell<T>>(crate::pos::slots_for(capacity)?)
    }

    /// A ring in memory that stays borrowed as long as the ring is used.
    pub(super) fn place(
        memory: &mut [MaybeUninit<u8>],
        capacity: usize,
        start: usize,
    ) -> Result<Self, MemoryError> {
        let slots = crate::pos::slots_for(capacity)?;
        let header = Header::new(capacity, slots, start);
        let block = crate::storage::mapped::place(memory, header, slots)?;
        // SAFETY: just made, with that many slots.
        unsafe { Self::stamp_all(block, slots, start) };
        Ok(Self { block })
    }

    /// Ends a ring from [`place`](Self::place) without a look at its slots.
    ///
    /// # Safety
    ///
    /// 1. The ring came from `place`, and nothing uses it afterwards.
    pub(super) unsafe fn leave_memory(self) {
        // SAFETY: duty 1.
        unsafe { crate::storage::mapped::leave(self.block) };
    }

    /// Writes the stamps of a new ring. A slot without a value needs no write.
    ///
    /// # Safety
    ///
    /// 1. The block has that many slots, and nobody else has it yet.
    unsafe fn stamp_all(block: Block<Header, Cell<T>>, slots: usize, start: usize) {
        for index in 0..slots {
            let stamp = super::stamp::unused(index, slots - 1, start);
            // SAFETY: inside the block, and nobody else has it yet (duty 1).
            unsafe {
                (&raw mut (*block.slot_ptr(index).as_ptr()).stamp).write(AtomicUsize::new(stamp))
            };
        }
    }
}

#[cfg(feature = "alloc")]
impl<T> Raw<T> {
    /// A ring on the heap.
    pub(super) fn allocate(capacity: usize, start: usize) -> Result<Self, CapacityError> {
        let slots = crate::pos::slots_for(capacity)?;
        let header = Header::new(capacity, slots, start);
        let block = crate::storage::heap::allocate::<Header, Cell<T>>(header, slots)?;
        // SAFETY: just made, with that many slots.
        unsafe { Self::stamp_all(block, slots, start) };
        Ok(Self { block })
    }

    /// # Safety
    ///
    /// 1. The ring came from [`allocate`](Self::allocate), and nothing uses it afterwards.
    pub(super) unsafe fn deallocate(self) {
        let slots = self.header().fixed.mask + 1;
        // SAFETY: duty 1, and `allocate` made `mask + 1` slots.
        unsafe { crate::storage::heap::deallocate(self.block, slots) };
    }
}
