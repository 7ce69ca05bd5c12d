//! What the ends of every ring have in common, for code that works over any of them.
//!
//! The rings' own methods say the same and need no import. These traits are for what is written once over all rings:
//! waiting, tests, benches.
#![deny(unsafe_code)]

use crate::{TryPopError, TryPushError, TryReserveError};

/// The writing end of a ring. Its methods return at once.
pub trait PushEnd {
    /// What goes through the ring.
    type Item;

    /// Puts `value` into the ring, or hands it back.
    ///
    /// # Errors
    ///
    /// The ring is full or closed.
    fn try_push(&mut self, value: Self::Item) -> Result<(), TryPushError<Self::Item>>;

    /// How many values the ring holds at most; `usize::MAX` if it grows.
    fn capacity(&self) -> usize;

    /// How many values are in the ring, as this end sees it.
    fn len(&self) -> usize;

    /// Whether the ring seems empty to this end.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the ring seems full to this end. A ring that grows never does.
    fn is_full(&self) -> bool {
        self.len() == self.capacity()
    }

    /// Whether the ring is closed. Once `true`, it stays so, unless a new owner opens an end between processes again.
    fn is_closed(&self) -> bool;

    /// Closes the ring: later pushes hand their value back, and what was pushed before can still be popped.
    fn close(&mut self);
}

/// The reading end of a ring. Its methods return at once.
pub trait PopEnd {
    /// What goes through the ring.
    type Item;

    /// Takes the next value.
    ///
    /// # Errors
    ///
    /// The ring is empty, or closed and drained.
    fn try_pop(&mut self) -> Result<Self::Item, TryPopError>;

    /// How many values the ring holds at most; `usize::MAX` if it grows.
    fn capacity(&self) -> usize;

    /// How many values are in the ring, as this end sees it.
    fn len(&self) -> usize;

    /// Whether the ring seems empty to this end.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the ring seems full to this end. A ring that grows never does.
    fn is_full(&self) -> bool {
        self.len() == self.capacity()
    }

    /// Whether the ring is closed. Values may still be there.
    fn is_closed(&self) -> bool;

    /// Closes the ring: later pushes hand their value back, and what was pushed before can still be popped.
    fn close(&mut self);
}

/// A writing end that takes many values at the price of one publication.
pub trait PushIterEnd: PushEnd {
    /// Pushes values from `values` until it ends or the ring is full.
    ///
    /// Returns how many were pushed. What did not fit is still in the iterator: nothing is taken from it that has no
    /// place. If it panics, the values that it gave before are published.
    ///
    /// # Errors
    ///
    /// There are values and none was taken: the ring is full or closed.
    fn try_push_iter<I>(&mut self, values: &mut I) -> Result<usize, TryReserveError>
    where
        I: ExactSizeIterator<Item = Self::Item>;
}

/// A reading end that gives many slots back at once.
pub trait DrainEnd: PopEnd {
    /// An iterator that takes up to `max` values that are there; what it does not take stays in the ring.
    ///
    /// Drop it to give the slots back. Forgetting it (`mem::forget`) takes no value twice.
    fn drain(&mut self, max: usize) -> impl Iterator<Item = Self::Item>;
}

/// A writing end that can keep a place before the value is at hand.
///
/// # Safety
///
/// A claim that [`try_claim`](Self::try_claim) returned stays good, whatever other ends do, until it is filled or given
/// up.
#[expect(unsafe_code, reason = "what a claim stands for is the ring's to keep")]
pub unsafe trait ReserveEnd: PushEnd {
    /// Stands for one place.
    type Claim;

    /// Claims one place.
    ///
    /// # Errors
    ///
    /// The ring is full or closed.
    fn try_claim(&mut self) -> Result<Self::Claim, TryReserveError>;

    /// Puts `value` into the place.
    ///
    /// # Safety
    ///
    /// 1. This end returned the claim, and has only been asked for its state since.
    #[expect(unsafe_code, reason = "as above")]
    unsafe fn fill(&mut self, claim: Self::Claim, value: Self::Item);

    /// Gives the place up. The reading end must be told: what lies behind it may be free to go now.
    ///
    /// # Safety
    ///
    /// 1. This end returned the claim, and has only been asked for its state since.
    #[expect(unsafe_code, reason = "as above")]
    unsafe fn give_up(&mut self, claim: Self::Claim);
}

/// Implements [`PushEnd`] for the writing end of one ring by its own methods of the same names.
macro_rules! impl_push_end {
    ($producer:ident) => {
        impl<T> crate::ends::PushEnd for $producer<'_, T> {
            type Item = T;

            #[inline(always)]
            fn try_push(&mut self, value: T) -> Result<(), crate::TryPushError<T>> {
                $producer::try_push(self, value).map_err(Into::into)
            }

            fn capacity(&self) -> usize {
                $producer::capacity(self)
            }

            fn len(&self) -> usize {
                $producer::len(self)
            }

            fn is_closed(&self) -> bool {
                $producer::is_closed(self)
            }

            fn close(&mut self) {
                $producer::close(self);
            }
        }
    };
}
pub(crate) use impl_push_end;

/// Implements [`PopEnd`] and [`DrainEnd`] for the reading end of one ring by its own methods of the same names.
macro_rules! impl_pop_end {
    ($consumer:ident) => {
        impl<T> crate::ends::PopEnd for $consumer<'_, T> {
            type Item = T;

            #[inline(always)]
            fn try_pop(&mut self) -> Result<T, crate::TryPopError> {
                $consumer::try_pop(self)
            }

            fn capacity(&self) -> usize {
                $consumer::capacity(self)
            }

            fn len(&self) -> usize {
                $consumer::len(self)
            }

            fn is_closed(&self) -> bool {
                $consumer::is_closed(self)
            }

            fn close(&mut self) {
                $consumer::close(self);
            }
        }

        impl<T> crate::ends::DrainEnd for $consumer<'_, T> {
            #[inline]
            fn drain(&mut self, max: usize) -> impl Iterator<Item = T> {
                $consumer::drain(self, max)
            }
        }
    };
}
pub(crate) use impl_pop_end;

/// Implements the traits for the ends of one ring that takes batches.
macro_rules! impl_ends {
    ($producer:ident, $consumer:ident) => {
        crate::ends::impl_push_end!($producer);
        crate::ends::impl_pop_end!($consumer);

        impl<T> crate::ends::PushIterEnd for $producer<'_, T> {
            #[inline]
            fn try_push_iter<I>(&mut self, values: &mut I) -> Result<usize, crate::TryReserveError>
            where
                I: ExactSizeIterator<Item = T>,
            {
                $producer::try_push_iter(self, values)
            }
        }
    };
}
pub(crate) use impl_ends;
