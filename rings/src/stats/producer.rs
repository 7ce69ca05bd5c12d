//! The writing end that counts.
#![deny(unsafe_code)]

use core::{fmt, mem};

use super::{StatsRef, line::Place};
use crate::{
    TryPushError, TryReserveError,
    ends::{PushEnd, PushIterEnd},
};

/// A writing end that counts what goes through it.
///
/// Its methods are those of [`PushEnd`], [`PushIterEnd`] and [`ReserveEnd`](crate::ends::ReserveEnd), as far as the end
/// inside has them. A clone counts on a line of its own.
pub struct Producer<P, S: StatsRef> {
    // The order matters: the end goes first, and then its line.
    pub(super) end: P,
    pub(super) place: Place<S>,
    /// How many more values may be pushed before the next look at the ring.
    until_look: usize,
}

impl<P: PushEnd, S: StatsRef> Producer<P, S> {
    /// Counts what `end` does from now on.
    #[must_use]
    pub fn new(end: P, stats: S) -> Self {
        Self::at(end, Place::take(stats))
    }

    fn at(end: P, place: Place<S>) -> Self {
        place.join_producers();
        Self {
            end,
            place,
            until_look: 0,
        }
    }

    /// The end inside.
    #[must_use]
    pub fn end(&self) -> &P {
        &self.end
    }

    /// The end inside, for what the traits do not have: grants, slices. What it pushes is not counted but by
    /// [`add_sent`](Self::add_sent).
    pub fn end_mut(&mut self) -> &mut P {
        &mut self.end
    }

    /// The end inside, no longer counted. What was counted stays in the sums.
    #[must_use]
    pub fn into_end(self) -> P {
        self.end
    }

    /// Counts `count` values that were pushed by [`end_mut`](Self::end_mut).
    ///
    /// ```
    /// use shared_nothing_rings::{spsc, stats::{Producer, Stats}};
    ///
    /// let stats = Stats::<1>::new();
    /// let mut ring = spsc::Ring::<u8, 8>::new();
    /// let (tx, _rx) = ring.split();
    /// let mut tx = Producer::new(tx, &stats);
    /// let pushed = tx.end_mut().try_push_slice(b"hello")?;
    /// tx.add_sent(pushed);
    /// assert_eq!((stats.read().sent, stats.read().len_max), (5, 5));
    /// # Ok::<(), shared_nothing_rings::TryReserveError>(())
    /// ```
    #[inline(always)]
    pub fn add_sent(&mut self, count: usize) {
        self.place.add_sent(count);
        self.come_nearer_to_a_look(count);
    }

    #[inline(always)]
    fn come_nearer_to_a_look(&mut self, count: usize) {
        match self.until_look.checked_sub(count) {
            Some(left) => self.until_look = left,
            None => self.look(),
        }
    }

    /// Looks how full the ring is.
    #[cold]
    fn look(&mut self) {
        let len = self.end.len();
        let mark = self.place.raise_len_max(len);
        let is_sole = self.place.is_sole_producer();
        self.until_look = pushes_until_look(self.end.capacity(), len, mark, is_sole);
    }

    #[cold]
    pub(super) fn was_refused(&mut self, why: TryReserveError) {
        match why {
            TryReserveError::Closed => self.place.add_refused_closed(),
            TryReserveError::Full => {
                self.place.add_refused_full();
                self.look();
            }
        }
    }
}

/// How many values a producer may push after it saw `len` before it looks again.
///
/// A sole producer knows that a ring of `len` has not passed `mark` before so many more are in it.
fn pushes_until_look(capacity: usize, len: usize, mark: usize, is_sole: bool) -> usize {
    /// A look at every 64th push costs little, whatever the ring.
    const MAX: usize = 63;
    let slack = capacity / 16;
    let below = if is_sole { mark - len } else { 0 };
    slack.max(below).min(MAX)
}

impl<P: PushEnd + Clone, S: StatsRef> Clone for Producer<P, S> {
    fn clone(&self) -> Self {
        Self::at(self.end.clone(), self.place.take_another())
    }
}

impl<P: PushEnd, S: StatsRef> PushEnd for Producer<P, S> {
    type Item = P::Item;

    #[inline(always)]
    fn try_push(&mut self, value: P::Item) -> Result<(), TryPushError<P::Item>> {
        match self.end.try_push(value) {
            Ok(()) => {
                self.add_sent(1);
                Ok(())
            }
            Err(TryPushError::Full(value)) => {
                self.was_refused(TryReserveError::Full);
                Err(TryPushError::Full(value))
            }
            Err(TryPushError::Closed(value)) => {
                self.was_refused(TryReserveError::Closed);
                Err(TryPushError::Closed(value))
            }
        }
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

impl<P: PushIterEnd, S: StatsRef> PushIterEnd for Producer<P, S> {
    fn try_push_iter<I>(&mut self, values: &mut I) -> Result<usize, TryReserveError>
    where
        I: ExactSizeIterator<Item = P::Item>,
    {
        // Counted one by one, so that those are counted too that a source gave before it panicked; and then the next
        // push looks at once.
        let until_look = mem::take(&mut self.until_look);
        let mut values = values.inspect(|_| self.place.add_sent(1));
        let pushed = self.end.try_push_iter(&mut values);
        self.until_look = until_look;
        match pushed {
            Ok(count) => self.come_nearer_to_a_look(count),
            Err(why) => self.was_refused(why),
        }
        pushed
    }
}

impl<P: PushEnd, S: StatsRef> fmt::Debug for Producer<P, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer")
            .field("capacity", &self.capacity())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::pushes_until_look;

    #[test]
    fn a_sole_producer_of_a_small_ring_looks_before_the_mark_can_be_passed() {
        assert_eq!(pushes_until_look(8, 1, 5, true), 4);
        assert_eq!(pushes_until_look(8, 5, 5, true), 0);
        assert_eq!(pushes_until_look(15, 0, 0, true), 0);
    }

    #[test]
    fn a_larger_ring_is_looked_at_to_a_sixteenth() {
        assert_eq!(pushes_until_look(160, 70, 70, true), 10);
        assert_eq!(pushes_until_look(160, 70, 70, false), 10);
        assert_eq!(pushes_until_look(160, 7, 70, false), 10);
        assert_eq!(pushes_until_look(160, 30, 70, true), 40);
    }

    #[test]
    fn every_64th_push_looks() {
        assert_eq!(pushes_until_look(1 << 20, 1, 70_000, true), 63);
        assert_eq!(pushes_until_look(usize::MAX, 5, 5, false), 63);
    }
}
