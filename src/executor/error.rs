//! Why a call between shards has no result, and why an executor could not be started.
#![forbid(unsafe_code)]

use core::fmt;
use std::{error::Error, io};

use shared_nothing_affinity::{BudgetError, PinError, PlacementError};
use shared_nothing_rings::CapacityError;

use super::{MemoryShortfall, task::PanicPayload};

/// Why a call has no result. Says which of three holds: it never ran, it may have run in part, or it is over.
#[non_exhaustive]
pub enum CallError {
    /// The executor has no shard of this number. Nothing ran.
    NoSuchShard,
    /// The executor is stopping. Nothing ran.
    NotRun,
    /// The executor stopped while the call was being served: it ran in part.
    Cancelled,
    /// It panicked: it ran in part. This is what [`panic!`] was given.
    Panicked(PanicPayload),
    /// The shard has no such service, or no more: see [`Sharded`](super::Sharded). Nothing ran.
    NoService,
    /// The service is in use further up on the stack of the same shard. Nothing ran.
    ServiceBusy,
}

impl CallError {
    /// Whether nothing of the call has run, so that it may be made again.
    #[must_use]
    pub const fn is_not_run(&self) -> bool {
        !matches!(self, Self::Cancelled | Self::Panicked(_))
    }

    const fn reason(&self) -> (&'static str, &'static str) {
        match self {
            Self::NoSuchShard => ("NoSuchShard", "executor has no such shard"),
            Self::NotRun => ("NotRun", "executor is stopping"),
            Self::Cancelled => ("Cancelled", "executor stopped during the call"),
            Self::Panicked(_) => ("Panicked(..)", "call panicked"),
            Self::NoService => ("NoService", "shard has no such service"),
            Self::ServiceBusy => ("ServiceBusy", "service is in use on this shard"),
        }
    }
}

impl fmt::Debug for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason().0)
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason().1)
    }
}

impl Error for CallError {}

/// An executor could not be started. No thread of it is left.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// A setting is out of its range.
    Invalid {
        /// The setting, as in the name of its `with_` method.
        setting: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Which CPUs may be used cannot be told: the environment variable that overrides them makes no sense, mostly.
    Budget(BudgetError),
    /// The CPUs that may be used cannot give what the placement requires.
    Placement(PlacementError),
    /// A thread could not be made.
    Spawn {
        /// The shard whose thread it was.
        shard: usize,
        /// What the operating system said.
        error: io::Error,
    },
    /// Pinning is required, and a thread could not be pinned.
    Pin {
        /// The shard whose thread it was.
        shard: usize,
        /// Why.
        error: PinError,
    },
    /// Memory on a shard's own node is required, and cannot be had as required.
    Memory {
        /// The shard.
        shard: usize,
        /// What is missing; at least one.
        shortfalls: Vec<MemoryShortfall>,
    },
    /// There is no memory for a shard's lanes.
    Lanes {
        /// The shard.
        shard: usize,
        /// Why.
        error: CapacityError,
    },
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid { setting, reason } => {
                write!(f, "setting {setting} is invalid: {reason}")
            }
            Self::Spawn { shard, error } => write!(f, "no thread for shard {shard}: {error}"),
            Self::Budget(error) => error.fmt(f),
            Self::Placement(error) => error.fmt(f),
            Self::Pin { shard, error } => write!(f, "shard {shard} is not pinned: {error}"),
            Self::Memory { shard, shortfalls } => {
                write!(f, "no such memory for shard {shard}: ")?;
                MemoryShortfall::write_all(shortfalls, f)
            }
            Self::Lanes { shard, error } => write!(f, "no lanes for shard {shard}: {error}"),
        }
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Budget(error) => Some(error),
            Self::Placement(error) => Some(error),
            Self::Spawn { error, .. } => Some(error),
            Self::Pin { error, .. } => Some(error),
            Self::Lanes { error, .. } => Some(error),
            Self::Invalid { .. } | Self::Memory { .. } => None,
        }
    }
}
