//! What the ends share, and which of them may touch what.
//!
//! | field | written by | read by | when |
//! |---|---|---|---|
//! | `write_pos` | producers, by exchange; any end, the closed bit | all | CLAIM; CLOSE |
//! | `tail` | the producer that adds a block, by exchange | producers | TAIL |
//! | `growing` | producers that add a block; consumer | all | GROW |
//! | `first`, the link of a block | the producer that added the next | consumer | once; LINK |
//! | `read_pos` | consumer | producers | ever growing; a count |
//! | `own_pos`, `block`, `retired` | consumer | consumer | any time |
//! | stamp of a slot | the producer that claimed it | consumer | once a use of its block; PUBLISH |
//! | value of a slot | the end that [I1](super#invariants) gives it to | the same | |

use core::{
    marker::PhantomData,
    ptr::{NonNull, null_mut},
};

use crossbeam_utils::{Backoff, CachePadded};

use super::{
    super::{
        TryPushError,
        block::{Link, PrivateBlock, block_capacity},
        pool::Pool,
    },
    stamp::{CLOSED, STEP, TAG_MASK, index, tag, written},
};
use crate::{
    share::Ends,
    slot::Slot,
    storage::Block,
    sync::{
        AtomicPtr, AtomicUsize,
        Ordering::{AcqRel, Acquire, Relaxed, Release},
        Private, const_constructor,
    },
};

/// One line that nobody writes in steady state, one that is written once a block, one for all producers, one for the
/// consumer.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Header {
    pub(super) fixed: CachePadded<Fixed>,
    pub(super) pool: CachePadded<Pool>,
    pub(super) producers: CachePadded<ProducersLine>,
    pub(super) consumer: CachePadded<ConsumerLine>,
}

#[derive(Debug)]
pub(super) struct Fixed {
    /// Living producers. The last one closes the ring.
    pub(super) producers: Ends,
    /// The consumer, and the producers as one.
    pub(super) ends: Ends,
    /// The link before the first block.
    pub(super) first: AtomicPtr<Link>,
}

#[derive(Debug)]
pub(super) struct ProducersLine {
    pub(super) write_pos: AtomicUsize,
    /// The last block, with the low bits of its number in the low bits of its address.
    tail: AtomicPtr<Link>,
    /// Producers that are about to add a block.
    growing: AtomicUsize,
}

#[derive(Debug)]
pub(super) struct ConsumerLine {
    pub(super) read_pos: AtomicUsize,
    pub(super) own_pos: Private,
    pub(super) block: PrivateBlock,
    /// Emptied blocks that a growing producer may still compare with `tail`.
    pub(super) retired: PrivateBlock,
}

/// A slot and the word that says what is in it, side by side: one line brings both.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Cell<T> {
    stamp: AtomicUsize,
    pub(super) slot: Slot<T>,
}

static_assertions::const_assert!(align_of::<Link>() > TAG_MASK);

impl Header {
    const_constructor! {
        /// An empty ring whose positions begin at `start`, the begin of a block.
        pub(super) fn new(start: usize) -> Self {
            Self {
                fixed: CachePadded::new(Fixed {
                    producers: Ends::none(),
                    ends: Ends::none(),
                    first: AtomicPtr::new(null_mut()),
                }),
                pool: CachePadded::new(Pool::new()),
                producers: CachePadded::new(ProducersLine {
                    write_pos: AtomicUsize::new(start),
                    tail: AtomicPtr::new(null_mut()),
                    growing: AtomicUsize::new(0),
                }),
                consumer: CachePadded::new(ConsumerLine {
                    read_pos: AtomicUsize::new(start),
                    own_pos: Private::new(start),
                    block: PrivateBlock::null(),
                    retired: PrivateBlock::null(),
                }),
            }
        }
    }
}

/// A place that is the caller's.
#[derive(Debug)]
pub(super) struct Claim<T> {
    block: Block<Link, Cell<T>>,
    pos: usize,
}

/// A ring by pointer, as all ends hold it.
#[derive(Debug)]
pub(super) struct Raw<T> {
    pub(super) header: Block<Header, ()>,
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

