//! The tasks and timers of one thread, run a turn at a time.
//!
//! A turn fires the timers that are due, takes in what other threads have woken, and polls each task that was ready at
//! its begin, at most [`TURN`] of them, once. So a task that wakes itself for ever keeps neither timers nor other
//! threads' wakes waiting for more than a turn.

use alloc::{boxed::Box, rc::Rc};
#[cfg(feature = "std")]
use core::ptr::NonNull;
use core::{
    cell::{Cell, RefCell},
    future::Future,
    panic::Location,
    task::Waker,
};

#[cfg(feature = "std")]
use super::storage::Size;
use super::{
    home::{Entered, HomeRef},
    task::{
        DETACHED, DONE, JoinHandle, Polled, Queued, SERVING, TaskRef, Tasks, guarded, is_fine,
        wake_here,
    },
    timer::Timers,
};

/// Polls in a turn.
pub(crate) const TURN: usize = 64;

/// Units of work in a poll before `need_yield` says so.
pub(crate) const BUDGET: u32 = 128;

/// What happens to a task, for whoever watches.
pub(crate) trait Watch {
    /// A user's code begins; it was spawned or submitted at `place`.
    fn begin(&self, place: &'static Location<'static>);
    /// It has returned.
    fn end(&self);
}

/// Watches nothing.
impl Watch for () {
    #[inline(always)]
    fn begin(&self, _: &'static Location<'static>) {}
    #[inline(always)]
    fn end(&self) {}
}

/// Counts of one thread's tasks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskCounts {
    /// Tasks spawned so far.
    pub spawned: u64,
    /// Tasks that have ended, whatever way.
    pub ended: u64,
    /// Polls so far.
    pub polls: u64,
    /// Panics of tasks, of drops, and of foreign wakers, so far.
    pub panics: u64,
}

/// [`TaskCounts`], each by itself.
#[derive(Debug, Default)]
struct Counts {
    spawned: Cell<u64>,
    ended: Cell<u64>,
    polls: Cell<u64>,
    panics: Cell<u64>,
}

fn count_up(count: &Cell<u64>, by: u64) {
    count.set(count.get() + by);
}

pub(crate) struct Core {
    home: HomeRef,
    tasks: Tasks,
    timers: RefCell<Timers>,
    clock: Clock,
    counts: Counts,
    budget: Cell<u32>,
    serving: Cell<bool>,
    running: Cell<bool>,
    closing: Cell<bool>,
    shuffle: Cell<Option<u64>>,
}

/// Where the time comes from.
#[derive(Debug)]
pub(crate) enum Clock {
    /// From whoever calls for a turn.
    Given(Cell<u64>),
    #[cfg(feature = "std")]
    Real(crate::sys::Clock),
}

impl Core {
    pub(crate) fn new(clock: Clock, signal: Box<dyn Fn() + Send + Sync>) -> Rc<Self> {
        Rc::new(Self {
            home: HomeRef::new(signal),
            tasks: Tasks::new(),
            timers: RefCell::new(Timers::new()),
            clock,
            counts: Counts::default(),
            budget: Cell::new(BUDGET),
            serving: Cell::new(false),
            running: Cell::new(false),
            closing: Cell::new(false),
            shuffle: Cell::new(None),
        })
    }

    /// The calling thread is this core's, as wakers see it, while the guard lives.
    pub(crate) fn enter(&self) -> Entered {
        self.home.enter()
    }

    pub(crate) fn now_ns(&self) -> u64 {
        match &self.clock {
            Clock::Given(now) => now.get(),
            #[cfg(feature = "std")]
            Clock::Real(clock) => clock.now_ns(),
        }
    }

    /// Sets a clock that is given; it never goes back.
    pub(crate) fn set_now_ns(&self, now_ns: u64) {
        match &self.clock {
            Clock::Given(now) => now.set(now.get().max(now_ns)),
            #[cfg(feature = "std")]
            Clock::Real(_) => {}
        }
    }

