//! The reading end.

use core::{cmp::min, fmt, iter::FusedIterator, marker::PhantomData};

use super::{ClaimError, Owner, Plain, TryPopError, header::EndLine, raw::Raw};
use crate::sync::Ordering::{Acquire, Relaxed, Release};

/// The reading end of a ring between processes. Made by [`Ring::consumer`](super::Ring::consumer).
///
/// Dropping it closes the ring for the producer and frees the end for another owner, who finds the items left.
pub struct Consumer<'a, T: Plain> {
    raw: Raw<T>,
    me: Owner,
    read_pos: u64,
    /// The producer's position at the last look: in `read_pos ..= read_pos + capacity`.
    cached_write_pos: u64,
    is_corrupt: bool,
    /// Whether items were taken whose slots are not given back: by a drain that is under way, or was forgotten.
    owes_slots: bool,
    memory: PhantomData<&'a ()>,
}

// SAFETY: all that is done to the memory is atomic, and items are `Send`, as `Plain` demands.
unsafe impl<T: Plain> Send for Consumer<'_, T> {}

impl<'a, T: Plain> Consumer<'a, T> {
    /// The end as its last owner left it; the caller has claimed it.
    pub(super) fn restore(raw: Raw<T>, me: Owner) -> Result<Self, ClaimError> {
        let header = raw.header();
        // RELAXED: the last owner has left (LEAVE), or is dead, as whoever said so has seen.
        let read_pos = header.consumer.pos.load(Relaxed);
        // PUBLISH, acquire end: every item before this position is written.
        let write_pos = header.producer.pos.load(Acquire);
        if write_pos.wrapping_sub(read_pos) > raw.capacity() as u64 {
            return Err(ClaimError::Corrupt);
        }
        Ok(Self {
            raw,
            me,
            read_pos,
            cached_write_pos: write_pos,
            is_corrupt: false,
            owes_slots: false,
            memory: PhantomData,
        })
    }

    /// Copies the oldest item out and takes it, or returns at once.
    ///
    /// Wait-free; the producer's line is read only when the ring looks empty.
    ///
    /// # Errors
    ///
    /// - [`Empty`](TryPopError::Empty): nothing to take now.
    /// - [`Closed`](TryPopError::Closed): the producer closed and everything it pushed was taken.
    /// - [`Corrupt`](TryPopError::Corrupt): the producer's position cannot be.
    #[inline]
    pub fn try_pop(&mut self) -> Result<T, TryPopError> {
        self.full_slots(1)?;
        let item = self.raw.read(self.read_pos);
        self.vacate(1);
        Ok(item)
    }

    /// An iterator that copies up to `max` items out, those that are in the ring now; their slots are given back
    /// together when it is dropped.
    ///
    /// Dropping it early leaves the rest in the ring. Forgetting it (`mem::forget`) only keeps the slots it has
    /// emptied from the producer until this end is used again. A process that dies before the drop has given back
    /// nothing: the next owner of the end gets those items again. In a corrupt ring there is nothing to take, and
    /// [`try_pop`](Self::try_pop) says why.
    ///
    /// Wait-free.
    pub fn drain(&mut self, max: usize) -> Drain<'_, 'a, T> {
        self.settle();
        let ready = self.refresh_full_slots().unwrap_or(0);
        Drain {
            left: min(ready, max),
            consumer: self,
        }
    }

    /// Copies the oldest items to the front of `into`, as many as are there and fit, and takes them.
    ///
    /// Returns how many were popped: 0 only if `into` is empty.
    ///
    /// Wait-free.
    ///
    /// # Errors
    ///
    /// As [`try_pop`](Self::try_pop).
    pub fn try_pop_slice(&mut self, into: &mut [T]) -> Result<usize, TryPopError> {
        if into.is_empty() {
            return Ok(0);
        }
        let count = self.full_slots(into.len())?.min(into.len());
        for (at, place) in into[..count].iter_mut().enumerate() {
            *place = self.raw.read(self.read_pos.wrapping_add(at as u64));
        }
        self.vacate(count);
        Ok(count)
    }

