//! What can be wrong with memory that others write.
#![forbid(unsafe_code)]

use core::{error::Error, fmt};

use super::Owner;
use crate::CapacityError;

/// No ring was created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CreateError {
    /// No memory would do for a ring of this capacity.
    Capacity(CapacityError),
    /// The memory is too small.
    TooSmall {
        /// Bytes that the ring needs.
        needed: usize,
        /// Bytes that were given.
        given: usize,
    },
    /// The memory does not begin at a multiple of this many bytes. Every mapping does.
    Misaligned {
        /// What its address must be a multiple of.
        align: usize,
    },
    /// The first word is not 0: a ring is there, or being created, or something else.
    InUse,
}

impl fmt::Display for CreateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Capacity(why) => why.fmt(f),
            Self::TooSmall { needed, given } => {
                write!(f, "{needed} bytes are needed and {given} were given")
            }
            Self::Misaligned { align } => write!(f, "memory is not aligned to {align} bytes"),
            Self::InUse => f.write_str("memory is in use"),
        }
    }
}

impl Error for CreateError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Capacity(why) => Some(why),
            _ => None,
        }
    }
}

impl From<CapacityError> for CreateError {
    fn from(why: CapacityError) -> Self {
        Self::Capacity(why)
    }
}

/// There is no ring that this process can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttachError {
    /// The memory is smaller than the ring in it, or than any.
    TooSmall {
        /// Bytes that the ring needs.
        needed: usize,
        /// Bytes that were given.
        given: usize,
    },
    /// The memory does not begin at a multiple of this many bytes. Every mapping does.
    Misaligned {
        /// What its address must be a multiple of.
        align: usize,
    },
    /// Nobody has created a ring yet, or somebody is at it. Worth trying again.
    NotReady,
    /// Something else lies there.
    NotARing,
    /// A machine of another byte order made it.
    ForeignByteOrder,
    /// A program with another layout made it.
    Version {
        /// Its version.
        found: u64,
        /// The one of this program.
        known: u64,
    },
    /// It holds items of another size or alignment.
    Item {
        /// Size and alignment of its items.
        found: (u64, u64),
    },
    /// Its capacity is one that no ring can have.
    Capacity {
        /// The capacity in its header.
        found: u64,
    },
}

impl fmt::Display for AttachError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooSmall { needed, given } => {
                write!(f, "{needed} bytes are needed and {given} were given")
            }
            Self::Misaligned { align } => write!(f, "memory is not aligned to {align} bytes"),
            Self::NotReady => f.write_str("ring is not ready yet"),
            Self::NotARing => f.write_str("no ring lies here"),
            Self::ForeignByteOrder => f.write_str("ring is of another byte order"),
            Self::Version { found, known } => {
                write!(f, "ring has layout {found}, this program knows {known}")
            }
            Self::Item {
                found: (size, align),
            } => {
                write!(f, "items have {size} bytes, aligned to {align}")
            }
            Self::Capacity { found } => write!(f, "ring of impossible capacity {found}"),
        }
    }
}

impl Error for AttachError {}

/// An end was not claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClaimError {
    /// It has an owner, and nobody said that this one is dead.
    Taken(Owner),
    /// The positions or owners in the ring cannot be.
    Corrupt,
}

impl fmt::Display for ClaimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken(owner) => write!(f, "end belongs to {owner}"),
            Self::Corrupt => f.write_str("ring is corrupt"),
        }
    }
}

impl Error for ClaimError {}

/// A push was refused; the item comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TryPushError<T> {
    /// Every slot is taken. Not delivered; worth trying again after a pop.
    Full(T),
    /// The consumer has closed the ring, or this end has. Not delivered.
    Closed(T),
    /// The consumer's position cannot be. Not delivered, and this end will deliver no more.
    Corrupt(T),
}

impl<T> TryPushError<T> {
    /// The item that was refused.
    #[must_use]
    pub fn into_inner(self) -> T {
        match self {
            Self::Full(item) | Self::Closed(item) | Self::Corrupt(item) => item,
        }
    }
}

impl<T> fmt::Debug for TryPushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::Closed(_) => "Closed(..)",
            Self::Corrupt(_) => "Corrupt(..)",
        })
    }
}

impl<T> fmt::Display for TryPushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "ring is full",
            Self::Closed(_) => "ring is closed",
            Self::Corrupt(_) => "ring is corrupt",
        })
    }
}

impl<T> Error for TryPushError<T> {}

/// A pop found nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TryPopError {
    /// No item is ready. One may come, if the producer lives.
    Empty,
    /// The producer has closed and everything was popped. Another owner of its end may open it again.
    Closed,
    /// The producer's position cannot be. This end will pop no more.
    Corrupt,
}

impl fmt::Display for TryPopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "ring is empty",
            Self::Closed => "ring is closed and drained",
            Self::Corrupt => "ring is corrupt",
        })
    }
}

impl Error for TryPopError {}
