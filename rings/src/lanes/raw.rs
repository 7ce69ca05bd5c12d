//! What the ends share: a header, then the lanes one behind the other, each a ring of one producer.
//!
//! | field | written by | read by | when |
//! |---|---|---|---|
//! | `lanes`, `stride` | constructor | all | any time |
//! | `keeper` | constructor | the last end | when it is the last |
//! | `dirty` | producers and consumer, by read-modify-write | consumer | RAISE |
//! | `open` | producers, by read-modify-write | consumer | CLOSE |
//! | `current`, `current_at`, `turn_end`, `fruitless` | consumer | consumer | any time |
//! | `leased_until` of a lane | its producer | consumer | before RAISE |
//! | `lease` of a lane | its producer | its producer | any time |
//! | ring of a lane | as in [`spsc`] | | |

#[cfg(feature = "alloc")]
use core::alloc::Layout;
use core::{marker::PhantomData, mem::ManuallyDrop, ptr::NonNull};

use crossbeam_utils::CachePadded;

use super::dirty::{DIRTY_WORDS, Dirty};
#[cfg(feature = "alloc")]
use crate::storage::owned::{Keeper, Memory};
#[cfg(feature = "alloc")]
use crate::{CapacityError, MemoryError};
use crate::{
    share::{Ends, Home},
    slot::Slot,
    spsc::{self, raw::Raw as Lane},
    storage::{Block, inline::Inline},
    sync::{AtomicUsize, Ordering::Relaxed, Position, Private, const_constructor},
};

/// One line that nobody writes in steady state, one for the news, one for the consumer.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Header {
    pub(super) fixed: CachePadded<Fixed>,
    pub(super) news: CachePadded<News>,
    pub(super) consumer: CachePadded<ConsumerLine>,
}

#[derive(Debug)]
pub(super) struct Fixed {
    pub(super) lanes: usize,
    /// Bytes from one lane to the next.
    stride: usize,
    pub(super) ends: Ends,
    /// Owns the memory, if it is not the allocator's. Written before any end is made, taken by the last.
    #[cfg(feature = "alloc")]
    keeper: Keeper,
}

/// All that an idle poll looks at.
#[derive(Debug)]
pub(super) struct News {
    pub(super) dirty: Dirty,
    /// Producers that have neither closed nor gone.
    pub(super) open: AtomicUsize,
}

#[derive(Debug)]
pub(super) struct ConsumerLine {
    /// The lane that values were taken from last.
    pub(super) current: Private,
    /// Bytes from lane 0 to it, so that a pop has no product to wait for.
    pub(super) current_at: Private,
    /// The position in it at which the others have their turn: 0 to `TURN` values on. What it was granted of them lies
    /// before the lane's `limit`.
    pub(super) turn_end: Private,
}

/// What a lane has beside its ring: a line for each end.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Beside {
    pub(super) producer: CachePadded<LeaseLine>,
    pub(super) consumer: CachePadded<PatienceLine>,
}

#[derive(Debug)]
pub(super) struct LeaseLine {
    /// Values before this position are pushed without raising the lane's bit.
    pub(super) leased_until: Position,
    /// How long the next lease will be.
    pub(super) lease: Private,
}

#[derive(Debug)]
pub(super) struct PatienceLine {
    /// Looks in a row that found the lane empty.
    pub(super) fruitless: Private,
}

// An idle poll reads one line, whatever its size: a word is four or eight bytes, and there are eight.
static_assertions::const_assert!(size_of::<[usize; DIRTY_WORDS + 1]>() <= 64);
#[cfg(not(loom))]
static_assertions::const_assert_eq!(size_of::<News>(), size_of::<[usize; DIRTY_WORDS + 1]>());
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
static_assertions::const_assert_eq!(align_of::<Header>(), 128);
#[cfg(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(loom)))]
static_assertions::const_assert_eq!((size_of::<Header>(), size_of::<Beside>()).0, 3 * 128);
#[cfg(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(loom)))]
static_assertions::const_assert_eq!(size_of::<Beside>(), 2 * 128);

impl Header {
    const_constructor! {
        pub(super) fn new(lanes: usize, stride: usize, start: usize) -> Self {
            Self {
                fixed: CachePadded::new(Fixed {
                    lanes,
                    stride,
                    ends: Ends::none(),
                    #[cfg(feature = "alloc")]
                    keeper: Keeper::none(),
                }),
                news: CachePadded::new(News { dirty: Dirty::none(), open: AtomicUsize::new(lanes) }),
                consumer: CachePadded::new(ConsumerLine {
                    current: Private::new(lanes - 1),
                    current_at: Private::new((lanes - 1) * stride),
                    turn_end: Private::new(start),
                }),
            }
        }
    }
}

