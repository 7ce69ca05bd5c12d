//! The reading end that counts.
#![forbid(unsafe_code)]

use core::fmt;

use super::{StatsRef, line::Place};
use crate::{
    TryPopError,
    ends::{DrainEnd, PopEnd},
};

/// A reading end that counts what goes through it.
///
/// Its methods are those of [`PopEnd`] and [`DrainEnd`], as far as the end inside has them. A clone counts on a line of
/// its own.
pub struct Consumer<C, S: StatsRef> {
    // The order matters: the end goes first, and then its line.
    end: C,
    place: Place<S>,
}

impl<C: PopEnd, S: StatsRef> Consumer<C, S> {
    /// Counts what `end` does from now on.
    #[must_use]
    pub fn new(end: C, stats: S) -> Self {
        let place = Place::take(stats);
        Self { end, place }
    }

    /// The end inside.
    #[must_use]
    pub fn end(&self) -> &C {
        &self.end
    }

    /// The end inside, for what the traits do not have: peeks, slices. What it pops is not counted but by
    /// [`add_received`](Self::add_received).
    pub fn end_mut(&mut self) -> &mut C {
        &mut self.end
    }

    /// The end inside, no longer counted. What was counted stays in the sums.
    #[must_use]
    pub fn into_end(self) -> C {
        self.end
    }

    /// Counts `count` values that were popped by [`end_mut`](Self::end_mut).
    #[inline(always)]
    pub fn add_received(&mut self, count: usize) {
        self.place.add_received(count);
    }
}

impl<C: PopEnd + Clone, S: StatsRef> Clone for Consumer<C, S> {
    fn clone(&self) -> Self {
        Self {
            end: self.end.clone(),
            place: self.place.take_another(),
        }
    }
}

impl<C: PopEnd, S: StatsRef> PopEnd for Consumer<C, S> {
    type Item = C::Item;

    #[inline(always)]
    fn try_pop(&mut self) -> Result<C::Item, TryPopError> {
        let value = self.end.try_pop()?;
        self.place.add_received(1);
        Ok(value)
    }

    fn capacity(&self) -> usize {
        self.end.capacity()
    }

    fn len(&self) -> usize {
        self.end.len()
    }

    fn is_closed(&self) -> bool {
        self.end.is_closed()
    }

    fn close(&mut self) {
        self.end.close();
    }
}

impl<C: DrainEnd, S: StatsRef> DrainEnd for Consumer<C, S> {
    fn drain(&mut self, max: usize) -> impl Iterator<Item = C::Item> {
        let place = &self.place;
        self.end.drain(max).inspect(|_| place.add_received(1))
    }
}

impl<C: PopEnd, S: StatsRef> fmt::Debug for Consumer<C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("capacity", &self.capacity())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
