//! The reading ends.

use core::{fmt, marker::PhantomData};

use crossbeam_utils::CachePadded;

use super::drain::{Claimed, Drain};
use crate::{
    TryPopError,
    share::Home,
    stamped::{
        life::{Side, leave},
        place::Place,
        raw::{Next, Raw},
    },
};

/// A reading end of a ring. Clone it for each thread.
///
/// The last one that is dropped closes the ring for the producers; values still in the ring are dropped with the ring,
/// or are there again when it is split anew. It is `Send` and not `Sync`, and its methods take `&mut self`: it keeps
/// what a [`drain`](Self::drain) has claimed and not taken, on a line of its own, so that it does not matter what lies
/// beside it.
pub struct Consumer<'a, T> {
    own: CachePadded<Own<T>>,
    ring: PhantomData<&'a ()>,
}

struct Own<T> {
    raw: Raw<T>,
    home: Home,
    /// What a drain has claimed and perhaps not taken. Comes before all else in the ring.
    claimed: Claimed,
}

// SAFETY: values come from the producers' threads, hence `T: Send`. What is claimed belongs to this end and moves with
// it; all that consumers share is atomic.
unsafe impl<T: Send> Send for Consumer<'_, T> {}

impl<'a, T> Consumer<'a, T> {
    /// # Safety
    ///
    /// 1. The ring lives for `'a`, or by `home` until its last end is gone.
    /// 2. This end is counted in `consumers`.
    pub(super) unsafe fn new(raw: Raw<T>, home: Home) -> Self {
        Self {
            own: CachePadded::new(Own {
                raw,
                home,
                claimed: Claimed::nothing(raw.consumer_pos()),
            }),
            ring: PhantomData,
        }
    }

    #[inline(always)]
    pub(super) fn raw(&self) -> &Raw<T> {
        &self.own.raw
    }

    pub(super) fn claimed(&self) -> Claimed {
        self.own.claimed
    }

    pub(super) fn keep(&mut self, claimed: Claimed) {
        self.own.claimed = claimed;
    }

    /// Takes the oldest value, or returns at once.
    ///
    /// Lock-free: one compare-exchange unless another consumer comes between or places were given up, and a look at
    /// `capacity` slots at most. What an earlier [`drain`](Self::drain) has claimed and not taken comes first.
    ///
    /// # Errors
    ///
    /// - [`Empty`](TryPopError::Empty): at one moment of the call the place that comes next was not claimed, or claimed
    ///   and not yet written ([what that means](crate::stamped#what-empty-and-full-mean)).
    /// - [`Closed`](TryPopError::Closed): the ring is closed, and consumers have claimed every place that producers had
    ///   claimed before.
    ///
    /// ```
    /// use shared_nothing_rings::{TryPopError, mpmc};
    ///
    /// let mut ring = mpmc::Ring::<u32, 2>::new();
    /// let (tx, mut rx) = ring.split();
    /// let mut rx2 = rx.clone();
    /// assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
    /// assert!(tx.try_push(1).is_ok() && tx.try_push(2).is_ok());
    /// drop(tx);
    /// assert_eq!((rx.try_pop(), rx2.try_pop()), (Ok(1), Ok(2)));
    /// assert_eq!(rx.try_pop(), Err(TryPopError::Closed));
    /// ```
    #[inline]
    pub fn try_pop(&mut self) -> Result<T, TryPopError> {
        let raw = self.own.raw;
        let place = match self.own.claimed.claim_next(&raw) {
            Next::Value(place) => place,
            Next::Empty => return Err(TryPopError::Empty),
            Next::Unclear => self.claim_slowly(&raw)?,
        };
        // SAFETY: claimed just above, and found written.
        Ok(unsafe { place.take() })
    }

