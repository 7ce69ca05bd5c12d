//! What an executor is like.
#![forbid(unsafe_code)]

use core::{panic::Location, time::Duration};
use std::{fmt, sync::Arc};

use shared_nothing_affinity::{Demand, Placement};

use super::{Executor, Idle, Memory, StartError};

/// The settings of an executor. Every one has a default; [`Executor::start`] checks them.
#[derive(Clone)]
#[must_use = "settings do nothing until an executor is started"]
pub struct ExecutorConfig {
    pub(super) shards: Option<usize>,
    pub(super) placement: Placement,
    pub(super) demand: Demand,
    pub(super) name: String,
    pub(super) stack_size: Option<usize>,
    pub(super) memory: Memory,
    pub(super) idle: Idle,
    pub(super) yields: Option<u32>,
    pub(super) lane_capacity: usize,
    pub(super) credits: usize,
    pub(super) shuffle: Option<u64>,
    pub(super) watchdog: Option<(Duration, StallHook)>,
}

pub(super) type StallHook = Arc<dyn Fn(&Stall) + Send + Sync>;

/// A user's code that has held its shard for longer than the limit, and holds it still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stall {
    /// The shard.
    pub shard: usize,
    /// Where the task was spawned, or the call was made.
    pub place: &'static Location<'static>,
    /// For how long at least.
    pub held: Duration,
}

impl fmt::Display for Stall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shard, place, held } = self;
        write!(
            f,
            "shard {shard} is held for {held:?} by what began at {place}"
        )
    }
}

impl ExecutorConfig {
    /// The defaults: a shard for each CPU that the budget keeps busy, pinned if that can be had.
    pub fn new() -> Self {
        Self {
            shards: None,
            placement: Placement::default(),
            demand: Demand::default(),
            name: "shard".to_owned(),
            stack_size: None,
            memory: Memory::Heap,
            idle: Idle::DEFAULT,
            yields: None,
            lane_capacity: 256,
            credits: 256,
            shuffle: None,
            watchdog: None,
        }
    }

    /// How many shards, 1 to 448, on 32-bit machines to 224. The default is what the CPU budget keeps busy.
    pub fn with_shards(mut self, shards: usize) -> Self {
        self.shards = Some(shards);
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

    /// What threads are called: this name, a dash and the shard's number.
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// How many bytes of stack a shard's thread has. The default is the standard library's.
    pub fn with_stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = Some(bytes);
        self
    }

    /// Where the lanes that a shard reads are laid: on its NUMA node, in huge pages. The default is [`Memory::Heap`].
    pub fn with_memory(mut self, memory: Memory) -> Self {
        self.memory = memory;
        self
    }

    /// What a shard does when it has nothing to do. The default is [`Idle::DEFAULT`].
    ///
    /// With fewer CPUs than shards no shard spins, unless this is [`Idle::BusyPoll`].
    pub fn with_idle(mut self, idle: Idle) -> Self {
        self.idle = idle;
        self
    }

    /// How often an idle shard lets other threads run and looks again, after it has spun and before it parks. The default
    /// is 0, and 8 with fewer CPUs than shards.
    ///
    /// It spares a park and its wake where another thread needs this CPU, and is about to give the shard work.
    pub fn with_yields(mut self, yields: u32) -> Self {
        self.yields = Some(yields);
        self
    }

    /// How many calls and replies lie in the lane from one shard to another, at least 1. The default is 256. What does
    /// not fit waits on the sender's side.
    pub fn with_lane_capacity(mut self, parcels: usize) -> Self {
        self.lane_capacity = parcels;
        self
    }

    /// How many calls one shard may have under way to another, at least 1, those made by calls not counted. The
    /// default is 256. Further ones wait in their tasks.
    pub fn with_credits(mut self, calls: usize) -> Self {
        self.credits = calls;
        self
    }

    /// Runs the ready tasks of each turn in an order that `seed` decides: for tests.
    pub fn with_shuffle(mut self, seed: u64) -> Self {
        self.shuffle = Some(seed);
        self
    }

    /// Tells `report`, on a thread of its own, of each poll or call that holds its shard beyond `limit`, once, while it
    /// does: no later than half of `limit` after it.
    pub fn with_watchdog(
        mut self,
        limit: Duration,
        report: impl Fn(&Stall) + Send + Sync + 'static,
    ) -> Self {
        self.watchdog = Some((limit, Arc::new(report)));
        self
    }

    /// As [`Executor::start`].
    ///
    /// # Errors
    ///
    /// As [`Executor::start`].
    pub fn start(self) -> Result<Executor, StartError> {
        Executor::start(self)
    }
}

impl Default for ExecutorConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ExecutorConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecutorConfig")
            .field("shards", &self.shards)
            .field("name", &self.name)
            .field("idle", &self.idle)
            .finish_non_exhaustive()
    }
}
