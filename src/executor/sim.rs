//! The same shards, tasks and calls on one thread, in an order that a seed decides, under a clock of their own.
//!
//! Nothing of an executor is replaced but what runs it: which shard has the next turn, how many tasks it polls and in
//! which order come from the seed, and the clock stands still while anything can run. So a run is the same whenever it
//! is repeated, and a long sleep takes no time.
//!
//! What user code brings in by itself, the system's clock, threads, addresses or hashes with a random key, is not
//! under the seed.
#![forbid(unsafe_code)]

use core::{
    cell::Cell,
    fmt,
    future::Future,
    ops::Range,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};
use std::{rc::Rc, sync::Arc};

use shared_nothing_rings::lanes::{self, LANES_MAX};

use super::{
    CallError, Handle, context,
    core::{Clock, Core},
    peer::Shared,
    random,
    shard::{Mesh, Pinned, Shard},
    start,
};

/// A simulated executor: see the example, which finds an update that is lost between two shards.
///
/// ```
/// use shared_nothing::executor::{Sharded, Sim, SimError, spawn_local, submit_async_to};
///
/// /// Adds 1 in two steps, and somebody else may come between.
/// async fn add(counter: Sharded<u32>) {
///     let count = counter.invoke_on(0, |count| *count).await.unwrap();
///     counter.invoke_on(0, move |old| *old = count + 1).await.unwrap();
/// }
///
/// async fn two_adds() {
///     let counter = Sharded::start(|_| 0).await.unwrap();
///     let one = spawn_local(submit_async_to(1, move || add(counter)));
///     submit_async_to(2, move || add(counter)).await.unwrap();
///     one.await.unwrap().unwrap();
///     assert_eq!(counter.invoke_on(0, |count| *count).await.unwrap(), 2);
/// }
///
/// let sim = Sim::new(0).with_shards(3);
/// let error = sim.explore(0..100, two_adds).expect_err("some order loses an update");
/// let SimError::Failed { seed, .. } = error else { panic!("{error}") };
/// // The same seed shows it again.
/// assert!(Sim::new(seed).with_shards(3).run(two_adds).is_err());
/// ```
#[derive(Debug, Clone)]
#[must_use = "a simulation does nothing until it is run"]
pub struct Sim {
    seed: u64,
    shards: usize,
    lane_capacity: usize,
    credits: usize,
    turns_max: u64,
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SimRun<R> {
    /// What the main future gave.
    pub output: R,
    /// A number for all that happened, in its order: the same for the same seed and code.
    pub trace_hash: u64,
    /// How far the clock went.
    pub elapsed: Duration,
    /// Turns of all shards.
    pub turns: u64,
}

/// Why a run gave nothing. It says by which seed it is seen again.
#[non_exhaustive]
pub enum SimError {
    /// A setting is out of its range.
    Invalid {
        /// The setting, as in the name of its `with_` method.
        setting: &'static str,
    },
    /// The main future did not end as it should have.
    Failed {
        /// The seed of the run.
        seed: u64,
        /// Its panic, mostly.
        error: CallError,
    },
    /// Nothing can run, no timer is set, and the main future is not done.
    Stuck {
        /// The seed of the run.
        seed: u64,
    },
    /// The main future was not done after the most turns.
    TooLong {
        /// The seed of the run.
        seed: u64,
    },
}

impl fmt::Display for SimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid { setting } => write!(f, "setting {setting} is invalid"),
            Self::Failed { seed, error } => {
                write!(f, "seed {seed}: {error}")?;
                let text = match error {
                    CallError::Panicked(payload) => payload.text(),
                    _ => None,
                };
                text.map_or(Ok(()), |text| write!(f, ": {text}"))
            }
            Self::Stuck { seed } => write!(f, "seed {seed}: nothing can run any more"),
            Self::TooLong { seed } => write!(f, "seed {seed}: it takes too many turns"),
        }
    }
}

impl fmt::Debug for SimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for SimError {}

