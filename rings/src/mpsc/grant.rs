//! Places claimed in a batch and filled one by one.

use super::Producer;
use crate::stamped::stamp::{STEP, after, places};

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
