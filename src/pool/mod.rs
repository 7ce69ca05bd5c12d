//! Workers on threads of their own, fed by rings, chosen by key.
//!
//! ```
//! use std::convert::Infallible;
//! use shared_nothing::{pool::{PoolConfig, WorkerPool}, worker::{Context, Worker}};
//!
//! struct Sum;
//!
//! impl Worker for Sum {
//!     type State = u64;
//!     type Message = u64;
//!     type Error = Infallible;
//!
//!     fn init(&self, _: &Context) -> Result<u64, Infallible> {
//!         Ok(0)
//!     }
//!
//!     fn handle_message(&self, sum: &mut u64, message: u64) -> Result<(), Infallible> {
//!         *sum += message;
//!         Ok(())
//!     }
//! }
//!
//! let pool = WorkerPool::start(PoolConfig::new().with_workers(2), |_| Sum)?;
//! for key in 0..100_u64 {
//!     pool.send_partitioned(&key, key)?;
//! }
//! let report = pool.stop();
//! assert_eq!(report.workers.iter().map(|worker| worker.counts.handled).sum::<u64>(), 100);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Life
//!
//! 1. *Start.* One thread a worker is made and pinned; each makes its worker and its state.
//!    [`WorkerPool::start`] returns when all are ready, or with the first error when all have ended.
//! 2. *Running.* Messages go to the worker that the key's hash belongs to, by a [`SlotTable`]. Messages of one sender
//!    to one worker arrive in the order in which they were sent.
//! 3. *Stop.* [`WorkerPool::stop`] closes the mailboxes: from then on senders get their messages back. Workers handle
//!    what was accepted, shut down, and are joined. The report says what became of every message.
//!
//! # Nothing is lost
//!
//! A message is handled by one worker, or handed back: by the send that was refused, by the flush of a [`Batcher`], or
//! in the report of a worker that ended early. For each worker `sent = handled + panicked + returned`.
//!
//! # What a pool does not do
//!
//! A worker may send to the pool it belongs to, but a blocking send from a handler can wait for a worker that waits
//! for it: use the `try_` methods there.
#![forbid(unsafe_code)]

mod batcher;
mod config;
mod error;
mod report;
mod sender;
mod start;
pub mod supervise;

pub use batcher::{BATCH, Batcher};
pub use config::PoolConfig;
pub use error::{SendError, StartError, TrySendError};
pub use report::{Outcome, PoolReport, WorkerReport};
pub use sender::Sender;

use core::fmt;
use std::{sync::Arc, thread::JoinHandle};

use shared_nothing_affinity::Shortfall;

use crate::{
    partition::{SlotTable, StableHash},
    stats::Counts,
    sys::Clock,
    worker::{Context, Worker, mailbox::Mailbox, run::Done},
};

/// What every sender shares.
#[derive(Debug)]
pub(crate) struct Shared<M> {
    pub(crate) mailboxes: Box<[Arc<Mailbox<M>>]>,
    pub(crate) table: SlotTable,
    pub(crate) clock: Clock,
}

/// Running workers. Dropping it stops them as [`stop`](Self::stop) does, without the report.
pub struct WorkerPool<M: Send + 'static> {
    sender: Sender<M>,
    threads: Vec<JoinHandle<Done<M>>>,
    shortfalls: Vec<Shortfall>,
}

impl<M: Send + 'static> WorkerPool<M> {
    /// Starts a thread for each worker and waits until all are ready. `make` runs on each worker's own thread.
    ///
    /// # Errors
    ///
    /// The configuration is invalid, a thread could not be made or (if required) pinned, or a worker's `init` failed
    /// or panicked. Workers that had started are stopped first.
    pub fn start<W, F>(config: PoolConfig, make: F) -> Result<Self, StartError>
    where
        W: Worker<Message = M>,
        F: Fn(&Context) -> W + Send + Sync + 'static,
    {
        start::start(&config, make)
    }

    /// Sends to the worker that `key` belongs to, parking while its mailbox is full.
    ///
    /// # Errors
    ///
    /// The worker has ended or the pool is stopping: the message comes back.
    pub fn send_partitioned<K>(&self, key: &K, message: M) -> Result<(), SendError<M>>
    where
        K: StableHash + ?Sized,
    {
        self.sender.send_partitioned(key, message)
    }

    /// Sends to the worker that `key` belongs to, or hands the message back at once.
    ///
    /// # Errors
    ///
    /// The mailbox is full, or the worker has ended.
    pub fn try_send_partitioned<K>(&self, key: &K, message: M) -> Result<(), TrySendError<M>>
    where
        K: StableHash + ?Sized,
    {
        self.sender.try_send_partitioned(key, message)
    }

    /// Sends to one worker, parking while its mailbox is full.
    ///
    /// # Errors
    ///
    /// There is no such worker, or it has ended: the message comes back.
    pub fn send_to(&self, worker: usize, message: M) -> Result<(), SendError<M>> {
        self.sender.send_to(worker, message)
    }

    /// Sends to one worker, or hands the message back at once.
    ///
    /// # Errors
    ///
    /// There is no such worker, its mailbox is full, or it has ended.
    pub fn try_send_to(&self, worker: usize, message: M) -> Result<(), TrySendError<M>> {
        self.sender.try_send_to(worker, message)
    }

    /// A handle for sending from other threads. It does not keep the pool from stopping.
    #[must_use]
    pub fn sender(&self) -> Sender<M> {
        self.sender.clone()
    }

    /// How many workers the pool was started with.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.threads.len()
    }

    /// In what the placement of the workers falls short of the wish.
    #[must_use]
    pub fn shortfalls(&self) -> &[Shortfall] {
        &self.shortfalls
    }

    /// Whether a worker takes messages: `false` at once when it panics, when it is stopped, and if there is none.
    #[must_use]
    pub fn is_running(&self, worker: usize) -> bool {
        self.sender
            .mailbox(worker)
            .is_some_and(|mailbox| mailbox.is_running())
    }

    /// What a worker has counted so far, or `None` if there is no such worker. Stops nobody.
    #[must_use]
    pub fn counts(&self, worker: usize) -> Option<Counts> {
        Some(self.sender.mailbox(worker)?.counts())
    }

    /// Stops accepting, waits until every accepted message is handled, and ends all workers.
    ///
    /// It does not wait for senders: they get their messages back from now on.
    #[must_use = "the report holds what was not handled"]
    pub fn stop(mut self) -> PoolReport<M> {
        let workers = self.end();
        PoolReport {
            workers,
            shortfalls: core::mem::take(&mut self.shortfalls),
        }
    }

    fn end(&mut self) -> Vec<WorkerReport<M>> {
        let mailboxes = &self.sender.shared().mailboxes;
        for mailbox in mailboxes {
            mailbox.close();
        }
        let threads = mailboxes.iter().zip(self.threads.drain(..));
        threads
            .map(|(mailbox, thread)| WorkerReport::new(thread.join(), mailbox))
            .collect()
    }
}

impl<M: Send + 'static> Drop for WorkerPool<M> {
    fn drop(&mut self) {
        self.end();
    }
}

impl<M: Send + 'static> fmt::Debug for WorkerPool<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerPool")
            .field("workers", &self.workers())
            .finish_non_exhaustive()
    }
}
