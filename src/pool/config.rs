//! How a pool is made.
#![forbid(unsafe_code)]

use core::{fmt, time::Duration};

use shared_nothing_affinity::{Demand, Placement};

use super::{
    WorkerConfig,
    keeper::EscalationHook,
    supervise::{Escalated, Escalation, Pulse, StuckPolicy, Supervision},
    watch::StuckHook,
};
use crate::executor::{Idle, Memory};

/// What a send does while the mailbox is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Overflow {
    /// Parks until there is room.
    #[default]
    Block,
    /// Hands the message back at once.
    Fail,
    /// Parks for at most so long, and then hands the message back.
    Timeout(Duration),
    /// Drops the message, counted as [`dropped_newest`](crate::stats::WorkerCounts::dropped_newest).
    DropNewest,
    /// Drops the oldest message in the mailbox to make room, counted as
    /// [`dropped_oldest`](crate::stats::WorkerCounts::dropped_oldest). The lanes of batchers are not touched.
    DropOldest,
}

/// What becomes of messages to a worker that is between two lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum WhileDown {
    /// They queue for the next life.
    #[default]
    Queue,
    /// They come back as [`SendError::Down`](super::SendError::Down). What is queued already stays.
    Refuse,
}

/// The settings of a pool. Every one has a default; `start` checks them.
#[derive(Clone)]
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
    pub(crate) overflow: Overflow,
    pub(crate) workers_max: Option<usize>,
    pub(crate) supervision: Option<Supervision>,
    pub(crate) on_escalation: Option<EscalationHook>,
    pub(crate) while_down: WhileDown,
    pub(crate) redeliveries: u32,
    pub(crate) move_timeout: Duration,
    pub(crate) specials: Vec<(usize, WorkerConfig)>,
    pub(crate) urgent: Option<usize>,
    pub(crate) memory: Memory,
    pub(crate) stuck_watch: Option<(StuckPolicy, StuckHook)>,
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
            overflow: Overflow::Block,
            workers_max: None,
            supervision: None,
            on_escalation: None,
            while_down: WhileDown::Queue,
            redeliveries: 0,
            move_timeout: Duration::from_secs(5),
            specials: Vec::new(),
            urgent: None,
            memory: Memory::Heap,
            stuck_watch: None,
            name: "worker".to_owned(),
        }
    }

    /// The default: see [`new`](Self::new).
    pub fn balanced() -> Self {
        Self::new()
    }

    /// For the quickest answer: a shard that has nothing to do looks for longer before it parks, if there is a CPU for
    /// that, and batches are short, so that what comes between them waits less.
    pub fn low_latency() -> Self {
        Self::new().with_idle(Idle::LOW_LATENCY).with_batch_max(16)
    }

    /// For the most messages: deep mailboxes and long batches.
    pub fn throughput() -> Self {
        Self::new().with_capacity(8192).with_batch_max(256)
    }

    /// How many workers, 1 to [`WORKERS_MAX`](crate::partition::WORKERS_MAX).
    pub fn with_workers(mut self, workers: usize) -> Self {
        self.workers = Some(workers);
        self
    }

    /// On how many shards, threads of one executor, the workers live: 1 to 448, on 32-bit machines to 224. The default is
    /// one for each worker, and then no more than that. Workers take their turns on a shard: one whose handler blocks
    /// keeps the others waiting.
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

    /// What a send does while the mailbox is full, unless it says by itself how long it waits. The default is to park.
    pub fn with_overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// How many workers there may be at a time. The numbers of those that were removed, or have ended and own no map slot
    /// any more, are used again, so that a pool may change for ever. The default is 64 more than the pool starts with.
    pub fn with_workers_max(mut self, workers: usize) -> Self {
        self.workers_max = Some(workers);
        self
    }

    /// Starts workers again that panicked. The default is not to: the worker ends, and what was queued comes back.
    pub fn with_supervision(mut self, supervision: Supervision) -> Self {
        self.supervision = Some(supervision);
        self
    }

    /// Whom to ask when there were too many restarts, if the supervision says [`Escalation::AskHook`]. It runs on the
    /// shard of the worker that ended.
    pub fn with_escalation_hook(
        mut self,
        hook: impl Fn(&Escalated) -> Escalation + Send + Sync + 'static,
    ) -> Self {
        self.on_escalation = Some(std::sync::Arc::new(hook));
        self
    }

    /// What becomes of messages to a worker that is between two lives. The default is that they queue.
    pub fn with_while_down(mut self, policy: WhileDown) -> Self {
        self.while_down = policy;
        self
    }

    /// How often a message that a worker panicked over is handled again by its next life, if the worker
    /// [keeps](crate::worker::Worker::keep) a copy. The default is 0: it is a dead letter at once.
    pub fn with_redeliveries(mut self, times: u32) -> Self {
        self.redeliveries = times;
        self
    }

    /// How long a move of map slots waits for batchers to flush, and again for the worker to handle what is queued, before
    /// it is given up. Senders to these slots wait as long. The default is 5 seconds.
    pub fn with_move_timeout(mut self, timeout: Duration) -> Self {
        self.move_timeout = timeout;
        self
    }

    /// Settings of one worker that are not those of the others.
    pub fn with_worker(mut self, worker: usize, config: WorkerConfig) -> Self {
        self.specials.retain(|(other, _)| *other != worker);
        self.specials.push((worker, config));
        self
    }

    /// Gives each mailbox a second ring, of so many messages, at least 1, for what is
    /// [urgent](super::Sender::send_urgent_to). The default is none, and then nothing is looked at.
    pub fn with_urgent(mut self, messages: usize) -> Self {
        self.urgent = Some(messages);
        self
    }

    /// Where the rings of each worker lie: its mailbox, the urgent one, and the lanes of batchers; and the lanes between the
    /// shards of a pool's own executor. The default is the heap.
    ///
    /// What came of it is in the [report](super::WorkerReport::memory_node). A batcher that finds no memory as it is required
    /// to be gets no lane.
    pub fn with_memory(mut self, memory: Memory) -> Self {
        self.memory = memory;
        self
    }

    /// Has a thread look whether handlers hold their workers, about four times in the time after which one is slow. `hook`
    /// runs on it, once when a worker is slow and once when it is stuck, with the worker's number. The times count in
    /// [`stall`](crate::stats::WorkerStats::stall). Not for a pool that [`start_here`](super::WorkerPool::start_here) made.
    ///
    /// Cost: nothing for the workers; for the thread, one load for each worker at each look.
    pub fn with_stuck_watch(
        mut self,
        policy: StuckPolicy,
        hook: impl Fn(usize, Pulse) + Send + Sync + 'static,
    ) -> Self {
        self.stuck_watch = Some((policy, std::sync::Arc::new(hook)));
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

impl fmt::Debug for PoolConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolConfig")
            .field("workers", &self.workers)
            .field("shards", &self.shards)
            .field("capacity", &self.capacity)
            .field("overflow", &self.overflow)
            .finish_non_exhaustive()
    }
}