    /// How many items the ring holds at most. Exactly what was asked for.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.raw.capacity()
    }

    /// How many items are in the ring: a lower bound, since the producer may add some at any moment. The producer's
    /// position is believed as far as it can be.
    #[must_use]
    pub fn len(&self) -> usize {
        // RELAXED: a count; nothing is read by it.
        let write_pos = self.raw.header().producer.pos.load(Relaxed);
        let len = write_pos.wrapping_sub(self.read_pos);
        len.min(self.capacity() as u64) as usize
    }

    /// Whether the ring is empty. `true` may be outdated at once.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the ring is full. `false` may be outdated at once.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.len() == self.capacity()
    }

    /// Whether the producer has closed and no other owner has come. Items may still be there:
    /// [`try_pop`](Self::try_pop) says when none are.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        // CLOSE, acquire end: every position that the producer published comes before the flag.
        self.raw.header().producer.closed.load(Acquire) != 0
    }

    /// Closes the ring for the producer: its later pushes hand the item back.
    ///
    /// This end stays, so that what was pushed before can be taken.
    pub fn close(&mut self) {
        if !self.is_replaced() {
            // RELAXED: no data comes with the flag.
            self.line().closed.store(1, Relaxed);
        }
    }

    /// Who has the writing end.
    #[must_use]
    pub fn peer(&self) -> Option<Owner> {
        self.raw.header().producer.owner()
    }

    /// How often the writing end was claimed, or beat. One that does not beat is dead, stuck or idle, as the two have
    /// agreed.
    #[must_use]
    pub fn peer_beats(&self) -> u64 {
        self.raw.header().producer.beats()
    }

    /// Shows the other process that this one is at work.
    pub fn beat(&mut self) {
        self.line().beat();
    }

    /// Whether somebody took this end over, believing its owner dead. Items popped here would then be his, too.
    #[must_use]
    pub fn is_replaced(&self) -> bool {
        !self.line().is_owned_by(self.me)
    }

    fn line(&self) -> &EndLine {
        &self.raw.header().consumer
    }

    /// How many slots are full, at least one; looks again if fewer than `want` are known to be.
    #[inline(always)]
    fn full_slots(&mut self, want: usize) -> Result<usize, TryPopError> {
        let mut full = self.cached_write_pos.wrapping_sub(self.read_pos) as usize;
        if full < want {
            full = self.refresh_full_slots()?;
        }
        if full == 0 {
            return self.look_again();
        }
        Ok(full)
    }

    fn refresh_full_slots(&mut self) -> Result<usize, TryPopError> {
        self.settle();
        // PUBLISH, acquire end: every item before this position is written.
        let write_pos = self.raw.header().producer.pos.load(Acquire);
        let full = write_pos.wrapping_sub(self.read_pos);
        let known = self.cached_write_pos.wrapping_sub(self.read_pos);
        // It only grows, up to a full ring (I1, I2). Whoever says otherwise lies.
        if self.is_corrupt || full < known || full > self.capacity() as u64 {
            self.is_corrupt = true;
            // So that every later call comes here.
            self.cached_write_pos = self.read_pos;
            return Err(TryPopError::Corrupt);
        }
        self.cached_write_pos = write_pos;
        Ok(full as usize)
    }

    /// The ring is empty: for ever?
    #[cold]
    fn look_again(&mut self) -> Result<usize, TryPopError> {
        if !self.is_closed() {
            return Err(TryPopError::Empty);
        }
        // The last push may have come between the look and the flag. The flag is the last thing a producer does, so
        // this look is final.
        match self.refresh_full_slots()? {
            0 => Err(TryPopError::Closed),
            full => Ok(full),
        }
    }

    /// Gives back what a drain has emptied.
    fn settle(&mut self) {
        if self.owes_slots {
            self.vacate(0);
        }
    }

    #[inline(always)]
    fn vacate(&mut self, count: usize) {
        self.owes_slots = false;
        self.read_pos = self.read_pos.wrapping_add(count as u64);
        // VACATE, release end: every item before this position was copied out.
        self.line().pos.store(self.read_pos, Release);
    }
}

impl<T: Plain> Drop for Consumer<'_, T> {
    fn drop(&mut self) {
        self.settle();
        self.close();
        self.line().free(self.me);
    }
}

/// Takes items and gives all their slots back at once. Made by [`Consumer::drain`].
#[must_use = "a drain takes only what is asked of it"]
#[derive(Debug)]
pub struct Drain<'c, 'a, T: Plain> {
    consumer: &'c mut Consumer<'a, T>,
    left: usize,
}

impl<T: Plain> Iterator for Drain<'_, '_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.left = self.left.checked_sub(1)?;
        let consumer = &mut *self.consumer;
        let item = consumer.raw.read(consumer.read_pos);
        // It moves at once, so that a forgotten drain takes no item twice.
        consumer.read_pos = consumer.read_pos.wrapping_add(1);
        consumer.owes_slots = true;
        Some(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T: Plain> ExactSizeIterator for Drain<'_, '_, T> {}
impl<T: Plain> FusedIterator for Drain<'_, '_, T> {}

impl<T: Plain> Drop for Drain<'_, '_, T> {
    fn drop(&mut self) {
        self.consumer.settle();
    }
}

impl<T: Plain> fmt::Debug for Consumer<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("capacity", &self.capacity())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