impl Beside {
    const_constructor! {
        pub(super) fn new(start: usize) -> Self {
            Self {
                producer: CachePadded::new(LeaseLine {
                    leased_until: Position::new(start),
                    lease: Private::new(0),
                }),
                consumer: CachePadded::new(PatienceLine { fruitless: Private::new(0) }),
            }
        }
    }
}

/// A lane of a ring that is a value. On the heap the same parts lie at the same offsets.
#[derive(Debug)]
#[repr(C)]
pub(super) struct InlineLane<T, const N: usize> {
    beside: Beside,
    pub(super) ring: Inline<spsc::raw::Header, Slot<T>, N>,
}

impl<T, const N: usize> InlineLane<T, N> {
    const_constructor! {
        pub(super) fn new() -> Self {
            let slots = const { crate::pos::assert_slots(N) };
            Self {
                beside: Beside::new(0),
                ring: Inline::new(spsc::raw::Header::new(N, slots, 0), [const { Slot::new() }; N]),
            }
        }
    }
}

/// All lanes by pointer, as the ends hold them.
#[derive(Debug)]
pub(super) struct Raw<T> {
    header: NonNull<Header>,
    values: PhantomData<*const T>,
}

impl<T> Clone for Raw<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Raw<T> {}

impl<T> Raw<T> {
    /// The alignment of a lane, and of the whole.
    const ALIGN: usize = {
        let (lines, values) = (align_of::<Header>(), align_of::<T>());
        if lines > values { lines } else { values }
    };

    /// Bytes from the header to lane 0.
    pub(super) const LANES_OFFSET: usize = size_of::<Header>().next_multiple_of(Self::ALIGN);

    /// Bytes from a lane to its ring.
    pub(super) const RING_OFFSET: usize = size_of::<Beside>().next_multiple_of(Self::ALIGN);

    /// # Safety
    ///
    /// 1. `header` points to a live header with its lanes at the offsets that these constants and the header's stride
    ///    say, in one piece of memory that the pointer may reach as a whole.
    /// 2. All stay there, and are only shared, as long as any copy of this is used.
    pub(super) const unsafe fn new(header: NonNull<Header>) -> Self {
        Self {
            header,
            values: PhantomData,
        }
    }

    pub(super) const fn as_ptr(&self) -> NonNull<Header> {
        self.header
    }

    #[inline(always)]
    pub(super) const fn header(&self) -> &Header {
        // SAFETY: alive and only shared while a copy of `self` is used (duties of `new`).
        unsafe { self.header.as_ref() }
    }

    /// # Safety
    ///
    /// 1. `index` is less than the number of lanes.
    #[inline(always)]
    unsafe fn lane_ptr(&self, index: usize) -> NonNull<u8> {
        // SAFETY: duty 1.
        unsafe { self.lane_ptr_at(self.offset(index)) }
    }

    /// Bytes from lane 0 to lane `index`.
    #[inline(always)]
    pub(super) fn offset(&self, index: usize) -> usize {
        index * self.header().fixed.stride
    }

    /// # Safety
    ///
    /// 1. `offset` is that of a lane.
    #[inline(always)]
    unsafe fn lane_ptr_at(&self, offset: usize) -> NonNull<u8> {
        // SAFETY: inside the same memory (duty 1, and duty 1 of `new`).
        unsafe { self.header.cast::<u8>().add(Self::LANES_OFFSET + offset) }
    }

    /// # Safety
    ///
    /// 1. `index` is less than the number of lanes.
    #[inline(always)]
    pub(super) unsafe fn beside(&self, index: usize) -> NonNull<Beside> {
        // SAFETY: duty 1.
        unsafe { self.lane_ptr(index).cast() }
    }

    /// # Safety
    ///
    /// 1. `index` is less than the number of lanes.
    #[inline(always)]
    unsafe fn lane(&self, index: usize) -> Lane<T> {
        // SAFETY: duty 1.
        unsafe { self.lane_at(self.offset(index)) }
    }

    /// # Safety
    ///
    /// 1. `offset` is that of a lane.
    #[inline(always)]
    unsafe fn lane_at(&self, offset: usize) -> Lane<T> {
        // SAFETY: duty 1, and duty 1 of `new`.
        let header = unsafe { self.lane_ptr_at(offset).add(Self::RING_OFFSET).cast() };
        // SAFETY: 1: the ring lies there, slots behind its header. 2: as the whole does.
        Lane::new(unsafe { Block::new(header) })
    }

