//! The writing end.

use core::{fmt, marker::PhantomData};

use super::{
    super::{MemoryUse, Refused, TryPushError},
    raw::{ProducerLine, Raw},
};
use crate::{
    pos::{advance, distance},
    share::Home,
    slot::Slot,
    sync::Ordering::{Relaxed, Release},
};

/// The writing end of a ring that grows.
///
/// It may move to another thread, but only one thread at a time can use it: it is `Send` and not `Sync`, its methods
/// take `&mut self`, and it cannot be cloned. Dropping it closes the ring; what was pushed stays for the consumer.
///
/// It is a pointer: where it lies, and what lies beside it, costs nothing (no *false sharing*).
pub struct Producer<'a, T> {
    raw: Raw<T>,
    home: Home,
    ring: PhantomData<&'a ()>,
}

// SAFETY: values move to the other end's thread, hence `T: Send`. The positions are atomics, or belong to this end and
// move with it.
unsafe impl<T: Send> Send for Producer<'_, T> {}

impl<T> Producer<'_, T> {
    /// # Safety
    ///
    /// 1. The ring lives for `'a`, or by `home` until its last end is gone.
    /// 2. This is the only producer.
    pub(super) const unsafe fn new(raw: Raw<T>, home: Home) -> Self {
        Self {
            raw,
            home,
            ring: PhantomData,
        }
    }

    /// Puts `value` at the end of the ring, or hands it back at once.
    ///
    /// Wait-free but for the allocator, which is asked once a block, and only if no emptied block is at hand.
    ///
    /// # Errors
    ///
    /// - [`OutOfMemory`](TryPushError::OutOfMemory): one more block is needed and the allocator refuses.
    /// - [`Closed`](TryPushError::Closed): the consumer is gone, or an end has closed.
    ///
    /// A push that runs while the consumer closes may still succeed; that value goes where all leftovers go.
    ///
    /// ```
    /// use shared_nothing_rings::unbounded::{TryPushError, spsc};
    ///
    /// let mut ring = spsc::Ring::<u32>::new();
    /// let (mut tx, mut rx) = ring.split();
    /// assert!((0..1000).all(|value| tx.try_push(value).is_ok()));
    /// rx.close();
    /// assert_eq!(tx.try_push(1000), Err(TryPushError::Closed(1000)));
    /// assert!(rx.drain(usize::MAX).eq(0..1000));
    /// ```
    #[inline]
    pub fn try_push(&mut self, value: T) -> Result<(), TryPushError<T>> {
        if self.is_closed() {
            return Err(TryPushError::Closed(value));
        }
        let pos = self.own_pos();
        if !self.has_slot(pos) {
            return Err(TryPushError::OutOfMemory(value));
        }
        // SAFETY: this is the producer, and `pos` is before the end of its block.
        unsafe { self.raw.write(pos, value) };
        self.publish(advance(pos, 1));
        Ok(())
    }

    /// Pushes all values of `values`; one publication a block.
    ///
    /// Returns how many were pushed. If the iterator panics, the values that it gave before are published.
    ///
    /// Wait-free but for what `values` does, and for the allocator. An endless iterator is pushed until memory ends.
    ///
    /// # Errors
    ///
    /// [`Refused`]: there is no memory for one of the values, or the ring is closed. That value comes back, with the
    /// number of those before it; the later ones are still in the iterator.
    pub fn try_push_iter<I>(&mut self, values: &mut I) -> Result<usize, Refused<T>>
    where
        I: Iterator<Item = T>,
    {
        let start = self.own_pos();
        let mut batch = Batch {
            end: start,
            producer: self,
        };
        for value in values {
            let refused = |error| Refused {
                pushed: distance(batch.end, start),
                error,
            };
            if Raw::<T>::index(batch.end) == 0 {
                batch.producer.publish(batch.end);
            }
            if batch.producer.is_closed() {
                return Err(refused(TryPushError::Closed(value)));
            }
            if !batch.producer.has_slot(batch.end) {
                return Err(refused(TryPushError::OutOfMemory(value)));
            }
            // SAFETY: this is the producer, and `end` is before the end of its block.
            unsafe { batch.producer.raw.write(batch.end, value) };
            batch.end = advance(batch.end, 1);
        }
        Ok(distance(batch.end, start))
    }

    /// `usize::MAX`: there is no limit but memory.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        usize::MAX
    }

    /// How many values are in the ring: an upper bound, since the consumer may take some at any moment.
    #[must_use]
    pub fn len(&self) -> usize {
        // RELAXED: a count; nothing is read by it.
        let read_pos = self.raw.header().consumer.read_pos.load(Relaxed);
        distance(self.own_pos(), read_pos)
    }

    /// Whether the ring is empty. `false` may be outdated at once; `true` stays true until this end pushes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Never.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        false
    }

    /// Whether an end has closed, or the consumer is gone. Once `true`, it stays so.
    #[inline]
    #[must_use]
    pub fn is_closed(&self) -> bool {
        // RELAXED: a producer that is told later pushes a little longer; no data comes with the flag.
        self.raw.header().fixed.refusing.load(Relaxed) != 0
    }

    /// Says that nothing more will come, as dropping does: this end's later pushes hand the value back.
    pub fn close(&mut self) {
        // RELAXED: read by this end alone.
        self.raw.header().fixed.refusing.store(1, Relaxed);
        // CLOSE, release end: whoever sees the flag also sees the last position published.
        self.raw.header().fixed.finished.store(1, Release);
    }

    /// How much memory the values take, and took at most.
    #[must_use]
    pub fn memory(&self) -> MemoryUse {
        self.raw.header().pool.memory::<Slot<T>>(Raw::<T>::SLOTS)
    }

    fn line(&self) -> &ProducerLine {
        &self.raw.header().producer
    }

    #[inline(always)]
    fn own_pos(&self) -> usize {
        // SAFETY: the producer's own position, and this is the producer.
        unsafe { self.line().write_pos.own() }
    }

    /// Whether the producer's block reaches beyond `pos`, its next position, if need be after one more was added.
    #[inline(always)]
    fn has_slot(&mut self, pos: usize) -> bool {
        // SAFETY: the producer's own number, and this is the producer, whose block ends at `limit`.
        unsafe { pos != self.line().limit.get() || self.raw.grow(pos) }
    }

    #[inline(always)]
    fn publish(&mut self, pos: usize) {
        // PUBLISH, release end: whoever loads this position also sees every value written before it, and the links on
        // the way there.
        // SAFETY: the producer's own position, and this is the producer.
        unsafe { self.line().write_pos.store(pos, Release) };
    }
}

impl<T> Drop for Producer<'_, T> {
    fn drop(&mut self) {
        self.close();
        // SAFETY: this end is never used again.
        unsafe { super::leave(self.raw, self.home) };
    }
}

impl<T> fmt::Debug for Producer<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// Publishes what was written so far, once, also when the source of the values panics.
struct Batch<'p, 'a, T> {
    producer: &'p mut Producer<'a, T>,
    end: usize,
}

impl<T> Drop for Batch<'_, '_, T> {
    fn drop(&mut self) {
        self.producer.publish(self.end);
    }
}
