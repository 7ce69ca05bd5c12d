//! The reading end.

use core::{fmt, iter::FusedIterator, marker::PhantomData};

use super::{
    raw::{ConsumerLine, Found, Raw},
    stamp::{CLOSED, STEP},
};
use crate::{
    TryPopError,
    share::Home,
    sync::Ordering::{Acquire, Release},
};

/// The reading end of a ring.
///
/// It may move to another thread, but only one thread at a time can use it: it is `Send` and not `Sync`, its methods
/// take `&mut self`, and it cannot be cloned. Dropping it closes the ring for the producers; values still in the ring
/// are dropped with the ring, or are there again when it is split anew.
pub struct Consumer<'a, T> {
    raw: Raw<T>,
    home: Home,
    ring: PhantomData<&'a ()>,
}

// SAFETY: values come from the producers' threads, hence `T: Send`. `own_pos` belongs to this end and moves with it.
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
    /// Ends after `capacity` steps at most, and one unless places were given up. No read-modify-write. A producer
    /// that is stopped in the middle of a push makes the ring seem empty, also when others have pushed behind it: the
    /// call returns and does not wait for it.
    ///
    /// # Errors
    ///
    /// - [`Empty`](TryPopError::Empty): nothing to take now.
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
        match self.take_next() {
            Some(value) => {
                self.vacate();
                Ok(value)
            }
            None => Err(self.why_nothing()),
        }
    }

    /// An iterator that takes up to `max` values, as long as the next is there; their slots are given back together
    /// when it is dropped.
    ///
    /// Dropping it early leaves the rest in the ring. Forgetting it (`mem::forget`) only keeps the slots it has
    /// emptied from the producers until this end is used again.
    pub fn drain(&mut self, max: usize) -> Drain<'_, 'a, T> {
        self.settle();
        // SAFETY: the consumer's own number, and this is the consumer.
        unsafe { self.line().owes.set(1) };
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

    fn line(&self) -> &ConsumerLine {
        &self.raw.header().consumer
    }

    #[inline(always)]
    fn own_pos(&self) -> usize {
        // SAFETY: the consumer's own number, and this is the consumer.
        unsafe { self.line().own_pos.get() }
    }

    #[inline(always)]
    fn move_to(&mut self, pos: usize) {
        // SAFETY: the consumer's own number, and this is the consumer.
        unsafe { self.line().own_pos.set(pos) };
    }

    /// Where the next value lies, if it is there. Steps over places that were given up.
    #[inline(always)]
    fn find_next(&mut self) -> Option<usize> {
        let pos = self.own_pos();
        match self.raw.look(pos) {
            Found::Value => Some(pos),
            _ => self.find_behind_gaps(pos),
        }
    }

    #[cold]
    fn find_behind_gaps(&mut self, mut pos: usize) -> Option<usize> {
        // Producers could go on giving up the places that become free here, hence the bound.
        for _ in 0..self.capacity() {
            match self.raw.look(pos) {
                Found::Value => return Some(pos),
                Found::Nothing => return None,
                Found::Gap => {
                    pos = pos.wrapping_add(STEP);
                    self.move_to(pos);
                    // At once, so that a ring full of gaps does not stay full.
                    self.vacate();
                }
            }
        }
        None
    }

    /// Takes the next value without giving its slot back.
    #[inline(always)]
    fn take_next(&mut self) -> Option<T> {
        let pos = self.find_next()?;
        // SAFETY: this is the consumer, `pos` its next position, and a value was found there.
        let value = unsafe { self.raw.take(pos) };
        self.move_to(pos.wrapping_add(STEP));
        Some(value)
    }

    #[inline(always)]
    fn vacate(&mut self) {
        // VACATE, release end: every value before this position was moved out.
        self.line().read_pos.store(self.own_pos(), Release);
    }

    /// Gives back what a drain has taken, one that ends or one that was forgotten.
    fn settle(&mut self) {
        // SAFETY: the consumer's own number, and this is the consumer.
        if unsafe { self.line().owes.get() } != 0 {
            // SAFETY: as above.
            unsafe { self.line().owes.set(0) };
            self.vacate();
        }
    }

    #[cold]
    fn why_nothing(&mut self) -> TryPopError {
        // A producer that is refused because of a forgotten drain leaves the ring empty in the end, so this is the place.
        self.settle();
        // CLOSE, acquire end: what the closing end did before is seen. No claim can come after the bit, so a closed
        // ring whose claims are all behind us stays empty.
        let tail = self.raw.header().producers.write_pos.load(Acquire);
        if tail == self.own_pos() | CLOSED {
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
            .field("capacity", &self.capacity())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// Takes values and gives all their slots back at once. Made by [`Consumer::drain`].
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
        self.left != 0 && self.consumer.find_next().is_some()
    }

    /// The number of the next place, counted over the life of the ring; it wraps at `usize::MAX / 2`.
    ///
    /// See [`Grant::next_pos`](super::Grant::next_pos).
    #[must_use]
    pub fn next_pos(&self) -> usize {
        self.consumer.own_pos() / STEP
    }
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

impl<T> Drop for Drain<'_, '_, T> {
    fn drop(&mut self) {
        self.consumer.settle();
    }
}
