//! The ends as ends of any ring, for code that is written once over all of them.
//!
//! Two things are said less exactly than by the methods of the same names. A corrupt ring is a closed one: neither
//! delivers any more. And closed is what the ring is now: another owner of the other end may open it again.

use super::{Consumer, Plain, Producer, TryPopError, TryPushError};
use crate::{
    TryReserveError,
    ends::{DrainEnd, PopEnd, PushEnd, PushIterEnd, ReserveEnd},
};

impl<T> From<TryPushError<T>> for crate::TryPushError<T> {
    fn from(why: TryPushError<T>) -> Self {
        match why {
            TryPushError::Full(item) => Self::Full(item),
            TryPushError::Closed(item) | TryPushError::Corrupt(item) => Self::Closed(item),
        }
    }
}

impl From<TryPushError<()>> for TryReserveError {
    fn from(why: TryPushError<()>) -> Self {
        match why {
            TryPushError::Full(()) => Self::Full,
            TryPushError::Closed(()) | TryPushError::Corrupt(()) => Self::Closed,
        }
    }
}

impl From<TryPopError> for crate::TryPopError {
    fn from(why: TryPopError) -> Self {
        match why {
            TryPopError::Empty => Self::Empty,
            TryPopError::Closed | TryPopError::Corrupt => Self::Closed,
        }
    }
}

impl<T: Plain> PushEnd for Producer<'_, T> {
    type Item = T;

    #[inline(always)]
    fn try_push(&mut self, item: T) -> Result<(), crate::TryPushError<T>> {
        Ok(Producer::try_push(self, item)?)
    }

    fn capacity(&self) -> usize {
        Producer::capacity(self)
    }

    fn len(&self) -> usize {
        Producer::len(self)
    }

    fn is_closed(&self) -> bool {
        Producer::is_closed(self)
    }

    fn close(&mut self) {
        Producer::close(self);
    }
}

impl<T: Plain> PopEnd for Consumer<'_, T> {
    type Item = T;

    #[inline(always)]
    fn try_pop(&mut self) -> Result<T, crate::TryPopError> {
        Ok(Consumer::try_pop(self)?)
    }

    fn capacity(&self) -> usize {
        Consumer::capacity(self)
    }

    fn len(&self) -> usize {
        Consumer::len(self)
    }

    fn is_closed(&self) -> bool {
        Consumer::is_closed(self)
    }

    fn close(&mut self) {
        Consumer::close(self);
    }
}

impl<T: Plain> PushIterEnd for Producer<'_, T> {
    fn try_push_iter<I>(&mut self, items: &mut I) -> Result<usize, TryReserveError>
    where
        I: ExactSizeIterator<Item = T>,
    {
        Ok(Producer::try_push_iter(self, items)?)
    }
}

impl<T: Plain> DrainEnd for Consumer<'_, T> {
    fn drain(&mut self, max: usize) -> impl Iterator<Item = T> {
        Consumer::drain(self, max)
    }
}

// SAFETY: there is no other producer, so a slot that is free stays free until this end fills it. A consumer that lies
// about it, or somebody who took this end over, spoils items and nothing else (I3, I4).
unsafe impl<T: Plain> ReserveEnd for Producer<'_, T> {
    type Claim = ();

    fn try_claim(&mut self) -> Result<(), TryReserveError> {
        self.free_slots(1)?;
        Ok(())
    }

    unsafe fn fill(&mut self, (): (), item: T) {
        Producer::fill(self, item);
    }

    unsafe fn give_up(&mut self, (): ()) {}
}
