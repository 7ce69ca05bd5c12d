//! The writing ends.

use core::{fmt, marker::PhantomData};

use crossbeam_utils::CachePadded;

use super::grant::{Grant, Single};
use crate::{
    TryPushError, TryReserveError,
    share::Home,
    stamped::{
        life::{Side, leave},
        raw::Raw,
        stamp::after,
    },
    sync::{AtomicUsize, Ordering::Relaxed},
};

/// A writing end of a ring. Clone it for each thread; one that is shared by reference works, and costs a line more.
///
/// The last one that is dropped closes the ring; what was pushed stays to be popped. It keeps the position behind its
/// last push, on a line of its own, so that it does not matter what lies beside it (no *false sharing*).
pub struct Producer<'a, T> {
    own: CachePadded<Own<T>>,
    ring: PhantomData<&'a ()>,
}

struct Own<T> {
    raw: Raw<T>,
    home: Home,
    /// Behind the last claim through this end: the next, unless another producer has come between. A hint, hence atomic
    /// where one end is shared.
    next_pos: AtomicUsize,
}

// SAFETY: values move to a consumer's thread, hence `T: Send`. All that producers share is atomic.
unsafe impl<T: Send> Send for Producer<'_, T> {}
// SAFETY: a push through `&self` claims its positions by an atomic exchange, as a push through a clone does.
unsafe impl<T: Send> Sync for Producer<'_, T> {}

impl<'a, T> Producer<'a, T> {
    /// # Safety
    ///
    /// 1. The ring lives for `'a`, or by `home` until its last end is gone.
    /// 2. This end is counted in `producers`.
    pub(crate) unsafe fn new(raw: Raw<T>, home: Home) -> Self {
        Self {
            own: CachePadded::new(Own {
                raw,
                home,
                next_pos: AtomicUsize::new(raw.producer_pos()),
            }),
            ring: PhantomData,
        }
    }

    #[inline(always)]
    pub(super) fn raw(&self) -> &Raw<T> {
        &self.own.raw
    }

    /// Puts `value` at the end of the ring, or hands it back at once.
    ///
    /// Lock-free: one compare-exchange unless another producer comes between. An end that is stopped in the middle of
    /// a push keeps nobody from pushing; what was pushed behind it is seen when it goes on. One that is stopped in the
    /// middle of a pop keeps others from pushing only by its one slot, when the ring comes round to it.
    ///
    /// # Errors
    ///
    /// - [`Full`](TryPushError::Full): at one moment of the call `capacity` places were claimed and not popped, or the
    ///   slot that comes next was not yet given back by a pop or drain that was going on
    ///   ([what that means](crate::stamped#what-empty-and-full-mean)).
    /// - [`Closed`](TryPushError::Closed): all consumers are gone, or an end has closed the ring.
    ///
    /// ```
    /// use shared_nothing_rings::{TryPushError, mpsc};
    ///
    /// let mut ring = mpsc::Ring::<u32, 2>::new();
    /// let (tx, mut rx) = ring.split();
    /// let tx2 = tx.clone();
    /// assert!(tx.try_push(1).is_ok() && tx2.try_push(2).is_ok());
    /// assert_eq!(tx.try_push(3), Err(TryPushError::Full(3)));
    /// rx.close();
    /// assert_eq!(tx2.try_push(4), Err(TryPushError::Closed(4)));
    /// ```
    #[inline]
    pub fn try_push(&self, value: T) -> Result<(), TryPushError<T>> {
        match self.raw().claim_one(&self.own.next_pos) {
            Ok(place) => {
                // SAFETY: claimed one line above.
                unsafe { place.publish(value) };
                Ok(())
            }
            Err(reason) => Err(reason.with(value)),
        }
    }

    /// Pushes values from `values` until it ends or the ring is full; one claim for as many as it promises.
    ///
    /// Returns how many were pushed. What did not fit is still in the iterator: nothing is taken from it that has no
    /// place. Values can be popped one by one as they are written. If the iterator ends early or panics, the
    /// places claimed for it are given up, and pops step over them.
    ///
    /// Lock-free but for what `values` does; pops find the ring empty behind a slow one.
    ///
    /// # Errors
    ///
    /// There are values and none was taken because the ring is [`Full`](TryReserveError::Full) or [`Closed`](TryReserveError::Closed).
    pub fn try_push_iter<I>(&self, values: &mut I) -> Result<usize, TryReserveError>
    where
        I: ExactSizeIterator<Item = T>,
    {
        let want = values.len();
        if want == 0 {
            return Ok(0);
        }
        let mut grant = self.reserve(want)?;
        let mut count = 0;
        while grant.remaining() != 0 {
            let Some(value) = values.next() else { break };
            let _fits = grant.push(value);
            count += 1;
        }
        Ok(count)
    }

