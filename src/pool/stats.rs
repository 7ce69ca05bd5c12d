//! What a pool's workers have done so far, read from any thread.
//!
//! ```
//! # use std::convert::Infallible;
//! # use shared_nothing::{pool::{PoolConfig, WorkerPool}, worker::{Context, Worker}};
//! # struct Drop;
//! # impl Worker for Drop {
//! #     type State = ();
//! #     type Message = u64;
//! #     type Error = Infallible;
//! #     fn init(&self, _: &Context<u64>) -> Result<(), Infallible> { Ok(()) }
//! #     fn handle_message(&self, _: &mut (), _: u64, _: &Context<u64>) -> Result<(), Infallible> { Ok(()) }
//! # }
//! let pool = WorkerPool::start(PoolConfig::new().with_workers(2), |_| Drop)?;
//! let sender = pool.sender();
//! pool.send_to(1, 7)?;
//! println!("{}", pool.stats());
//!
//! let _report = pool.stop();
//! let stats = sender.stats();
//! assert_eq!((stats.workers[1].sent, stats.workers[1].handled), (1, 1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

use super::{Sender, WorkerPool};
use crate::stats::{PoolStats, WorkerStats};

impl<M> Sender<M> {
    /// What all workers have done so far, also when the pool has stopped. Stops nobody: workers note what they do where
    /// anybody may read it.
    ///
    /// Cost: it copies three histograms of 36 KiB for each worker.
    #[must_use]
    pub fn stats(&self) -> PoolStats {
        PoolStats::of(
            self.shared()
                .mailboxes()
                .map(|mailbox| mailbox.stats())
                .collect(),
        )
    }

    /// What one worker has done so far, or `None` if there is no such worker.
    #[must_use]
    pub fn worker_stats(&self, worker: usize) -> Option<WorkerStats> {
        Some(self.mailbox(worker)?.stats())
    }
}

impl<M: Send + 'static> WorkerPool<M> {
    /// As [`Sender::stats`].
    #[must_use]
    pub fn stats(&self) -> PoolStats {
        self.sender.stats()
    }

    /// As [`Sender::worker_stats`].
    #[must_use]
    pub fn worker_stats(&self, worker: usize) -> Option<WorkerStats> {
        self.sender.worker_stats(worker)
    }
}
