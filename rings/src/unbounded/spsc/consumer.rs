//! The reading end.

use core::{fmt, iter::FusedIterator, marker::PhantomData};

use super::{
    super::MemoryUse,
    raw::{ConsumerLine, Raw},
};
use crate::{
    TryPopError,
    pos::{advance, distance},
    share::Home,
    slot::Slot,
    sync::Ordering::{Acquire, Relaxed},
};

/// The reading end of a ring that grows.
///
/// It may move to another thread, but only one thread at a time can use it: it is `Send` and not `Sync`, its methods
/// take `&mut self`, and it cannot be cloned. Dropping it closes the ring for the producer; values still in the ring
/// are dropped with the ring, or are there again when it is split anew.
///
/// It is a pointer: where it lies, and what lies beside it, costs nothing (no *false sharing*).
pub struct Consumer<'a, T> {
    raw: Raw<T>,
    home: Home,
    ring: PhantomData<&'a ()>,
}

// SAFETY: values come from the other end's thread, hence `T: Send`. The positions are atomics, or belong to this end
// and move with it.
unsafe impl<T: Send> Send for Consumer<'_, T> {}

impl<'a, T> Consumer<'a, T> {
    /// # Safety
    ///
    /// 1. The ring lives for `'a`, or by `home` until its last end is gone.
    /// 2. This is the only consumer.
    pub(super) const unsafe fn new(raw: Raw<T>, home: Home) -> Self {
        Self {
            raw,
            home,
            ring: PhantomData,
        }
    }

    /// Takes the oldest value, or returns at once.
    ///
    /// Wait-free but for the allocator, which gets a block back when more are empty than are kept.
    ///
    /// # Errors
    ///
    /// - [`Empty`](TryPopError::Empty): nothing to take now.
    /// - [`Closed`](TryPopError::Closed): the producer is gone and everything it pushed was taken.
    ///
    /// ```
    /// use shared_nothing_rings::{TryPopError, unbounded::spsc};
    ///
    /// let (mut tx, mut rx) = spsc::on_heap::<u32>()?;
    /// assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
    /// assert!(tx.try_push(1).is_ok());
    /// drop(tx);
    /// assert_eq!(rx.try_pop(), Ok(1));
    /// assert_eq!(rx.try_pop(), Err(TryPopError::Closed));
    /// # Ok::<(), shared_nothing_rings::CapacityError>(())
    /// ```
    #[inline]
    pub fn try_pop(&mut self) -> Result<T, TryPopError> {
        match self.take_next() {
            Some(value) => Ok(value),
            None => self.look_again(),
        }
    }

    /// An iterator that takes up to `max` values, as long as the next is there.
    ///
    /// Dropping it early, or forgetting it, leaves the rest in the ring.
    pub fn drain(&mut self, max: usize) -> Drain<'_, 'a, T> {
        Drain {
            consumer: self,
            left: max,
        }
    }

    /// `usize::MAX`: there is no limit but memory.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        usize::MAX
    }

    /// How many values are in the ring: a lower bound, since the producer may add some at any moment.
    #[must_use]
    pub fn len(&self) -> usize {
        // RELAXED: a count; nothing is read by it.
        let write_pos = self.raw.header().producer.write_pos.load(Relaxed);
        distance(write_pos, self.own_pos())
    }

    /// Whether the ring is empty. `true` may be outdated at once; `false` stays false until this end pops.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Never.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        false
    }

    /// Whether the producer is gone or has closed. Values may still be there: [`try_pop`](Self::try_pop) says when none are.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        // CLOSE, acquire end: every position that the producer published comes before the flag.
        self.raw.header().fixed.finished.load(Acquire) != 0
    }

    /// Closes the ring for the producer: its later pushes hand the value back.
    ///
    /// This end stays, so that what was pushed before can be taken.
    pub fn close(&mut self) {
        // RELAXED: no data comes with the flag.
        self.raw.header().fixed.refusing.store(1, Relaxed);
    }

    /// How much memory the values take, and took at most.
    #[must_use]
    pub fn memory(&self) -> MemoryUse {
        self.raw.header().pool.memory::<Slot<T>>(Raw::<T>::SLOTS)
    }

    fn line(&self) -> &ConsumerLine {
        &self.raw.header().consumer
    }

    #[inline(always)]
    fn own_pos(&self) -> usize {
        // SAFETY: the consumer's own number, and this is the consumer.
        unsafe { self.line().own_pos.get() }
    }

    /// Takes the next value if it is there.
    #[inline(always)]
    fn take_next(&mut self) -> Option<T> {
        let pos = self.own_pos();
        // SAFETY: the consumer's own number, and this is the consumer.
        let limit = unsafe { self.line().limit.get() };
        if pos == limit && self.refresh_limit() == pos {
            return None;
        }
        // SAFETY: this is the consumer, `pos` its position and before the limit, so that a value is published there; it
        // moves on below.
        let value = unsafe { self.raw.take(pos) };
        let next = advance(pos, 1);
        // SAFETY: the consumer's own number. It moves at once, so that a forgotten drain takes no value twice.
        unsafe { self.line().own_pos.set(next) };
        // RELAXED: a count. Slots are given back by the block, and by SPARE.
        self.line().read_pos.store(next, Relaxed);
        Some(value)
    }

    #[inline(always)]
    fn refresh_limit(&mut self) -> usize {
        // PUBLISH, acquire end: every value before this position is written, and every block on the way linked.
        let write_pos = self.raw.header().producer.write_pos.load(Acquire);
        // SAFETY: the consumer's own number, and this is the consumer.
        unsafe { self.line().limit.set(write_pos) };
        write_pos
    }

    /// The ring is empty: for ever?
    #[cold]
    fn look_again(&mut self) -> Result<T, TryPopError> {
        if !self.is_closed() {
            return Err(TryPopError::Empty);
        }
        // The last push may have come between the look and the flag. The flag is the last thing a producer does, so
        // this look is final.
        self.take_next().ok_or(TryPopError::Closed)
    }
}

impl<T> Drop for Consumer<'_, T> {
    fn drop(&mut self) {
        self.close();
        // SAFETY: this end is never used again.
        unsafe { super::leave(self.raw, self.home) };
    }
}

impl<T> fmt::Debug for Consumer<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// Takes values as long as the next is there. Made by [`Consumer::drain`].
#[must_use = "a drain takes only what is asked of it"]
#[derive(Debug)]
pub struct Drain<'c, 'a, T> {
    consumer: &'c mut Consumer<'a, T>,
    left: usize,
}

impl<T> Iterator for Drain<'_, '_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.left = self.left.checked_sub(1)?;
        let value = self.consumer.take_next();
        if value.is_none() {
            self.left = 0;
        }
        value
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left))
    }
}

impl<T> FusedIterator for Drain<'_, '_, T> {}
