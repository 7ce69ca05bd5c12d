//! A batch in one lane, written in place.

use core::mem::MaybeUninit;

use super::lease::Lease;
use crate::spsc;

/// Empty slots of one lane that its producer may fill in any order. Made by [`Producer::reserve`](super::Producer::reserve).
///
/// Nothing is published but by [`commit`](Self::commit): dropping or forgetting a grant leaves the lane as it was.
/// Values that were written and not committed are forgotten, not dropped, as those of any `MaybeUninit` are.
#[must_use = "a grant that is not committed publishes nothing"]
#[derive(Debug)]
pub struct Grant<'p, 'a, T> {
    pub(super) grant: spsc::Grant<'p, 'a, T>,
    pub(super) lease: Lease,
    /// Where the producer is before the commit.
    pub(super) pos: usize,
}

impl<T> Grant<'_, '_, T> {
    /// How many slots there are, in both pieces together.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.grant.len()
    }

    /// Whether there is no slot. There always is one.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.grant.is_empty()
    }

    /// The slots, in the order in which they will be popped: the first piece, then the second.
    pub fn as_uninit(&mut self) -> (&mut [MaybeUninit<T>], &mut [MaybeUninit<T>]) {
        self.grant.as_uninit()
    }

    /// Publishes the first `count` slots by one store, and gives up the rest.
    ///
    /// # Panics
    ///
    /// If `count` is more than [`len`](Self::len). Nothing is published then.
    ///
    /// # Safety
    ///
    /// 1. The first `count` slots, counted through both pieces, hold values.
    pub unsafe fn commit(self, count: usize) {
        let end = crate::pos::advance(self.pos, count);
        // SAFETY: duty 1.
        unsafe { self.grant.commit(count) };
        // SAFETY: `end` is the producer's position now, and the grant borrows the producer.
        unsafe { self.lease.announce(end) };
    }
}
