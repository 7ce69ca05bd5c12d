//! One error for whoever does not tell them apart.
#![forbid(unsafe_code)]

use core::{error, fmt};

use super::{
    BatchError, CallError, NoSuchWorker, Outcome, ResizeError, SendError, StartError, TrySendError,
    WorkerReport, supervise::PolicyError,
};
use crate::{executor, partition::PartitionError};

/// Everything that can go wrong with a pool, without the messages: the errors of each operation hand those back, and are
/// turned into this by `?`.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A worker has ended, is between two lives, or its pool is stopping.
    NotRunning,
    /// Another change of the pool is running already.
    AlreadyRunning,
    /// A worker panicked.
    Panicked {
        /// The worker.
        worker: usize,
        /// The text of its panic.
        text: String,
    },
    /// A worker's `init` or `shutdown` failed.
    Failed {
        /// The worker.
        worker: usize,
        /// Its error, as text.
        text: String,
    },
    /// A message was not delivered: the mailbox is full.
    Send,
    /// An answer did not come: nobody owes it any more.
    Receive,
    /// It took too long.
    TimedOut,
    /// A setting is out of its range.
    Invalid {
        /// The setting.
        setting: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// There is no room for another worker.
    PoolFull,
    /// The pool has no worker of this number, if it is known.
    WorkerNotFound(Option<usize>),
    /// The map of keys to workers cannot be changed so.
    Partition(PartitionError),
    /// Anything else.
    Other(Box<dyn error::Error + Send + Sync>),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRunning => f.write_str("worker is not running"),
            Self::AlreadyRunning => f.write_str("another change of the pool is running already"),
            Self::Panicked { worker, text } => write!(f, "worker {worker} panicked: {text}"),
            Self::Failed { worker, text } => write!(f, "worker {worker} failed: {text}"),
            Self::Send => f.write_str("message was not delivered"),
            Self::Receive => f.write_str("answer did not come"),
            Self::TimedOut => f.write_str("it took too long"),
            Self::Invalid { setting, reason } => {
                write!(f, "setting {setting} is invalid: {reason}")
            }
            Self::PoolFull => f.write_str("pool has no room for another worker"),
            Self::WorkerNotFound(Some(worker)) => write!(f, "pool has no worker {worker}"),
            Self::WorkerNotFound(None) => f.write_str("pool has no such worker"),
            Self::Partition(error) => error.fmt(f),
            Self::Other(error) => error.fmt(f),
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Partition(error) => Some(error),
            Self::Other(error) => Some(&**error),
            _ => None,
        }
    }
}

impl<M> From<SendError<M>> for Error {
    fn from(error: SendError<M>) -> Self {
        match error {
            SendError::Closed(_) | SendError::Down(_) => Self::NotRunning,
            SendError::NoSuchWorker(_) => Self::WorkerNotFound(None),
            SendError::Full(_) => Self::Send,
            SendError::TimedOut(_) => Self::TimedOut,
        }
    }
}

impl<M> From<TrySendError<M>> for Error {
    fn from(error: TrySendError<M>) -> Self {
        match error {
            TrySendError::Closed(_) | TrySendError::Down(_) => Self::NotRunning,
            TrySendError::NoSuchWorker(_) => Self::WorkerNotFound(None),
            TrySendError::Full(_) => Self::Send,
        }
    }
}

impl<M> From<BatchError<M>> for Error {
    fn from(error: BatchError<M>) -> Self {
        error.reason.into()
    }
}

impl From<CallError> for Error {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Cancelled => Self::Receive,
            CallError::TimedOut => Self::TimedOut,
        }
    }
}

impl From<NoSuchWorker> for Error {
    fn from(NoSuchWorker { worker }: NoSuchWorker) -> Self {
        Self::WorkerNotFound(Some(worker))
    }
}

impl From<PartitionError> for Error {
    fn from(error: PartitionError) -> Self {
        Self::Partition(error)
    }
}

impl From<PolicyError> for Error {
    fn from(error: PolicyError) -> Self {
        Self::Invalid {
            setting: error.setting,
            reason: error.reason,
        }
    }
}

impl From<executor::CallError> for Error {
    fn from(error: executor::CallError) -> Self {
        match error {
            executor::CallError::NotRun => Self::NotRunning,
            executor::CallError::Cancelled => Self::Receive,
            // The payload of a panic is not `Sync`: its text says what there is to say.
            other => Self::Other(other.to_string().into()),
        }
    }
}

impl From<StartError> for Error {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Invalid { setting, reason } => Self::Invalid { setting, reason },
            StartError::Init { worker, text } => Self::Failed { worker, text },
            StartError::Call { error, .. } => error.into(),
            StartError::Executor(error) => Self::Other(Box::new(error)),
            StartError::Mailbox { error, .. } => Self::Other(Box::new(error)),
            other @ StartError::Memory { .. } => Self::Other(other.to_string().into()),
        }
    }
}

impl From<ResizeError> for Error {
    fn from(error: ResizeError) -> Self {
        match error {
            ResizeError::Busy => Self::AlreadyRunning,
            ResizeError::PoolFull { .. } => Self::PoolFull,
            ResizeError::NoSuchWorker(error) => error.into(),
            ResizeError::Unflushed { .. } | ResizeError::TimedOut { .. } => Self::TimedOut,
            ResizeError::Ended { .. } | ResizeError::Stopping => Self::NotRunning,
            ResizeError::Start(error) => error.into(),
            ResizeError::Partition(error) => error.into(),
            other @ ResizeError::LastWorker => Self::Other(other.to_string().into()),
        }
    }
}

impl<M> WorkerReport<M> {
    /// Whether the worker ended as it should.
    ///
    /// # Errors
    ///
    /// It panicked, failed, or was cancelled.
    pub fn check(&self) -> Result<(), Error> {
        let worker = self.id;
        match &self.outcome {
            Outcome::Stopped => Ok(()),
            Outcome::Panicked(text) => Err(Error::Panicked {
                worker,
                text: text.clone(),
            }),
            Outcome::Failed(text) => Err(Error::Failed {
                worker,
                text: text.clone(),
            }),
            Outcome::Cancelled => Err(Error::NotRunning),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_becomes_the_one_that_gathers_them() {
        let table: [(Error, &str); 10] = [
            (SendError::Closed(1).into(), "worker is not running"),
            (TrySendError::Full(1).into(), "message was not delivered"),
            (SendError::TimedOut(1).into(), "it took too long"),
            (CallError::Cancelled.into(), "answer did not come"),
            (NoSuchWorker { worker: 3 }.into(), "pool has no worker 3"),
            (
                ResizeError::Busy.into(),
                "another change of the pool is running already",
            ),
            (
                ResizeError::PoolFull { workers_max: 2 }.into(),
                "pool has no room for another worker",
            ),
            (PartitionError::NoWorkers.into(), "there is no worker"),
            (executor::CallError::NotRun.into(), "worker is not running"),
            (
                ResizeError::LastWorker.into(),
                "nobody would be left for its map slots",
            ),
        ];
        for (error, text) in table {
            if !matches!(error, Error::Partition(_)) {
                assert_eq!(error.to_string(), text);
            }
        }
    }
}