    /// Claims one position: its slot is the caller's, and is empty.
    ///
    /// Lock-free but for the allocator: an exchange fails only because another producer's succeeded.
    #[inline]
    pub(super) fn claim(&self) -> Result<Claim<T>, TryPushError<()>> {
        let line = &self.header().producers;
        let backoff = Backoff::new();
        loop {
            // CLAIM, acquire end: whoever claimed the position before had seen its block as `tail`, so this end sees
            // that one or a later one below.
            let pos = line.write_pos.load(Acquire);
            if pos & CLOSED != 0 {
                return Err(TryPushError::Closed(()));
            }
            // TAIL, acquire end: the block is prepared, and the positions before it are claimed.
            let mut tail = line.tail.load(Acquire);
            if tail.is_null() || tail.addr() & TAG_MASK != tag(pos, Self::SLOTS) {
                match self.grow(pos)? {
                    Some(added) => tail = added,
                    None => continue,
                }
            }
            let link = tail.map_addr(|addr| addr & !TAG_MASK);
            // CLAIM, release end: hands on what was seen of `tail`.
            let claimed =
                line.write_pos
                    .compare_exchange_weak(pos, pos.wrapping_add(STEP), Release, Relaxed);
            if claimed.is_ok() {
                // SAFETY: by I3 the block of a position that is claimed and not yet stamped is alive, and by I2 this
                // is that block: `write_pos` was `pos` from before the look at `tail` until now. It is not null.
                let block = unsafe { Block::new(NonNull::new_unchecked(link)) };
                return Ok(Claim { block, pos });
            }
            backoff.spin();
        }
    }

    /// Adds the block that begins at `pos` and returns it as the `tail` that it is; `None` if that is done, or too late.
    #[cold]
    fn grow(&self, pos: usize) -> Result<Option<*mut Link>, TryPushError<()>> {
        let line = &self.header().producers;
        let _growing = Growing::new(&line.growing);
        // TAIL, acquire end: as in `claim`. After GROW, so that this block is not used anew before this end is done.
        let tail = line.tail.load(Acquire);
        let before = tag(pos.wrapping_sub(STEP), Self::SLOTS);
        let is_before = tail.is_null() || tail.addr() & TAG_MASK == before;
        // RELAXED: TAIL orders it behind the claims of earlier blocks: if `tail` were of a later one, `write_pos` would
        // be beyond `pos`.
        let is_now = line.write_pos.load(Relaxed) == pos;
        debug_assert!(
            index(pos, Self::SLOTS) == 0 || !is_now,
            "I2: within a block, that block is the tail"
        );
        if index(pos, Self::SLOTS) != 0 || !is_before || !is_now {
            return Ok(None);
        }
        let pool = &self.header().pool;
        // SAFETY: all blocks of this ring are of this kind (duty 2 of `new`).
        let block = unsafe { pool.take(Self::SLOTS, Self::prepare) };
        let block = block.ok_or(TryPushError::OutOfMemory(()))?;
        let link = block.as_ptr();
        let tagged = link.map_addr(|addr| addr | tag(pos, Self::SLOTS));
        // TAIL, release end: the block is prepared, and the positions before it were seen claimed.
        let added = line.tail.compare_exchange(tail, tagged, Release, Relaxed);
        if added.is_err() {
            // SAFETY: from `take`, and nobody else has seen it.
            unsafe { pool.give(block, Self::SLOTS) };
            return Ok(None);
        }
        let last = tail.map_addr(|addr| addr & !TAG_MASK);
        // SAFETY: the consumer cannot leave that block before it is linked, which only the producer that put another
        // behind it does: this one, below.
        let last = unsafe { Link::block::<Cell<T>>(last) };
        let to_link = last
            .as_ref()
            .map_or(&self.header().fixed.first, |last| &last.header().next);
        // LINK, release end: the block is prepared, and this end has left the one before.
        to_link.store(link, Release);
        Ok(Some(tagged))
    }

    /// Writes the stamps of a new block. A slot without a value needs no write.
    fn prepare(block: Block<Link, Cell<T>>) {
        for index in 0..Self::SLOTS {
            // SAFETY: inside the block, and nobody else has it yet.
            unsafe {
                let stamp = &raw mut (*block.slot_ptr(index).as_ptr()).stamp;
                stamp.write(AtomicUsize::new(0));
            }
        }
    }

    /// Writes and publishes a claimed position.
    #[inline(always)]
    pub(super) fn publish(&self, claim: Claim<T>, value: T) {
        let Claim { block, pos } = claim;
        let index = index(pos, Self::SLOTS);
        // SAFETY: less than the number of slots; by I3 the block is alive until the stamp below.
        let cell = unsafe { block.slot(index) };
        // SAFETY: by I1 a claimed slot that is not stamped is the claimer's, and is empty.
        unsafe { cell.slot.write(&block.header().watch, index, value) };
        // PUBLISH, release end: whoever loads this stamp also sees the value. It is this end's last touch of the block.
        cell.stamp.store(written(pos), Release);
    }

