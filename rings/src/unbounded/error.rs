//! Why a push into a ring that grows was refused.
#![forbid(unsafe_code)]

use core::{error::Error, fmt};

/// A push was refused; the value comes back. A ring that grows is never full.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TryPushError<T> {
    /// The allocator had no memory for one more block. Not delivered; worth trying again after some pops, which give
    /// blocks back.
    OutOfMemory(T),
    /// The consumer is gone or the ring is closed. Not delivered, and never will be.
    Closed(T),
}

impl<T> TryPushError<T> {
    /// The value that was refused.
    ///
    /// ```
    /// use shared_nothing_rings::unbounded::TryPushError;
    /// assert_eq!(TryPushError::Closed(7).into_inner(), 7);
    /// ```
    #[must_use]
    pub fn into_inner(self) -> T {
        match self {
            Self::OutOfMemory(value) | Self::Closed(value) => value,
        }
    }

    /// Whether there was no memory, so that a later try may succeed.
    #[must_use]
    pub const fn is_out_of_memory(&self) -> bool {
        matches!(self, Self::OutOfMemory(_))
    }

    /// Whether the ring is closed, so that no later try can succeed.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self, Self::Closed(_))
    }
}

impl TryPushError<()> {
    /// Hands `value` back under the same reason.
    pub(super) fn with<T>(self, value: T) -> TryPushError<T> {
        match self {
            Self::OutOfMemory(()) => TryPushError::OutOfMemory(value),
            Self::Closed(()) => TryPushError::Closed(value),
        }
    }
}

/// A batch ended before its source did: one value of it comes back, the later ones are still in the source.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Refused<T> {
    /// How many values were pushed before.
    pub pushed: usize,
    /// The value that was refused, and why.
    pub error: TryPushError<T>,
}

impl<T> fmt::Debug for Refused<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused")
            .field("pushed", &self.pushed)
            .field("error", &self.error)
            .finish()
    }
}

impl<T> fmt::Display for Refused<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} after {} values", self.error, self.pushed)
    }
}

impl<T> Error for Refused<T> {}

/// For code over any ring: no memory is said as [`Full`](crate::TryPushError::Full), which also means "try again after
/// a pop".
impl<T> From<TryPushError<T>> for crate::TryPushError<T> {
    fn from(error: TryPushError<T>) -> Self {
        match error {
            TryPushError::OutOfMemory(value) => Self::Full(value),
            TryPushError::Closed(value) => Self::Closed(value),
        }
    }
}

impl<T> fmt::Debug for TryPushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutOfMemory(_) => "OutOfMemory(..)",
            Self::Closed(_) => "Closed(..)",
        })
    }
}

impl<T> fmt::Display for TryPushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutOfMemory(_) => "no memory for one more block",
            Self::Closed(_) => "ring is closed",
        })
    }
}

impl<T> Error for TryPushError<T> {}
