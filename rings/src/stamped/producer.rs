//! The writing end of a ring with one producer.

use core::{fmt, marker::PhantomData};

use super::{
    grant::Grant,
    life::{Side, leave},
    place::Place,
    raw::Raw,
};
use crate::{TryPushError, TryReserveError, share::Home};

/// The writing end of a ring.
///
/// It may move to another thread, but only one thread at a time can use it: it is `Send` and not `Sync`, its methods
/// take `&mut self`, and it cannot be cloned. Dropping it closes the ring; what was pushed stays for the consumer. It is
/// a pointer: where it lies, and what lies beside it, costs nothing (no *false sharing*).
pub struct Producer<'a, T> {
    raw: Raw<T>,
    home: Home,
    ring: PhantomData<&'a ()>,
}

// SAFETY: values move to the consumer's thread, hence `T: Send`. The position belongs to this end and moves with it.
unsafe impl<T: Send> Send for Producer<'_, T> {}

impl<'a, T> Producer<'a, T> {
    /// # Safety
    ///
    /// 1. The ring lives for `'a`, or by `home` until its last end is gone.
    /// 2. It is a ring of one producer, this is it, and it is counted in `producers`.
    pub(super) const unsafe fn new(raw: Raw<T>, home: Home) -> Self {
        Self {
            raw,
            home,
            ring: PhantomData,
        }
    }

    /// Puts `value` at the end of the ring, or hands it back at once.
    ///
    /// Wait-free: a look at the slot's stamp, the value, and one store beside it. No read-modify-write.
    ///
    /// # Errors
    ///
    /// - [`Full`](TryPushError::Full): at one moment of the call `capacity` values had not been popped, or the slot that
    ///   comes next was not yet given back by a pop that was going on.
    /// - [`Closed`](TryPushError::Closed): the consumer is gone, or an end has closed the ring.
    ///
    /// ```
    /// use shared_nothing_rings::{TryPushError, stamped};
    ///
    /// let mut ring = stamped::Ring::<u32, 2>::new();
    /// let (mut tx, mut rx) = ring.split();
    /// assert!(tx.try_push(1).is_ok() && tx.try_push(2).is_ok());
    /// assert_eq!(tx.try_push(3), Err(TryPushError::Full(3)));
    /// rx.close();
    /// assert_eq!(tx.try_push(4), Err(TryPushError::Closed(4)));
    /// ```
    #[inline]
    pub fn try_push(&mut self, value: T) -> Result<(), TryPushError<T>> {
        match self.next_free() {
            Ok(place) => {
                // SAFETY: this is the one producer, and the place was given to it one line above.
                unsafe { place.push(value) };
                Ok(())
            }
            Err(reason) => Err(reason.with(value)),
        }
    }

    /// Pushes values from `values` until it ends or the ring is full.
    ///
    /// Returns how many were pushed. What did not fit is still in the iterator: nothing is taken from it that has no
    /// place. Each value can be popped at once; what was pushed stays pushed if the iterator panics.
    ///
    /// Wait-free but for what `values` does.
    ///
    /// # Errors
    ///
    /// There may be values and none was taken because the ring is [`Full`](TryReserveError::Full) or
    /// [`Closed`](TryReserveError::Closed).
    pub fn try_push_iter<I>(&mut self, values: &mut I) -> Result<usize, TryReserveError>
    where
        I: Iterator<Item = T>,
    {
        if values.size_hint() == (0, Some(0)) {
            return Ok(0);
        }
        let mut count = 0;
        loop {
            let place = match self.next_free() {
                Ok(place) => place,
                Err(reason) if count == 0 => return Err(reason),
                Err(_) => return Ok(count),
            };
            let Some(value) = values.next() else {
                return Ok(count);
            };
            // SAFETY: this is the one producer, and nothing was pushed since the place was given to it.
            unsafe { place.push(value) };
            count += 1;
        }
    }

    /// Looks for up to `want` free places in a row, at least one. The grant fills them.
    ///
    /// Wait-free; looks at the stamp of each place.
    ///
    /// # Errors
    ///
    /// The ring is [`Full`](TryReserveError::Full) or [`Closed`](TryReserveError::Closed).
    ///
    /// # Panics
    ///
    /// If `want` is 0.
    ///
    /// ```
    /// use shared_nothing_rings::stamped;
    ///
    /// let mut ring = stamped::Ring::<u32, 4>::new();
    /// let (mut tx, mut rx) = ring.split();
    /// let mut grant = tx.reserve(3)?;
    /// assert_eq!(grant.remaining(), 3);
    /// grant.push(1).unwrap();
    /// drop(grant); // the other two places stay free
    /// assert!(tx.try_push(2).is_ok());
    /// assert!(rx.drain(usize::MAX).eq([1, 2]));
    /// # Ok::<(), shared_nothing_rings::TryReserveError>(())
    /// ```
    pub fn reserve(&mut self, want: usize) -> Result<Grant<'_, 'a, T>, TryReserveError> {
        assert!(want != 0, "a grant has at least one place");
        let pos = self.next_free()?.pos();
        let count = self.raw.free_from(pos, want);
        // SAFETY: just found free, and this is the one producer: they stay so.
        Ok(unsafe { Grant::new(self, count) })
    }

    /// How many values the ring holds at most. Exactly what was asked for.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.raw.header().fixed.capacity
    }

    /// How many values are in the ring: never less than this end will find there, since the consumer can only take some
    /// meanwhile.
    #[must_use]
    pub fn len(&self) -> usize {
        self.raw.header().len()
    }

    /// Whether the ring is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the ring seemed full. It may be outdated at once.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.len() == self.capacity()
    }

    /// Whether the ring is closed. Once `true`, it stays so.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.raw.header().is_refusing()
    }

    /// Closes the ring: later pushes hand their value back, and the consumer is told when it has taken what is there.
    pub fn close(&mut self) {
        // SAFETY: this is the one producer.
        unsafe { self.raw.header().finish() };
    }

    #[inline(always)]
    fn next_free(&mut self) -> Result<Place<'_, T>, TryReserveError> {
        if self.is_closed() {
            return Err(self.refuse());
        }
        // SAFETY: this is the one producer.
        unsafe { self.raw.next_free() }.ok_or(TryReserveError::Full)
    }

    /// The consumer has closed the ring: this end pushes no more, and says so.
    #[cold]
    fn refuse(&mut self) -> TryReserveError {
        self.close();
        TryReserveError::Closed
    }

    /// # Safety
    ///
    /// 1. The slot at this end's position is free.
    #[inline(always)]
    pub(super) unsafe fn push_free(&mut self, value: T) {
        // SAFETY: this is the one producer, and the slot is free (duty 1).
        unsafe { self.raw.at(self.raw.producer_pos()).push(value) };
    }
}

// SAFETY: there is no other producer, so a slot that is free stays free until this end fills it.
unsafe impl<T> crate::ends::ReserveEnd for Producer<'_, T> {
    type Claim = ();

    fn try_claim(&mut self) -> Result<(), TryReserveError> {
        self.next_free().map(drop)
    }

    unsafe fn fill(&mut self, (): (), value: T) {
        // SAFETY: by the duty a slot was free from here on, and nothing was pushed since.
        unsafe { self.push_free(value) };
    }

    unsafe fn give_up(&mut self, (): ()) {}
}

impl<T> Drop for Producer<'_, T> {
    fn drop(&mut self) {
        // SAFETY: the producer, counted as one, and it is never used again.
        unsafe { leave(self.raw, self.home, Side::Producers) };
    }
}

impl<T> fmt::Debug for Producer<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer")
            .field("capacity", &self.capacity())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
