//! Workers on the shards of an executor, fed by rings, chosen by key.
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
//!     fn init(&self, _: &Context<u64>) -> Result<u64, Infallible> {
//!         Ok(0)
//!     }
//!
//!     fn handle_message(&self, sum: &mut u64, message: u64, _: &Context<u64>) -> Result<(), Infallible> {
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
//! # Picture
//!
//! ```text
//!   senders, any thread                                  a shard: its thread, mostly a core of its own
//!                                                      ┌───────────────────────────────────────────┐
//!   Sender ── key ─► map slot ─► owner ── claim ───────┼─► ring ─┐                                 │
//!   Batcher ─ a lane to each worker, by the batch ─────┼─► lane ─┼─► batch ─► worker 0 { state }   │
//!   pool ── pause, ping, restart, move ────────────────┼─► control ┘            ▲                  │
//!                                                      │     itself, and later ─┘                  │
//!   one bell for the shard ◄── rung after each ────────┼──── asked by the shard once a turn        │
//!                                                      │    worker 2, worker 4, any other task     │
//!                                                      └───────────────────────────────────────────┘
//! ```
//!
//! # Life
//!
//! 1. *Start.* The shards of an executor, the pool's own or one that runs already, make the workers and their states,
//!    each on its own thread. [`WorkerPool::start`] returns when all are ready, or with the first error when all have
//!    ended.
//! 2. *Running.* Messages go to the worker that owns the map slot of the key's hash. Messages of one sender for one key
//!    are handled in the order in which they were sent, also when the key [moves](WorkerPool::add_worker) to another
//!    worker meanwhile.
//! 3. *Panic.* Without [supervision](PoolConfig::with_supervision) the worker ends, and its queue is handed back. With it,
//!    another life of the worker begins on the same shard: it keeps the queue, and the message that killed is not handled
//!    again, unless the worker keeps copies and the pool redelivers.
//! 4. *Stop.* [`WorkerPool::stop`] closes the mailboxes: from then on senders get their messages back. Workers handle
//!    what was accepted, and shut down. A worker that panics meanwhile and is to wait before its next life hands the rest
//!    back. The report says what became of every message.
//!
//! # Nothing is lost
//!
//! A message is handled by one worker, or handed back, or dropped for a reason that has a name and a count: by the send
//! that was refused, by the flush of a [`Batcher`], in the report of a worker that ended early. For each worker
//! `sent = handled + panicked + returned + dropped`, whatever happens: see [`WorkerCounts`].
//!
//! # What a full mailbox does, and a worker that is down
//!
//! As [`Overflow`] and [`WhileDown`] say. `try_` methods hand the message back at once, `_timeout` methods wait as long as
//! they are told.
//!
//! # Within a worker
//!
//! Handlers send by their [`Context`], which never waits. A blocking send there, by a [`Sender`], would keep its whole
//! shard waiting, and perhaps for itself. A handler that has to wait is an
//! [`AsyncWorker`](crate::worker::AsyncWorker)'s.
//!
//! # Cost
//!
//! | operation | cost |
//! |---|---|
//! | send | a hash, two loads of the map slot, one exchange in the ring, one load of the bell; no lock, no allocation |
//! | send by a [`Batcher`] | a hash, a load, a store; the rest once for [`BATCH_LEN`] messages |
//! | call | that of a send, two uncontended locks; no allocation with a [`Caller`] |
//! | broadcast | a lock, one exchange for each worker; a copy of the message for each but the last |
//! | restart | on the worker's shard, between two batches; no thread is made |
//! | move of map slots | a barrier, what is queued at the giver, `export` and `import`; senders to other slots go on |
//!
//! # Edges
//!
//! Beside those of the rings, of the doorbell, and of the executor:
//!
//! | edge | release end | acquire end | carries |
//! |---|---|---|---|
//! | ADDED | a worker is counted | somebody loads the count | its mailbox |
//! | MOVED | a map slot gets its owner | a sender loads it | the owner's mailbox, and that it has the state |
//! | QUIET | a batcher has published | a mover looks at its lane | what the batcher had put in |
//! | BUSY | a mover is done | the next begins | what it did |
//! | ANSWER | a reply marks its cell | the caller sees the mark | the answer, and what the worker did |
//! | WAIT | a caller says that it waits | a reply sees that | the waker |
//! | LEAVE | an end of a call goes | the last one does, or its cell is used again | what it did with the cell |
//! | GONE | a worker has left its lanes | a batcher's flush sees that | that the lanes are the batcher's again |
//!
//! # Verification
//!
//! Tests named by what they rule out in `tests/pool`; a thousand random lives of a pool, with panics, restarts, resizes,
//! pauses and stops, in a simulation, and on threads under resize: every message accounted for, and no sender's messages
//! for a key out of order. `tests/pool_soak.rs` is all of it at once, for as long as it is told. The move of map slots is
//! modelled (`routes/models.rs`). `tests/pool_alloc.rs` counts allocations: none for a message or a call in steady state.
// But for the cell of a call.
#![deny(unsafe_code)]

