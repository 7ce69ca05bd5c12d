//! Values claimed in a batch and taken one by one.

use core::iter::FusedIterator;

use super::Consumer;
use crate::stamped::{
    place::Place,
    raw::{Next, Raw},
    stamp::{Says, after, places},
};

/// Positions in a row that one consumer has claimed, and takes from the front.
///
/// It is a plain number of two words; the stamps say which of the positions were taken. So the copy that a consumer
/// keeps may be older than the one that its drain works with, and a drain that is forgotten takes nothing twice.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claimed {
    pos: usize,
    end: usize,
}

impl Claimed {
    /// Nothing, by an end that begins at `pos`, which consumers have come to.
    pub(super) const fn nothing(pos: usize) -> Self {
        Self { pos, end: pos }
    }

    /// # Safety
    ///
    /// 1. The caller claimed the positions from `pos` to `end` and leaves them to this and its copies, which one end
    ///    alone uses, and each with the ring that the positions are of.
    pub(super) const unsafe fn new(pos: usize, end: usize) -> Self {
        Self { pos, end }
    }

    #[inline(always)]
    pub(super) const fn is_empty(self) -> bool {
        self.pos == self.end
    }

    /// Claims and passes the position behind the last, if none is left, its value is there, and no other consumer has
    /// come between: then it is the next, and the line that all consumers write need not be read first.
    #[inline(always)]
    pub(super) fn claim_next<'r, T>(&mut self, raw: &'r Raw<T>) -> Next<'r, T> {
        if !self.is_empty() {
            return Next::Unclear;
        }
        let pos = self.end;
        let next = raw.claim_value(pos);
        if let Next::Value(_) = next {
            *self = Self::nothing(after(pos, 1));
        }
        next
    }

    /// How many positions are left, those given up among them.
    pub(super) const fn len(self) -> usize {
        places(self.end, self.pos)
    }

    /// The next position with a value. What lies before it is behind us then.
    #[inline(always)]
    fn find<T>(&mut self, raw: &Raw<T>) -> Option<usize> {
        while !self.is_empty() {
            match raw.at(self.pos).look() {
                Says::Written => return Some(self.pos),
                // SAFETY: claimed (duty of `new`), and given up by its producer: there is no value in it.
                Says::Skipped => unsafe { raw.at(self.pos).vacate() },
                // Vacated by a drain that was forgotten.
                _ => {}
            }
            self.pos = after(self.pos, 1);
        }
        None
    }

    /// The next place with a value, which the caller must take: nothing here remembers it.
    #[inline(always)]
    pub(super) fn next<'r, T>(&mut self, raw: &'r Raw<T>) -> Option<Place<'r, T>> {
        let pos = self.find(raw)?;
        self.pos = after(pos, 1);
        Some(raw.at(pos))
    }

    /// Takes the next value.
    #[inline(always)]
    pub(super) fn take<T>(&mut self, raw: &Raw<T>) -> Option<T> {
        let place = self.next(raw)?;
        // SAFETY: claimed (duty of `new`) and written. No copy finds it written again: the stamp is another then.
        Some(unsafe { place.take() })
    }

    /// Drops the next value where it lies, and gives its slot back also when the drop panics. `false` if none is left.
    pub(super) fn drop_next<T>(&mut self, raw: &Raw<T>) -> bool {
        let Some(pos) = self.find(raw) else {
            return false;
        };
        self.pos = after(pos, 1);
        let _vacate = Vacate(raw, pos);
        // SAFETY: claimed (duty of `new`) and written, and never looked at again.
        unsafe { raw.at(pos).drop_value() };
        return true;

        struct Vacate<'r, T>(&'r Raw<T>, usize);
        impl<T> Drop for Vacate<'_, T> {
            fn drop(&mut self) {
                // SAFETY: claimed; made above, where the value goes before the slot does.
                unsafe { self.0.at(self.1).vacate() };
            }
        }
    }
}

/// Takes values in batches: one exchange claims as many as are written in a row. Made by [`Consumer::drain`].
///
/// Each slot is given back as soon as its value was taken.
#[must_use = "a drain takes only what is asked of it"]
#[derive(Debug)]
pub struct Drain<'c, 'a, T> {
    consumer: &'c mut Consumer<'a, T>,
    claimed: Claimed,
    left: usize,
}

impl<'c, 'a, T> Drain<'c, 'a, T> {
    pub(super) fn new(consumer: &'c mut Consumer<'a, T>, max: usize) -> Self {
        Self {
            claimed: consumer.claimed(),
            consumer,
            left: max,
        }
    }

    /// Whether [`next`](Iterator::next) would return a value now. If so, it is claimed: no other consumer gets it.
    #[inline]
    #[must_use]
    pub fn has_next(&mut self) -> bool {
        self.left != 0 && (self.claimed.find(self.consumer.raw()).is_some() || self.claim_more())
    }

    /// Claims what is there, up to what is left of the maximum. `true` for at least one value.
    fn claim_more(&mut self) -> bool {
        let Ok((pos, end)) = self.consumer.raw().claim_values(self.left) else {
            return false;
        };
        // SAFETY: just claimed; this end keeps one copy and works with the other.
        self.claimed = unsafe { Claimed::new(pos, end) };
        // Now and not at the end: a drain may be forgotten.
        self.consumer.keep(self.claimed);
        true
    }
}

impl<T> Iterator for Drain<'_, '_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        if self.left == 0 {
            return None;
        }
        let mut value = self.claimed.take(self.consumer.raw());
        if value.is_none() && self.claim_more() {
            value = self.claimed.take(self.consumer.raw());
        }
        self.left = if value.is_some() { self.left - 1 } else { 0 };
        value
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left))
    }
}

impl<T> FusedIterator for Drain<'_, '_, T> {}

impl<T> Drop for Drain<'_, '_, T> {
    fn drop(&mut self) {
        self.consumer.keep(self.claimed);
    }
}
