//! The settings of one worker.
#![forbid(unsafe_code)]

use core::time::Duration;

use shared_nothing_affinity::CpuId;

/// What one worker of a pool has otherwise than the others: see
/// [`PoolConfig::with_worker`](super::PoolConfig::with_worker).
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct WorkerConfig {
    pub(crate) cpu: Option<CpuId>,
    pub(crate) capacity: Option<usize>,
    pub(crate) batch_max: Option<usize>,
    pub(crate) tick_interval: Option<Duration>,
    pub(crate) is_paused: bool,
}

impl WorkerConfig {
    /// As all workers of the pool.
    pub fn new() -> Self {
        Self::default()
    }

    /// Pins its shard to this CPU. Workers with the same CPU live on one shard; each other worker has one of its own. Not
    /// for pools on an executor that runs.
    pub fn with_cpu_affinity(mut self, cpu: CpuId) -> Self {
        self.cpu = Some(cpu);
        self
    }

    /// How many messages its mailbox holds, at least 1.
    pub fn with_capacity(mut self, messages: usize) -> Self {
        self.capacity = Some(messages);
        self
    }

    /// How many messages a batch of it holds at most, at least 1.
    pub fn with_batch_max(mut self, messages: usize) -> Self {
        self.batch_max = Some(messages);
        self
    }

    /// How often it [ticks](crate::worker::Worker::tick).
    pub fn with_tick_interval(mut self, interval: Duration) -> Self {
        self.tick_interval = Some(interval);
        self
    }

    /// Begins paused: it handles nothing before [`resume`](super::WorkerPool::resume).
    pub fn with_paused(mut self) -> Self {
        self.is_paused = true;
        self
    }
}
