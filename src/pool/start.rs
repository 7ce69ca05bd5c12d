//! Makes the threads of a pool, and leaves none behind if one cannot be made.
#![forbid(unsafe_code)]

use std::sync::Arc;

use shared_nothing_affinity::{
    Budget, BudgetError, CPUS_VARIABLE, CpuSet, Demand, Placed, Topology,
};
use shared_nothing_rings::{TryPopError, mpsc, wait::Doorbell};

use super::{PoolConfig, Sender, Shared, StartError, WorkerPool};
use crate::{
    partition::{SlotTable, WORKERS_MAX},
    sys::{self, Clock},
    worker::{
        Context, Worker,
        mailbox::{Idle, Mailbox},
        run::Job,
    },
};

/// Looks of an idle worker before it parks, when there are CPUs enough: a few microseconds.
const SPINS: u32 = 200;

pub(super) fn start<W, F>(
    config: &PoolConfig,
    make: F,
) -> Result<WorkerPool<W::Message>, StartError>
where
    W: Worker,
    F: Fn(&Context) -> W + Send + Sync + 'static,
{
    let plan = Plan::new(config)?;
    let clock = Clock::start();
    let mut mailboxes = Vec::with_capacity(plan.workers);
    let mut inboxes = Vec::with_capacity(plan.workers);
    for _ in 0..plan.workers {
        let (mailbox, inbox) = Mailbox::new(config.capacity, plan.idle, clock)
            .map_err(|error| invalid("capacity", error.to_string()))?;
        mailboxes.push(Arc::new(mailbox));
        inboxes.push(inbox);
    }
    let table =
        SlotTable::even(plan.workers).map_err(|error| invalid("workers", error.to_string()))?;
    let shared = Arc::new(Shared {
        mailboxes: mailboxes.into(),
        table,
        clock,
    });
    let readiness = Arc::new(Doorbell::new());
    let (ready, mut hear) =
        mpsc::with_capacity(plan.workers).map_err(|error| invalid("workers", error.to_string()))?;

    // From here on an early return drops the pool, which closes, joins and so cleans up.
    let mut pool = WorkerPool {
        sender: Sender::new(Arc::clone(&shared)),
        threads: Vec::new(),
        shortfalls: plan.placed.shortfalls,
    };
    let make = Arc::new(make);
    for (worker, inbox) in inboxes.into_iter().enumerate() {
        let job = Job {
            context: Context {
                id: worker,
                workers: plan.workers,
                cpu: None,
            },
            pin_to: plan.placed.cpus[worker],
            require_pin: config.demand == Demand::Require,
            mailbox: Arc::clone(&shared.mailboxes[worker]),
            inbox,
            batch_max: config.batch_max,
            tick_interval: config.tick_interval,
        };
        let (make, ready, readiness) = (Arc::clone(&make), ready.clone(), Arc::clone(&readiness));
        let say = move |result| {
            // One place for each worker, and each speaks once.
            let _has_place = ready.try_push(result);
            drop(ready);
            readiness.ring();
        };
        let name = format!("{}-{worker}", config.name);
        let handle = sys::spawn(name, move || job.run(|context| make(context), say))
            .map_err(|error| StartError::Spawn { worker, error })?;
        pool.threads.push(handle);
    }
    drop(ready);

    // The ring closes when every worker has spoken.
    let mut first_error = None;
    readiness.wait(|| {
        loop {
            match hear.try_pop() {
                Ok(Ok(())) => {}
                Ok(Err(error)) => first_error = first_error.take().or(Some(error)),
                Err(TryPopError::Empty) => return None,
                Err(TryPopError::Closed) => return Some(()),
            }
        }
    });
    match first_error {
        None => Ok(pool),
        Some(error) => Err(error),
    }
}

fn invalid(setting: &'static str, reason: impl Into<String>) -> StartError {
    StartError::Invalid {
        setting,
        reason: reason.into(),
    }
}

/// The settings, checked and completed by what the machine offers.
struct Plan {
    workers: usize,
    placed: Placed,
    idle: Idle,
}

impl Plan {
    fn new(config: &PoolConfig) -> Result<Self, StartError> {
        let budget = match Budget::read() {
            Ok(budget) => Some(budget),
            // Where the mask cannot be read, threads are not pinned either.
            Err(BudgetError::Mask(_)) => None,
            Err(error) => return Err(invalid(CPUS_VARIABLE, error.to_string())),
        };
        let usable = budget
            .as_ref()
            .map_or_else(CpuSet::new, |budget| budget.cpus.clone());
        let affordable = match &budget {
            Some(budget) => budget.workers,
            None => std::thread::available_parallelism().map_or(1, usize::from),
        };
        let workers = config.workers.unwrap_or(affordable.min(WORKERS_MAX));
        if workers == 0 || workers > WORKERS_MAX {
            return Err(invalid(
                "workers",
                format!("{workers} is not in 1..={WORKERS_MAX}"),
            ));
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
        let machine = Topology::read().unwrap_or_else(|_| Topology::flat(&usable));
        let placed = config
            .placement
            .place(&machine, &usable, workers, config.demand)
            .map_err(|error| invalid("placement", error.to_string()))?;
        // One CPU more than workers: the sender needs one, too.
        let spins = if affordable > workers { SPINS } else { 0 };
        let idle = Idle {
            spins: config.spins.unwrap_or(spins),
            yields: config.yields,
        };
        Ok(Self {
            workers,
            placed,
            idle,
        })
    }
}
