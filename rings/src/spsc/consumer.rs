//! The reading end.

use core::{cmp::min, fmt, iter::FusedIterator, marker::PhantomData};

use super::{
    grant::Peek,
    raw::{ConsumerLine, Raw},
};
use crate::{
    TryPopError,
    pos::{advance, distance},
    share::Home,
    sync::Ordering::{Acquire, Relaxed, Release},
};

/// The reading end of a ring.
///
/// It may move to another thread, but only one thread at a time can use it: it is `Send` and not `Sync`, its methods
/// take `&mut self`, and it cannot be cloned. Dropping it closes the ring for the producer; values still in the ring
/// are dropped with the ring, or are there again when it is split anew.
///
/// It is a pointer: where it lies, and what lies beside it, costs nothing (no *false sharing*).
pub struct Consumer<'a, T> {
    raw: Raw<T>,
    home: Home,
    ring: PhantomData<&'a ()>,
}

// SAFETY: values come from the other end's thread, hence `T: Send`. The positions are atomics, or belong to this end
// and move with it.
unsafe impl<T: Send> Send for Consumer<'_, T> {}

impl<'a, T> Consumer<'a, T> {
    /// # Safety
    ///
    /// 1. The ring lives for `'a`, or by `home` until its last end is gone.
    /// 2. This is the only consumer.
    pub(crate) const unsafe fn new(raw: Raw<T>, home: Home) -> Self {
        Self {
            raw,
            home,
            ring: PhantomData,
        }
    }

    /// Takes the oldest value, or returns at once.
    ///
    /// Wait-free: a handful of instructions, one release store; the producer's line is read only when the ring looks
    /// empty. If values come as fast as they are taken, the pop that finds none left may wait for up to 8 spins, about a
    /// tenth of a microsecond, for some to gather; a poll of a ring that was found empty does not.
    ///
    /// # Errors
    ///
    /// - [`Empty`](TryPopError::Empty): nothing to take now.
    /// - [`Closed`](TryPopError::Closed): the producer is gone and everything it pushed was taken.
    ///
    /// ```
    /// use shared_nothing_rings::{TryPopError, spsc};
    ///
    /// let mut ring = spsc::Ring::<u32, 2>::new();
    /// let (mut tx, mut rx) = ring.split();
    /// assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
    /// assert!(tx.try_push(1).is_ok());
    /// drop(tx);
    /// assert_eq!(rx.try_pop(), Ok(1));
    /// assert_eq!(rx.try_pop(), Err(TryPopError::Closed));
    /// ```
    #[inline]
    pub fn try_pop(&mut self) -> Result<T, TryPopError> {
        let pos = self.own_pos();
        if self.full_slots(pos) == 0 && !(self.is_calm() && self.refresh_full_slots(pos) != 0) {
            self.look_patiently(pos)?;
        }
        // SAFETY: ours and full by I1: `pos` is before the limit, and `&mut self` is the one consumer.
        let value = unsafe { self.raw.take(pos) };
        self.vacate(advance(pos, 1));
        Ok(value)
    }

    /// An iterator that takes up to `max` values, those that are in the ring now; their slots are given back together
    /// when it is dropped.
    ///
    /// Dropping it early leaves the rest in the ring. Forgetting it (`mem::forget`) only keeps the slots it has
    /// emptied from the producer until this end is used again.
    ///
    /// Wait-free.
    pub fn drain(&mut self, max: usize) -> Drain<'_, 'a, T> {
        let pos = self.own_pos();
        self.settle(pos);
        let ready = self.refresh_full_slots(pos);
        // SAFETY: the consumer's own number, and this is the consumer.
        unsafe { self.line().owes.set(1) };
        Drain {
            end: advance(pos, min(ready, max)),
            consumer: self,
        }
    }

