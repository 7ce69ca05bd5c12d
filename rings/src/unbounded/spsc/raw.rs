//! What the two ends share, and which of them may touch what.
//!
//! | field | written by | read by | when |
//! |---|---|---|---|
//! | `finished` | producer | consumer | after its last push; CLOSE |
//! | `refusing` | either | producer | when an end closes |
//! | `write_pos` | producer | both | ever growing; PUBLISH |
//! | `first`, the link of a block | producer | consumer | once, before the PUBLISH of a value behind it |
//! | `read_pos` | consumer | producer | ever growing; a count |
//! | `limit`, `block`, `own_pos` of a line | that end | that end | any time |
//! | slots | the end that [I1](super#invariants) gives them to | the same | |

use core::{
    marker::PhantomData,
    ptr::{NonNull, null_mut},
};

use crossbeam_utils::CachePadded;

use super::super::{
    block::{Link, PrivateBlock, block_capacity},
    pool::Pool,
};
use crate::{
    CapacityError,
    pos::advance,
    share::Ends,
    slot::Slot,
    storage::{Block, heap},
    sync::{AtomicPtr, AtomicUsize, Ordering::Relaxed, Position, Private, const_constructor},
};

/// One line that nobody writes in steady state, one that is written once a block, and one line for each end.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Header {
    pub(super) fixed: CachePadded<Fixed>,
    pub(super) pool: CachePadded<Pool>,
    pub(super) producer: CachePadded<ProducerLine>,
    pub(super) consumer: CachePadded<ConsumerLine>,
}

#[derive(Debug)]
pub(super) struct Fixed {
    pub(super) finished: AtomicUsize,
    pub(super) refusing: AtomicUsize,
    pub(super) ends: Ends,
}

/// What the producer writes. The consumer reads `write_pos`, and `first` once.
#[derive(Debug)]
pub(super) struct ProducerLine {
    pub(super) write_pos: Position,
    /// The end of its block.
    pub(super) limit: Private,
    pub(super) block: PrivateBlock,
    /// The link before the first block.
    pub(super) first: AtomicPtr<Link>,
}

/// What the consumer writes. The producer reads `read_pos` and nothing else of it.
#[derive(Debug)]
pub(super) struct ConsumerLine {
    pub(super) read_pos: AtomicUsize,
    pub(super) own_pos: Private,
    /// How far it may go: the last `write_pos` it saw.
    pub(super) limit: Private,
    pub(super) block: PrivateBlock,
}

impl Header {
    const_constructor! {
        /// An empty ring whose positions begin at `start`, the begin of a block.
        pub(super) fn new(start: usize) -> Self {
            Self {
                fixed: CachePadded::new(Fixed {
                    finished: AtomicUsize::new(0),
                    refusing: AtomicUsize::new(0),
                    ends: Ends::none(),
                }),
                pool: CachePadded::new(Pool::new()),
                producer: CachePadded::new(ProducerLine {
                    write_pos: Position::new(start),
                    limit: Private::new(start),
                    block: PrivateBlock::null(),
                    first: AtomicPtr::new(null_mut()),
                }),
                consumer: CachePadded::new(ConsumerLine {
                    read_pos: AtomicUsize::new(start),
                    own_pos: Private::new(start),
                    limit: Private::new(start),
                    block: PrivateBlock::null(),
                }),
            }
        }
    }
}

/// A ring by pointer, as both ends hold it.
#[derive(Debug)]
pub(super) struct Raw<T> {
    header: Block<Header, ()>,
    values: PhantomData<*const T>,
}

impl<T> Clone for Raw<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Raw<T> {}

impl<T> Raw<T> {
    pub(super) const SLOTS: usize = block_capacity::<T>();

    /// # Safety
    ///
    /// 1. `header` points to a live header that stays there, and is only shared, as long as a copy of this is used.
    /// 2. It never was, and never is, the header of a ring of another type.
    pub(super) const unsafe fn new(header: NonNull<Header>) -> Self {
        Self {
            // SAFETY: duty 1; there are no slots.
            header: unsafe { Block::new(header) },
            values: PhantomData,
        }
    }

    #[inline(always)]
    pub(super) const fn header(&self) -> &Header {
        self.header.header()
    }

    /// The index of a position in its block.
    #[inline(always)]
    pub(super) const fn index(pos: usize) -> usize {
        pos & (Self::SLOTS - 1)
    }

    /// Puts one more block behind the producer's; it begins at `pos`. `false` if the allocator refuses.
    ///
    /// # Safety
    ///
    /// 1. The caller is the producer, and `pos` is the end of its block.
    #[cold]
    pub(super) unsafe fn grow(&self, pos: usize) -> bool {
        let line = &self.header().producer;
        // SAFETY: all blocks of this ring are of this kind (duty 2 of `new`).
        let block = unsafe { self.header().pool.take::<Slot<T>>(Self::SLOTS, |_| ()) };
        let Some(block) = block else { return false };
        // SAFETY: the producer's own pointer; its block is not given back before a value behind it was published.
        let last = unsafe { Link::block::<Slot<T>>(line.block.get()) };
        let link = last
            .as_ref()
            .map_or(&line.first, |last| &last.header().next);
        // RELAXED: the consumer follows the link only to a value behind it, which PUBLISH brings.
        link.store(block.as_ptr(), Relaxed);
        // SAFETY: the producer's own pointer and number.
        unsafe {
            line.block.set(block.as_ptr());
            line.limit.set(advance(pos, Self::SLOTS));
        }
        true
    }

