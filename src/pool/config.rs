//! How a pool is made.
#![forbid(unsafe_code)]

use core::time::Duration;

use shared_nothing_affinity::{Demand, Placement};

use crate::executor::Idle;

/// The settings of a pool. Every one has a default; `start` checks them.
#[derive(Debug, Clone)]
#[must_use]
pub struct PoolConfig {
    pub(crate) workers: Option<usize>,
    pub(crate) shards: Option<usize>,
    pub(crate) capacity: usize,
    pub(crate) batch_max: usize,
    pub(crate) tick_interval: Option<Duration>,
    pub(crate) placement: Placement,
    pub(crate) demand: Demand,
    pub(crate) idle: Option<Idle>,
    pub(crate) yields: u32,
    pub(crate) name: String,
}

impl PoolConfig {
    /// The default: as many workers as the CPU budget keeps busy, mailboxes of 1024, batches of up to 64, no ticks,
    /// pinned one a core where possible.
    ///
    /// The budget is [`Budget::read`](shared_nothing_affinity::Budget::read): affinity mask, cpuset, quota, and the
    /// environment variable that overrides them.
    pub fn new() -> Self {
        Self {
            workers: None,
            shards: None,
            capacity: 1024,
            batch_max: 64,
            tick_interval: None,
            placement: Placement::default(),
            demand: Demand::default(),
            idle: None,
            yields: 32,
            name: "worker".to_owned(),
        }
    }

    /// How many workers, 1 to [`WORKERS_MAX`](crate::partition::WORKERS_MAX).
    pub fn with_workers(mut self, workers: usize) -> Self {
        self.workers = Some(workers);
        self
    }

    /// On how many shards, threads of one executor, the workers live: 1 to 448. The default is one for each worker, and
    /// then no more than that. Workers take their turns on a shard: one whose handler blocks keeps the others waiting.
    pub fn with_shards(mut self, shards: usize) -> Self {
        self.shards = Some(shards);
        self
    }

    /// How many messages a mailbox holds, at least 1.
    pub fn with_capacity(mut self, messages: usize) -> Self {
        self.capacity = messages;
        self
    }

    /// How many messages a batch holds at most, at least 1. A stop or a tick is noticed after a batch.
    pub fn with_batch_max(mut self, messages: usize) -> Self {
        self.batch_max = messages;
        self
    }

    /// Calls [`tick`](crate::worker::Worker::tick) about every `interval`, later if a batch takes longer.
    pub fn with_tick_interval(mut self, interval: Duration) -> Self {
        self.tick_interval = Some(interval);
        self
    }

    /// Which CPUs the shards are pinned to, out of those that this process may use.
    pub fn with_placement(mut self, placement: Placement) -> Self {
        self.placement = placement;
        self
    }

    /// Whether a shard that cannot be pinned as wished makes the start fail, or is reported.
    pub fn with_demand(mut self, demand: Demand) -> Self {
        self.demand = demand;
        self
    }

    /// What a shard does when none of its workers has anything to do.
    ///
    /// The default is to park when there are fewer CPUs than shards and one sender, for then spinning takes the CPU from
    /// whoever would end the wait, and [`Idle::DEFAULT`] otherwise.
    pub fn with_idle(mut self, idle: Idle) -> Self {
        self.idle = Some(idle);
        self
    }

    /// How often an idle shard, or a sender that waits for space, lets other threads run and looks again, before it
    /// parks. The default is 32: some ten microseconds when nobody else wants the CPU.
    ///
    /// It spares a wake where the other side needs this CPU, or is about to answer.
    pub fn with_yields(mut self, yields: u32) -> Self {
        self.yields = yields;
        self
    }

    /// What threads are called: this name, a dash and the shard's number.
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self::new()
    }
}
