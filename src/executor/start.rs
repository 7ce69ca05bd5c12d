//! Makes the threads of an executor, and leaves none behind if one cannot be made.
//!
//! Each thread pins itself, and then makes what others send to it through: so that memory is first written, and by
//! common policies placed, where it is read. When all have, each gets its ends of the others' lanes. So the mesh is
//! complete before any shard runs.
#![forbid(unsafe_code)]

use std::{
    sync::{Arc, mpsc as std_mpsc},
    thread::JoinHandle,
};

use shared_nothing_affinity::{
    Budget, BudgetError, CpuId, CpuSet, Demand, NodeId, Placed, Topology, pin,
};
use shared_nothing_rings::{CapacityError, lanes, mpsc, wait::Doorbell};

use super::{
    Executor, ExecutorConfig, ShardReport, StartError,
    beat::Beat,
    call::Parcel,
    context,
    core::{Clock, Core},
    ground,
    idle::Waiter,
    outside::Waiting,
    peer::{Peer, Shared},
    room::Wanting,
    shard::{Intake, Mesh, Pinned, Shard},
    watchdog,
};
use crate::sys;

/// Why so many shards are refused: there are as many as a ring has lanes.
pub(crate) const SHARDS_REFUSED: &str = match lanes::LANES_MAX {
    448 => "it is not in 1..=448",
    224 => "it is not in 1..=224",
    _ => panic!("the text says another number"),
};

/// Calls from outside that a shard keeps until it serves them.
const JOBS: usize = 1024;

/// What a shard's thread has made for the others.
pub(super) struct Made {
    shard: usize,
    pub(super) peer: Arc<Peer>,
    producers: lanes::Producers<'static, Parcel>,
}

/// What it gets from them.
struct Connected {
    shared: Arc<Shared>,
    senders: Senders,
}

/// To each shard, and none to itself.
type Senders = Vec<Option<lanes::Producer<'static, Parcel>>>;

/// What a thread needs to become a shard.
struct Plan {
    shard: usize,
    shards: usize,
    pin_to: Option<CpuId>,
    node: Option<NodeId>,
    has_cpus: bool,
    clock: sys::Clock,
    config: ExecutorConfig,
}

pub(super) fn start(config: &ExecutorConfig) -> Result<Executor, StartError> {
    let (placed, nodes, has_cpus) = check(config)?;
    let shards = placed.cpus.len();
    let clock = sys::Clock::start();
    let (made, hear) = std_mpsc::channel();
    let mut threads = Vec::with_capacity(shards);
    let mut connects = Vec::with_capacity(shards);
    for (shard, pin_to) in placed.cpus.iter().enumerate() {
        let plan = Plan {
            shard,
            shards,
            pin_to: *pin_to,
            node: nodes[shard],
            has_cpus,
            clock,
            config: config.clone(),
        };
        let (connect, connected) = std_mpsc::channel();
        let made = made.clone();
        let name = format!("{}-{shard}", config.name);
        let thread =
            sys::spawn_with_stack(name, config.stack_size, move || plan.run(&made, &connected));
        match thread {
            Ok(thread) => threads.push(thread),
            Err(error) => {
                drop(connects);
                threads.into_iter().for_each(|thread| drop(thread.join()));
                return Err(StartError::Spawn { shard, error });
            }
        }
        connects.push(connect);
    }
    drop(made);
    match gather(&hear, shards) {
        Ok(all) => Ok(connect(config, all, connects, threads, placed)),
        Err(error) => {
            // Threads that wait to be connected see that nobody will.
            drop(connects);
            threads.into_iter().for_each(|thread| drop(thread.join()));
            Err(error)
        }
    }
}

/// What all threads have made, by shard, or the first error.
fn gather(
    hear: &std_mpsc::Receiver<Result<Made, StartError>>,
    shards: usize,
) -> Result<Vec<Made>, StartError> {
    let mut all = hear.iter().take(shards).collect::<Result<Vec<Made>, _>>()?;
    all.sort_by_key(|made| made.shard);
    Ok(all)
}

fn connect(
    config: &ExecutorConfig,
    all: Vec<Made>,
    connects: Vec<std_mpsc::Sender<Connected>>,
    threads: Vec<JoinHandle<Option<ShardReport>>>,
    placed: Placed,
) -> Executor {
    let (shared, senders) = join(all);
    for (connect, senders) in connects.into_iter().zip(senders) {
        let shared = Arc::clone(&shared);
        // It waits for this, so it is there.
        let _heard = connect.send(Connected { shared, senders });
    }
    let watchdog = config
        .watchdog
        .as_ref()
        .and_then(|(limit, hook)| watchdog::start(&config.name, &shared, *limit, Arc::clone(hook)));
    Executor::new(shared, threads, watchdog, placed.shortfalls)
}

