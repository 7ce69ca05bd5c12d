//! Makes a pool's workers on the shards of an executor, and leaves none behind if one cannot be made.
//!
//! 1. Each shard makes the mailboxes of its workers: their memory is first written where it is read.
//! 2. When all are there, each shard makes its workers and their states. So a worker may send to any other from its
//!    begin.
#![forbid(unsafe_code)]

use core::time::Duration;
use std::sync::Arc;

use shared_nothing_affinity::{Budget, BudgetError, CpuId, NodeId, Placement, Topology};

use super::{
    Overflow, PoolConfig, Shared, StartError, WhileDown, WorkerConfig, call::Patience,
    keeper::Keeper, resize::Moves, routes::Routes, shared::Settings, supervise::Supervisor,
};
use crate::{
    executor::{
        self, CallError, ExecutorConfig, Host, Idle, JoinHandle, Memory, SHARDS_REFUSED,
        spawn_local, submit_to,
    },
    partition::{SlotTable, WORKERS_MAX},
    sys::Clock,
    worker::{
        Context, Worker,
        inbox::Inbox,
        mailbox::{Mailbox, Terms},
        memory::{Home, NoMailbox},
        run::Job,
    },
};

/// Parcels in a lane of a pool's own executor: workers do not use it, and it is n × n.
const LANE_CAPACITY: usize = 16;

/// Room for workers that are added later, by default.
const WORKERS_MORE: usize = 64;

/// The most shards of an executor.
const SHARDS_MAX: usize = shared_nothing_rings::lanes::LANES_MAX;

// The text of a refusal says so.
const _: () = assert!(WORKERS_MAX == 4096);

/// The settings, checked and completed by what the machine offers.
#[derive(Debug)]
pub(super) struct Plan {
    workers: usize,
    pub(super) shards: usize,
    affordable: usize,
    pub(super) workers_max: usize,
    placed: Option<PlacedWorkers>,
    /// Read only if somebody asks where memory is.
    machine: Option<Topology>,
    pub(super) config: PoolConfig,
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
            Err(error) => return Err(executor::StartError::Budget(error).into()),
        };
        let is_own = shards.is_none();
        let shards = shards.or(config.shards);
        let workers = config.workers.or(shards).unwrap_or(affordable);
        let workers = match config.workers {
            Some(workers) => workers,
            None => workers.min(WORKERS_MAX),
        };
        if workers == 0 || workers > WORKERS_MAX {
            return Err(invalid("workers", "it is not in 1..=4096"));
        }
        let placed = match is_own {
            true => PlacedWorkers::new(&config, workers),
            false => None,
        };
        let shards = match &placed {
            Some(placed) => placed.cpus.len(),
            None => shards.unwrap_or(workers.min(SHARDS_MAX)),
        };
        if shards == 0 || shards > SHARDS_MAX {
            return Err(invalid("shards", SHARDS_REFUSED));
        }
        let special = |setting: fn(&WorkerConfig) -> bool| {
            let mut all = config.specials.iter();
            all.any(|(_, config)| setting(config))
        };
        if config.batch_max == 0 || special(|config| config.batch_max == Some(0)) {
            return Err(invalid("batch_max", "it is zero"));
        }
        let zero = Some(Duration::ZERO);
        if config.tick_interval == zero || special(|c| c.tick_interval == Some(Duration::ZERO)) {
            return Err(invalid("tick_interval", "it is zero"));
        }
        if config.specials.iter().any(|(id, _)| *id >= workers) {
            return Err(invalid("worker", "there is no such worker"));
        }
        if let Some(supervision) = &config.supervision {
            supervision.check()?;
        }
        if let Some((policy, _)) = &config.stuck_watch {
            policy.check()?;
        }
        let workers_max = config.workers_max.unwrap_or(workers + WORKERS_MORE);
        let workers_max = workers_max.min(WORKERS_MAX);
        if workers_max < workers {
            return Err(invalid(
                "workers_max",
                "it is less than the workers at first",
            ));
        }
        Ok(Self {
            workers,
            shards,
            affordable,
            workers_max,
            placed,
            machine: match config.memory {
                Memory::Heap => None,
                _ => Topology::read().ok(),
            },
            config,
        })
    }

    /// The executor of a pool that brings its own.
    pub(super) fn executor(&self) -> ExecutorConfig {
        let config = &self.config;
        // One CPU more than shards: the sender needs one, too.
        let idle = match self.affordable > self.shards {
            true => Idle::DEFAULT,
            false => Idle::Park,
        };
        let placement = match &self.placed {
            Some(placed) => Placement::List(placed.cpus.clone()),
            None => config.placement.clone(),
        };
        ExecutorConfig::new()
            .with_shards(self.shards)
            .with_placement(placement)
            .with_demand(config.demand)
            .with_name(config.name.clone())
            .with_idle(config.idle.unwrap_or(idle))
            .with_yields(config.yields)
            .with_lane_capacity(LANE_CAPACITY)
            .with_memory(config.memory)
    }

    /// Workers with near numbers live on different shards; those that are pinned by themselves, where they wish.
    pub(super) fn shard_of(&self, worker: usize) -> usize {
        let Some(placed) = &self.placed else {
            return worker % self.shards;
        };
        placed.shard_of[worker % placed.shard_of.len()]
    }

    pub(super) fn special(&self, worker: usize) -> WorkerConfig {
        let special = self
            .config
            .specials
            .iter()
            .find(|(other, _)| *other == worker);
        special
            .map(|(_, config)| config.clone())
            .unwrap_or_default()
    }

    /// Makes the mailbox of a worker, on its shard's thread.
    pub(super) fn mailbox<M>(
        &self,
        worker: usize,
        clock: Clock,
    ) -> Result<(Mailbox<M>, Inbox<M>), StartError> {
        let config = &self.config;
        let capacity = self.special(worker).capacity.unwrap_or(config.capacity);
        let host = Host::here();
        let terms = Terms {
            yields: config.yields,
            urgent: config.urgent,
            drops_oldest: config.overflow == Overflow::DropOldest,
            refuses_while_down: config.while_down == WhileDown::Refuse,
            shard: self.shard_of(worker),
            home: Home {
                wish: config.memory,
                node: host.cpu().and_then(|cpu| self.node_of(cpu)),
            },
        };
        Mailbox::new(capacity, host.bell(), terms, clock).map_err(|error| match error {
            NoMailbox::Capacity(error) => StartError::Mailbox { worker, error },
            NoMailbox::Memory(shortfalls) => StartError::Memory { worker, shortfalls },
        })
    }

    /// Where the memory of a CPU is, if that matters.
    fn node_of(&self, cpu: CpuId) -> Option<NodeId> {
        let machine = self.machine.as_ref()?;
        machine.memory_home(machine.cpu(cpu)?.node?)
    }

    /// The map that the pool begins with.
    fn table(&self) -> Result<SlotTable, StartError> {
        SlotTable::even(self.workers).map_err(|_| invalid("workers", "no map has so many"))
    }

    pub(super) fn moves(&self) -> Result<Moves, StartError> {
        self.table().map(Moves::new)
    }

    fn settings(&self, clock: Clock, now_ns: u64) -> Result<Settings, StartError> {
        let config = &self.config;
        let supervisor = config
            .supervision
            .map(|policy| Supervisor::new(policy, self.workers, now_ns))
            .transpose()?;
        Ok(Settings {
            workers_max: self.workers_max,
            routes: Routes::new(&self.table()?),
            overflow: config.overflow,
            patience: Patience::new(self.affordable > self.shards, config.yields),
            clock,
            keeper: Keeper::new(supervisor, config.on_escalation.clone()),
        })
    }
}

