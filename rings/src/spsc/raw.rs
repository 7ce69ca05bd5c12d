//! What the two ends share, and which of them may touch what.
//!
//! | field | written by | read by | when |
//! |---|---|---|---|
//! | `capacity`, `mask` | constructor | both | any time |
//! | `keeper` | constructor | the last end | when it is the last |
//! | `finished` | producer | consumer | after its last push; CLOSE |
//! | `gate` | either | producer | the mask, or [`CLOSED`] once an end has closed |
//! | `left` | consumer | producer | the last thing a consumer does; LEFT |
//! | `write_pos` | producer | both | ever growing; PUBLISH |
//! | `told` | producer | consumer | a former `write_pos`, when it was asked; PUBLISH |
//! | `asked` | consumer | producer | where the consumer stood when it asked |
//! | `read_pos` | consumer | both | ever growing; VACATE |
//! | `limit` of a line, `staged`, `told_for`, `own_pos`, `owes`, `patience` | that end | that end | any time |
//! | the consumer's line | producer | producer | after LEFT |
//! | slots | the end that [I1](super#invariants) gives them to | the same | |

use core::ptr::NonNull;
#[cfg(target_has_atomic = "ptr")]
use core::{alloc::Layout, mem::MaybeUninit};

use crossbeam_utils::CachePadded;

use super::patience::Patience;
#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
use crate::storage::owned::{Keeper, Memory};
#[cfg(target_has_atomic = "ptr")]
use crate::{CapacityError, MemoryError, share::Ends};
use crate::{
    pos::advance,
    slot::{Slot, Watch},
    storage::Block,
    sync::{AtomicUsize, Ordering::Relaxed, Position, Private, const_constructor},
};

/// In place of the mask for the producer of a closed ring: no count of free slots has this bit, and no mask.
const CLOSED: usize = 1 << (usize::BITS - 1);

/// One line that nobody writes in steady state, one line for each end, and one for what each says to the other now and
/// then. A line that is written at every value is hardly read by the other end, and one that the other end reads all
/// the time is hardly written.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Header {
    pub(crate) fixed: CachePadded<Fixed>,
    pub(crate) producer: CachePadded<ProducerLine>,
    pub(crate) told: CachePadded<AtomicUsize>,
    pub(crate) consumer: CachePadded<ConsumerLine>,
    pub(crate) asked: CachePadded<Position>,
}

#[derive(Debug)]
pub(crate) struct Fixed {
    pub(crate) capacity: usize,
    mask: usize,
    pub(crate) finished: AtomicUsize,
    /// By what the producer finds the slot of a position: the mask, or [`CLOSED`]. One word says both, so that a push
    /// looks at one.
    pub(crate) gate: AtomicUsize,
    pub(crate) left: AtomicUsize,
    #[cfg(target_has_atomic = "ptr")]
    pub(crate) ends: Ends,
    /// Owns the memory, if the ring has any that is neither the allocator's nor borrowed.
    #[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
    keeper: Keeper,
    watch: Watch,
}

/// What the producer writes. The consumer reads `write_pos` and nothing else of it.
#[derive(Debug)]
pub(crate) struct ProducerLine {
    pub(crate) write_pos: Position,
    /// Values that a batched producer has written beyond `write_pos` and not published.
    pub(crate) staged: Private,
    /// How far it may go by the last `read_pos` it saw: that position and the capacity.
    pub(crate) limit: Private,
    /// The last `asked` that it answered.
    pub(crate) told_for: Private,
}

/// What the consumer writes. The producer reads `read_pos` and nothing else of it.
#[derive(Debug)]
pub(crate) struct ConsumerLine {
    pub(crate) read_pos: AtomicUsize,
    /// The same number or, inside a drain, ahead of it.
    pub(crate) own_pos: Private,
    /// How far it may go: the last `write_pos` it saw.
    pub(crate) limit: Private,
    /// Not 0 while a drain has moved `own_pos` and not published it. A drain that was forgotten leaves it so.
    pub(crate) owes: Private,
    /// How it looks at `write_pos`.
    pub(crate) patience: Patience,
}

