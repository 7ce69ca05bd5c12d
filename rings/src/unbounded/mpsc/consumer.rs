//! The reading end.

use core::{fmt, iter::FusedIterator, marker::PhantomData};

use super::{
    super::MemoryUse,
    raw::{Cell, Raw},
    stamp::{CLOSED, STEP},
};
use crate::{
    TryPopError,
    share::Home,
    sync::Ordering::{Acquire, Relaxed},
};

/// The reading end of a ring that grows.
///
/// It may move to another thread, but only one thread at a time can use it: it is `Send` and not `Sync`, its methods
/// take `&mut self`, and it cannot be cloned. Dropping it closes the ring for the producers; values still in the ring
/// are dropped with the ring, or are there again when it is split anew.
///
/// It is a pointer: where it lies, and what lies beside it, costs nothing (no *false sharing*).
pub struct Consumer<'a, T> {
    raw: Raw<T>,
    home: Home,
    ring: PhantomData<&'a ()>,
}

// SAFETY: values come from the producers' threads, hence `T: Send`. What is this end's own moves with it.
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
    /// Wait-free but for the allocator, which gets a block back when more are empty than are kept. A producer that is
    /// stopped in the middle of a push makes the ring seem empty, also when others have pushed behind it: the call
    /// returns and does not wait for it.
    ///
    /// # Errors
    ///
    /// - [`Empty`](TryPopError::Empty): nothing to take now.
    /// - [`Closed`](TryPopError::Closed): the ring is closed and everything claimed before was taken.
    ///
    /// ```
    /// use shared_nothing_rings::{TryPopError, unbounded::mpsc};
    ///
    /// let (tx, mut rx) = mpsc::on_heap::<u32>()?;
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
            None => Err(self.why_nothing()),
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

    /// How many values are in the ring or being written to it: some of them may not be there yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.raw.header().len()
    }

    /// Whether nothing is in the ring or being written to it. `true` may be outdated at once.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Never.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        false
    }

    /// Whether the ring is closed. Values may still be there: [`try_pop`](Self::try_pop) says when none are.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        // CLOSE, acquire end: what the closing end did before is seen.
        self.raw.header().producers.write_pos.load(Acquire) & CLOSED != 0
    }

    /// Closes the ring for the producers: their later pushes hand the value back.
    ///
    /// This end stays, and gets every value whose place was claimed before, then
    /// [`Closed`](TryPopError::Closed).
    pub fn close(&mut self) {
        self.raw.header().close();
    }

    /// How much memory the values take, and took at most.
    #[must_use]
    pub fn memory(&self) -> MemoryUse {
        self.raw.header().pool.memory::<Cell<T>>(Raw::<T>::SLOTS)
    }

    #[inline(always)]
    fn own_pos(&self) -> usize {
        // SAFETY: the consumer's own number, and this is the consumer.
        unsafe { self.raw.header().consumer.own_pos.get() }
    }

    /// Takes the next value if it is there.
    #[inline(always)]
    fn take_next(&mut self) -> Option<T> {
        let pos = self.own_pos();
        // SAFETY: this is the consumer, `pos` its position, and it moves on below.
        let value = unsafe { self.raw.take(pos)? };
        let next = pos.wrapping_add(STEP);
        let line = &self.raw.header().consumer;
        // SAFETY: the consumer's own number. It moves at once, so that a forgotten drain takes no value twice.
        unsafe { line.own_pos.set(next) };
        // RELAXED: a count. Slots are given back by the block, and by SPARE.
        line.read_pos.store(next, Relaxed);
        Some(value)
    }

    #[cold]
    fn why_nothing(&self) -> TryPopError {
        // CLOSE, acquire end: what the closing end did before is seen. No claim can come after the bit, so a closed
        // ring whose claims are all behind us stays empty.
        let write_pos = self.raw.header().producers.write_pos.load(Acquire);
        if write_pos == self.own_pos() | CLOSED {
            TryPopError::Closed
        } else {
            TryPopError::Empty
        }
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