    /// The reading end of one lane, which closes nothing when it is let go.
    ///
    /// # Safety
    ///
    /// 1. `index` is less than the number of lanes.
    /// 2. The caller is the consumer, and has no other of this lane.
    #[inline(always)]
    pub(super) unsafe fn consumer<'a>(&self, index: usize) -> ManuallyDrop<spsc::Consumer<'a, T>> {
        // SAFETY: 1: the ring lives as long as the ends of the whole, of which the caller is one. 2: duty 2.
        ManuallyDrop::new(unsafe { spsc::Consumer::new(self.lane(index), Home::Borrowed) })
    }

    /// The same, of the lane `offset` bytes from lane 0.
    ///
    /// # Safety
    ///
    /// 1. `offset` is that of a lane.
    /// 2. The caller is the consumer, and has no other of this lane.
    #[inline(always)]
    pub(super) unsafe fn consumer_at<'a>(
        &self,
        offset: usize,
    ) -> ManuallyDrop<spsc::Consumer<'a, T>> {
        // SAFETY: 1: the ring lives as long as the ends of the whole, of which the caller is one. 2: duty 2.
        ManuallyDrop::new(unsafe { spsc::Consumer::new(self.lane_at(offset), Home::Borrowed) })
    }

    /// The writing end of one lane, which closes nothing when it is let go.
    ///
    /// # Safety
    ///
    /// 1. `index` is less than the number of lanes.
    /// 2. There is no other producer of this lane.
    pub(super) unsafe fn producer<'a>(&self, index: usize) -> ManuallyDrop<spsc::Producer<'a, T>> {
        // SAFETY: 1: the ring lives as long as the ends of the whole. 2: duty 2.
        ManuallyDrop::new(unsafe { spsc::Producer::new(self.lane(index), Home::Borrowed) })
    }

    /// Opens all lanes for new ends. What former ends left is still there.
    ///
    /// # Safety
    ///
    /// 1. No end is alive.
    pub(super) unsafe fn reopen(&self) {
        let lanes = self.header().fixed.lanes;
        // RELAXED: no end is alive; what makes the new ones reach their threads orders it.
        self.header().news.open.store(lanes, Relaxed);
        let line = &self.header().consumer;
        // The turn is over, and nothing of it is left: a producer may have taken back what lay beyond it.
        // SAFETY: no end is alive, so all numbers are the caller's; `current_at` is always that of a lane.
        unsafe {
            let current = self.lane_at(line.current_at.get());
            let current = &current.header().consumer;
            line.turn_end.set(current.own_pos.get());
            current.limit.set(current.own_pos.get());
        }
        for index in 0..lanes {
            // SAFETY: less than the number of lanes.
            let lane = unsafe { self.lane(index) };
            lane.header().fixed.reopen();
        }
    }

    /// Drops every value that was pushed and not taken, where it lies. All lanes are empty afterwards.
    ///
    /// A value that panics while it is dropped stops nothing: the rest are dropped during the unwinding.
    ///
    /// # Safety
    ///
    /// 1. All ends are gone, and what they did happened before this call.
    pub(super) unsafe fn drop_leftovers(&self) {
        Rest(*self, 0).go_on();

        /// Drops what is left in the lanes from one on, also behind a value whose drop panicked.
        struct Rest<T>(Raw<T>, usize);
        impl<T> Rest<T> {
            fn go_on(&mut self) {
                while self.1 < self.0.header().fixed.lanes {
                    self.1 += 1;
                    // SAFETY: less than the number of lanes; made by `drop_leftovers` alone, so its duty holds.
                    unsafe { self.0.lane(self.1 - 1).drop_leftovers() };
                }
            }
        }
        impl<T> Drop for Rest<T> {
            fn drop(&mut self) {
                self.go_on();
            }
        }
    }
}

#[cfg(feature = "alloc")]
impl<T> Raw<T> {
    /// Layouts of one lane, and of all with their header.
    fn layouts(lanes: usize, slots: usize) -> Result<(Layout, Layout), CapacityError> {
        let layouts = || {
            let ring = crate::storage::layout::<spsc::raw::Header, Slot<T>>(slots).ok()?;
            let lane = Layout::new::<Beside>().extend(ring).ok()?.0.pad_to_align();
            let bytes = lane.size().checked_mul(lanes)?;
            let all = Layout::from_size_align(bytes, lane.align()).ok()?;
            let whole = Layout::new::<Header>().extend(all).ok()?.0.pad_to_align();
            Some((lane, whole))
        };
        layouts().ok_or(CapacityError::TooLarge)
    }

