//! Places claimed in a batch and filled one by one.

use super::{Producer, stamp::STEP};

/// Places in a row that belong to one producer. Made by [`Producer::reserve`].
///
/// Each [`push`](Self::push) is seen by the consumer at once. Dropping the grant gives up the places not filled.
///
/// Forgetting it (`mem::forget`) is memory-safe and never right: the consumer waits for ever behind the places that
/// were not filled.
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
            end: pos.wrapping_add(count * STEP),
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
        unsafe { self.producer.raw().publish(self.pos, value) };
        self.pos = self.pos.wrapping_add(STEP);
        Ok(())
    }

    /// How many places are left.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.end.wrapping_sub(self.pos) / STEP
    }

    /// The number of the next place, counted over the life of the ring; it wraps at `usize::MAX / 2`.
    ///
    /// [`Drain::next_pos`](super::Drain::next_pos) says the same number when the consumer gets there, so that a
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
            unsafe { self.producer.raw().skip(self.pos) };
            self.pos = self.pos.wrapping_add(STEP);
        }
    }
}