    /// Copies the oldest values to the front of `into`, as many as are there and fit, and takes them.
    ///
    /// Returns how many were popped: 0 only if `into` is empty.
    ///
    /// Wait-free; two block copies at most. It may wait for some values to gather where [`try_pop`](Self::try_pop) would.
    ///
    /// # Errors
    ///
    /// As [`try_pop`](Self::try_pop).
    #[inline]
    pub fn try_pop_slice(&mut self, into: &mut [T]) -> Result<usize, TryPopError>
    where
        T: Copy,
    {
        if into.is_empty() {
            return Ok(0);
        }
        let pos = self.own_pos();
        if self.full_slots(pos) < into.len()
            && !(self.is_calm() && self.refresh_full_slots(pos) != 0)
        {
            self.look_for_more(pos)?;
        }
        let count = min(self.full_slots(pos), into.len());
        // SAFETY: ours and full by I1: the slots before the limit.
        let [first, second] = unsafe { self.raw.pieces(pos, count) };
        let (head, tail) = into[..count].split_at_mut(first.1);
        // SAFETY: the piece is as long as what it is copied to.
        unsafe {
            head.as_mut_ptr()
                .copy_from_nonoverlapping(first.0.as_ptr().cast(), first.1);
        }
        // Rare, and a call to copy nothing costs as much as some items.
        if second.1 != 0 {
            // SAFETY: as above.
            unsafe {
                tail.as_mut_ptr()
                    .copy_from_nonoverlapping(second.0.as_ptr().cast(), second.1);
            }
        }
        self.vacate(advance(pos, count));
        Ok(count)
    }

    /// Up to `max` values that are in the ring now, to be looked at in place; none are taken yet.
    ///
    /// Wait-free.
    ///
    /// ```
    /// use shared_nothing_rings::spsc;
    ///
    /// let mut ring = spsc::Ring::<&str, 4>::new();
    /// let (mut tx, mut rx) = ring.split();
    /// assert_eq!(tx.try_push_slice(&["a", "b", "c"]), Ok(3));
    /// let peek = rx.peek(2);
    /// assert_eq!(peek.as_slices().0, ["a", "b"]);
    /// peek.consume(1);
    /// assert_eq!(rx.try_pop(), Ok("b"));
    /// ```
    #[inline]
    pub fn peek(&mut self, max: usize) -> Peek<'_, 'a, T> {
        let pos = self.own_pos();
        let mut ready = self.full_slots(pos);
        if ready < max {
            self.settle(pos);
            ready = self.refresh_full_slots(pos);
        }
        // SAFETY: by I1 the slots up to the limit are the consumer's.
        unsafe { Peek::new(self, min(ready, max)) }
    }

