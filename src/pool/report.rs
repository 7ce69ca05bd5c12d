//! What became of a pool.
#![forbid(unsafe_code)]

use core::fmt;

use shared_nothing_affinity::{CpuId, NodeId, PinError, Shortfall};

use crate::{
    executor::MemoryShortfall,
    stats::{Latency, WorkerCounts},
    worker::{mailbox::Mailbox, run::Done},
};

/// How a worker ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It was stopped, and `shutdown` went well.
    Stopped,
    /// It panicked, with this text.
    Panicked(String),
    /// `init` or `shutdown` returned this error.
    Failed(String),
    /// Its executor was stopped, or a stop waited no longer.
    Cancelled,
}

/// What became of a pool and of every message it took.
#[derive(Debug)]
#[non_exhaustive]
pub struct PoolReport<M> {
    /// One for each worker, in order.
    pub workers: Vec<WorkerReport<M>>,
    /// In what the placement of the workers fell short of the wish.
    pub shortfalls: Vec<Shortfall>,
}

/// What became of a worker and of every message it took.
#[non_exhaustive]
pub struct WorkerReport<M> {
    /// The worker's number.
    pub id: usize,
    /// The CPU it was pinned to.
    pub cpu: Option<CpuId>,
    /// Why the kernel refused to pin it, if it should have been pinned.
    pub pin_error: Option<PinError>,
    /// The NUMA node on which its mailbox lies, as the kernel says; only where a node was asked for.
    pub memory_node: Option<NodeId>,
    /// In what the memory of its mailbox falls short of the wish.
    pub memory_shortfalls: Vec<MemoryShortfall>,
    /// How it ended.
    pub outcome: Outcome,
    /// The last error that a handler returned.
    pub last_error: Option<String>,
    /// What it counted. `sent = handled + panicked + returned.len() + dropped()`.
    pub counts: WorkerCounts,
    /// How long messages lay in its mailbox, measured on every 64th.
    pub queue_wait: Latency,
    /// Messages that it took and did not handle, oldest first: it ended early.
    pub returned: Vec<M>,
    /// Messages that it panicked over, each as often as the pool allows, if it kept copies. They count as panicked.
    pub dead_letters: Vec<M>,
}

impl<M> WorkerReport<M> {
    pub(crate) fn new(id: usize, done: Done<M>, mailbox: &Mailbox<M>) -> Self {
        Self {
            id,
            cpu: done.cpu,
            pin_error: done.pin_error,
            memory_node: mailbox.memory_node,
            memory_shortfalls: mailbox.memory_shortfalls.clone(),
            outcome: done.outcome,
            last_error: done.last_error,
            counts: mailbox.counts(),
            queue_wait: mailbox.meter.queue_waits(),
            returned: done.left.returned,
            dead_letters: done.left.dead_letters,
        }
    }
}

impl<M> fmt::Debug for WorkerReport<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerReport")
            .field("id", &self.id)
            .field("cpu", &self.cpu)
            .field("pin_error", &self.pin_error)
            .field("outcome", &self.outcome)
            .field("last_error", &self.last_error)
            .field("counts", &self.counts)
            .field("queue_wait", &self.queue_wait)
            .field("returned", &self.returned.len())
            .field("dead_letters", &self.dead_letters.len())
            .finish()
    }
}