/// Shards for workers that are pinned by themselves.
#[derive(Debug)]
struct PlacedWorkers {
    cpus: Vec<CpuId>,
    /// By worker.
    shard_of: Vec<usize>,
}

impl PlacedWorkers {
    /// `None` if no worker has a CPU of its own. Those that have none go to the shards of the others, in turn.
    fn new(config: &PoolConfig, workers: usize) -> Option<Self> {
        let wish = |worker| {
            let special = config.specials.iter().find(|(other, _)| *other == worker);
            special.and_then(|(_, config)| config.cpu)
        };
        let mut cpus: Vec<CpuId> = Vec::new();
        for cpu in (0..workers).filter_map(wish) {
            if !cpus.contains(&cpu) {
                cpus.push(cpu);
            }
        }
        let shard_of = |worker: usize| match wish(worker) {
            Some(cpu) => cpus.iter().position(|other| *other == cpu),
            None => Some(worker % cpus.len()),
        };
        if cpus.is_empty() {
            return None;
        }
        let shard_of = (0..workers).filter_map(shard_of).collect();
        Some(Self { cpus, shard_of })
    }
}

/// Makes a worker on the shard of this thread, given what it is and what it reads from.
pub(super) type Launch<M> =
    Arc<dyn Fn(Arc<Shared<M>>, usize, Inbox<M>, &Plan) -> Result<(), StartError> + Send + Sync>;

/// What makes workers by `make`.
pub(super) fn launcher<W, F>(make: F) -> Launch<W::Message>
where
    W: Worker + 'static,
    F: Fn(&Context<W::Message>) -> W + Send + Sync + 'static,
{
    let make = Arc::new(make);
    Arc::new(move |shared, id, inbox, plan| {
        let (config, special) = (&plan.config, plan.special(id));
        let job = Job {
            id,
            shared,
            inbox,
            make: Arc::clone(&make),
            batch_max: special.batch_max.unwrap_or(config.batch_max),
            tick_interval: special.tick_interval.or(config.tick_interval),
            redeliveries: config.redeliveries,
            is_paused: special.is_paused,
        };
        job.launch()
    })
}

/// Makes all workers. Runs on a shard.
pub(super) async fn launch<M: Send + 'static>(
    plan: Arc<Plan>,
    make: Launch<M>,
) -> Result<Arc<Shared<M>>, StartError> {
    let clock = Clock::start();
    let made = on_shards(&plan, |worker| {
        let plan = Arc::clone(&plan);
        move || plan.mailbox(worker, clock)
    });
    let mut mailboxes = Vec::with_capacity(plan.workers);
    let mut inboxes = Vec::with_capacity(plan.workers);
    for made in results(made).await {
        let (mailbox, inbox) = made??;
        mailboxes.push(mailbox);
        inboxes.push(Some(inbox));
    }
    let settings = plan.settings(clock, Host::here().now_ns())?;
    let shared = Arc::new(Shared::new(settings, mailboxes));
    let launched = on_shards(&plan, |worker| {
        let (shared, make) = (Arc::clone(&shared), Arc::clone(&make));
        let (inbox, plan) = (inboxes[worker].take(), Arc::clone(&plan));
        move || inbox.map_or(Ok(()), |inbox| make(shared, worker, inbox, &plan))
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

pub(super) const fn invalid(setting: &'static str, reason: &'static str) -> StartError {
    StartError::Invalid { setting, reason }
}

impl From<executor::StartError> for StartError {
    fn from(error: executor::StartError) -> Self {
        use executor::StartError as E;
        match error {
            E::Invalid { setting, reason } => Self::Invalid { setting, reason },
            other => Self::Executor(other),
        }
    }
}