    /// How many values the ring holds at most. Exactly what was asked for.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.raw.header().fixed.capacity
    }

    /// How many values are in the ring: a lower bound, since the producer may add some at any moment.
    #[must_use]
    pub fn len(&self) -> usize {
        // RELAXED: a count; nothing is read by it.
        distance(
            self.raw.header().producer.write_pos.load(Relaxed),
            self.own_pos(),
        )
    }

    /// Whether the ring is empty. `true` may be outdated at once; `false` stays false until this end pops.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the ring is full. `false` may be outdated at once; `true` stays true until this end pops.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.len() == self.capacity()
    }

    /// Whether the producer is gone or has closed. Values may still be there: [`try_pop`](Self::try_pop) says when none are.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        // CLOSE, acquire end: every position that the producer published comes before the flag.
        self.raw.header().fixed.finished.load(Acquire) != 0
    }

    /// Closes the ring for the producer: its later pushes hand the value back.
    ///
    /// This end stays, so that what was pushed before can be taken.
    pub fn close(&mut self) {
        self.raw.header().fixed.refuse();
    }

    pub(crate) const fn raw(&self) -> Raw<T> {
        self.raw
    }

    pub(crate) fn line(&self) -> &ConsumerLine {
        &self.raw.header().consumer
    }

    #[inline(always)]
    pub(crate) fn own_pos(&self) -> usize {
        // SAFETY: the consumer's own number, and this is the consumer.
        unsafe { self.line().own_pos.get() }
    }

    /// Full slots from `pos`, the own position, by the last look.
    #[inline(always)]
    pub(crate) fn full_slots(&self, pos: usize) -> usize {
        // SAFETY: the consumer's own number, and this is the consumer.
        distance(unsafe { self.line().limit.get() }, pos)
    }

    #[inline(always)]
    pub(crate) fn refresh_full_slots(&mut self, pos: usize) -> usize {
        // PUBLISH, acquire end: every value before this position is written.
        let write_pos = self.raw.header().producer.write_pos.load(Acquire);
        // SAFETY: the consumer's own number, and this is the consumer.
        unsafe { self.line().limit.set(write_pos) };
        distance(write_pos, pos)
    }

    /// Too little is left of the last look, and another was in vain or is to be more than a look. Some is enough.
    #[cold]
    #[inline(never)]
    fn look_for_more(&mut self, pos: usize) -> Result<(), TryPopError> {
        if self.full_slots(pos) != 0 {
            self.refresh_full_slots(pos);
            return Ok(());
        }
        self.look_patiently(pos)
    }

    /// Nothing is left of the last look, and another was in vain or is to be more than a look. A call of its own, so that
    /// the common way has no reason to carry.
    #[cold]
    #[inline(never)]
    fn look_patiently(&mut self, pos: usize) -> Result<(), TryPopError> {
        if !self.is_calm() && self.ask(pos) != 0 {
            return Ok(());
        }
        self.look_again(pos)
    }

    /// Whether a look is to be just a look.
    #[inline(always)]
    fn is_calm(&self) -> bool {
        // SAFETY: the consumer's own, and this is the consumer.
        unsafe { self.line().patience.is_calm() }
    }

    /// The ring is empty at `pos`: for ever? A call of its own, so that the common way has no reason to carry.
    #[cold]
    #[inline(never)]
    fn look_again(&mut self, pos: usize) -> Result<(), TryPopError> {
        // A producer that is refused because of a forgotten drain leaves the ring empty in the end, so this is the
        // place.
        self.settle(pos);
        // SAFETY: the consumer's own, and this is the consumer.
        unsafe { self.line().patience.found_nothing() };
        if !self.is_closed() {
            return Err(TryPopError::Empty);
        }
        // The last push may have come between the look and the flag. The flag is the last thing a producer does, so
        // this look is final.
        if self.refresh_full_slots(pos) != 0 {
            Ok(())
        } else {
            Err(TryPopError::Closed)
        }
    }

    /// Gives back what a drain has taken, one that ends or one that was forgotten.
    pub(crate) fn settle(&mut self, pos: usize) {
        // SAFETY: the consumer's own number, and this is the consumer.
        if unsafe { self.line().owes.get() } != 0 {
            // SAFETY: as above.
            unsafe { self.line().owes.set(0) };
            self.vacate(pos);
        }
    }

    #[inline(always)]
    pub(crate) fn vacate(&mut self, pos: usize) {
        // SAFETY: the consumer's own number, and this is the consumer.
        unsafe { self.line().own_pos.set(pos) };
        // VACATE, release end: every value before this position was moved out.
        self.line().read_pos.store(pos, Release);
    }
}

impl<T> Drop for Consumer<'_, T> {
    fn drop(&mut self) {
        self.close();
        // What a forgotten drain has taken is not the producer's to reclaim.
        self.settle(self.own_pos());
        // LEFT, release end: whoever sees the flag also sees the last position, and may touch all that was this end's.
        self.raw.header().fixed.left.store(1, Release);
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
    end: usize,
}

impl<T> Iterator for Drain<'_, '_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        let pos = self.consumer.own_pos();
        if pos == self.end {
            return None;
        }
        // SAFETY: ours and full by I1: `pos` is before `end`, which is not beyond the limit.
        let value = unsafe { self.consumer.raw.take(pos) };
        // SAFETY: the consumer's own number. It moves at once, so that a forgotten drain takes no value twice.
        unsafe { self.consumer.line().own_pos.set(advance(pos, 1)) };
        Some(value)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = distance(self.end, self.consumer.own_pos());
        (left, Some(left))
    }
}

impl<T> ExactSizeIterator for Drain<'_, '_, T> {}
impl<T> FusedIterator for Drain<'_, '_, T> {}

impl<T> Drop for Drain<'_, '_, T> {
    fn drop(&mut self) {
        let pos = self.consumer.own_pos();
        self.consumer.settle(pos);
    }
}
