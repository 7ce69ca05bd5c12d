//! Why a send or a receive that may wait came to nothing. What was refused comes back.
#![forbid(unsafe_code)]

use core::{error::Error, fmt};

/// The channel is closed. The value was not delivered, and comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SendError<T>(pub T);

/// A send with a deadline came to nothing. The value was not delivered, and comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SendTimeoutError<T> {
    /// The channel was full until the deadline.
    Timeout(T),
    /// The channel is closed.
    Closed(T),
}

/// The channel is closed, and everything that was sent before was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecvError;

/// A receive with a deadline came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecvTimeoutError {
    /// The channel was empty until the deadline.
    Timeout,
    /// The channel is closed, and everything that was sent before was received.
    Closed,
}

impl<T> SendTimeoutError<T> {
    /// The value that was refused.
    #[must_use]
    pub fn into_inner(self) -> T {
        match self {
            Self::Timeout(value) | Self::Closed(value) => value,
        }
    }
}

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SendError(..)")
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("channel is closed")
    }
}

impl<T> Error for SendError<T> {}

impl<T> fmt::Debug for SendTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timeout(_) => "Timeout(..)",
            Self::Closed(_) => "Closed(..)",
        })
    }
}

impl<T> fmt::Display for SendTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timeout(_) => "channel was full until the deadline",
            Self::Closed(_) => "channel is closed",
        })
    }
}

impl<T> Error for SendTimeoutError<T> {}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("channel is closed and drained")
    }
}

impl Error for RecvError {}

impl fmt::Display for RecvTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timeout => "channel was empty until the deadline",
            Self::Closed => "channel is closed and drained",
        })
    }
}

impl Error for RecvTimeoutError {}
