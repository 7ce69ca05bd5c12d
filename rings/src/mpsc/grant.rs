//! Places claimed in a batch and filled one by one; or one alone.

use core::mem::ManuallyDrop;

use super::Producer;
use crate::stamped::{
    place::Place,
    raw::Raw,
    stamp::{STEP, after, places},
};

/// Places in a row that belong to one producer. Made by [`Producer::reserve`].
///
/// Each [`push`](Self::push) can be popped at once. Dropping the grant gives up the places not filled.
///
/// Forgetting it (`mem::forget`) is memory-safe and never right: pops find the ring empty for ever once they get to a place
/// that was not filled.
#[must_use = "a grant that is not filled gives its places up"]
#[derive(Debug)]
pub struct Grant<'p, 'a, T> {
    producer: &'p Producer<'a, T>,
    pos: usize,
    end: usize,
}

impl<'p, 'a, T> Grant<'p, 'a, T> {
    /// # Safety
    ///
    /// 1. The caller claimed `count` positions from `pos` on, and leaves them to the grant.
    pub(super) unsafe fn new(producer: &'p Producer<'a, T>, pos: usize, count: usize) -> Self {
        Self {
            producer,
            pos,
            end: after(pos, count),
        }
    }

    /// Fills the next place.
    ///
    /// Wait-free.
    ///
    /// # Errors
    ///
    /// Hands the value back when every place is filled.
    #[inline]
    pub fn push(&mut self, value: T) -> Result<(), T> {
        if self.pos == self.end {
            return Err(value);
        }
        // SAFETY: claimed for this grant (duty of `new`); `pos` moves on, so each is published once.
        unsafe { self.producer.raw().at(self.pos).publish(value) };
        self.pos = after(self.pos, 1);
        Ok(())
    }

    /// Fills places with `values` until either ends, and lets them be seen together. Returns how many.
    ///
    /// A consumer that waits for the first of them sees it last, and so does not follow the producer from place to place,
    /// and take each line from it before it is full.
    ///
    /// Wait-free, but for what `values` does. If that panics, what was written before is seen.
    ///
    /// ```
    /// use shared_nothing_rings::mpsc;
    ///
    /// let mut ring = mpsc::Ring::<u32, 4>::new();
    /// let (tx, mut rx) = ring.split();
    /// assert_eq!(tx.reserve(3)?.push_all(&mut (1..)), 3);
    /// assert!(rx.drain(usize::MAX).eq([1, 2, 3]));
    /// # Ok::<(), shared_nothing_rings::TryReserveError>(())
    /// ```
    pub fn push_all(&mut self, values: &mut impl Iterator<Item = T>) -> usize {
        let unseen = Unseen {
            raw: self.producer.raw(),
            begin: self.pos,
            grant_pos: &mut self.pos,
        };
        while *unseen.grant_pos != self.end {
            let Some(value) = values.next() else { break };
            // SAFETY: claimed for this grant (duty of `new`); the position moves on, so each is written once.
            unsafe { unseen.raw.at(*unseen.grant_pos).write(value) };
            *unseen.grant_pos = after(*unseen.grant_pos, 1);
        }
        places(*unseen.grant_pos, unseen.begin)
    }

    /// How many places are left.
    #[must_use]
    pub fn remaining(&self) -> usize {
        places(self.end, self.pos)
    }

    /// The number of the next place, counted over the life of the ring; it wraps at `usize::MAX / 4`.
    ///
    /// [`Drain::next_pos`](super::Drain::next_pos) says the same number when the one consumer gets there, so that a
    /// program can keep notes about values beside the ring: the time of every 64th, say.
    #[must_use]
    pub fn next_pos(&self) -> usize {
        self.pos / STEP
    }
}

impl<T> Drop for Grant<'_, '_, T> {
    fn drop(&mut self) {
        while self.pos != self.end {
            // SAFETY: claimed for this grant and not published: `pos` is the first that is not.
            unsafe { self.producer.raw().at(self.pos).skip() };
            self.pos = after(self.pos, 1);
        }
    }
}

/// Places that are written and not published. Dropped, it publishes them, the last first.
struct Unseen<'g, T> {
    raw: &'g Raw<T>,
    begin: usize,
    /// Behind the last.
    grant_pos: &'g mut usize,
}

impl<T> Drop for Unseen<'_, T> {
    fn drop(&mut self) {
        for place in (0..places(*self.grant_pos, self.begin)).rev() {
            // SAFETY: claimed for the grant, and written: it lies before the grant's position. Each is published once.
            unsafe { self.raw.at(after(self.begin, place)).show() };
        }
    }
}

/// One place that belongs to one producer. Made by [`Producer::reserve_one`].
///
/// Dropping it gives the place up. Forgetting it (`mem::forget`) is memory-safe and never right, as with a [`Grant`].
#[must_use = "a place that is not filled is given up"]
#[derive(Debug)]
pub struct Single<'p, T> {
    place: ManuallyDrop<Place<'p, T>>,
}

// SAFETY: a value that is filled in here moves to a consumer's thread, hence `T: Send`. The place is this one's alone, and
// all else that it touches is atomic.
unsafe impl<T: Send> Send for Single<'_, T> {}

impl<'p, T> Single<'p, T> {
    /// # Safety
    ///
    /// 1. The caller claimed the place, and leaves it to this.
    #[inline(always)]
    pub(super) const unsafe fn new(place: Place<'p, T>) -> Self {
        Self {
            place: ManuallyDrop::new(place),
        }
    }

    /// Fills the place. Wait-free.
    #[inline(always)]
    pub fn fill(self, value: T) {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: `this` is neither used nor dropped after it.
        let place = unsafe { ManuallyDrop::take(&mut this.place) };
        // SAFETY: claimed for this (duty of `new`); it is consumed, and its drop does not run.
        unsafe { place.publish(value) };
    }

    /// The number of the place, as [`Grant::next_pos`] counts.
    #[inline(always)]
    #[must_use]
    pub fn pos(&self) -> usize {
        self.place.pos() / STEP
    }
}

impl<T> Drop for Single<'_, T> {
    #[cold]
    fn drop(&mut self) {
        // SAFETY: this is dropped, so the place is not used again.
        let place = unsafe { ManuallyDrop::take(&mut self.place) };
        // SAFETY: claimed for this (duty of `new`), and not filled: `fill` lets no drop run.
        unsafe { place.skip() };
    }
}
