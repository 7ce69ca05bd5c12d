//! The writing ends of lanes on the heap, whose number is not part of a type.

use core::{fmt, iter::FusedIterator, marker::PhantomData};

use super::{Producer, raw::Raw};
use crate::share::Home;

/// The writing ends of all lanes, in order. Those not taken out are dropped with it, which closes their lanes.
#[must_use = "a lane whose producer is dropped is closed"]
pub struct Producers<'a, T> {
    raw: Raw<T>,
    home: Home,
    next: usize,
    /// Kept here, because the last end may free the lanes while this is still there.
    end: usize,
    ring: PhantomData<&'a ()>,
}

// SAFETY: as a producer: each that it gives out is made once.
unsafe impl<T: Send> Send for Producers<'_, T> {}

impl<T> Producers<'_, T> {
    /// # Safety
    ///
    /// 1. The lanes live for `'a`, or by `home` until their last end is gone.
    /// 2. No lane has a producer, and none is made but by this.
    pub(super) unsafe fn new(raw: Raw<T>, home: Home) -> Self {
        Self {
            raw,
            home,
            next: 0,
            end: raw.header().fixed.lanes,
            ring: PhantomData,
        }
    }
}

impl<'a, T> Iterator for Producers<'a, T> {
    type Item = Producer<'a, T>;

    fn next(&mut self) -> Option<Producer<'a, T>> {
        if self.next == self.end {
            return None;
        }
        let index = self.next;
        self.next += 1;
        // SAFETY: 1: duty 1 of `new`. 2: checked above, and each index comes once.
        Some(unsafe { Producer::new(self.raw, index, self.home) })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.end - self.next;
        (left, Some(left))
    }
}

impl<T> ExactSizeIterator for Producers<'_, T> {}
impl<T> FusedIterator for Producers<'_, T> {}

impl<T> Drop for Producers<'_, T> {
    fn drop(&mut self) {
        self.for_each(drop);
    }
}

impl<T> fmt::Debug for Producers<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producers").finish_non_exhaustive()
    }
}
