//! The writing ends.

use core::{fmt, marker::PhantomData};

use super::{
    super::{MemoryUse, Refused, TryPushError},
    raw::{Cell, Header, Raw},
    stamp::{CLOSED, STEP},
};
use crate::{
    share::Home,
    sync::Ordering::{Relaxed, Release},
};

/// A writing end of a ring that grows. Clone it for each thread, or share one.
///
/// The last one that is dropped closes the ring; what was pushed stays for the consumer. It is a pointer: where it
/// lies, and what lies beside it, costs nothing (no *false sharing*).
pub struct Producer<'a, T> {
    raw: Raw<T>,
    home: Home,
    ring: PhantomData<&'a ()>,
}

// SAFETY: values move to the consumer's thread, hence `T: Send`. All that producers share is atomic.
unsafe impl<T: Send> Send for Producer<'_, T> {}
// SAFETY: a push through `&self` claims its position by an atomic exchange, as a push through a clone does.
unsafe impl<T: Send> Sync for Producer<'_, T> {}

impl<T> Producer<'_, T> {
    /// # Safety
    ///
    /// 1. The ring lives for `'a`, or by `home` until its last end is gone.
    /// 2. This end is counted in `producers`.
    pub(super) const unsafe fn new(raw: Raw<T>, home: Home) -> Self {
        Self {
            raw,
            home,
            ring: PhantomData,
        }
    }

    /// Puts `value` at the end of the ring, or hands it back at once.
    ///
    /// Lock-free but for the allocator, which is asked once a block, and only if no emptied block is at hand: one
    /// compare-exchange unless another producer comes between. A producer that is stopped in the middle of a push keeps
    /// nobody from pushing; what was pushed behind it is seen when it goes on.
    ///
    /// # Errors
    ///
    /// - [`OutOfMemory`](TryPushError::OutOfMemory): one more block is needed and the allocator refuses. No place is
    ///   claimed then.
    /// - [`Closed`](TryPushError::Closed): the consumer is gone, or an end has closed the ring.
    ///
    /// ```
    /// use shared_nothing_rings::unbounded::{TryPushError, mpsc};
    ///
    /// let mut ring = mpsc::Ring::<u32>::new();
    /// let (tx, mut rx) = ring.split();
    /// assert!((0..1000).all(|value| tx.try_push(value).is_ok()));
    /// rx.close();
    /// assert_eq!(tx.try_push(1000), Err(TryPushError::Closed(1000)));
    /// assert!(rx.drain(usize::MAX).eq(0..1000));
    /// ```
    #[inline]
    pub fn try_push(&self, value: T) -> Result<(), TryPushError<T>> {
        match self.raw.claim() {
            Ok(claim) => {
                self.raw.publish(claim, value);
                Ok(())
            }
            Err(reason) => Err(reason.with(value)),
        }
    }

    /// Pushes all values of `values`, one by one.
    ///
    /// Returns how many were pushed. If the iterator panics, the values that it gave before are published.
    ///
    /// Lock-free but for what `values` does, and for the allocator. An endless iterator is pushed until memory ends.
    ///
    /// # Errors
    ///
    /// [`Refused`]: there is no memory for one of the values, or the ring is closed. That value comes back, with the
    /// number of those before it; the later ones are still in the iterator.
    pub fn try_push_iter<I>(&self, values: &mut I) -> Result<usize, Refused<T>>
    where
        I: Iterator<Item = T>,
    {
        let mut pushed = 0;
        for value in values {
            match self.try_push(value) {
                Ok(()) => pushed += 1,
                Err(error) => return Err(Refused { pushed, error }),
            }
        }
        Ok(pushed)
    }

    /// `usize::MAX`: there is no limit but memory.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        usize::MAX
    }

    /// How many values are in the ring or being written to it: a guess, since every end may change it at any moment.
    #[must_use]
    pub fn len(&self) -> usize {
        self.raw.header().len()
    }

    /// Whether the ring seemed empty. It may be outdated at once.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Never.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        false
    }

    /// Whether the ring is closed. Once `true`, it stays so.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        // RELAXED: no data comes with the bit to a producer.
        self.raw.header().producers.write_pos.load(Relaxed) & CLOSED != 0
    }

    /// Closes the ring for all producers, and tells the consumer that nothing more will come.
    ///
    /// What was claimed before is still delivered; every later push hands its value back.
    pub fn close(&self) {
        self.raw.header().close();
    }

    /// How much memory the values take, and took at most.
    #[must_use]
    pub fn memory(&self) -> MemoryUse {
        self.raw.header().pool.memory::<Cell<T>>(Raw::<T>::SLOTS)
    }
}

impl Header {
    /// Ends all claims. Nobody can come between the last claim and this: both are in one word.
    pub(super) fn close(&self) {
        // CLOSE, release end: whoever sees the bit also sees what this end did before.
        self.producers.write_pos.fetch_or(CLOSED, Release);
    }

    pub(super) fn len(&self) -> usize {
        // RELAXED: a count; nothing is read by it. The two loads are not of one moment, hence the clamp.
        let read_pos = self.consumer.read_pos.load(Relaxed);
        let write_pos = self.producers.write_pos.load(Relaxed) & !CLOSED;
        let distance = write_pos.wrapping_sub(read_pos) as isize;
        distance.max(0) as usize / STEP
    }
}

impl<T> Clone for Producer<'_, T> {
    fn clone(&self) -> Self {
        self.raw.header().fixed.producers.join();
        Self {
            raw: self.raw,
            home: self.home,
            ring: PhantomData,
        }
    }
}

impl<T> Drop for Producer<'_, T> {
    fn drop(&mut self) {
        if self.raw.header().fixed.producers.leave() {
            self.close();
            // SAFETY: the last producer, and it is never used again.
            unsafe { super::leave(self.raw, self.home) };
        }
    }
}

impl<T> fmt::Debug for Producer<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
