//! The writing end, publishing by the batch.

use core::fmt;

use super::{Producer, Reclaim};
use crate::{TryPushError, pos::advance};

/// The writing end of a ring that publishes when it is told. Made by [`Producer::batched`].
///
/// A producer that publishes each value hands the line with its position to and fro with a consumer that follows
/// closely; publishing every few values spares that. The values between are written to the ring at once, and seen by
/// the consumer after [`publish`](Self::publish), when the ring is full, or when this end is dropped.
///
/// ```
/// use shared_nothing_rings::{TryPopError, spsc};
///
/// let mut ring = spsc::Ring::<u32, 8>::new();
/// let (tx, mut rx) = ring.split();
/// let mut tx = tx.batched();
/// assert!(tx.try_push(1).is_ok() && tx.try_push(2).is_ok());
/// assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
/// tx.publish();
/// assert!(rx.drain(8).eq([1, 2]));
/// ```
pub struct BatchedProducer<'a, T> {
    inner: Producer<'a, T>,
}

impl<'a, T> BatchedProducer<'a, T> {
    pub(super) fn new(inner: Producer<'a, T>) -> Self {
        // A former end that was forgotten may have left some: they are forgotten, too.
        // SAFETY: the producer's own number, and this is the producer.
        unsafe { inner.line().staged.set(0) };
        Self { inner }
    }

    /// Writes `value` to the ring without publishing it, or hands it back at once. If the ring is full, what was
    /// written before is published.
    ///
    /// Wait-free.
    ///
    /// # Errors
    ///
    /// As [`Producer::try_push`].
    #[inline]
    pub fn try_push(&mut self, value: T) -> Result<(), TryPushError<T>> {
        if self.inner.is_closed() {
            return Err(TryPushError::Closed(value));
        }
        let staged = self.staged();
        let pos = advance(self.inner.own_pos(), staged);
        if self.inner.free_slots(pos) == 0 && self.inner.refresh_free_slots(pos) == 0 {
            self.publish();
            return Err(TryPushError::Full(value));
        }
        // SAFETY: ours and empty by I1: `pos` is before the limit, and `&mut self` is the one producer.
        unsafe { self.inner.raw().write(pos, value) };
        // SAFETY: the producer's own number, and this is the producer. It lies in the ring, so that ends that lie side
        // by side share no line that is written.
        unsafe { self.inner.line().staged.set(staged + 1) };
        Ok(())
    }

    /// Publishes what was written since the last time, by one store.
    #[inline]
    pub fn publish(&mut self) {
        let staged = self.staged();
        if staged != 0 {
            // SAFETY: the producer's own number, and this is the producer.
            unsafe { self.inner.line().staged.set(0) };
            self.inner.publish(advance(self.inner.own_pos(), staged));
        }
    }

    /// Asks for the memory of the next `count` values, as far as it is known to be free, so that it is at hand when they are
    /// written: its lines are where the consumer has read them. It changes nothing.
    ///
    /// It pays where some time goes by between one value and the next: a loop that does nothing but push has its lines as
    /// early without it.
    pub fn prefetch(&self, count: usize) {
        let pos = advance(self.inner.own_pos(), self.staged());
        let free = self.inner.free_slots(pos);
        self.inner.raw().prefetch_to_write(pos, count.min(free));
    }

    /// How many values are written and not published.
    #[inline]
    #[must_use]
    pub fn staged(&self) -> usize {
        // SAFETY: the producer's own number, and this is the producer.
        unsafe { self.inner.line().staged.get() }
    }

    /// Publishes, and takes back what will never be popped: see [`Producer::reclaim`].
    pub fn reclaim(&mut self) -> Reclaim<'_, 'a, T> {
        self.publish();
        self.inner.reclaim()
    }

    /// How many values the ring holds at most, those not published included.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.inner.capacity()
    }

    /// How many values are in the ring, published or not: an upper bound, since the consumer may take some at any
    /// moment.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.len() + self.staged()
    }

    /// Whether the ring is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether an end has closed, or the consumer is gone.
    #[inline]
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    /// Publishes, and says that nothing more will come.
    pub fn close(&mut self) {
        self.publish();
        self.inner.close();
    }
}

impl<T> Drop for BatchedProducer<'_, T> {
    fn drop(&mut self) {
        self.publish();
    }
}

impl<T> fmt::Debug for BatchedProducer<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchedProducer")
            .field("capacity", &self.capacity())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