mod any_error;
mod batcher;
mod call;
mod caller;
mod careful;
#[allow(
    unsafe_code,
    reason = "an answer goes from thread to thread by one word"
)]
mod cell;
mod config;
mod control;
pub(crate) mod ends;
mod error;
pub(crate) mod keeper;
mod many;
mod rebalance;
mod report;
mod resize;
mod routes;
mod sender;
mod shared;
mod start;
mod stats;
pub mod supervise;
mod urgent;
mod watch;
mod worker_config;

pub use any_error::Error;
pub use batcher::{BATCH_LEN, Batcher};
pub use call::{Call, CallError, Reply};
pub use caller::Caller;
pub use careful::{CarefulCallError, CarefulSender, NotSent, NotSentReason, Pace, RealPace};
pub use config::{Overflow, PoolConfig, WhileDown};
pub use error::{BatchError, NoSuchWorker, ResizeError, SendError, StartError, TrySendError};
pub use report::{Outcome, PoolReport, WorkerReport};
pub use resize::{MOVE_LEN, MoveReport};
pub use sender::Sender;
pub use worker_config::WorkerConfig;

pub(crate) use sender::key_hash;
pub(crate) use shared::Shared;

use core::{fmt, time::Duration};
use std::sync::Arc;

use shared_nothing_affinity::Shortfall;

use crate::{
    executor::{Executor, Handle},
    partition::StableHash,
    stats::WorkerCounts,
    worker::{Context, Worker},
};
use resize::Moves;
use start::{Launch, Plan};
use watch::Watch;

/// Running workers. Dropping it stops them as [`stop`](Self::stop) does, without the report.
#[must_use = "dropping a pool stops it"]
pub struct WorkerPool<M: Send + 'static> {
    sender: Sender<M>,
    handle: Handle,
    /// Its own; none if it was given a handle.
    executor: Option<Box<Executor>>,
    plan: Arc<Plan>,
    make: Launch<M>,
    moves: Moves,
    _watch: Option<Watch>,
}

