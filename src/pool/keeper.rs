//! Enacts what the supervisor decides: who begins another life, in which order, and when.
//!
//! A worker that ended asks here, on its own shard. Where it is restarted alone, it goes on at once: no other thread has
//! a part in it. Where others are restarted with it, they are told to end, and whoever ends last has the first of them
//! begin; each that has begun has the next begin.
//!
//! It is asked when a worker ends or begins, and a lock is fast enough for that.
#![forbid(unsafe_code)]

use core::fmt;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::supervise::{
    Decision, Ending, Escalated, Escalation, GiveUpReason, RestartPlan, Supervisor,
};
use crate::worker::{caught::caught, control::Control};

/// Asked what to do when there were too many restarts.
pub(crate) type EscalationHook = Arc<dyn Fn(&Escalated) -> Escalation + Send + Sync>;

/// What a worker that has ended does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Begins another life, not before this time.
    BeginAt(u64),
    /// Waits until it is told.
    Wait,
    /// Ends for good.
    GiveUp,
    /// Ends for good, and so does the pool.
    StopPool,
}

/// Whom to tell what.
pub(crate) type Tell = Vec<(usize, Control)>;

pub(crate) struct Keeper {
    state: Mutex<State>,
    hook: Option<EscalationHook>,
}

#[derive(Debug)]
struct State {
    supervisor: Option<Supervisor>,
    plans: Vec<Plan>,
    /// The pool takes no more.
    is_closed: bool,
}

/// Several workers that are restarted together.
#[derive(Debug)]
struct Plan {
    /// Who has not ended yet.
    awaited: Vec<usize>,
    /// Who is to begin, in this order.
    start: VecDeque<usize>,
    /// Who begins now.
    current: Option<usize>,
    begin_ns: u64,
}

impl Plan {
    /// The next one may begin.
    fn go_on(&mut self, tell: &mut Tell) {
        if self.awaited.is_empty() && self.current.is_none() {
            self.current = self.start.pop_front();
            let begin = Control::Begin(self.begin_ns);
            tell.extend(self.current.map(|worker| (worker, begin)));
        }
    }

    fn is_over(&self) -> bool {
        self.awaited.is_empty() && self.current.is_none() && self.start.is_empty()
    }

    fn forget(&mut self, worker: usize) {
        self.awaited.retain(|other| *other != worker);
        self.start.retain(|other| *other != worker);
        self.current = self.current.filter(|other| *other != worker);
    }
}