    /// The block of the consumer's next value, if that is there. The consumer is in it afterwards.
    ///
    /// # Safety
    ///
    /// 1. The caller is the consumer, and `pos` its position.
    #[inline(always)]
    pub(super) unsafe fn find(&self, pos: usize) -> Option<Block<Link, Cell<T>>> {
        let index = index(pos, Self::SLOTS);
        // SAFETY: the consumer's own pointer, to a block that only the consumer leaves.
        let current = unsafe { Link::block::<Cell<T>>(self.header().consumer.block.get()) };
        let block = if index == 0 {
            let link = current
                .as_ref()
                .map_or(&self.header().fixed.first, |block| &block.header().next);
            // LINK, acquire end: the block is prepared, and whoever linked it has left the one before.
            let next = link.load(Acquire);
            // SAFETY: linked, and not yet left by the consumer.
            unsafe { Link::block::<Cell<T>>(next)? }
        } else {
            current?
        };
        // SAFETY: less than the number of slots.
        let cell = unsafe { block.slot(index) };
        // PUBLISH, acquire end: if the stamp says so, the value is written, and its producer has left the block.
        if cell.stamp.load(Acquire) != written(pos) {
            return None;
        }
        if index == 0 {
            // SAFETY: duty 1, and a value is there.
            unsafe { self.enter(block, current) };
        }
        Some(block)
    }

    /// # Safety
    ///
    /// 1. The caller is the consumer, has taken all of `last`, its block, and finds a value in `next`, the one behind.
    #[cold]
    unsafe fn enter(&self, next: Block<Link, Cell<T>>, last: Option<Block<Link, Cell<T>>>) {
        let Header {
            pool,
            producers,
            consumer,
            ..
        } = self.header();
        // SAFETY: the consumer's own pointer.
        unsafe { consumer.block.set(next.as_ptr()) };
        let Some(last) = last else { return };
        // SAFETY: as above.
        let retired = unsafe { consumer.retired.get() };
        // RELAXED: by I3 the block is the consumer's alone.
        last.header().next.store(retired, Relaxed);
        // GROW, both ends: who begins to grow after this sees a `tail` beyond the retired blocks; and who began before
        // and has ended compares none of them any more.
        let mut link = if producers.growing.fetch_add(0, AcqRel) == 0 {
            // SAFETY: as above.
            unsafe { consumer.retired.set(null_mut()) };
            last.as_ptr()
        } else {
            // SAFETY: as above.
            unsafe { consumer.retired.set(last.as_ptr()) };
            null_mut()
        };
        // SAFETY: retired blocks, the consumer's alone.
        while let Some(block) = unsafe { Link::block::<Cell<T>>(link) } {
            // RELAXED: the consumer's own store.
            link = block.header().next.load(Relaxed);
            // SAFETY: 1: from `grow`. 2: by I3 nobody uses it, and by GROW nobody compares it.
            unsafe { pool.give(block, Self::SLOTS) };
        }
    }

    /// Takes the value at `pos`, if it is there.
    ///
    /// # Safety
    ///
    /// 1. The caller is the consumer, and `pos` its position.
    /// 2. It moves on if it gets a value.
    #[inline(always)]
    pub(super) unsafe fn take(&self, pos: usize) -> Option<T> {
        // SAFETY: duty 1.
        let block = unsafe { self.find(pos)? };
        let index = index(pos, Self::SLOTS);
        // SAFETY: by I1 a slot stamped as written is the consumer's, and is full.
        Some(unsafe { block.slot(index).slot.take(&block.header().watch, index) })
    }
}

/// A producer that is about to add a block, until it is dropped.
struct Growing<'r>(&'r AtomicUsize);

impl<'r> Growing<'r> {
    fn new(growing: &'r AtomicUsize) -> Self {
        // GROW, acquire end: blocks that were given back before this are not `tail` for this end.
        growing.fetch_add(1, Acquire);
        Self(growing)
    }
}

impl Drop for Growing<'_> {
    fn drop(&mut self) {
        // GROW, release end: this end compares no block any more.
        self.0.fetch_sub(1, Release);
    }
}