// Neither end's writes reach the other's line, the line that both read, or a neighbour of the ring.
static_assertions::const_assert!(align_of::<Header>() >= 32);
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
static_assertions::const_assert_eq!(align_of::<Header>(), 128);
#[cfg(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(loom)))]
static_assertions::const_assert_eq!(size_of::<Header>(), 5 * 128);

impl Header {
    const_constructor! {
        /// An empty ring whose positions begin at `start`.
        pub(crate) fn new(capacity: usize, slots: usize, start: usize) -> Self {
            Self {
                fixed: CachePadded::new(Fixed {
                    capacity,
                    mask: slots - 1,
                    finished: AtomicUsize::new(0),
                    gate: AtomicUsize::new(slots - 1),
                    left: AtomicUsize::new(0),
                    #[cfg(target_has_atomic = "ptr")]
                    ends: Ends::none(),
                    #[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
                    keeper: Keeper::none(),
                    watch: Watch::new(slots),
                }),
                producer: CachePadded::new(ProducerLine {
                    write_pos: Position::new(start),
                    staged: Private::new(0),
                    limit: Private::new(start.wrapping_add(capacity)),
                    told_for: Private::new(start),
                }),
                told: CachePadded::new(AtomicUsize::new(start)),
                consumer: CachePadded::new(ConsumerLine {
                    read_pos: AtomicUsize::new(start),
                    own_pos: Private::new(start),
                    limit: Private::new(start),
                    owes: Private::new(0),
                    patience: Patience::new(),
                }),
                asked: CachePadded::new(Position::new(start)),
            }
        }
    }
}

impl Fixed {
    /// Both ends may be used again. No end is alive.
    pub(crate) fn reopen(&self) {
        // RELAXED: no end is alive; what makes the next two reach their threads orders them.
        self.finished.store(0, Relaxed);
        self.gate.store(self.mask, Relaxed);
        self.left.store(0, Relaxed);
    }

    /// Tells the producer to push no more.
    pub(crate) fn refuse(&self) {
        // RELAXED: no data comes with the word.
        self.gate.store(CLOSED, Relaxed);
    }

    /// Whether the producer is to push no more.
    #[inline(always)]
    pub(crate) fn is_refusing(&self) -> bool {
        // RELAXED: a producer that is told later pushes a little longer; no data comes with the word.
        self.gate.load(Relaxed) == CLOSED
    }
}

/// A ring by pointer, as both ends hold it.
#[derive(Debug)]
pub(crate) struct Raw<T> {
    block: Block<Header, Slot<T>>,
}

impl<T> Clone for Raw<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Raw<T> {}

impl<T> Raw<T> {
    pub(crate) const fn new(block: Block<Header, Slot<T>>) -> Self {
        Self { block }
    }

    #[inline(always)]
    pub(crate) const fn header(&self) -> &Header {
        self.block.header()
    }

    /// How many slots the memory has: the capacity, rounded up to a power of two.
    #[inline(always)]
    pub(crate) fn slots(&self) -> usize {
        self.header().fixed.mask + 1
    }

    /// # Safety
    ///
    /// 1. I1 gives the slot at `pos` to the caller, as an empty one.
    #[inline(always)]
    pub(crate) unsafe fn write(&self, pos: usize, value: T) {
        // SAFETY: duty 1, and a masked position.
        unsafe { self.write_at(pos & self.header().fixed.mask, value) };
    }

    /// Where the producer writes the value of `pos` if that takes no second look: `free` slots are empty by the last
    /// look, and the ring is open.
    ///
    /// `None` if there may be none, if the ring is closed, or, rarely, if it is as empty as a ring can be: `free` has no
    /// bit of the mask then.
    #[inline(always)]
    pub(crate) fn index_if_open(&self, pos: usize, free: usize) -> Option<usize> {
        // RELAXED: as in `is_refusing`. Whoever reads the mask reads what the constructor wrote, or wrote again.
        let gate = self.header().fixed.gate.load(Relaxed);
        (free & gate != 0).then_some(pos & gate)
    }