    #[cold]
    #[inline(never)]
    fn claim_slowly<'r>(&mut self, raw: &'r Raw<T>) -> Result<Place<'r, T>, TryPopError> {
        let claimed = &mut self.own.claimed;
        loop {
            if let Some(place) = claimed.next(raw) {
                return Ok(place);
            }
            let (pos, end) = raw.claim_values(1)?;
            // SAFETY: just claimed, and kept by this end alone.
            *claimed = unsafe { Claimed::new(pos, end) };
        }
    }

    /// Whether there is a value now. It stays where it is, so another consumer may take it; [`Drain::has_next`] takes it
    /// for this one.
    #[must_use]
    pub fn has_next(&mut self) -> bool {
        !self.own.claimed.is_empty() || self.own.raw.has_value()
    }

    /// An iterator that takes up to `max` values, as long as the next is there. One exchange claims as many of them as
    /// are written in a row.
    ///
    /// What is claimed is this end's: other consumers get what comes behind it, perhaps earlier. Dropping or forgetting
    /// (`mem::forget`) the iterator loses nothing: what it has claimed and not taken is what this end takes next, and
    /// is dropped with this end otherwise. So ask for no more than will be taken soon.
    ///
    /// ```
    /// use shared_nothing_rings::mpmc;
    ///
    /// let mut ring = mpmc::Ring::<u32, 4>::new();
    /// let (tx, mut rx) = ring.split();
    /// let mut rx2 = rx.clone();
    /// assert_eq!(tx.try_push_iter(&mut [1, 2, 3, 4].into_iter())?, 4);
    /// assert_eq!(rx.drain(3).next(), Some(1)); // 2 and 3 are claimed, too
    /// assert_eq!(rx2.try_pop(), Ok(4));
    /// assert_eq!(rx.try_pop(), Ok(2));
    /// # Ok::<(), shared_nothing_rings::TryReserveError>(())
    /// ```
    pub fn drain(&mut self, max: usize) -> Drain<'_, 'a, T> {
        Drain::new(self, max)
    }

    /// How many values the ring holds at most. Exactly what was asked for.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.own.raw.header().fixed.capacity
    }

    /// How many values are in the ring or being written to it, or claimed by this end: a guess, since other ends may
    /// change it at any moment, and some places may be given up.
    #[must_use]
    pub fn len(&self) -> usize {
        let len = self.own.raw.header().len() + self.own.claimed.len();
        len.min(self.capacity())
    }

    /// Whether nothing seemed to be there for this end. It may be outdated at once.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether every place seemed claimed. It may be outdated at once.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.len() == self.capacity()
    }

    /// Whether the ring is closed. Values may still be there: [`try_pop`](Self::try_pop) says when none are.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.own.raw.header().is_closed()
    }

    /// Closes the ring for the producers: their later pushes hand the value back.
    ///
    /// Consumers stay, and get every value whose place was claimed before, then [`Closed`](TryPopError::Closed).
    pub fn close(&mut self) {
        self.own.raw.header().close();
    }
}

impl<T> Clone for Consumer<'_, T> {
    /// One more consumer. What this one has claimed stays with it.
    fn clone(&self) -> Self {
        self.own.raw.header().fixed.consumers.join();
        // SAFETY: 1: as this end, and it is no longer borrowed. 2: counted one line above.
        unsafe { Self::new(self.own.raw, self.own.home) }
    }
}

impl<T> Drop for Consumer<'_, T> {
    fn drop(&mut self) {
        let _leave = Leave(self.own.raw, self.own.home);
        let rest = Rest(self);
        drop_claimed(rest.0);

        fn drop_claimed<T>(consumer: &mut Consumer<'_, T>) {
            let own = &mut *consumer.own;
            while own.claimed.drop_next(&own.raw) {}
        }

        /// Goes on behind a value whose drop panicked.
        struct Rest<'c, 'a, T>(&'c mut Consumer<'a, T>);
        impl<T> Drop for Rest<'_, '_, T> {
            fn drop(&mut self) {
                drop_claimed(self.0);
            }
        }

        /// Leaves also when the drop of a value panics.
        struct Leave<T>(Raw<T>, Home);
        impl<T> Drop for Leave<T> {
            fn drop(&mut self) {
                // SAFETY: made when a consumer is dropped, counted as one, and it is never used again.
                unsafe { leave(self.0, self.1, Side::Consumers) };
            }
        }
    }
}

impl<T> fmt::Debug for Consumer<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("capacity", &self.capacity())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
