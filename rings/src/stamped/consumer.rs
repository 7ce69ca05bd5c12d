//! The reading end of a ring with one consumer.

use core::{fmt, iter::FusedIterator, marker::PhantomData};

use super::{
    life::{Side, leave},
    raw::{Next, Raw},
    stamp::{STEP, Says},
};
use crate::{TryPopError, share::Home};

/// The reading end of a ring.
///
/// It may move to another thread, but only one thread at a time can use it: it is `Send` and not `Sync`, its methods
/// take `&mut self`, and it cannot be cloned. Dropping it closes the ring for the producers; values still in the ring
/// are dropped with the ring, or are there again when it is split anew. It is a pointer: where it lies, and what lies
/// beside it, costs nothing (no *false sharing*).
pub struct Consumer<'a, T> {
    raw: Raw<T>,
    home: Home,
    ring: PhantomData<&'a ()>,
}

// SAFETY: values come from the producers' threads, hence `T: Send`. The position belongs to this end and moves with it.
unsafe impl<T: Send> Send for Consumer<'_, T> {}

impl<'a, T> Consumer<'a, T> {
    /// # Safety
    ///
    /// 1. The ring lives for `'a`, or by `home` until its last end is gone.
    /// 2. It is a ring of one consumer, this is it, and it is counted in `consumers`.
    pub(crate) const unsafe fn new(raw: Raw<T>, home: Home) -> Self {
        Self {
            raw,
            home,
            ring: PhantomData,
        }
    }

    /// Takes the oldest value, or returns at once.
    ///
    /// Ends after `capacity` steps at most, and one unless places were given up. No read-modify-write. A producer
    /// that is stopped in the middle of a push makes the ring seem empty, also when others have pushed behind it: the
    /// call returns and does not wait for it.
    ///
    /// # Errors
    ///
    /// - [`Empty`](TryPopError::Empty): at one moment of the call the place that comes next was not claimed, or claimed
    ///   and not yet written ([what that means](crate::stamped#what-empty-and-full-mean)).
    /// - [`Closed`](TryPopError::Closed): the ring is closed and everything claimed before was taken or given up.
    ///
    /// ```
    /// use shared_nothing_rings::{TryPopError, mpsc};
    ///
    /// let mut ring = mpsc::Ring::<u32, 2>::new();
    /// let (tx, mut rx) = ring.split();
    /// assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
    /// assert!(tx.try_push(1).is_ok());
    /// drop(tx);
    /// assert_eq!(rx.try_pop(), Ok(1));
    /// assert_eq!(rx.try_pop(), Err(TryPopError::Closed));
    /// ```
    #[inline]
    pub fn try_pop(&mut self) -> Result<T, TryPopError> {
        // SAFETY: this is the one consumer.
        match unsafe { self.raw.next_full() } {
            // SAFETY: this is the one consumer, and the place was just found written.
            Next::Value(place) => return Ok(unsafe { place.pop() }),
            Next::Empty => return Err(TryPopError::Empty),
            Next::Unclear => self.look_again()?,
        }
        let place = self.raw.at(self.raw.consumer_pos());
        // SAFETY: this is the one consumer, at whose position a value was just found.
        Ok(unsafe { place.pop() })
    }

    /// An iterator that takes up to `max` values, as long as the next is there. Each slot is given back as soon as its
    /// value was taken.
    ///
    /// Dropping or forgetting it (`mem::forget`) leaves the rest in the ring.
    pub fn drain(&mut self, max: usize) -> Drain<'_, 'a, T> {
        Drain {
            consumer: self,
            left: max,
        }
    }

    /// How many values the ring holds at most. Exactly what was asked for.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.raw.header().fixed.capacity
    }

    /// How many values are in the ring or being written to it: a lower bound on what will come, but some may not be
    /// there yet, and some places may be given up.
    #[must_use]
    pub fn len(&self) -> usize {
        self.raw.header().len()
    }

    /// Whether nothing is in the ring or being written to it. `true` may be outdated at once.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether every place is claimed.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.len() == self.capacity()
    }

    /// Whether the ring is closed. Values may still be there: [`try_pop`](Self::try_pop) says when none are.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.raw.header().is_closed()
    }

    /// Closes the ring for the producers: their later pushes hand the value back.
    ///
    /// This end stays, and gets every value whose place was claimed before, then [`Closed`](TryPopError::Closed). Where
    /// there is one producer, that comes when it has tried to push again, or has gone.
    pub fn close(&mut self) {
        self.raw.header().close();
    }

    /// Whether a value is at this end's position. Steps over places that were given up.
    #[inline(always)]
    fn has_next(&mut self) -> bool {
        // SAFETY: this is the one consumer.
        match unsafe { self.raw.next_full() } {
            Next::Value(_) => true,
            Next::Empty => false,
            Next::Unclear => self.look_again().is_ok(),
        }
    }

    /// No value was at this end's position: looks behind places that were given up. A value is there then, which nobody
    /// else takes.
    #[cold]
    #[inline(never)]
    fn look_again(&mut self) -> Result<(), TryPopError> {
        // Producers could go on giving up the places that become free here, hence the bound.
        for _ in 0..self.capacity() {
            let place = self.raw.at(self.raw.consumer_pos());
            match place.look() {
                Says::Written => return Ok(()),
                Says::Skipped => {
                    // SAFETY: this is the one consumer, and the place is at its position and given up.
                    unsafe { place.pass() };
                }
                _ => break,
            }
        }
        Err(self.raw.why_nothing(self.raw.consumer_pos()))
    }
}

impl<T> Drop for Consumer<'_, T> {
    fn drop(&mut self) {
        // SAFETY: the consumer, counted as one, and it is never used again.
        unsafe { leave(self.raw, self.home, Side::Consumers) };
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

/// Takes values one by one. Made by [`Consumer::drain`].
#[must_use = "a drain takes only what is asked of it"]
#[derive(Debug)]
pub struct Drain<'c, 'a, T> {
    consumer: &'c mut Consumer<'a, T>,
    left: usize,
}

impl<T> Drain<'_, '_, T> {
    /// Whether [`next`](Iterator::next) would return a value now.
    #[inline]
    #[must_use]
    pub fn has_next(&mut self) -> bool {
        self.left != 0 && self.consumer.has_next()
    }

    /// The number of the next place, counted over the life of the ring; it wraps at `usize::MAX / 4`.
    ///
    /// [`Grant::next_pos`](crate::mpsc::Grant::next_pos) says the same number when a producer fills it.
    #[must_use]
    pub fn next_pos(&self) -> usize {
        self.consumer.raw.consumer_pos() / STEP
    }
}

impl<T> Iterator for Drain<'_, '_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.left = self.left.checked_sub(1)?;
        let value = self.consumer.try_pop().ok();
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