impl Sim {
    /// Two shards, in the order of `seed`.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            shards: 2,
            lane_capacity: 4,
            credits: 4,
            turns_max: 1_000_000,
        }
    }

    /// How many shards, 1 to 448, on 32-bit machines to 224.
    pub fn with_shards(mut self, shards: usize) -> Self {
        self.shards = shards;
        self
    }

    /// How many parcels a lane holds, at least 1. The default is 4: a lane that is full is worth a test.
    pub fn with_lane_capacity(mut self, parcels: usize) -> Self {
        self.lane_capacity = parcels;
        self
    }

    /// How many calls one shard may have under way to another, at least 1. The default is 4.
    pub fn with_credits(mut self, calls: usize) -> Self {
        self.credits = calls;
        self
    }

    /// After how many turns a run is given up. The default is a million.
    pub fn with_turns_max(mut self, turns: u64) -> Self {
        self.turns_max = turns;
        self
    }

    /// Runs the future that `main` makes on shard 0 until it is done, and stops.
    ///
    /// # Errors
    ///
    /// It panicked, cannot go on, or took too many turns; or a setting is out of its range.
    ///
    /// # Panics
    ///
    /// If a shard runs on this thread already.
    pub fn run<F, T>(&self, main: F) -> Result<SimRun<T::Output>, SimError>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Future + 'static,
        T::Output: Send + 'static,
    {
        assert!(
            context::try_shard().is_none(),
            "a shard runs on this thread"
        );
        let mut world = World::new(self)?;
        let mut main = pin!(Handle::new(Arc::clone(&world.shared)).submit_async_to(0, main));
        let mut cx = Context::from_waker(Waker::noop());
        let seed = self.seed;
        let output = loop {
            if let Poll::Ready(output) = main.as_mut().poll(&mut cx) {
                break output.map_err(|error| SimError::Failed { seed, error });
            }
            if world.turns >= self.turns_max {
                break Err(SimError::TooLong { seed });
            }
            if !world.step() {
                break Err(SimError::Stuck { seed });
            }
        };
        world.stop();
        Ok(SimRun {
            output: output?,
            trace_hash: world.trace,
            elapsed: Duration::from_nanos(world.now_ns),
            turns: world.turns,
        })
    }

    /// Runs with each of `seeds` instead of its own. Returns how many runs there were.
    ///
    /// # Errors
    ///
    /// That of the first run that fails.
    ///
    /// # Panics
    ///
    /// As [`run`](Self::run).
    pub fn explore<F, T>(&self, seeds: Range<u64>, main: F) -> Result<u64, SimError>
    where
        F: FnOnce() -> T + Clone + Send + 'static,
        T: Future + 'static,
        T::Output: Send + 'static,
    {
        let count = seeds.end.saturating_sub(seeds.start);
        for seed in seeds {
            let sim = Self {
                seed,
                ..self.clone()
            };
            sim.run(main.clone())?;
        }
        Ok(count)
    }
}

/// All shards, and what decides their order.
struct World {
    shared: Arc<Shared>,
    shards: Vec<Rc<Shard>>,
    random: u64,
    now_ns: u64,
    trace: u64,
    turns: u64,
}

impl World {
    fn new(sim: &Sim) -> Result<Self, SimError> {
        if sim.shards == 0 || sim.shards > LANES_MAX {
            let setting = "shards";
            return Err(SimError::Invalid { setting });
        }
        if sim.credits == 0 {
            let setting = "credits";
            return Err(SimError::Invalid { setting });
        }
        let setting = "lane_capacity";
        let made: Result<Vec<_>, _> = (0..sim.shards)
            .map(|shard| {
                let lanes = lanes::with_capacity(sim.shards, sim.lane_capacity)?;
                start::make(shard, sim.shards, lanes)
            })
            .collect();
        let made = made.map_err(|_| SimError::Invalid { setting })?;
        let (intakes, made): (Vec<_>, Vec<_>) = made.into_iter().unzip();
        let (shared, senders) = start::join(made);
        // Seeds beside each other are to begin far apart.
        let random = (0..4).fold(sim.seed, |seed, _| random::next(seed));
        let shards = intakes.into_iter().zip(senders).enumerate();
        let shards = shards.map(|(id, (intake, senders))| {
            let core = Core::new(Clock::Given(Cell::new(0)), Box::new(|| {}));
            core.set_shuffle(random::next(random ^ id as u64));
            let mesh = Mesh {
                shared: Arc::clone(&shared),
                senders,
                lane_capacity: sim.lane_capacity,
                credits: sim.credits,
                pinned: Pinned::default(),
            };
            Shard::new(id, core, intake, mesh)
        });
        Ok(Self {
            shards: shards.collect(),
            shared,
            random,
            now_ns: 0,
            trace: sim.seed,
            turns: 0,
        })
    }

    fn pick(&mut self, below: usize) -> usize {
        self.random = random::next(self.random);
        (self.random >> 33) as usize % below
    }

    /// One turn of a shard that has something to do; the clock goes on only if none has. `false`: nothing can run.
    fn step(&mut self) -> bool {
        let is_due = |shard: &Shard, now_ns| {
            let next = shard.core().next_deadline_ns();
            next.is_some_and(|deadline_ns| deadline_ns <= now_ns)
        };
        let able: Vec<usize> = (0..self.shards.len())
            .filter(|id| self.shards[*id].look() || is_due(&self.shards[*id], self.now_ns))
            .collect();
        if able.is_empty() {
            let deadlines = self
                .shards
                .iter()
                .map(|shard| shard.core().next_deadline_ns());
            let Some(next_ns) = deadlines.flatten().min() else {
                return false;
            };
            self.now_ns = next_ns;
            self.shards
                .iter()
                .for_each(|shard| shard.core().set_now_ns(next_ns));
            return true;
        }
        let id = able[self.pick(able.len())];
        let polls = 1 + self.pick(4);
        self.turn(id, polls);
        true
    }

    fn turn(&mut self, id: usize, polls: usize) {
        let shard = &self.shards[id];
        let _current = context::enter_shard(shard);
        shard.turn_of(polls);
        self.turns += 1;
        let (tasks, calls) = (shard.core().counts(), shard.counts());
        let happened = [
            id as u64,
            self.now_ns,
            tasks.polls,
            tasks.spawned,
            tasks.ended,
            calls.made,
            calls.served,
        ];
        for word in happened {
            self.trace = random::next(self.trace ^ word).rotate_left(23);
        }
    }

    fn stop(&mut self) {
        self.shared.drain();
        while self.shards.iter().any(|shard| !shard.is_finished()) {
            for id in 0..self.shards.len() {
                self.turn(id, 1);
            }
        }
    }
}