    /// How many slots a lane has, and the layouts of one lane and of all.
    fn plan(lanes: usize, capacity: usize) -> Result<(usize, Layout, Layout), CapacityError> {
        match lanes {
            0 => return Err(CapacityError::Zero),
            1..=super::LANES_MAX => {}
            _ => return Err(CapacityError::TooLarge),
        }
        let slots = crate::pos::slots_for(capacity)?;
        let (lane, whole) = Self::layouts(lanes, slots)?;
        Ok((slots, lane, whole))
    }

    /// Size and alignment of all lanes with their header.
    pub(super) fn layout(lanes: usize, capacity: usize) -> Result<Layout, CapacityError> {
        Ok(Self::plan(lanes, capacity)?.2)
    }

    /// `lanes` lanes on the heap, in one allocation.
    pub(super) fn allocate(
        lanes: usize,
        capacity: usize,
        start: usize,
    ) -> Result<Self, CapacityError> {
        let whole = Self::layout(lanes, capacity)?;
        // SAFETY: a header is never zero-sized, so neither is the layout.
        let memory = unsafe { alloc::alloc::alloc(whole) };
        let memory = NonNull::new(memory).ok_or(CapacityError::OutOfMemory)?;
        // SAFETY: memory of this layout, new.
        unsafe { Self::lay(memory, lanes, capacity, start) }
    }

    /// `lanes` lanes in memory that they own from now on.
    pub(super) fn place(
        mut memory: impl Memory,
        lanes: usize,
        capacity: usize,
    ) -> Result<Self, MemoryError> {
        let whole = Self::layout(lanes, capacity)?;
        let bytes = memory.bytes();
        let (begin, given) = (bytes.cast::<u8>(), bytes.len());
        let skipped = begin.align_offset(whole.align());
        let needed = skipped.saturating_add(whole.size());
        if needed > given {
            return Err(MemoryError::TooSmall { needed, given });
        }
        let keeper = alloc::boxed::Box::new(memory);
        // SAFETY: `needed` bytes are there, and by the trait's contract nobody else's, as long as the keeper lives.
        let raw = unsafe { Self::lay(begin.add(skipped), lanes, capacity, 0) }?;
        raw.header().fixed.keeper.set(keeper);
        Ok(raw)
    }

    /// Lays `lanes` lanes.
    ///
    /// # Safety
    ///
    /// 1. `memory` has the layout that [`layout`](Self::layout) says, and nobody else has it.
    unsafe fn lay(
        memory: NonNull<u8>,
        lanes: usize,
        capacity: usize,
        start: usize,
    ) -> Result<Self, CapacityError> {
        let (slots, lane, _) = Self::plan(lanes, capacity)?;
        let header = memory.cast::<Header>();
        // SAFETY: duty 1: the layouts have the lanes at the offsets of `lane_ptr`, and the rings at `RING_OFFSET` in
        // them. A slot without a value needs no write.
        unsafe {
            header.write(Header::new(lanes, lane.size(), start));
            let raw = Self::new(header);
            for index in 0..lanes {
                raw.beside(index).write(Beside::new(start));
                let ring = raw.lane_ptr(index).add(Self::RING_OFFSET);
                ring.cast()
                    .write(spsc::raw::Header::new(capacity, slots, start));
            }
            Ok(raw)
        }
    }

    /// # Safety
    ///
    /// 1. The lanes came from [`allocate`](Self::allocate) or [`place`](Self::place), and nothing uses them afterwards.
    pub(super) unsafe fn deallocate(self) {
        let keeper = self.header().fixed.keeper.take();
        let lanes = self.header().fixed.lanes;
        // SAFETY: there is at least one lane.
        let slots = unsafe { self.lane(0).slots() };
        let Ok((_, whole)) = Self::layouts(lanes, slots) else {
            unreachable!("this layout was allocated")
        };
        // SAFETY: written by `lay`; nobody looks at any of it any more (duty 1). Without a
        // keeper, which frees it by its drop, it was allocated with this layout.
        unsafe {
            for index in 0..lanes {
                self.beside(index).drop_in_place();
                let ring = self.lane_ptr(index).add(Self::RING_OFFSET);
                ring.cast::<spsc::raw::Header>().drop_in_place();
            }
            self.header.drop_in_place();
            if keeper.is_none() {
                alloc::alloc::dealloc(self.header.as_ptr().cast(), whole);
            }
        }
    }
}
