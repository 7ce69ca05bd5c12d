//! Decides what follows the end of a worker.
//!
//! ```
//! use core::time::Duration;
//! use shared_nothing::pool::supervise::{Decision, Ending, Supervision, Supervisor};
//!
//! let mut supervisor = Supervisor::new(Supervision::new(), 4, 0)?;
//! let Decision::Restart(plan) = supervisor.on_end(2, Ending::Panicked, 1_000) else {
//!     panic!("the first panic is followed by a start")
//! };
//! assert_eq!((plan.start, plan.after), (vec![2], Duration::ZERO));
//! supervisor.on_start(2, 1_500);
//! assert_eq!(supervisor.restarts(2), 1);
//! # Ok::<(), shared_nothing::pool::supervise::PolicyError>(())
//! ```
//!
//! # Life of a worker, as its supervisor sees it
//!
//! ```text
//!              told to stop: Decision::Restart names it in `stop`
//!   running ──────────────────────────────────────────────► stopping
//!    ▲   │ on_end: restart                                     │ on_end
//!    │   ▼                                                     │
//!   waiting ◄──────────────────────────────────────────────────┘
//!        │ on_end (a start that failed): restart, or given up
//!        ▼
//!    given up, at any time: no restart follows, or there were too many
//! ```
//!
//! # How to enact it
//!
//! 1. On [`Decision::Restart`] tell the workers of `stop` to stop, in that order, and report each end by `on_end`, which
//!    answers [`Decision::Covered`].
//! 2. After each event ask [`next_start`](Supervisor::next_start), until it names nobody: it knows whom to start, in
//!    order, when all that had to stop have stopped and the delay is over. Report each by `on_start`, or by `on_end` if
//!    the start failed.
//! 3. On [`Decision::Escalate`] do as its `how` says, and report what was decided by
//!    [`give_up`](Supervisor::give_up) or [`begin_stop`](Supervisor::begin_stop).
//!
//! A later plan takes the place of an earlier one for the workers that it names.
#![forbid(unsafe_code)]

use core::time::Duration;

use super::{Ending, Escalation, PolicyError, Restart, Strategy, Supervision, Window};
use crate::partition::hash_u64;

/// What follows the end of a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// Workers are started again.
    Restart(RestartPlan),
    /// It stays down. Its messages go back to their senders.
    GiveUp(GiveUpReason),
    /// There were too many restarts. The worker waits.
    Escalate(Escalated),
    /// Nothing: an earlier decision covers it, or the pool is stopping, or there is no such worker.
    Covered,
}

/// Who is started again, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RestartPlan {
    /// Running workers to be stopped first, in this order: that of their starts, reversed. Those that stop already for
    /// an earlier plan are not named again.
    pub stop: Vec<usize>,
    /// Workers to be started, in this order, when all of them have ended.
    pub start: Vec<usize>,
    /// How long to wait, from the end that was reported.
    pub after: Duration,
}

/// Why a worker stays down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum GiveUpReason {
    /// Its kind of [`Restart`] does not follow such an end.
    NotRestarted,
    /// There were too many restarts, and that is what the escalation says.
    TooManyRestarts,
}

/// Which limit was exceeded, and what is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Escalated {
    /// The worker whose end was one too many.
    pub worker: usize,
    /// How it ended.
    pub ending: Ending,
    /// Restarts of the pool in the last period, that one not among them.
    pub recent: usize,
    /// Restarts of this worker in a row, that one not among them.
    pub in_a_row: u32,
    /// What to do: [`StopPool`](Escalation::StopPool) or [`AskHook`](Escalation::AskHook).
    pub how: Escalation,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Running {
        since_ns: u64,
    },
    Stopping,
    /// To be started, from `due_ns` on.
    Waiting,
    /// [`Supervisor::next_start`] has named it.
    Starting,
    /// Down until somebody decides.
    Escalated,
    GivenUp,
}

#[derive(Debug, Clone)]
struct Seen {
    status: Status,
    restart: Restart,
    due_ns: u64,
    /// Restarts since it last ran for long.
    in_a_row: u32,
    restarts: u64,
}

/// The supervisor of a pool: no thread, no clock, only what it was told.
#[derive(Debug, Clone)]
pub struct Supervisor {
    policy: Supervision,
    window: Window,
    workers: Vec<Seen>,
    draws: u64,
    is_stopping: bool,
}

impl Supervisor {
    /// A supervisor of workers `0..workers` that have started at `now_ns`.
    ///
    /// # Errors
    ///
    /// The policy makes no sense.
    pub fn new(policy: Supervision, workers: usize, now_ns: u64) -> Result<Self, PolicyError> {
        policy.check()?;
        let mut supervisor = Self {
            policy,
            window: Window::new(policy.intensity),
            workers: Vec::with_capacity(workers),
            draws: 0,
            is_stopping: false,
        };
        for _ in 0..workers {
            supervisor.add_worker(now_ns);
        }
        Ok(supervisor)
    }

    /// One more worker, which has started. Returns its number.
    pub fn add_worker(&mut self, now_ns: u64) -> usize {
        self.workers.push(Seen {
            status: Status::Running { since_ns: now_ns },
            restart: self.policy.restart,
            due_ns: now_ns,
            in_a_row: 0,
            restarts: 0,
        });
        self.workers.len() - 1
    }