impl Plan {
    fn run(
        self,
        made: &std_mpsc::Sender<Result<Made, StartError>>,
        connected: &std_mpsc::Receiver<Connected>,
    ) -> Option<ShardReport> {
        let mut report = ShardReport::new(self.shard);
        match (self.pin_to.map(pin), self.config.demand) {
            (None, _) => {}
            (Some(Ok(guard)), _) => report.cpu = Some(guard.into_permanent()),
            (Some(Err(error)), Demand::Require) => {
                let shard = self.shard;
                let _heard = made.send(Err(StartError::Pin { shard, error }));
                return None;
            }
            (Some(Err(error)), Demand::Prefer) => report.pin_error = Some(error),
        }
        let (intake, mine) = match self.make(&mut report) {
            Ok(made) => made,
            Err(error) => {
                let _heard = made.send(Err(error));
                return None;
            }
        };
        let peer = Arc::clone(&mine.peer);
        made.send(Ok(mine)).ok()?;
        let Connected { shared, senders } = connected.recv().ok()?;
        let gone = Gone(Arc::clone(&shared));
        let ring = Arc::clone(&peer);
        let core = Core::new(Clock::Real(self.clock), Box::new(move || ring.bell.ring()));
        if let Some(seed) = self.config.shuffle {
            core.set_shuffle(seed.wrapping_add(self.shard as u64));
        }
        let mesh = Mesh {
            shared,
            senders,
            lane_capacity: self.config.lane_capacity,
            credits: self.config.credits,
            pinned: Pinned {
                cpu: report.cpu,
                error: report.pin_error.clone(),
            },
        };
        let shard = Shard::new(self.shard, core, intake, mesh);
        let waiter = Waiter::new(self.config.idle, self.has_cpus, self.config.yields);
        let current = context::enter_shard(&shard);
        while !shard.is_finished() {
            if !shard.turn() {
                waiter.wait(&shard);
            }
        }
        report.tasks = shard.core().counts();
        report.calls = shard.counts();
        report.parks = waiter.parks();
        drop(current);
        drop(shard);
        drop(gone);
        Some(report)
    }

    fn make(&self, report: &mut ShardReport) -> Result<(Intake, Made), StartError> {
        let shard = self.shard;
        // Pinned elsewhere, or not at all, it has no node of its own.
        let node = self.node.filter(|_| report.cpu.is_some());
        let sizes = (self.shards, self.config.lane_capacity);
        let lanes = ground::lanes(self.config.memory, node, sizes, report)?;
        make(shard, self.shards, lanes).map_err(|error| StartError::Lanes { shard, error })
    }
}

/// What a shard reads from, and what the others write to.
pub(super) fn make(
    shard: usize,
    shards: usize,
    (producers, inbox): ground::Ends<Parcel>,
) -> Result<(Intake, Made), CapacityError> {
    let (jobs, take_jobs) = mpsc::with_capacity(JOBS)?;
    let peer = Arc::new(Peer {
        bell: Doorbell::new(),
        wanting: Wanting::new(shards),
        beat: Beat::new(),
        jobs,
        outsiders: Waiting::default(),
    });
    let intake = Intake {
        inbox,
        jobs: take_jobs,
    };
    let made = Made {
        shard,
        peer,
        producers,
    };
    Ok((intake, made))
}

/// Each shard's ends of the others' lanes, and what all share.
pub(super) fn join(all: Vec<Made>) -> (Arc<Shared>, Vec<Senders>) {
    let shards = all.len();
    let (peers, lanes): (Vec<_>, Vec<_>) = all
        .into_iter()
        .map(|made| (made.peer, made.producers))
        .unzip();
    let shared = Arc::new(Shared::new(peers.into()));
    let mut senders: Vec<Senders> = (0..shards).map(|_| Vec::with_capacity(shards)).collect();
    for (reader, producers) in lanes.into_iter().enumerate() {
        for (writer, producer) in producers.enumerate() {
            senders[writer].push((writer != reader).then_some(producer));
        }
    }
    (shared, senders)
}

/// Says that a thread has ended, whatever way.
struct Gone(Arc<Shared>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.leave();
    }
}

const fn invalid(setting: &'static str, reason: &'static str) -> StartError {
    StartError::Invalid { setting, reason }
}

/// Checks the settings and completes them by what the machine offers: a place for each shard, where the memory of that
/// place is, and whether there are CPUs for all.
fn check(config: &ExecutorConfig) -> Result<(Placed, Vec<Option<NodeId>>, bool), StartError> {
    let budget = match Budget::read() {
        Ok(budget) => Some(budget),
        // Where the mask cannot be read, threads are not pinned either.
        Err(BudgetError::Mask(_)) => None,
        Err(error) => return Err(StartError::Budget(error)),
    };
    let usable = budget
        .as_ref()
        .map_or_else(CpuSet::new, |budget| budget.cpus.clone());
    let affordable = match &budget {
        Some(budget) => budget.workers,
        None => std::thread::available_parallelism().map_or(1, usize::from),
    };
    let shards = config.shards.unwrap_or(affordable.min(lanes::LANES_MAX));
    if shards == 0 || shards > lanes::LANES_MAX {
        return Err(invalid("shards", SHARDS_REFUSED));
    }
    if config.lane_capacity == 0 {
        return Err(invalid("lane_capacity", "it is zero"));
    }
    if config.credits == 0 {
        return Err(invalid("credits", "it is zero"));
    }
    if config.name.contains('\0') {
        return Err(invalid("name", "it contains a zero byte"));
    }
    if matches!(config.watchdog, Some((limit, _)) if limit.is_zero()) {
        return Err(invalid("watchdog", "the limit is zero"));
    }
    let machine = Topology::read().unwrap_or_else(|_| Topology::flat(&usable));
    let placed = config
        .placement
        .place(&machine, &usable, shards, config.demand)
        .map_err(StartError::Placement)?;
    let node = |cpu: &Option<CpuId>| machine.memory_home(machine.cpu((*cpu)?)?.node?);
    let nodes = placed.cpus.iter().map(node).collect();
    Ok((placed, nodes, affordable >= shards))
}
