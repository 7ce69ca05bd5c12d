//! One thread's executor by itself: whoever owns it runs it, a turn at a time.
#![forbid(unsafe_code)]

use alloc::{boxed::Box, rc::Rc};
use core::{cell::Cell, fmt, future::Future, panic::Location};

use super::{
    core::{Clock, Core, TURN, TaskCounts},
    task::JoinHandle,
    time::Sleep,
};

/// Tasks and timers of one thread, without a thread of their own: for a loop that is there already, on a
/// microcontroller as in a game. Needs `alloc`, and no `std`.
///
/// The caller brings the clock and runs [`turn`](Self::turn)s; with `std`, `block_on` does both. Dropping
/// it cancels all tasks, in the order in which they were spawned or nearly so.
///
/// It stays on its thread. Wakers may go anywhere.
///
/// ```
/// use shared_nothing::executor::{LocalExecutor, yield_now};
///
/// let local = LocalExecutor::new();
/// let timers = local.spawner();
/// let mut task = local.spawn_local(async move {
///     yield_now().await;
///     timers.sleep_until(1_000).await;
///     7
/// });
/// assert_eq!(local.turn(0).polls, 1);
/// assert_eq!(local.turn(10).next_deadline_ns, Some(1_000));
/// assert!(local.turn(999).is_idle);
/// local.turn(1_000);
/// assert!(task.is_finished());
/// ```
pub struct LocalExecutor {
    core: Rc<Core>,
    #[cfg(feature = "std")]
    pub(super) bell: std::sync::Arc<shared_nothing_rings::wait::Doorbell>,
}

/// What a turn has done, and what is left to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Turn {
    /// How many tasks were polled.
    pub polls: usize,
    /// Whether no task is ready: without a wake the next turn before the deadline would do nothing.
    pub is_idle: bool,
    /// When the next timer is due, by the caller's clock.
    pub next_deadline_ns: Option<u64>,
}

impl LocalExecutor {
    /// An executor without tasks.
    #[must_use]
    pub fn new() -> Self {
        Self::with_signal(|| {})
    }

    /// An executor that calls `signal` after a task was woken from another thread, or from an interrupt: there the
    /// sleep between turns is ended.
    #[must_use]
    pub fn with_signal(signal: impl Fn() + Send + Sync + 'static) -> Self {
        #[cfg(feature = "std")]
        {
            let bell = std::sync::Arc::new(shared_nothing_rings::wait::Doorbell::new());
            let ring = std::sync::Arc::clone(&bell);
            let signal = move || {
                ring.ring();
                signal();
            };
            Self {
                core: Core::new(Clock::Given(Cell::new(0)), Box::new(signal)),
                bell,
            }
        }
        #[cfg(not(feature = "std"))]
        Self {
            core: Core::new(Clock::Given(Cell::new(0)), Box::new(signal)),
        }
    }

    /// Runs the ready tasks of each turn in an order that `seed` decides: for tests. A program that works in one order
    /// only is found so, and the seed shows it again.
    #[must_use]
    pub fn with_shuffle(self, seed: u64) -> Self {
        self.core.set_shuffle(seed);
        self
    }

    /// Starts a task. It is polled in the next turn.
    ///
    /// Cost: one allocation, or a block that a former task left.
    #[track_caller]
    pub fn spawn_local<F: Future + 'static>(&self, future: F) -> JoinHandle<F::Output> {
        self.core.spawn(future, Location::caller())
    }

    /// What tasks of this executor may keep, to spawn and to sleep.
    #[must_use]
    pub fn spawner(&self) -> Spawner {
        Spawner {
            core: Rc::clone(&self.core),
        }
    }

    /// Fires the timers that are due at `now_ns`, takes in what was woken, and polls each ready task once, at most 64.
    ///
    /// A time before that of an earlier turn counts as that.
    ///
    /// # Panics
    ///
    /// If it is called by a task of this executor.
    pub fn turn(&self, now_ns: u64) -> Turn {
        #[cfg(feature = "std")]
        let _current = super::context::enter(&self.core);
        #[cfg(not(feature = "std"))]
        let _current = self.core.enter();
        self.core.set_now_ns(now_ns);
        self.core.fire_timers();
        let polls = self.core.run_ready(TURN, false, &());
        Turn {
            polls,
            is_idle: !self.core.has_ready(),
            next_deadline_ns: self.core.next_deadline_ns(),
        }
    }

    /// How many tasks are not done.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.core.tasks()
    }

    /// What the tasks have done so far.
    #[must_use]
    pub fn counts(&self) -> TaskCounts {
        self.core.counts()
    }

    #[cfg(feature = "std")]
    pub(super) fn core(&self) -> &Rc<Core> {
        &self.core
    }
}

impl Default for LocalExecutor {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for LocalExecutor {
    fn drop(&mut self) {
        #[cfg(feature = "std")]
        let _current = super::context::enter(&self.core);
        self.core.close();
    }
}

impl fmt::Debug for LocalExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalExecutor")
            .field("tasks", &self.tasks())
            .finish_non_exhaustive()
    }
}

/// Spawns tasks and sets timers, from within an executor's tasks. Made by [`LocalExecutor::spawner`].
///
/// When the executor is gone, what it spawns is cancelled at once.
#[derive(Clone)]
pub struct Spawner {
    core: Rc<Core>,
}

impl Spawner {
    /// Starts a task. It is polled in the next turn.
    #[track_caller]
    pub fn spawn_local<F: Future + 'static>(&self, future: F) -> JoinHandle<F::Output> {
        self.core.spawn(future, Location::caller())
    }

    /// Waits until the executor's clock shows `deadline_ns`.
    pub fn sleep_until(&self, deadline_ns: u64) -> Sleep {
        Sleep::until(Rc::clone(&self.core), deadline_ns)
    }

    /// The time of the turn that runs.
    #[must_use]
    pub fn now_ns(&self) -> u64 {
        self.core.now_ns()
    }

    /// Whether the running task has used up its budget and should [`yield_now`](super::yield_now): `true` at every
    /// 128th call in a poll, and from then on. Call it once for each unit of work.
    #[must_use]
    pub fn need_yield(&self) -> bool {
        self.core.spend()
    }
}

impl fmt::Debug for Spawner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spawner").finish_non_exhaustive()
    }
}
