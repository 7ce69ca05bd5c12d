//! Why a send or a start failed. What was refused comes back.
#![forbid(unsafe_code)]

use core::{error::Error, fmt};

use shared_nothing_rings::CapacityError;

use crate::{
    executor::{self, CallError, MemoryShortfall},
    partition::PartitionError,
};

/// A send that may wait was refused. The message was not delivered and comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError<M> {
    /// The worker has ended, or the pool is stopping.
    Closed(M),
    /// The pool has no worker of this number.
    NoSuchWorker(M),
    /// The mailbox is full, and the policy is [`Overflow::Fail`](super::Overflow::Fail).
    Full(M),
    /// The mailbox was full all the time.
    TimedOut(M),
    /// The worker is between two lives, and the policy is not to wait for the next.
    Down(M),
}

/// A send that never waits was refused. The message was not delivered and comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrySendError<M> {
    /// The worker's mailbox is full, or the key is just moving to another worker. Worth trying again.
    Full(M),
    /// The worker has ended, or the pool is stopping.
    Closed(M),
    /// The pool has no worker of this number.
    NoSuchWorker(M),
    /// The worker is between two lives, and the policy is not to wait for the next.
    Down(M),
}

/// A part of a batch was refused. It was not delivered and comes back.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BatchError<M> {
    /// How many messages were sent: those before the rest.
    pub sent: usize,
    /// What was not sent, in order.
    pub rest: Vec<M>,
    /// Why not.
    pub reason: SendError<()>,
}

const FULL: &str = "mailbox is full";
const CLOSED: &str = "worker has ended or the pool is stopping";
const NO_SUCH_WORKER: &str = "pool has no such worker";
const TIMED_OUT: &str = "mailbox was full all the time";
const DOWN: &str = "worker is being restarted";

impl<M> SendError<M> {
    /// The message that was refused.
    #[must_use]
    pub fn into_inner(self) -> M {
        match self {
            Self::Closed(message)
            | Self::NoSuchWorker(message)
            | Self::Full(message)
            | Self::TimedOut(message)
            | Self::Down(message) => message,
        }
    }

    /// The message that was refused, and why.
    pub(crate) fn split(self) -> (M, SendError<()>) {
        match self {
            Self::Closed(message) => (message, SendError::Closed(())),
            Self::NoSuchWorker(message) => (message, SendError::NoSuchWorker(())),
            Self::Full(message) => (message, SendError::Full(())),
            Self::TimedOut(message) => (message, SendError::TimedOut(())),
            Self::Down(message) => (message, SendError::Down(())),
        }
    }

    const fn reason(&self) -> (&'static str, &'static str) {
        match self {
            Self::Closed(_) => ("Closed(..)", CLOSED),
            Self::NoSuchWorker(_) => ("NoSuchWorker(..)", NO_SUCH_WORKER),
            Self::Full(_) => ("Full(..)", FULL),
            Self::TimedOut(_) => ("TimedOut(..)", TIMED_OUT),
            Self::Down(_) => ("Down(..)", DOWN),
        }
    }
}

impl<M> TrySendError<M> {
    /// The message that was refused.
    #[must_use]
    pub fn into_inner(self) -> M {
        match self {
            Self::Full(message)
            | Self::Closed(message)
            | Self::NoSuchWorker(message)
            | Self::Down(message) => message,
        }
    }

    const fn reason(&self) -> (&'static str, &'static str) {
        match self {
            Self::Full(_) => ("Full(..)", FULL),
            Self::Closed(_) => ("Closed(..)", CLOSED),
            Self::NoSuchWorker(_) => ("NoSuchWorker(..)", NO_SUCH_WORKER),
            Self::Down(_) => ("Down(..)", DOWN),
        }
    }
}

impl<M> fmt::Debug for BatchError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchError")
            .field("sent", &self.sent)
            .field("rest", &self.rest.len())
            .field("reason", &self.reason)
            .finish()
    }
}

impl<M> fmt::Display for BatchError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sent, rest) = (self.sent, self.rest.len());
        write!(f, "{sent} messages sent, {rest} refused: {}", self.reason)
    }
}

impl<M> Error for BatchError<M> {}

impl<M> fmt::Debug for SendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason().0)
    }
}