    /// Runs the tasks of each turn in an order that `seed` decides.
    pub(crate) fn set_shuffle(&self, seed: u64) {
        self.shuffle.set(Some(seed));
    }

    pub(crate) fn spawn<F: Future + 'static>(
        &self,
        future: F,
        place: &'static Location<'static>,
    ) -> JoinHandle<F::Output> {
        self.spawn_as::<F, false>(future, place)
    }

    #[cfg(feature = "std")]
    /// Spawns a future none of whose polls panics.
    pub(crate) fn spawn_guarded<F: Future + 'static>(
        &self,
        future: F,
        place: &'static Location<'static>,
    ) -> JoinHandle<F::Output> {
        self.spawn_as::<F, true>(future, place)
    }

    #[inline]
    fn spawn_as<F: Future + 'static, const IS_GUARDED: bool>(
        &self,
        future: F,
        place: &'static Location<'static>,
    ) -> JoinHandle<F::Output> {
        let flags = if self.serving.get() { SERVING } else { 0 };
        let (owner, join) = self.home.spawn::<F, IS_GUARDED>(future, flags, place);
        count_up(&self.counts.spawned, 1);
        if self.closing.get() {
            let fine = owner.cancel();
            self.finish(owner, fine);
            self.home.clear();
            return join;
        }
        self.tasks.insert(owner);
        join
    }

    #[cfg(feature = "std")]
    /// Memory of `size`.
    pub(crate) fn take_block(&self, size: Size) -> NonNull<u8> {
        self.home.take_block(size)
    }

    #[cfg(feature = "std")]
    /// # Safety
    ///
    /// 1. The block came from [`take_block`](Self::take_block) with this size, and is used no more.
    pub(crate) unsafe fn give_block(&self, block: NonNull<u8>, size: Size) {
        // SAFETY: duty 1.
        unsafe { self.home.give_block(block, size) };
    }

    /// How many tasks are not done.
    pub(crate) fn tasks(&self) -> usize {
        (self.counts.spawned.get() - self.counts.ended.get()) as usize
    }

    pub(crate) fn counts(&self) -> TaskCounts {
        TaskCounts {
            spawned: self.counts.spawned.get(),
            ended: self.counts.ended.get(),
            polls: self.counts.polls.get(),
            panics: self.counts.panics.get(),
        }
    }

    /// A panic was survived, unless all went fine.
    pub(crate) fn count_panic(&self, fine: bool) {
        count_up(&self.counts.panics, u64::from(!fine));
    }

    /// Whether a task is ready, as far as this thread knows, or was woken by another.
    pub(crate) fn has_ready(&self) -> bool {
        self.home.has_queued() || self.home.has_foreign()
    }

    pub(crate) fn next_deadline_ns(&self) -> Option<u64> {
        self.timers.borrow().next_deadline_ns()
    }

    pub(crate) fn set_timer(&self, deadline_ns: u64, waker: Waker) -> usize {
        self.timers.borrow_mut().set(deadline_ns, waker)
    }

    pub(crate) fn change_timer(&self, key: usize, waker: Waker) {
        let former = self.timers.borrow_mut().change(key, waker);
        drop(former);
    }

    pub(crate) fn remove_timer(&self, key: usize) {
        let waker = self.timers.borrow_mut().remove(key);
        drop(waker);
    }

    /// Wakes whose deadlines have come. The clock is read only if a timer is set.
    pub(crate) fn fire_timers(&self) {
        if self.next_deadline_ns().is_none() {
            return;
        }
        let now_ns = self.now_ns();
        loop {
            let due = self.timers.borrow_mut().fire(now_ns);
            let Some(waker) = due else { break };
            self.wake(waker);
        }
    }

    /// Wakes, and survives a waker that panics.
    #[inline(always)]
    pub(crate) fn wake(&self, waker: Waker) {
        if let Some(foreign) = wake_here(waker) {
            self.wake_foreign(foreign);
        }
    }

    #[inline(never)]
    fn wake_foreign(&self, waker: Waker) {
        self.count_panic(is_fine(guarded(|| waker.wake())));
    }

    /// Uses up one unit of the running task's budget. `true`: it is used up.
    pub(crate) fn spend(&self) -> bool {
        let left = self.budget.get().saturating_sub(1);
        self.budget.set(left);
        left == 0
    }

    #[cfg(feature = "std")]
    /// Whether the code that runs serves a call of another shard.
    pub(crate) fn is_serving(&self) -> bool {
        self.serving.get()
    }

    #[cfg(feature = "std")]
    /// Runs code of a user outside of any task, with a budget of its own. What it spawns is `serving`, too.
    pub(crate) fn serve<R>(
        &self,
        serving: bool,
        place: &'static Location<'static>,
        watch: &impl Watch,
        code: impl FnOnce() -> R,
    ) -> R {
        self.budget.set(BUDGET);
        let former = self.serving.replace(serving);
        watch.begin(place);
        let result = code();
        watch.end();
        self.serving.set(former);
        result
    }

    /// Takes in what other threads have woken, and polls what is ready now, at most `max`; if it `follows`, those that
    /// become ready meanwhile, too, unless an order was asked for. Returns how many it polled.
    ///
    /// # Panics
    ///
    /// If it is called from within.
    #[inline]
    pub(crate) fn run_ready(&self, max: usize, follows: bool, watch: &impl Watch) -> usize {
        assert!(
            !self.running.replace(true),
            "a turn is not run within a turn"
        );
        self.home.take_foreign();
        let is_shuffled = self.shuffle();
        let last = if follows && !is_shuffled {
            None
        } else {
            self.home.last_queued()
        };
        let mut polls = 0;
        while polls != max {
            let Some(queued) = self.home.pop() else { break };
            let is_last = Some(queued.as_ptr()) == last;
            self.poll(queued, watch);
            polls += 1;
            if is_last {
                break;
            }
        }
        self.running.set(false);
        polls
    }

    /// Brings what is ready into the order that was asked for, if one was.
    fn shuffle(&self) -> bool {
        let Some(mut seed) = self.shuffle.get() else {
            return false;
        };
        self.home.shuffle(|below| {
            seed = crate::executor::random::next(seed);
            (seed >> 33) as usize % below
        });
        self.shuffle.set(Some(seed));
        true
    }

    // Once in the loop; as a call of its own it costs a tenth of a spawn.
    #[inline(always)]
    fn poll(&self, queued: Queued, watch: &impl Watch) {
        let header = queued.header();
        let (task, place) = (queued.as_ptr(), header.place);
        self.serving.set(header.has(SERVING));
        self.budget.set(BUDGET);
        watch.begin(place);
        let polled = queued.run();
        watch.end();
        self.serving.set(false);
        let Some(polled) = polled else {
            return;
        };
        count_up(&self.counts.polls, 1);
        if polled != Polled::Pending {
            // SAFETY: it was not done, so it is owned (T4), and this is the list of this thread's executor.
            let owner = unsafe { self.tasks.remove(task) };
            if let Some(owner) = owner {
                self.finish(owner, polled == Polled::Done);
            }
        }
    }

    /// The future of a task is gone; its owner leaves. Once for each task, so that a call of its own would count.
    #[inline(always)]
    fn finish(&self, owner: TaskRef, fine: bool) {
        let header = owner.header();
        debug_assert!(header.has(DONE));
        if let Some(waker) = owner.take_join_waker() {
            self.wake(waker);
        }
        let fine = if header.has(DETACHED) {
            owner.clear() && fine
        } else {
            fine
        };
        count_up(&self.counts.ended, 1);
        self.count_panic(fine);
    }

    /// Cancels all tasks, and every one that is spawned from now on. From within a turn it does nothing.
    pub(crate) fn close(&self) {
        if self.running.get() {
            return;
        }
        self.closing.set(true);
        let _entered = self.enter();
        while let Some(owner) = self.tasks.take_oldest() {
            let fine = owner.cancel();
            self.finish(owner, fine);
        }
        self.home.close();
    }
}
