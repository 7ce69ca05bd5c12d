//! Why a mesh was not made, and why a message was not sent. What was refused comes back.
#![forbid(unsafe_code)]

use core::fmt;
use std::error::Error;

use shared_nothing_rings::CapacityError;

use crate::executor::CallError;

/// Why a mesh, or its ends on a shard, cannot be had.
#[derive(Debug)]
#[non_exhaustive]
pub enum MeshError {
    /// The shards could not be reached, or the mesh was stopped.
    Call(CallError),
    /// No lanes can have this capacity.
    Capacity(CapacityError),
    /// The ends of this shard were taken before.
    Taken,
}

impl From<CallError> for MeshError {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl From<CapacityError> for MeshError {
    fn from(error: CapacityError) -> Self {
        Self::Capacity(error)
    }
}

impl fmt::Display for MeshError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(error) => write!(f, "shards cannot be reached: {error}"),
            Self::Capacity(error) => write!(f, "no lanes for the mesh: {error}"),
            Self::Taken => f.write_str("ends of this shard were taken before"),
        }
    }
}

impl Error for MeshError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Call(error) => Some(error),
            Self::Capacity(error) => Some(error),
            Self::Taken => None,
        }
    }
}

/// A message was not sent, and never will be. It comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError<T> {
    /// The receiver of that shard is gone.
    Closed(T),
    /// The executor has no shard of this number.
    NoSuchShard(T),
}

/// A message was not sent now. It comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrySendError<T> {
    /// The lane is full, or others wait for room in it.
    Full(T),
    /// The receiver of that shard is gone.
    Closed(T),
    /// The executor has no shard of this number.
    NoSuchShard(T),
}

impl<T> SendError<T> {
    /// The message.
    pub fn into_inner(self) -> T {
        match self {
            Self::Closed(message) | Self::NoSuchShard(message) => message,
        }
    }

    const fn reason(&self) -> (&'static str, &'static str) {
        match self {
            Self::Closed(_) => ("Closed(..)", "receiver of this shard is gone"),
            Self::NoSuchShard(_) => ("NoSuchShard(..)", "executor has no such shard"),
        }
    }
}

impl<T> TrySendError<T> {
    /// The message.
    pub fn into_inner(self) -> T {
        match self {
            Self::Full(message) | Self::Closed(message) | Self::NoSuchShard(message) => message,
        }
    }

    const fn reason(&self) -> (&'static str, &'static str) {
        match self {
            Self::Full(_) => ("Full(..)", "lane to this shard is full"),
            Self::Closed(_) => ("Closed(..)", "receiver of this shard is gone"),
            Self::NoSuchShard(_) => ("NoSuchShard(..)", "executor has no such shard"),
        }
    }
}

impl<T> From<SendError<T>> for TrySendError<T> {
    fn from(error: SendError<T>) -> Self {
        match error {
            SendError::Closed(message) => Self::Closed(message),
            SendError::NoSuchShard(message) => Self::NoSuchShard(message),
        }
    }
}

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason().0)
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason().1)
    }
}

impl<T> Error for SendError<T> {}

impl<T> fmt::Debug for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason().0)
    }
}

impl<T> fmt::Display for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason().1)
    }
}

impl<T> Error for TrySendError<T> {}
