//! A running executor, and what is left of it.
#![forbid(unsafe_code)]

use core::{fmt, future::Future, time::Duration};
use std::{sync::Arc, thread::JoinHandle};

use shared_nothing_affinity::{CpuId, NodeId, PinError, Shortfall};

use super::{
    CallCounts, CallError, ExecutorConfig, Handle, MemoryShortfall, StartError, TaskCounts,
    context, peer::Shared, start,
};
use crate::sys;

/// Shards on threads of their own. Dropping it stops them as [`stop`](Self::stop) does, without the report.
#[must_use = "dropping an executor stops it"]
pub struct Executor {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<Option<ShardReport>>>,
    watchdog: Option<JoinHandle<()>>,
    shortfalls: Vec<Shortfall>,
}

/// What one shard has done.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShardReport {
    /// The shard's number.
    pub shard: usize,
    /// The CPU that it was pinned to.
    pub cpu: Option<CpuId>,
    /// Why it was not pinned as it should have been.
    pub pin_error: Option<PinError>,
    /// The NUMA node on which all of its lanes lie, as the kernel says; only where a node was asked for.
    pub memory_node: Option<NodeId>,
    /// In what its memory falls short of the wish.
    pub memory_shortfalls: Vec<MemoryShortfall>,
    /// Its tasks.
    pub tasks: TaskCounts,
    /// Its calls.
    pub calls: CallCounts,
    /// How often it has parked, or was about to.
    pub parks: u64,
}

impl ShardReport {
    pub(super) fn new(shard: usize) -> Self {
        Self {
            shard,
            cpu: None,
            pin_error: None,
            memory_node: None,
            memory_shortfalls: Vec::new(),
            tasks: TaskCounts::default(),
            calls: CallCounts::default(),
            parks: 0,
        }
    }
}

impl Executor {
    /// Starts the shards, each on its own thread, and returns when all are ready.
    ///
    /// # Errors
    ///
    /// A setting is out of its range, a thread could not be made or (if required) pinned, or there is no memory for the
    /// lanes. No thread is left then.
    pub fn start(config: ExecutorConfig) -> Result<Self, StartError> {
        start::start(&config)
    }

    /// As [`ExecutorConfig::new`], for a chain that ends in [`start`](ExecutorConfig::start).
    pub fn builder() -> ExecutorConfig {
        ExecutorConfig::new()
    }

    pub(super) fn new(
        shared: Arc<Shared>,
        threads: Vec<JoinHandle<Option<ShardReport>>>,
        watchdog: Option<JoinHandle<()>>,
        shortfalls: Vec<Shortfall>,
    ) -> Self {
        Self {
            shared,
            threads,
            watchdog,
            shortfalls,
        }
    }

    /// Reaches the shards from any thread. It does not keep the executor running.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle::new(Arc::clone(&self.shared))
    }

    /// How many shards there are.
    #[must_use]
    pub fn shards(&self) -> usize {
        self.threads.len()
    }

    /// In what the placement of the shards falls short of the wish.
    #[must_use]
    pub fn shortfalls(&self) -> &[Shortfall] {
        &self.shortfalls
    }

    /// Runs the future that `code` makes on `shard`, and parks this thread until it is done.
    ///
    /// # Errors
    ///
    /// [`CallError`]: there is no such shard, it panicked, or the executor was stopped by a [`Handle`].
    #[track_caller]
    pub fn block_on<F, T>(&self, shard: usize, code: F) -> Result<T::Output, CallError>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Future + 'static,
        T::Output: Send + 'static,
    {
        self.handle().submit_async_to(shard, code).wait()
    }

    /// Stops all shards: cancels their tasks, drops their services, and ends their threads.
    ///
    /// Calls that have not begun end with [`CallError::NotRun`], those under way as tasks with
    /// [`CallError::Cancelled`]. It waits for code that runs, and for nothing else: handles may be alive.
    ///
    /// Called on one of its own shards, it cannot wait: the shards end after it has returned, and no report is had.
    #[must_use = "the report says what became of the tasks"]
    pub fn stop(mut self) -> Vec<ShardReport> {
        self.end()
    }

    /// As [`stop`](Self::stop), but gives up waiting after `timeout`. Nothing new begins from then on either.
    ///
    /// # Errors
    ///
    /// Code of a user still runs: the executor comes back, to be waited for again.
    pub fn stop_timeout(mut self, timeout: Duration) -> Result<Vec<ShardReport>, Self> {
        self.shared.drain();
        let look = || self.shared.is_over().then_some(());
        let ended = &self.shared.ended;
        let in_time = match sys::now().checked_add(timeout) {
            None => {
                ended.wait(look);
                Some(())
            }
            Some(deadline) => ended.wait_until(deadline, look),
        };
        match in_time {
            Some(()) => Ok(self.end()),
            None => Err(self),
        }
    }

    pub(crate) fn end(&mut self) -> Vec<ShardReport> {
        self.shared.drain();
        if context::is_within(&self.shared) {
            // This thread cannot end before this returns: nobody waits for the threads then.
            self.threads.clear();
            self.watchdog = None;
            return Vec::new();
        }
        let threads = self.threads.drain(..);
        // A thread that panicked, which would be a mistake of the executor, has no report.
        let reports = threads.filter_map(|thread| thread.join().ok().flatten());
        let reports = reports.collect();
        if let Some(watchdog) = self.watchdog.take() {
            let _ended = watchdog.join();
        }
        reports
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executor")
            .field("shards", &self.shards())
            .finish_non_exhaustive()
    }
}
