//! Makes a pool's workers on the shards of an executor, and leaves none behind if one cannot be made.
//!
//! 1. Each shard makes the mailboxes of its workers: their memory is first written where it is read.
//! 2. When all are there, each shard makes its workers and their states. So a worker may send to any other from its
//!    begin.
#![forbid(unsafe_code)]

use std::sync::Arc;

use shared_nothing_affinity::{Budget, BudgetError, CPUS_VARIABLE};

use super::{PoolConfig, Shared, StartError, ends::Ends};
use crate::{
    executor::{
        self, Builder, CallError, Executor, Host, Idle, JoinHandle, spawn_local, submit_to,
    },
    partition::{SlotTable, WORKERS_MAX},
    sys::Clock,
    worker::{Context, Worker, mailbox::Mailbox, run::Job},
};

/// Parcels in a lane of a pool's own executor: workers do not use it, and it is n × n.
const LANE_CAPACITY: usize = 16;

/// The most shards of an executor.
const SHARDS_MAX: usize = shared_nothing_rings::lanes::LANES_MAX;

/// The settings, checked and completed by what the machine offers.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    workers: usize,
    shards: usize,
    affordable: usize,
    config: PoolConfig,
}

impl Plan {
    /// `shards`: those of an executor that runs already.
    pub(super) fn new(config: PoolConfig, shards: Option<usize>) -> Result<Self, StartError> {
        let affordable = match Budget::read() {
            Ok(budget) => budget.workers,
            // Where the mask cannot be read, threads are not pinned either.
            Err(BudgetError::Mask(_)) => {
                std::thread::available_parallelism().map_or(1, usize::from)
            }
            Err(error) => return Err(invalid(CPUS_VARIABLE, error.to_string())),
        };
        let shards = shards.or(config.shards);
        let workers = config.workers.or(shards).unwrap_or(affordable);
        let workers = match config.workers {
            Some(workers) => workers,
            None => workers.min(WORKERS_MAX),
        };
        if workers == 0 || workers > WORKERS_MAX {
            let reason = format!("{workers} is not in 1..={WORKERS_MAX}");
            return Err(invalid("workers", reason));
        }
        let shards = shards.unwrap_or(workers.min(SHARDS_MAX));
        if shards == 0 || shards > SHARDS_MAX {
            let reason = format!("{shards} is not in 1..={SHARDS_MAX}");
            return Err(invalid("shards", reason));
        }
        if config.batch_max == 0 {
            return Err(invalid("batch_max", "it is zero"));
        }
        if config
            .tick_interval
            .is_some_and(|interval| interval.is_zero())
        {
            return Err(invalid("tick_interval", "it is zero"));
        }
        Ok(Self {
            workers,
            shards,
            affordable,
            config,
        })
    }

    /// The executor of a pool that brings its own.
    pub(super) fn executor(&self) -> Builder {
        let config = &self.config;
        // One CPU more than shards: the sender needs one, too.
        let idle = match self.affordable > self.shards {
            true => Idle::DEFAULT,
            false => Idle::Park,
        };
        Executor::builder()
            .with_shards(self.shards)
            .with_placement(config.placement.clone())
            .with_demand(config.demand)
            .with_name(config.name.clone())
            .with_idle(config.idle.unwrap_or(idle))
            .with_yields(config.yields)
            .with_lane_capacity(LANE_CAPACITY)
    }

    /// Workers with near numbers live on different shards.
    const fn shard_of(&self, worker: usize) -> usize {
        worker % self.shards
    }
}

/// Makes the workers. Runs on a shard.
pub(super) async fn launch<W, F>(plan: Plan, make: F) -> Result<Arc<Shared<W::Message>>, StartError>
where
    W: Worker + 'static,
    F: Fn(&Context<W::Message>) -> W + Send + Sync + 'static,
{
    let clock = Clock::start();
    let (capacity, yields) = (plan.config.capacity, plan.config.yields);
    let made = on_shards(&plan, |_| {
        move || Mailbox::new(capacity, Host::here().bell(), yields, clock)
    });
    let mut mailboxes = Vec::with_capacity(plan.workers);
    let mut inboxes = Vec::with_capacity(plan.workers);
    for made in results(made).await {
        let (mailbox, inbox) = made?.map_err(|error| invalid("capacity", error.to_string()))?;
        mailboxes.push(Arc::new(mailbox));
        inboxes.push(Some(inbox));
    }
    let table =
        SlotTable::even(plan.workers).map_err(|error| invalid("workers", error.to_string()))?;
    let shared = Arc::new(Shared {
        mailboxes: mailboxes.into(),
        table,
        clock,
        ends: Ends::new(plan.workers),
    });
    let make = Arc::new(make);
    let launched = on_shards(&plan, |id| {
        let job = inboxes[id].take().map(|inbox| Job {
            id,
            shared: Arc::clone(&shared),
            inbox,
            make: Arc::clone(&make),
            batch_max: plan.config.batch_max,
            tick_interval: plan.config.tick_interval,
        });
        move || job.map_or(Ok(()), Job::launch)
    });
    let mut first_error = None;
    for launched in results(launched).await {
        let launched = launched.unwrap_or_else(|error| {
            shared.ends.put_none();
            Err(error)
        });
        first_error = first_error.or(launched.err());
    }
    match first_error {
        None => Ok(shared),
        Some(error) => {
            shared.close();
            shared.ends.over().await;
            Err(error)
        }
    }
}

/// Calls to the shards of all workers, by worker.
type Calls<R> = Vec<JoinHandle<Result<R, CallError>>>;

/// Runs, for each worker on its shard, the code that `code` makes for it: all at once.
fn on_shards<F, R>(plan: &Plan, mut code: impl FnMut(usize) -> F) -> Calls<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    (0..plan.workers)
        .map(|worker| spawn_local(submit_to(plan.shard_of(worker), code(worker))))
        .collect()
}

async fn results<R>(calls: Calls<R>) -> Vec<Result<R, StartError>> {
    let mut results = Vec::with_capacity(calls.len());
    for (worker, call) in calls.into_iter().enumerate() {
        let result = call.await.unwrap_or(Err(CallError::Cancelled));
        results.push(result.map_err(|error| StartError::Call { worker, error }));
    }
    results
}

pub(super) fn invalid(setting: &'static str, reason: impl Into<String>) -> StartError {
    StartError::Invalid {
        setting,
        reason: reason.into(),
    }
}

impl From<executor::StartError> for StartError {
    fn from(error: executor::StartError) -> Self {
        use executor::StartError as E;
        match error {
            E::Invalid { setting, reason } => Self::Invalid {
                setting: setting.strip_prefix("with_").unwrap_or(setting),
                reason,
            },
            E::Spawn { shard, error } => Self::Spawn { shard, error },
            E::Pin { shard, reason } => Self::Pin { shard, reason },
            E::Memory { reason, .. } => invalid("memory", reason),
            E::Lanes { error, .. } => invalid("shards", error.to_string()),
        }
    }
}
