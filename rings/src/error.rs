//! Why a ring refused: one enum a call, and what was refused comes back in it.
#![forbid(unsafe_code)]

use core::{error::Error, fmt};

/// A push was refused; the value comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TryPushError<T> {
    /// Every slot is taken. Not delivered; worth trying again after a pop.
    Full(T),
    /// The consumer is gone or has closed the ring. Not delivered, and never will be.
    Closed(T),
}

impl<T> TryPushError<T> {
    /// The value that was refused.
    ///
    /// ```
    /// use shared_nothing_rings::TryPushError;
    /// assert_eq!(TryPushError::Full(7).into_inner(), 7);
    /// ```
    #[must_use]
    pub fn into_inner(self) -> T {
        match self {
            Self::Full(value) | Self::Closed(value) => value,
        }
    }

    /// Whether the ring was full, so that a later try may succeed.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        matches!(self, Self::Full(_))
    }

    /// Whether the ring is closed, so that no later try can succeed.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self, Self::Closed(_))
    }

    const fn reason(&self) -> &'static str {
        match self {
            Self::Full(_) => "ring is full",
            Self::Closed(_) => "ring is closed",
        }
    }
}

impl<T> fmt::Debug for TryPushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::Closed(_) => "Closed(..)",
        })
    }
}

impl<T> fmt::Display for TryPushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl<T> Error for TryPushError<T> {}

/// A reservation was refused. Nothing was claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TryReserveError {
    /// Every slot is taken.
    Full,
    /// The consumer is gone or the ring is closed.
    Closed,
}

impl TryReserveError {
    /// Hands `value` back under the same reason.
    pub(crate) fn with<T>(self, value: T) -> TryPushError<T> {
        match self {
            Self::Full => TryPushError::Full(value),
            Self::Closed => TryPushError::Closed(value),
        }
    }
}

impl fmt::Display for TryReserveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.with(()).reason())
    }
}

impl Error for TryReserveError {}

/// A pop found nothing.
///
/// As wide as a pointer, so that a pop of a number or of a pointer returns in two registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum TryPopError {
    /// No value is ready. One may come.
    Empty,
    /// The ring is closed and everything pushed before was popped: no value will ever come.
    Closed,
}

impl fmt::Display for TryPopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "ring is empty",
            Self::Closed => "ring is closed and drained",
        })
    }
}

impl Error for TryPopError {}

/// No ring of this capacity can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CapacityError {
    /// The capacity is 0; a ring holds at least one value.
    Zero,
    /// The capacity is less than the least that the ring can work with.
    TooSmall,
    /// The slots would take more than `isize::MAX` bytes, or there would be more than `1 << (usize::BITS - 4)`.
    TooLarge,
    /// The allocator refused.
    OutOfMemory,
}

impl fmt::Display for CapacityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Zero => "capacity is zero",
            Self::TooSmall => "capacity is too small",
            Self::TooLarge => "capacity is too large for the address space",
            Self::OutOfMemory => "no memory for the slots",
        })
    }
}

impl Error for CapacityError {}

/// No ring can be laid into this memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MemoryError {
    /// No memory would do for a ring of this capacity.
    Capacity(CapacityError),
    /// The memory is too small.
    TooSmall {
        /// Bytes that would do, counted from where this memory begins: alignment included.
        needed: usize,
        /// Bytes that were given.
        given: usize,
    },
}

impl fmt::Display for MemoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Capacity(why) => why.fmt(f),
            Self::TooSmall { needed, given } => {
                write!(f, "{needed} bytes are needed and {given} were given")
            }
        }
    }
}

impl Error for MemoryError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Capacity(why) => Some(why),
            Self::TooSmall { .. } => None,
        }
    }
}

impl From<CapacityError> for MemoryError {
    fn from(why: CapacityError) -> Self {
        Self::Capacity(why)
    }
}
