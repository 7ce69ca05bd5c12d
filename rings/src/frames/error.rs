//! Why no frame could be reserved.
#![forbid(unsafe_code)]

use core::{error::Error, fmt};

/// A reservation was refused. Nothing was claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TryReserveError {
    /// No ring of this capacity can promise a place to such a frame, however empty it is.
    FrameTooLong {
        /// Bytes that were wanted.
        len: usize,
        /// Bytes that a frame may have: [`frame_len_max`](super::frame_len_max).
        max: usize,
    },
    /// There is no room now. Worth trying again when the consumer has consumed.
    Full,
    /// The consumer is gone or the ring is closed.
    Closed,
}

impl From<crate::TryReserveError> for TryReserveError {
    fn from(why: crate::TryReserveError) -> Self {
        match why {
            crate::TryReserveError::Full => Self::Full,
            crate::TryReserveError::Closed => Self::Closed,
        }
    }
}

impl fmt::Display for TryReserveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FrameTooLong { len, max } => {
                write!(f, "frame of {len} bytes is longer than {max}")
            }
            Self::Full => f.write_str("ring is full"),
            Self::Closed => f.write_str("ring is closed"),
        }
    }
}

impl Error for TryReserveError {}