    /// # Safety
    ///
    /// 1. I1 gives the slot at `index` to the caller, as an empty one.
    /// 2. `index` is a masked position.
    #[inline(always)]
    pub(crate) unsafe fn write_at(&self, index: usize, value: T) {
        let fixed = &self.header().fixed;
        debug_assert!(index <= fixed.mask);
        // SAFETY: a masked position (duty 2) is less than the number of slots; the rest is duty 1.
        unsafe {
            self.block
                .slot(index)
                .write_lines(&fixed.watch, index, value)
        };
    }

    /// # Safety
    ///
    /// 1. I1 gives the slot at `pos` to the caller, as a full one.
    #[inline(always)]
    pub(crate) unsafe fn take(&self, pos: usize) -> T {
        let fixed = &self.header().fixed;
        let index = pos & fixed.mask;
        // SAFETY: a masked position is less than the number of slots; the rest is duty 1.
        unsafe { self.block.slot(index).take(&fixed.watch, index) }
    }

    /// Asks for the line of the slot at `pos`, before it is known whether a value is there.
    #[cfg(target_has_atomic = "ptr")]
    #[inline(always)]
    pub(crate) fn prefetch(&self, pos: usize) {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        {
            use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            // SAFETY: a masked position is less than the number of slots.
            let slot = unsafe { self.block.slot_ptr(pos & self.header().fixed.mask) };
            // SAFETY: a prefetch reads nothing, wherever it points to.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(slot.as_ptr().cast()) };
        }
        #[cfg(not(all(target_arch = "x86_64", not(miri))))]
        let _ = pos;
    }

    /// Asks for the lines of up to `count` slots from `pos` on, to write them: 16 lines at most, for a CPU waits for no more
    /// than that at a time.
    pub(crate) fn prefetch_to_write(&self, pos: usize, count: usize) {
        #[cfg(all(target_arch = "x86_64", not(any(miri, loom))))]
        {
            const LINE: usize = 64;
            let bytes = count.saturating_mul(size_of::<T>()).min(16 * LINE);
            let mask = self.header().fixed.mask;
            for ahead in (0..bytes).step_by(LINE) {
                let slot = advance(pos, ahead / size_of::<T>());
                // SAFETY: a masked position is less than the number of slots.
                let slot = unsafe { self.block.slot_ptr(slot & mask) };
                // SAFETY: it reads and writes nothing, wherever it points to; a CPU that does not know it passes over it.
                unsafe {
                    core::arch::asm!(
                        "prefetchw [{}]",
                        in(reg) slot.as_ptr(),
                        options(nostack, preserves_flags, readonly)
                    );
                };
            }
        }
        #[cfg(not(all(target_arch = "x86_64", not(any(miri, loom)))))]
        let _ = (pos, count);
    }

    /// The `count` slots from `pos` on, as one piece up to the end of the memory and one from its begin.
    ///
    /// # Safety
    ///
    /// 1. I1 gives these slots to the caller, exclusively.
    pub(crate) unsafe fn pieces(&self, pos: usize, count: usize) -> [(NonNull<Slot<T>>, usize); 2] {
        let fixed = &self.header().fixed;
        debug_assert!(count <= fixed.capacity);
        let index = pos & fixed.mask;
        let first = count.min(fixed.mask + 1 - index);
        fixed.watch.exclusive_range(pos, count, fixed.mask);
        // SAFETY: a masked position is less than the number of slots, and so is 0.
        unsafe {
            [
                (self.block.slot_ptr(index), first),
                (self.block.slot_ptr(0), count - first),
            ]
        }
    }