    /// Another worker has started under the number of one that was given up, without that one's past. Without such a worker
    /// nothing happens.
    pub fn replace_worker(&mut self, worker: usize, now_ns: u64) {
        let restart = self.policy.restart;
        if let Some(seen) = self.workers.get_mut(worker) {
            *seen = Seen {
                status: Status::Running { since_ns: now_ns },
                restart,
                due_ns: now_ns,
                in_a_row: 0,
                restarts: seen.restarts,
            };
        }
    }

    /// Gives one worker a kind of restart of its own. Without such a worker nothing happens.
    pub fn set_restart(&mut self, worker: usize, restart: Restart) {
        if let Some(seen) = self.workers.get_mut(worker) {
            seen.restart = restart;
        }
    }

    /// The worker is not started again, and its end is expected: it was removed, or an escalation ended so.
    pub fn give_up(&mut self, worker: usize) {
        if let Some(seen) = self.workers.get_mut(worker) {
            seen.status = Status::GivenUp;
        }
    }

    /// The pool stops: from now on every end is expected.
    pub const fn begin_stop(&mut self) {
        self.is_stopping = true;
    }

    /// A worker of a plan has started.
    pub fn on_start(&mut self, worker: usize, now_ns: u64) {
        if let Some(seen) = self.workers.get_mut(worker) {
            if seen.status != Status::GivenUp {
                seen.status = Status::Running { since_ns: now_ns };
            }
        }
    }

    /// A worker ended, or a start of it failed: what now?
    #[must_use = "the decision is to be enacted"]
    pub fn on_end(&mut self, worker: usize, ending: Ending, now_ns: u64) -> Decision {
        let healthy_after = self
            .policy
            .healthy_after
            .unwrap_or(self.policy.intensity.period);
        if self.is_stopping {
            return Decision::Covered;
        }
        let Some(seen) = self.workers.get_mut(worker) else {
            return Decision::Covered;
        };
        match seen.status {
            Status::GivenUp => return Decision::Covered,
            Status::Stopping => {
                seen.status = Status::Waiting;
                return Decision::Covered;
            }
            Status::Running { since_ns } => {
                if Duration::from_nanos(now_ns.saturating_sub(since_ns)) >= healthy_after {
                    seen.in_a_row = 0;
                }
            }
            Status::Waiting | Status::Starting | Status::Escalated => {}
        }
        if !seen.restart.follows(ending) {
            seen.status = Status::GivenUp;
            return Decision::GiveUp(GiveUpReason::NotRestarted);
        }
        let in_a_row = seen.in_a_row;
        let is_allowed = self.policy.attempts_max.is_none_or(|max| in_a_row < max);
        if !is_allowed || !self.window.grant(now_ns) {
            return self.too_many(worker, ending, now_ns);
        }
        seen.in_a_row = in_a_row.saturating_add(1);
        self.draws += 1;
        let random = hash_u64(self.draws, self.policy.seed);
        self.plan(worker, self.policy.backoff.delay(in_a_row, random), now_ns)
    }

    fn too_many(&mut self, worker: usize, ending: Ending, now_ns: u64) -> Decision {
        let seen = &mut self.workers[worker];
        if self.policy.escalation == Escalation::GiveUpWorker {
            seen.status = Status::GivenUp;
            return Decision::GiveUp(GiveUpReason::TooManyRestarts);
        }
        seen.status = Status::Escalated;
        Decision::Escalate(Escalated {
            worker,
            ending,
            recent: self.window.len_at(now_ns),
            in_a_row: seen.in_a_row,
            how: self.policy.escalation,
        })
    }

    /// Whom the strategy takes along with `ended`.
    fn plan(&mut self, ended: usize, after: Duration, now_ns: u64) -> Decision {
        let after_ns = u64::try_from(after.as_nanos()).unwrap_or(u64::MAX);
        let concerned = match self.policy.strategy {
            Strategy::One => ended..ended + 1,
            Strategy::All => 0..self.workers.len(),
            Strategy::Rest => ended..self.workers.len(),
        };
        let (mut stop, mut start) = (Vec::new(), Vec::new());
        for worker in concerned {
            let seen = &mut self.workers[worker];
            if seen.status == Status::GivenUp {
                continue;
            }
            let runs = worker != ended && matches!(seen.status, Status::Running { .. });
            if runs {
                stop.push(worker);
            }
            if seen.restart == Restart::Temporary {
                seen.status = Status::GivenUp;
                continue;
            }
            start.push(worker);
            seen.restarts += 1;
            seen.due_ns = now_ns.saturating_add(after_ns);
            if runs {
                seen.status = Status::Stopping;
            } else if seen.status != Status::Stopping {
                seen.status = Status::Waiting;
            }
        }
        stop.reverse();
        Decision::Restart(RestartPlan { stop, start, after })
    }

    /// How often a worker was to be started again; 0 if there is no such worker.
    #[must_use]
    pub fn restarts(&self, worker: usize) -> u64 {
        self.workers.get(worker).map_or(0, |seen| seen.restarts)
    }

    /// Whether a worker is to stop for a plan, and has not ended.
    pub(crate) fn is_stopping(&self, worker: usize) -> bool {
        let seen = self.workers.get(worker);
        seen.is_some_and(|seen| seen.status == Status::Stopping)
    }

    /// Whether a worker stays down for good.
    #[must_use]
    pub fn is_given_up(&self, worker: usize) -> bool {
        self.workers
            .get(worker)
            .is_none_or(|seen| seen.status == Status::GivenUp)
    }
}

mod starts;
pub use starts::NextStart;

#[cfg(test)]
mod storms;
#[cfg(test)]
mod tests;
