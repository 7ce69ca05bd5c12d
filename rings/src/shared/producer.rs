//! The writing end.

use core::{fmt, marker::PhantomData};

use super::{ClaimError, Owner, Plain, TryPushError, header::EndLine, raw::Raw};
use crate::sync::Ordering::{Acquire, Relaxed, Release};

/// The writing end of a ring between processes. Made by [`Ring::producer`](super::Ring::producer).
///
/// Dropping it closes the ring and frees the end for another owner.
pub struct Producer<'a, T: Plain> {
    raw: Raw<T>,
    me: Owner,
    write_pos: u64,
    /// The consumer's position at the last look: in `write_pos - capacity ..= write_pos`.
    cached_read_pos: u64,
    is_closed: bool,
    is_corrupt: bool,
    memory: PhantomData<&'a ()>,
}

// SAFETY: all that is done to the memory is atomic, and items are `Send`, as `Plain` demands.
unsafe impl<T: Plain> Send for Producer<'_, T> {}

impl<T: Plain> Producer<'_, T> {
    /// The end as its last owner left it; the caller has claimed it.
    pub(super) fn restore(raw: Raw<T>, me: Owner) -> Result<Self, ClaimError> {
        let header = raw.header();
        // RELAXED: the last owner has left (LEAVE), or is dead, as whoever said so has seen.
        let write_pos = header.producer.pos.load(Relaxed);
        // VACATE, acquire end: the consumer has finished with every slot before this position.
        let read_pos = header.consumer.pos.load(Acquire);
        if write_pos.wrapping_sub(read_pos) > raw.capacity() as u64 {
            return Err(ClaimError::Corrupt);
        }
        Ok(Self {
            raw,
            me,
            write_pos,
            cached_read_pos: read_pos,
            is_closed: false,
            is_corrupt: false,
            memory: PhantomData,
        })
    }

    /// Copies `item` to the end of the ring, or hands it back at once.
    ///
    /// Wait-free; the consumer's line is read to see whether it closed, and when the ring looks full.
    ///
    /// # Errors
    ///
    /// - [`Full`](TryPushError::Full): `capacity` items are in the ring.
    /// - [`Closed`](TryPushError::Closed): an end has closed.
    /// - [`Corrupt`](TryPushError::Corrupt): the consumer's position cannot be.
    #[inline]
    pub fn try_push(&mut self, item: T) -> Result<(), TryPushError<T>> {
        match self.free_slots(1) {
            Ok(_) => {
                self.fill(item);
                Ok(())
            }
            Err(TryPushError::Full(())) => Err(TryPushError::Full(item)),
            Err(TryPushError::Closed(())) => Err(TryPushError::Closed(item)),
            Err(TryPushError::Corrupt(())) => Err(TryPushError::Corrupt(item)),
        }
    }

    /// Copies items from `items` until it ends or the ring is full; one publication for all of them.
    ///
    /// Returns how many were pushed. What did not fit is still in the iterator: nothing is taken from it that has no
    /// place. If it panics, the items that it gave before are published.
    ///
    /// Wait-free but for what `items` does.
    ///
    /// # Errors
    ///
    /// There are items and none was taken, as [`try_push`](Self::try_push) would say.
    pub fn try_push_iter<I>(&mut self, items: &mut I) -> Result<usize, TryPushError<()>>
    where
        I: Iterator<Item = T>,
    {
        if items.size_hint() == (0, Some(0)) {
            return Ok(0);
        }
        // A batch asks for as much as there is: what was last seen would cut it short.
        let free = self.free_slots(self.capacity())?;
        let mut batch = Batch {
            producer: self,
            count: 0,
        };
        for _ in 0..free {
            let Some(item) = items.next() else { break };
            batch.push(item);
        }
        Ok(batch.count)
    }

    /// Copies items from the front of `items`, as many as fit; one publication for all of them.
    ///
    /// Returns how many were pushed.
    ///
    /// Wait-free.
    ///
    /// # Errors
    ///
    /// There are items and none was taken, as [`try_push`](Self::try_push) would say.
    pub fn try_push_slice(&mut self, items: &[T]) -> Result<usize, TryPushError<()>> {
        if items.is_empty() {
            return Ok(0);
        }
        let count = self.free_slots(items.len())?.min(items.len());
        for (at, item) in items[..count].iter().enumerate() {
            self.raw
                .write(self.write_pos.wrapping_add(at as u64), *item);
        }
        self.publish(count);
        Ok(count)
    }

    /// How many items the ring holds at most. Exactly what was asked for.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.raw.capacity()
    }

    /// How many items are in the ring: an upper bound, since the consumer may take some at any moment. The consumer's
    /// position is believed as far as it can be.
    #[must_use]
    pub fn len(&self) -> usize {
        // RELAXED: a count; nothing is read by it.
        let read_pos = self.raw.header().consumer.pos.load(Relaxed);
        let len = self.write_pos.wrapping_sub(read_pos);
        len.min(self.capacity() as u64) as usize
    }

    /// Whether the ring is empty. `false` may be outdated at once.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the ring is full. `true` may be outdated at once.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.len() == self.capacity()
    }

    /// Whether this end has closed, or the consumer has and no other owner has come.
    #[inline]
    #[must_use]
    pub fn is_closed(&self) -> bool {
        // RELAXED: no data comes with the flag.
        self.is_closed || self.raw.header().consumer.closed.load(Relaxed) != 0
    }

    /// Says that nothing more will come from this owner, as dropping does.
    pub fn close(&mut self) {
        self.is_closed = true;
        if !self.is_replaced() {
            // CLOSE, release end: whoever sees the flag also sees the last position published.
            self.line().closed.store(1, Release);
        }
    }

    /// Who has the reading end.
    #[must_use]
    pub fn peer(&self) -> Option<Owner> {
        self.raw.header().consumer.owner()
    }

    /// How often the reading end was claimed, or beat. One that does not beat is dead, stuck or idle, as the two have
    /// agreed.
    #[must_use]
    pub fn peer_beats(&self) -> u64 {
        self.raw.header().consumer.beats()
    }

    /// Shows the other process that this one is at work.
    pub fn beat(&mut self) {
        self.line().beat();
    }

    /// Whether somebody took this end over, believing its owner dead. Pushes would then mix with his.
    #[must_use]
    pub fn is_replaced(&self) -> bool {
        !self.line().is_owned_by(self.me)
    }

    fn line(&self) -> &EndLine {
        &self.raw.header().producer
    }

    /// How many slots are free, at least one; looks again if fewer than `want` are known to be.
    #[inline(always)]
    pub(super) fn free_slots(&mut self, want: usize) -> Result<usize, TryPushError<()>> {
        if self.is_closed() {
            return Err(TryPushError::Closed(()));
        }
        let used = self.write_pos.wrapping_sub(self.cached_read_pos) as usize;
        let mut free = self.capacity() - used;
        if free < want {
            free = self.refresh_free_slots()?;
        }
        if free == 0 {
            return Err(TryPushError::Full(()));
        }
        Ok(free)
    }

    fn refresh_free_slots(&mut self) -> Result<usize, TryPushError<()>> {
        // VACATE, acquire end: the consumer has finished with every slot before this position.
        let read_pos = self.raw.header().consumer.pos.load(Acquire);
        let used = self.write_pos.wrapping_sub(read_pos);
        // It only grows, up to the own position (I1, I2). Whoever says otherwise lies.
        if self.is_corrupt || used > self.write_pos.wrapping_sub(self.cached_read_pos) {
            self.is_corrupt = true;
            // So that every later call comes here.
            self.cached_read_pos = self.write_pos.wrapping_sub(self.capacity() as u64);
            return Err(TryPushError::Corrupt(()));
        }
        self.cached_read_pos = read_pos;
        Ok(self.capacity() - used as usize)
    }

    /// Publishes an item; a slot is free.
    #[inline(always)]
    pub(super) fn fill(&mut self, item: T) {
        self.raw.write(self.write_pos, item);
        self.publish(1);
    }

    #[inline(always)]
    fn publish(&mut self, count: usize) {
        self.write_pos = self.write_pos.wrapping_add(count as u64);
        // PUBLISH, release end: whoever loads this position also sees every item written before it.
        self.line().pos.store(self.write_pos, Release);
    }
}

impl<T: Plain> Drop for Producer<'_, T> {
    fn drop(&mut self) {
        self.close();
        self.line().free(self.me);
    }
}

impl<T: Plain> fmt::Debug for Producer<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer")
            .field("capacity", &self.capacity())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// Publishes what was written so far, once, also when the source of the items panics.
struct Batch<'p, 'a, T: Plain> {
    producer: &'p mut Producer<'a, T>,
    count: usize,
}

impl<T: Plain> Batch<'_, '_, T> {
    #[inline(always)]
    fn push(&mut self, item: T) {
        let pos = self.producer.write_pos.wrapping_add(self.count as u64);
        self.producer.raw.write(pos, item);
        self.count += 1;
    }
}

impl<T: Plain> Drop for Batch<'_, '_, T> {
    fn drop(&mut self) {
        self.producer.publish(self.count);
    }
}