    /// Drops every value that was published and not taken, where it lies. The ring is empty afterwards.
    ///
    /// A value that panics while it is dropped stops nothing: the rest are dropped during the unwinding.
    ///
    /// # Safety
    ///
    /// 1. Both ends are gone, and what they did happened before this call.
    pub(crate) unsafe fn drop_leftovers(&self) {
        let Header {
            fixed,
            producer,
            consumer,
            ..
        } = self.header();
        // SAFETY: no end is left but the caller (duty 1), so all positions and numbers are the caller's.
        let (pos, end) = unsafe { (consumer.own_pos.get(), producer.write_pos.own()) };
        let vacate = |pos| {
            // SAFETY: as above.
            unsafe { consumer.own_pos.set(pos) };
            // RELAXED: no other end is alive to see it.
            consumer.read_pos.store(pos, Relaxed);
        };
        let mut pos = if core::mem::needs_drop::<T>() {
            pos
        } else {
            end
        };
        while pos != end {
            let next = advance(pos, 1);
            // It moves first, so that a value whose drop panics is behind it.
            vacate(next);
            let rest = Rest(*self);
            let index = pos & fixed.mask;
            // SAFETY: by I1 the slots from `read_pos` to `write_pos` are full, and by duty 1 nobody else's.
            unsafe { self.block.slot(index).drop_value(&fixed.watch, index) };
            core::mem::forget(rest);
            pos = next;
        }
        vacate(end);

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

#[cfg(target_has_atomic = "ptr")]
impl Raw<u8> {
    /// Writes a zero to every slot, so that each can be looked at before it is written.
    ///
    /// # Safety
    ///
    /// 1. No end is used meanwhile, and none was before.
    pub(crate) unsafe fn zero(&self) {
        // SAFETY: the block has that many slots, and nobody else looks at them (duty 1).
        unsafe { self.block.slot_ptr(0).write_bytes(0, self.slots()) };
    }
}

#[cfg(target_has_atomic = "ptr")]
impl<T> Raw<T> {
    /// Size and alignment of a ring.
    pub(crate) fn layout(capacity: usize) -> Result<Layout, CapacityError> {
        crate::storage::layout::<Header, Slot<T>>(crate::pos::slots_for(capacity)?)
    }

    /// A ring in memory that stays borrowed as long as the ring is used.
    pub(crate) fn place(
        memory: &mut [MaybeUninit<u8>],
        capacity: usize,
        start: usize,
    ) -> Result<Self, MemoryError> {
        let slots = crate::pos::slots_for(capacity)?;
        let header = Header::new(capacity, slots, start);
        // An empty slot is memory with nothing in it: there is nothing to write.
        let block = crate::storage::mapped::place(memory, header, slots)?;
        Ok(Self { block })
    }

    /// A ring in memory that it owns from now on.
    #[cfg(feature = "alloc")]
    pub(crate) fn place_in(mut memory: impl Memory, capacity: usize) -> Result<Self, MemoryError> {
        // SAFETY: 1: a ring that is refused is none, and else the keeper lives until `leave_memory`. 2: this is the one.
        let bytes = unsafe { crate::storage::owned::slice(&mut memory) };
        let raw = Self::place(bytes, capacity, 0)?;
        let keeper = alloc::boxed::Box::new(memory);
        raw.header().fixed.keeper.set(keeper);
        Ok(raw)
    }

    /// Ends a ring from [`place`](Self::place) or `place_in` without a look at its slots.
    ///
    /// # Safety
    ///
    /// 1. The ring came from there, and nothing uses it afterwards.
    pub(crate) unsafe fn leave_memory(self) {
        #[cfg(feature = "alloc")]
        let _dropped_last = self.header().fixed.keeper.take();
        // SAFETY: duty 1.
        unsafe { crate::storage::mapped::leave(self.block) };
    }
}

#[cfg(feature = "alloc")]
impl<T> Raw<T> {
    /// A ring on the heap.
    pub(crate) fn allocate(capacity: usize, start: usize) -> Result<Self, crate::CapacityError> {
        let slots = crate::pos::slots_for(capacity)?;
        let header = Header::new(capacity, slots, start);
        // An empty slot is memory with nothing in it: there is nothing to write.
        Ok(Self {
            block: crate::storage::heap::allocate(header, slots)?,
        })
    }

    /// # Safety
    ///
    /// 1. The ring came from [`allocate`](Self::allocate), and nothing uses it afterwards.
    pub(crate) unsafe fn deallocate(self) {
        let slots = self.header().fixed.mask + 1;
        // SAFETY: duty 1, and `allocate` made `mask + 1` slots.
        unsafe { crate::storage::heap::deallocate(self.block, slots) };
    }
}