impl<M> fmt::Display for SendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason().1)
    }
}

impl<M> Error for SendError<M> {}

impl<M> fmt::Debug for TrySendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason().0)
    }
}

impl<M> fmt::Display for TrySendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason().1)
    }
}

impl<M> Error for TrySendError<M> {}

/// The pool has no worker of this number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoSuchWorker {
    /// The number.
    pub worker: usize,
}

impl fmt::Display for NoSuchWorker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pool has no worker {}", self.worker)
    }
}

impl Error for NoSuchWorker {}

/// A pool could not be started. No thread of it is left.
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
    /// The pool's own executor could not be started: no thread could be made, or pinned as required.
    Executor(executor::StartError),
    /// There can be no mailbox as large as asked for.
    Mailbox {
        /// The worker.
        worker: usize,
        /// Why.
        error: CapacityError,
    },
    /// Required memory is not to be had for a worker's mailbox.
    Memory {
        /// The worker.
        worker: usize,
        /// In what it falls short; not empty.
        shortfalls: Vec<MemoryShortfall>,
    },
    /// A worker's shard could not be asked: its executor is stopping.
    Call {
        /// The worker.
        worker: usize,
        /// What became of the call.
        error: CallError,
    },
    /// A worker's `init` failed or panicked.
    Init {
        /// The worker.
        worker: usize,
        /// Its error, or its panic.
        text: String,
    },
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid { setting, reason } => {
                write!(f, "setting {setting} is invalid: {reason}")
            }
            Self::Executor(error) => error.fmt(f),
            Self::Mailbox { worker, error } => write!(f, "no mailbox for worker {worker}: {error}"),
            Self::Memory { worker, shortfalls } => {
                write!(f, "no such memory for worker {worker}: ")?;
                MemoryShortfall::write_all(shortfalls, f)
            }
            Self::Call { worker, error } => write!(f, "no shard for worker {worker}: {error}"),
            Self::Init { worker, text } => write!(f, "worker {worker} failed to start: {text}"),
        }
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Executor(error) => Some(error),
            Self::Mailbox { error, .. } => Some(error),
            Self::Call { error, .. } => Some(error),
            _ => None,
        }
    }
}

/// The workers of a pool, or their map slots, could not be changed as wished. Nothing is lost: slots that did not move
/// stay where they were.
#[derive(Debug)]
#[non_exhaustive]
pub enum ResizeError {
    /// Another change is under way.
    Busy,
    /// There is no room for another worker: see [`with_workers_max`](super::PoolConfig::with_workers_max).
    PoolFull {
        /// How many there may be.
        workers_max: usize,
    },
    /// The pool has no such worker.
    NoSuchWorker(NoSuchWorker),
    /// Nobody would be left for its map slots.
    LastWorker,
    /// A batcher holds messages back for this worker, and did not flush them in time.
    Unflushed {
        /// The worker.
        worker: usize,
    },
    /// The worker did not get through what was queued, in time.
    TimedOut {
        /// The worker.
        worker: usize,
    },
    /// The worker has ended, or panicked over the state that was to move.
    Ended {
        /// The worker.
        worker: usize,
    },
    /// The new worker could not be started.
    Start(StartError),
    /// The plan does not fit the map.
    Partition(PartitionError),
    /// The executor is stopping.
    Stopping,
}

impl fmt::Display for ResizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("another change of the pool is under way"),
            Self::PoolFull { workers_max } => write!(f, "pool has its {workers_max} workers"),
            Self::NoSuchWorker(error) => error.fmt(f),
            Self::LastWorker => f.write_str("nobody would be left for its map slots"),
            Self::Unflushed { worker } => {
                write!(f, "a batcher holds messages back for worker {worker}")
            }
            Self::TimedOut { worker } => write!(f, "worker {worker} did not get there in time"),
            Self::Ended { worker } => write!(f, "worker {worker} has ended"),
            Self::Start(error) => error.fmt(f),
            Self::Partition(error) => error.fmt(f),
            Self::Stopping => f.write_str("executor is stopping"),
        }
    }
}

impl Error for ResizeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::NoSuchWorker(error) => Some(error),
            Self::Start(error) => Some(error),
            Self::Partition(error) => Some(error),
            _ => None,
        }
    }
}