    /// Claims up to `want` places in a row, at least one, by one exchange. The grant fills them.
    ///
    /// Lock-free; looks at the stamp of each place. Until the grant is filled or dropped, pops see nothing of what is
    /// pushed behind it: claim when the values are at hand.
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
    /// use shared_nothing_rings::mpsc;
    ///
    /// let mut ring = mpsc::Ring::<u32, 4>::new();
    /// let (tx, mut rx) = ring.split();
    /// let mut grant = tx.reserve(3)?;
    /// assert_eq!(grant.remaining(), 3);
    /// grant.push(1).unwrap();
    /// drop(grant); // the other two places are given up
    /// assert!(tx.try_push(2).is_ok());
    /// assert!(rx.drain(usize::MAX).eq([1, 2]));
    /// # Ok::<(), shared_nothing_rings::TryReserveError>(())
    /// ```
    pub fn reserve(&self, want: usize) -> Result<Grant<'_, 'a, T>, TryReserveError> {
        assert!(want != 0, "a grant has at least one place");
        let (pos, count) = self.raw().claim(want)?;
        // RELAXED: a guess, for the next push.
        self.own.next_pos.store(after(pos, count), Relaxed);
        // SAFETY: just claimed.
        Ok(unsafe { Grant::new(self, pos, count) })
    }

    /// Claims one place, by one exchange, to be filled in a moment: for who has to look at something between the claim
    /// and the push. As [`reserve`](Self::reserve) of one, at the cost of a push.
    ///
    /// Lock-free.
    ///
    /// # Errors
    ///
    /// The ring is [`Full`](TryReserveError::Full) or [`Closed`](TryReserveError::Closed).
    ///
    /// ```
    /// use shared_nothing_rings::mpsc;
    ///
    /// let mut ring = mpsc::Ring::<u32, 4>::new();
    /// let (tx, mut rx) = ring.split();
    /// tx.reserve_one()?.fill(1);
    /// drop(tx.reserve_one()?); // given up
    /// let third = tx.reserve_one()?;
    /// assert_eq!(third.pos(), 2);
    /// third.fill(3);
    /// assert!(rx.drain(usize::MAX).eq([1, 3]));
    /// # Ok::<(), shared_nothing_rings::TryReserveError>(())
    /// ```
    #[inline(always)]
    pub fn reserve_one(&self) -> Result<Single<'_, T>, TryReserveError> {
        let place = self.raw().claim_one(&self.own.next_pos)?;
        // SAFETY: just claimed.
        Ok(unsafe { Single::new(place) })
    }

    /// How many values the ring holds at most. Exactly what was asked for.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.raw().header().fixed.capacity
    }

    /// How many values are in the ring or being written to it: a guess, since every end may change it at any moment.
    #[must_use]
    pub fn len(&self) -> usize {
        self.raw().header().len()
    }

    /// How many places were ever claimed: the values sent, and those given up. It wraps at `usize::MAX / 2`.
    ///
    /// It costs the senders nothing; reading it costs the reader a look at their line.
    #[must_use]
    pub fn position(&self) -> usize {
        self.raw().header().claimed()
    }

    /// Whether the ring seemed empty. It may be outdated at once.
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
        self.raw().header().refuses()
    }

    /// Closes the ring for all producers, and tells the consumers that nothing more will come.
    ///
    /// What was claimed before is still delivered; every later push hands its value back.
    pub fn close(&self) {
        self.raw().header().close();
    }
}

// SAFETY: a claimed position is this end's until it is stamped.
unsafe impl<T> crate::ends::ReserveEnd for Producer<'_, T> {
    type Claim = usize;

    fn try_claim(&mut self) -> Result<usize, TryReserveError> {
        Ok(self.raw().claim_one(&self.own.next_pos)?.pos())
    }

    unsafe fn fill(&mut self, claim: usize, value: T) {
        // SAFETY: claimed and not yet stamped, by the duty.
        unsafe { self.raw().at(claim).publish(value) };
    }

    unsafe fn give_up(&mut self, claim: usize) {
        // SAFETY: claimed and not yet stamped, by the duty.
        unsafe { self.raw().at(claim).skip() };
    }
}

impl<T> Clone for Producer<'_, T> {
    fn clone(&self) -> Self {
        self.raw().header().fixed.producers.join();
        // SAFETY: 1: as this end, whose borrow it carries. 2: counted one line above.
        unsafe { Self::new(self.own.raw, self.own.home) }
    }
}

impl<T> Drop for Producer<'_, T> {
    fn drop(&mut self) {
        // SAFETY: a producer, counted as one, and it is never used again.
        unsafe { leave(self.own.raw, self.own.home, Side::Producers) };
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