    /// # Safety
    ///
    /// 1. The caller is the producer, and `pos` lies in its block, unpublished.
    #[inline(always)]
    pub(super) unsafe fn write(&self, pos: usize, value: T) {
        // SAFETY: duty 1; a producer whose `limit` is beyond `pos` has a block.
        unsafe {
            let link = NonNull::new_unchecked(self.header().producer.block.get());
            let block = Block::<Link, Slot<T>>::new(link);
            let index = Self::index(pos);
            block.slot(index).write(&block.header().watch, index, value);
        }
    }

    /// The block and the slot of the consumer's next value. Moves on to the next block at the begin of one.
    ///
    /// # Safety
    ///
    /// 1. The caller is the consumer, `pos` its position, and a value is published there.
    /// 2. It takes that value, or drops it, and moves on.
    #[inline(always)]
    unsafe fn next_slot(&self, pos: usize) -> Block<Link, Slot<T>> {
        if Self::index(pos) == 0 {
            // SAFETY: duties 1 and 2.
            unsafe { self.enter_next_block() };
        }
        // SAFETY: the consumer has a block now, and it stays until the consumer leaves it.
        unsafe { Block::new(NonNull::new_unchecked(self.header().consumer.block.get())) }
    }

    /// # Safety
    ///
    /// 1. The caller is the consumer, has emptied its block, and a value is published behind it.
    #[cold]
    unsafe fn enter_next_block(&self) {
        let Header {
            pool,
            producer,
            consumer,
            ..
        } = self.header();
        // SAFETY: the consumer's own pointer, and a block that only the consumer leaves.
        let last = unsafe { Link::block::<Slot<T>>(consumer.block.get()) };
        let link = last
            .as_ref()
            .map_or(&producer.first, |last| &last.header().next);
        // RELAXED: the link was stored before the value behind it was published.
        let next = link.load(Relaxed);
        debug_assert!(!next.is_null(), "a value is published there");
        // SAFETY: the consumer's own pointer.
        unsafe { consumer.block.set(next) };
        if let Some(last) = last {
            // SAFETY: 1: from `grow`. 2: the producer left it before it linked the next, and this end has just now.
            unsafe { pool.give(last, Self::SLOTS) };
        }
    }

    /// # Safety
    ///
    /// 1. The caller is the consumer, `pos` its position, and a value is published there.
    /// 2. It moves on.
    #[inline(always)]
    pub(super) unsafe fn take(&self, pos: usize) -> T {
        // SAFETY: the duties; by I1 the slot is full and the consumer's.
        unsafe {
            let block = self.next_slot(pos);
            let index = Self::index(pos);
            block.slot(index).take(&block.header().watch, index)
        }
    }

    /// Drops every value that was published and not taken, where it lies. The ring is empty afterwards.
    ///
    /// A value that panics while it is dropped stops nothing: the rest are dropped during the unwinding.
    ///
    /// # Safety
    ///
    /// 1. Both ends are gone, and what they did happened before this call.
    pub(super) unsafe fn drop_leftovers(&self) {
        let Header {
            producer, consumer, ..
        } = self.header();
        // SAFETY: no end is left but the caller (duty 1), so all positions and numbers are the caller's.
        let (mut pos, end) = unsafe { (consumer.own_pos.get(), producer.write_pos.own()) };
        while pos != end {
            let next = advance(pos, 1);
            let rest = Rest(*self);
            // SAFETY: as above; by I1 the slot is full. The position moves first, so that a value whose drop panics is
            // behind it.
            unsafe {
                let block = self.next_slot(pos);
                consumer.own_pos.set(next);
                let index = Self::index(pos);
                block.slot(index).drop_value(&block.header().watch, index);
            }
            core::mem::forget(rest);
            pos = next;
        }
        // RELAXED: no other end is alive to see it.
        consumer.read_pos.store(end, Relaxed);

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
    /// 1. Both ends are gone, and what they did happened before this call.
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
                    pool,
                    producer,
                    consumer,
                    ..
                } = self.0.header();
                // SAFETY: the duties of `clear`: all blocks from the consumer's on are chained, and nobody uses them.
                unsafe {
                    let current = consumer.block.get();
                    // RELAXED: no other end is alive.
                    let first = producer.first.load(Relaxed);
                    let chain = if current.is_null() { first } else { current };
                    pool.free::<Slot<T>>(chain, Raw::<T>::SLOTS);
                }
            }
        }
    }

    /// A ring on the heap.
    pub(super) fn allocate(start: usize) -> Result<Self, CapacityError> {
        let start = start & !(Self::SLOTS - 1);
        Ok(Self {
            header: heap::allocate(Header::new(start), 0)?,
            values: PhantomData,
        })
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
