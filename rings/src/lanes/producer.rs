//! The writing ends.

use core::{fmt, mem::ManuallyDrop};

use super::{grant::Grant, lease::Lease, raw::Raw};
use crate::{TryPushError, TryReserveError, share::Home, spsc};

/// The writing end of one lane.
///
/// It may move to another thread, but only one thread at a time can use it: it is `Send` and not `Sync`, its methods
/// take `&mut self`, and it cannot be cloned. Dropping it closes its lane; what was pushed stays for the consumer.
///
/// It is a few pointers: where it lies, and what lies beside it, costs nothing (no *false sharing*).
pub struct Producer<'a, T> {
    /// Dropped before this end leaves, and not by the field's own drop.
    lane: ManuallyDrop<spsc::Producer<'a, T>>,
    lease: Lease,
    home: Home,
    is_finished: bool,
}

// SAFETY: values move to the consumer's thread, hence `T: Send`. What the lease points to is atomic, or belongs to
// this end and moves with it.
unsafe impl<T: Send> Send for Producer<'_, T> {}

impl<'a, T> Producer<'a, T> {
    /// # Safety
    ///
    /// 1. The lanes live for `'a`, or by `home` until their last end is gone.
    /// 2. `index` is less than the number of lanes, and this is the only producer of that lane.
    pub(super) unsafe fn new(raw: Raw<T>, index: usize, home: Home) -> Self {
        // SAFETY: duty 2.
        let (lane, beside) = unsafe { (raw.producer(index), raw.beside(index)) };
        Self {
            lane,
            lease: Lease {
                header: raw.as_ptr(),
                beside,
                lane: index,
            },
            home,
            is_finished: false,
        }
    }

    /// Puts `value` at the end of this lane, or hands it back at once.
    ///
    /// Wait-free. No line is written that another producer writes, but when a lease ends: once in up to 256 values
    /// while the consumer is busy with the lane, at each value while it is not.
    ///
    /// # Errors
    ///
    /// - [`Full`](TryPushError::Full): `capacity` values are in this lane.
    /// - [`Closed`](TryPushError::Closed): the consumer is gone or has closed, or this end has.
    ///
    /// A push that runs while the consumer closes may still succeed; that value goes where all leftovers go.
    ///
    /// ```
    /// use shared_nothing_rings::{TryPushError, lanes};
    ///
    /// let mut ring = lanes::Ring::<u32, 2, 1>::new();
    /// let ([mut a, mut b], mut rx) = ring.split();
    /// assert!(a.try_push(1).is_ok());
    /// assert_eq!(a.try_push(2), Err(TryPushError::Full(2)));
    /// assert!(b.try_push(3).is_ok());
    /// assert!(rx.drain(usize::MAX).eq([1, 3]));
    /// ```
    #[inline]
    pub fn try_push(&mut self, value: T) -> Result<(), TryPushError<T>> {
        self.lane.try_push(value)?;
        self.announce();
        Ok(())
    }

    /// Pushes values from `values` until it ends or the lane is full; one publication for all of them.
    ///
    /// Returns how many were pushed. What did not fit is still in the iterator: nothing is taken from it that has no
    /// place. If it panics, the values that it gave before are published.
    ///
    /// Wait-free but for what `values` does.
    ///
    /// # Errors
    ///
    /// There are values and none was taken because the lane is [`Full`](TryReserveError::Full) or
    /// [`Closed`](TryReserveError::Closed).
    pub fn try_push_iter<I>(&mut self, values: &mut I) -> Result<usize, TryReserveError>
    where
        I: Iterator<Item = T>,
    {
        let batch = Announce(self);
        batch.0.lane.try_push_iter(values)
    }

    /// Copies values from the front of `values`, as many as fit; one publication for all of them.
    ///
    /// Returns how many were pushed.
    ///
    /// Wait-free; two block copies at most.
    ///
    /// # Errors
    ///
    /// There are values and none was taken because the lane is [`Full`](TryReserveError::Full) or
    /// [`Closed`](TryReserveError::Closed).
    pub fn try_push_slice(&mut self, values: &[T]) -> Result<usize, TryReserveError>
    where
        T: Copy,
    {
        let batch = Announce(self);
        batch.0.lane.try_push_slice(values)
    }