impl Keeper {
    /// Without a supervisor no worker begins another life.
    pub(crate) const fn new(supervisor: Option<Supervisor>, hook: Option<EscalationHook>) -> Self {
        let state = State {
            supervisor,
            plans: Vec::new(),
            is_closed: false,
        };
        Self {
            state: Mutex::new(state),
            hook,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The hook alone is foreign code, and runs outside of it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on every end is expected.
    pub(crate) fn begin_stop(&self) {
        let mut state = self.lock();
        state.plans.clear();
        if let Some(supervisor) = &mut state.supervisor {
            supervisor.begin_stop();
        }
    }

    /// The pool's mailboxes are about to be closed: by the lock, those that were added before are among them.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
    }

    /// `false`: the pool was closed before, and does not know of the worker's mailbox.
    pub(crate) fn add_worker(&self, now_ns: u64) -> bool {
        let mut state = self.lock();
        if let Some(supervisor) = &mut state.supervisor {
            supervisor.add_worker(now_ns);
        }
        !state.is_closed
    }

    /// Another worker has begun under the number of one that was gone.
    pub(crate) fn replace_worker(&self, worker: usize, now_ns: u64) {
        if let Some(supervisor) = &mut self.lock().supervisor {
            supervisor.replace_worker(worker, now_ns);
        }
    }

    /// A worker's life has ended, or did not begin.
    pub(crate) fn on_end(&self, worker: usize, ending: Ending, now_ns: u64) -> (Verdict, Tell) {
        let mut guard = self.lock();
        let state = &mut *guard;
        let Some(supervisor) = &mut state.supervisor else {
            return (Verdict::GiveUp, Tell::new());
        };
        let mut tell = Tell::new();
        let verdict = match supervisor.on_end(worker, ending, now_ns) {
            Decision::Restart(plan) => state.begin(worker, plan, now_ns, &mut tell),
            Decision::GiveUp(GiveUpReason::NotRestarted | GiveUpReason::TooManyRestarts) => {
                state.forget(worker, &mut tell);
                Verdict::GiveUp
            }
            Decision::Escalate(escalated) => {
                drop(guard);
                return self.escalate(&escalated);
            }
            Decision::Covered => {
                state.ended(worker, &mut tell);
                Verdict::Wait
            }
        };
        (verdict, tell)
    }

    fn escalate(&self, escalated: &Escalated) -> (Verdict, Tell) {
        let how = match (escalated.how, &self.hook) {
            // One that panics has not said that anything may go on.
            (Escalation::AskHook, Some(hook)) => {
                let asked = caught(|| Ok::<_, &str>(hook(escalated)));
                asked.ok().and_then(Result::ok).unwrap_or_default()
            }
            (how, _) => how,
        };
        if how == Escalation::GiveUpWorker {
            // Others of its plan go on without it.
            return (Verdict::GiveUp, self.gone(escalated.worker));
        }
        self.begin_stop();
        (Verdict::StopPool, Tell::new())
    }

    /// Whether a worker that was told to begin anew is still to end for it. If not, it has ended since by itself, and that
    /// counted: it may live again before it hears what it was told.
    pub(crate) fn is_to_end(&self, worker: usize) -> bool {
        let state = self.lock();
        let supervisor = state.supervisor.as_ref();
        supervisor.is_some_and(|supervisor| supervisor.is_stopping(worker))
    }

    /// A worker's life has begun.
    pub(crate) fn on_start(&self, worker: usize, now_ns: u64) -> Tell {
        let mut tell = Tell::new();
        let mut guard = self.lock();
        let state = &mut *guard;
        if let Some(supervisor) = &mut state.supervisor {
            supervisor.on_start(worker, now_ns);
            state.forget(worker, &mut tell);
        }
        tell
    }

    /// A worker has ended for good, and was told to.
    #[must_use]
    pub(crate) fn gone(&self, worker: usize) -> Tell {
        let mut tell = Tell::new();
        let mut guard = self.lock();
        let state = &mut *guard;
        if let Some(supervisor) = &mut state.supervisor {
            supervisor.give_up(worker);
            state.forget(worker, &mut tell);
        }
        tell
    }
}

impl State {
    fn begin(&mut self, worker: usize, plan: RestartPlan, now_ns: u64, tell: &mut Tell) -> Verdict {
        let after_ns = u64::try_from(plan.after.as_nanos()).unwrap_or(u64::MAX);
        let begin_ns = now_ns.saturating_add(after_ns);
        // A later plan takes the place of an earlier one for those that it names.
        let awaited_before = self.awaited();
        for named in plan.stop.iter().chain(&plan.start) {
            self.forget(*named, tell);
        }
        if plan.stop.is_empty() && plan.start == [worker] {
            return Verdict::BeginAt(begin_ns);
        }
        tell.extend(plan.stop.iter().map(|other| (*other, Control::Restart)));
        // Those that stop already for an earlier plan are not named again.
        let still = awaited_before.into_iter().filter(|other| *other != worker);
        let still = still.filter(|other| plan.start.contains(other));
        let mut plan = Plan {
            awaited: plan.stop.iter().copied().chain(still).collect(),
            start: plan.start.into(),
            current: None,
            begin_ns,
        };
        plan.go_on(tell);
        self.plans.push(plan);
        Verdict::Wait
    }

    fn awaited(&self) -> Vec<usize> {
        let awaited = self.plans.iter().flat_map(|plan| &plan.awaited);
        awaited.copied().collect()
    }

    /// A worker that was awaited has ended.
    fn ended(&mut self, worker: usize, tell: &mut Tell) {
        for plan in &mut self.plans {
            plan.awaited.retain(|other| *other != worker);
            plan.go_on(tell);
        }
    }

    /// No plan has to do with the worker any more.
    fn forget(&mut self, worker: usize, tell: &mut Tell) {
        for plan in &mut self.plans {
            plan.forget(worker);
            plan.go_on(tell);
        }
        self.plans.retain(|plan| !plan.is_over());
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper").finish_non_exhaustive()
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
