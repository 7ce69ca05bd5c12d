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

    /// Whether the ring is closed. Once `true`, it stays so.
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

    /// Whether the ring is closed. Values may still be there.
    fn is_closed(&self) -> bool;

    /// Closes the ring: later pushes hand their value back, and what was pushed before can still be popped.
    fn close(&mut self);
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

/// Implements both traits for the ends of one ring by their own methods of the same names.
macro_rules! impl_ends {
    ($producer:ident, $consumer:ident) => {
        impl<T> crate::ends::PushEnd for $producer<'_, T> {
            type Item = T;

            #[inline(always)]
            fn try_push(&mut self, value: T) -> Result<(), crate::TryPushError<T>> {
                $producer::try_push(self, value)
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
    };
}
pub(crate) use impl_ends;