    /// Claims up to `want` empty slots of this lane, at least one, to be written in place.
    ///
    /// Wait-free.
    ///
    /// # Errors
    ///
    /// The lane is [`Full`](TryReserveError::Full) or [`Closed`](TryReserveError::Closed).
    ///
    /// # Panics
    ///
    /// If `want` is 0.
    ///
    /// ```
    /// use shared_nothing_rings::lanes;
    ///
    /// let mut ring = lanes::Ring::<u64, 1, 8>::new();
    /// let ([mut tx], mut rx) = ring.split();
    /// let mut grant = tx.reserve(3)?;
    /// let (slots, _wrapped) = grant.as_uninit();
    /// slots[0].write(10);
    /// slots[1].write(20);
    /// // SAFETY: two slots are written.
    /// unsafe { grant.commit(2) };
    /// assert!(rx.drain(usize::MAX).eq([10, 20]));
    /// # Ok::<(), shared_nothing_rings::TryReserveError>(())
    /// ```
    pub fn reserve(&mut self, want: usize) -> Result<Grant<'_, 'a, T>, TryReserveError> {
        let pos = self.lane.own_pos();
        Ok(Grant {
            grant: self.lane.reserve(want)?,
            lease: self.lease,
            pos,
        })
    }

    /// Says that no more values follow for a while: a consumer that has emptied the lane need not look at it again
    /// until the next push.
    ///
    /// Never needed for a value to be seen. After many pushes in a row an idle consumer goes on looking at a lane;
    /// this spares it that.
    ///
    /// Wait-free; at most one read-modify-write.
    pub fn end_burst(&mut self) {
        // SAFETY: this is the producer of the lane, which lives as long as this; each push publishes at once.
        unsafe { self.lease.end(self.lane.own_pos()) };
    }

    /// Which lane this is.
    #[must_use]
    pub const fn lane(&self) -> usize {
        self.lease.lane
    }

    /// How many values this lane holds at most. Exactly what was asked for.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.lane.capacity()
    }

    /// How many values are in this lane: an upper bound, since the consumer may take some at any moment.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lane.len()
    }

    /// Whether this lane is empty. `false` may be outdated at once; `true` stays true until this end pushes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lane.is_empty()
    }

    /// Whether this lane is full. `true` may be outdated at once; `false` stays false until this end pushes.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.lane.is_full()
    }

    /// Whether this end or the consumer has closed this lane, or the consumer is gone. Once `true`, it stays so.
    #[inline]
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.lane.is_closed()
    }

    /// Says that nothing more will come from this end, as dropping does: its later pushes hand the value back. The
    /// other lanes stay open.
    pub fn close(&mut self) {
        self.lane.close();
        if !core::mem::replace(&mut self.is_finished, true) {
            // Nobody is left who could end it.
            self.end_burst();
            self.lease.close();
        }
    }

    /// Takes back what was pushed and will never be popped: all that is in this lane when the consumer is gone.
    ///
    /// As [`spsc::Producer::reclaim`].
    pub fn reclaim(&mut self) -> spsc::Reclaim<'_, 'a, T> {
        self.lane.reclaim()
    }

    #[inline(always)]
    fn announce(&mut self) {
        // SAFETY: this is the producer of the lane, which lives as long as this; each push publishes at once.
        unsafe { self.lease.announce(self.lane.own_pos()) };
    }
}

// SAFETY: there is no other producer of this lane, so a slot that is free stays free until this end fills it.
unsafe impl<T> crate::ends::ReserveEnd for Producer<'_, T> {
    type Claim = ();

    fn try_claim(&mut self) -> Result<(), TryReserveError> {
        self.reserve(1).map(drop)
    }

    unsafe fn fill(&mut self, (): (), value: T) {
        // SAFETY: the caller's duty, for the same lane.
        unsafe { crate::ends::ReserveEnd::fill(&mut *self.lane, (), value) };
        self.announce();
    }

    unsafe fn give_up(&mut self, (): ()) {}
}

impl<T> Drop for Producer<'_, T> {
    fn drop(&mut self) {
        self.close();
        // SAFETY: once, and the lane is not used afterwards.
        unsafe { ManuallyDrop::drop(&mut self.lane) };
        // SAFETY: this end is never used again.
        unsafe { super::leave(Raw::<T>::new(self.lease.header), self.home) };
    }
}

impl<T> fmt::Debug for Producer<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer")
            .field("lane", &self.lane())
            .field("capacity", &self.capacity())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// Announces what was pushed, once, also when the source of the values panics.
struct Announce<'p, 'a, T>(&'p mut Producer<'a, T>);

impl<T> Drop for Announce<'_, '_, T> {
    fn drop(&mut self) {
        self.0.announce();
    }
}