impl<M: Send + 'static> WorkerPool<M> {
    /// Starts an executor with a shard for each worker, and waits until all workers are ready. `make` runs on each
    /// worker's own thread.
    ///
    /// # Errors
    ///
    /// The configuration is invalid, a thread could not be made or (if required) pinned, or a worker's `init` failed
    /// or panicked. Workers that had started are stopped first.
    pub fn start<W, F>(config: PoolConfig, make: F) -> Result<Self, StartError>
    where
        W: Worker<Message = M> + 'static,
        F: Fn(&Context<M>) -> W + Send + Sync + 'static,
    {
        let plan = Plan::new(config, None)?;
        let executor = plan.executor().start()?;
        let mut pool = Self::start_plan(plan, executor.handle(), start::launcher(make))?;
        pool.executor = Some(Box::new(executor));
        Ok(pool)
    }

    /// As [`start`](Self::start), on the shards of an executor that runs: how many there are, where they are pinned and
    /// how they idle is its own. The pool does not keep it running; when it stops, the workers are cancelled.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start), and [`StartError::Call`] if the executor is stopping.
    pub fn start_on<W, F>(handle: &Handle, config: PoolConfig, make: F) -> Result<Self, StartError>
    where
        W: Worker<Message = M> + 'static,
        F: Fn(&Context<M>) -> W + Send + Sync + 'static,
    {
        let plan = Plan::new(config, Some(handle.shards()))?;
        Self::start_plan(plan, handle.clone(), start::launcher(make))
    }

    fn start_plan(plan: Plan, handle: Handle, make: Launch<M>) -> Result<Self, StartError> {
        let plan = Arc::new(plan);
        let (its_plan, its_make) = (Arc::clone(&plan), Arc::clone(&make));
        let call = handle.submit_async_to(0, move || start::launch(its_plan, its_make));
        let not_asked = |error| StartError::Call { worker: 0, error };
        let shared = call.wait().map_err(not_asked)??;
        let watch = plan.config.stuck_watch.clone();
        let watch = watch.and_then(|(policy, hook)| {
            Watch::start(&plan.config.name, Arc::clone(&shared), policy, hook)
        });
        Ok(Self {
            _watch: watch,
            sender: Sender::new(shared),
            handle,
            executor: None,
            moves: plan.moves()?,
            plan,
            make,
        })
    }

    /// As [`start_on`](Self::start_on), from a task of the executor: also of a simulated one.
    ///
    /// # Errors
    ///
    /// As [`start_on`](Self::start_on).
    ///
    /// # Panics
    ///
    /// If no shard runs on this thread.
    pub async fn start_here<W, F>(config: PoolConfig, make: F) -> Result<Self, StartError>
    where
        W: Worker<Message = M> + 'static,
        F: Fn(&Context<M>) -> W + Send + Sync + 'static,
    {
        let handle = Handle::here();
        let plan = Arc::new(Plan::new(config, Some(handle.shards()))?);
        let make = start::launcher(make);
        let shared = start::launch(Arc::clone(&plan), Arc::clone(&make)).await?;
        Ok(Self {
            _watch: None,
            sender: Sender::new(shared),
            handle,
            executor: None,
            moves: plan.moves()?,
            plan,
            make,
        })
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

    /// How many workers there are, those that have ended included: their numbers are less than this.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.sender.workers()
    }

    /// In what the placement of the shards falls short of the wish.
    #[must_use]
    pub fn shortfalls(&self) -> &[Shortfall] {
        self.executor.as_deref().map_or(&[], Executor::shortfalls)
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
    pub fn counts(&self, worker: usize) -> Option<WorkerCounts> {
        Some(self.sender.mailbox(worker)?.counts())
    }

    /// Stops accepting, waits until every accepted message is handled, and ends all workers.
    ///
    /// It does not wait for senders: they get their messages back from now on.
    ///
    /// Called on a thread of its own executor it cannot wait, and gives a report of those workers that have ended; there
    /// use [`stop_here`](Self::stop_here).
    #[must_use = "the report holds what was not handled"]
    pub fn stop(mut self) -> PoolReport<M> {
        self.end();
        self.report()
    }

    /// As [`stop`](Self::stop), but waits for at most `timeout`. Nothing is accepted from now on either.
    ///
    /// # Errors
    ///
    /// Messages are still being handled: the pool comes back, to be waited for again.
    pub fn stop_timeout(self, timeout: Duration) -> Result<PoolReport<M>, Self> {
        self.sender.shared().close();
        match self.sender.shared().ends.wait_for(timeout) {
            true => Ok(self.stop()),
            false => Err(self),
        }
    }

    /// As [`stop`](Self::stop), from a task of an executor.
    ///
    /// # Cancellation
    ///
    /// Dropped, the workers stop all the same, and what they would hand back is dropped.
    #[must_use = "the report holds what was not handled"]
    pub async fn stop_here(self) -> PoolReport<M> {
        let shared = Arc::clone(&self.sender.shared);
        shared.close();
        shared.ends.over().await;
        self.report()
    }

    fn report(&self) -> PoolReport<M> {
        let shared = self.sender.shared();
        let workers = shared.ends.take().into_iter().zip(shared.mailboxes());
        let workers = workers.enumerate().filter_map(|(id, (done, mailbox))| {
            done.map(|done| WorkerReport::new(id, done, mailbox))
        });
        PoolReport {
            workers: workers.collect(),
            shortfalls: self.shortfalls().to_vec(),
        }
    }

    fn end(&mut self) {
        let shared = self.sender.shared();
        shared.close();
        if self.handle.is_within() {
            return;
        }
        shared.ends.wait();
        if let Some(executor) = &mut self.executor {
            executor.end();
        }
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
