//! A circuit breaker: calls that would fail are refused at once, until a few probes succeed.
//!
//! ```
//! use core::time::Duration;
//! use shared_nothing::pool::supervise::{Breaker, BreakerPolicy, BreakerState, BreakerWindow};
//!
//! let window = BreakerWindow::Calls(4);
//! let policy = BreakerPolicy::default().with_window(window).with_calls_min(4).with_probes(1);
//! let mut breaker = Breaker::new(policy)?;
//! for outcome in [true, false, true, false] {
//!     let permit = breaker.try_call(0).expect("closed");
//!     breaker.on_result(permit, outcome, 0);
//! }
//! assert_eq!(breaker.try_call(1).unwrap_err().retry_after, Duration::from_secs(60) - Duration::from_nanos(1));
//!
//! let probe = breaker.try_call(60_000_000_000).expect("one probe");
//! assert_eq!(breaker.state(), BreakerState::HalfOpen);
//! breaker.on_result(probe, true, 60_000_000_001);
//! assert_eq!(breaker.state(), BreakerState::Closed);
//! # Ok::<(), shared_nothing::pool::supervise::PolicyError>(())
//! ```
//!
//! ```text
//!            the share of failures in the window reaches the threshold
//!   closed ─────────────────────────────────────────────────────────────► open
//!      ▲                                                                 ▲   │ open_for is over, and a call comes
//!      │ enough probes succeeded                     too many failed     │   ▼
//!      └──────────────────────────────── half-open ──────────────────────┘
//! ```
//!
//! Each permit knows the phase that it was given in. A result that comes in a later phase changes nothing: what was
//! called before the breaker opened does not count as a probe. A probe whose result never comes does not hold the
//! breaker for ever: after another `open_for` there are new probes.
//!
//! The defaults are those of Resilience4j: half of the last 100 calls, 60 s open, 10 probes.
#![forbid(unsafe_code)]

use core::{error::Error, fmt, time::Duration};

use super::{PolicyError, outcomes::Outcomes};

/// Which calls the share of failures is taken of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BreakerWindow {
    /// The last so many, 1 to 65536.
    Calls(u32),
    /// Those that ended in the last so long, forgotten in tenths of it.
    Time(Duration),
}

/// When a breaker opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BreakerPolicy {
    /// Which calls count.
    pub window: BreakerWindow,
    /// The share of failures that opens it, in percent, 1 to 100. With `Calls(n)`, `calls_min: n` and 100, `n` failures
    /// in a row do.
    pub failures_percent: u8,
    /// Fewer calls than this in the window open nothing.
    pub calls_min: u32,
    /// How long it stays open.
    pub open_for: Duration,
    /// How many calls are let through to see how things are.
    pub probes: u32,
}

impl BreakerPolicy {
    /// Whether it can be followed.
    ///
    /// # Errors
    ///
    /// The window is empty or too large, the share is not one of 1 to 100, or there is no call, time or probe.
    pub fn check(&self) -> Result<(), PolicyError> {
        let wrong = |reason| Err(PolicyError::new("breaker", reason));
        match self.window {
            BreakerWindow::Calls(calls) if !(1..=1 << 16).contains(&calls) => {
                return wrong("a window of calls holds 1 to 65536");
            }
            BreakerWindow::Calls(calls) if self.calls_min > calls => {
                return wrong("calls_min is more than the window holds");
            }
            BreakerWindow::Time(time) if time < Duration::from_micros(1) => {
                return wrong("a window of time lasts at least a microsecond");
            }
            _ => {}
        }
        if !(1..=100).contains(&self.failures_percent) {
            return wrong("failures_percent is not one of 1 to 100");
        }
        if self.calls_min == 0 || self.probes == 0 || self.open_for.is_zero() {
            return wrong("calls_min, probes and open_for are at least 1");
        }
        Ok(())
    }

    /// Sets [`window`](Self::window).
    #[must_use]
    pub const fn with_window(mut self, window: BreakerWindow) -> Self {
        self.window = window;
        self
    }

    /// Sets [`failures_percent`](Self::failures_percent).
    #[must_use]
    pub const fn with_failures_percent(mut self, failures_percent: u8) -> Self {
        self.failures_percent = failures_percent;
        self
    }

    /// Sets [`calls_min`](Self::calls_min).
    #[must_use]
    pub const fn with_calls_min(mut self, calls_min: u32) -> Self {
        self.calls_min = calls_min;
        self
    }

    /// Sets [`open_for`](Self::open_for).
    #[must_use]
    pub const fn with_open_for(mut self, open_for: Duration) -> Self {
        self.open_for = open_for;
        self
    }

    /// Sets [`probes`](Self::probes).
    #[must_use]
    pub const fn with_probes(mut self, probes: u32) -> Self {
        self.probes = probes;
        self
    }
}

impl Default for BreakerPolicy {
    fn default() -> Self {
        Self {
            window: BreakerWindow::Calls(100),
            failures_percent: 50,
            calls_min: 100,
            open_for: Duration::from_secs(60),
            probes: 10,
        }
    }
}

/// Whether calls go through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BreakerState {
    /// They do.
    Closed,
    /// They do not.
    Open,
    /// A few do, as probes.
    HalfOpen,
}

/// One call may be made. Say what became of it.
#[derive(Debug)]
#[must_use = "report the result of the call"]
pub struct Permit {
    phase: u64,
}

/// A call was refused by a breaker. Nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BreakerOpen {
    /// How long until a call may go through. When probes are under way it may be sooner.
    pub retry_after: Duration,
}

impl fmt::Display for BreakerOpen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "circuit breaker is open for another {:?}",
            self.retry_after
        )
    }
}

impl Error for BreakerOpen {}

#[derive(Debug, Clone)]
enum Phase {
    Closed(Outcomes),
    Open,
    HalfOpen {
        given: u32,
        succeeded: u32,
        failed: u32,
    },
}

/// The breaker of one worker, or of whatever calls are made to.
#[derive(Debug, Clone)]
pub struct Breaker {
    policy: BreakerPolicy,
    phase: Phase,
    /// Counts phases, so that late results are known.
    number: u64,
    since_ns: u64,
    refused: u64,
}

impl Breaker {
    /// A closed breaker.
    ///
    /// # Errors
    ///
    /// The policy makes no sense.
    pub fn new(policy: BreakerPolicy) -> Result<Self, PolicyError> {
        policy.check()?;
        Ok(Self {
            policy,
            phase: Phase::Closed(Outcomes::new(policy.window)),
            number: 0,
            since_ns: 0,
            refused: 0,
        })
    }

    /// Asks whether a call may be made.
    ///
    /// # Errors
    ///
    /// The breaker is open, or half-open with all probes given.
    pub fn try_call(&mut self, now_ns: u64) -> Result<Permit, BreakerOpen> {
        let open_for = self.policy.open_for;
        let left =
            open_for.saturating_sub(Duration::from_nanos(now_ns.saturating_sub(self.since_ns)));
        let all_given = match &mut self.phase {
            Phase::Closed(_) => false,
            Phase::Open => true,
            Phase::HalfOpen { given, .. } => *given == self.policy.probes,
        };
        if all_given {
            if !left.is_zero() {
                self.refused += 1;
                return Err(BreakerOpen { retry_after: left });
            }
            let half_open = Phase::HalfOpen {
                given: 0,
                succeeded: 0,
                failed: 0,
            };
            self.enter(half_open, now_ns);
        }
        if let Phase::HalfOpen { given, .. } = &mut self.phase {
            *given += 1;
        }
        Ok(Permit { phase: self.number })
    }

    /// A call that was permitted succeeded, or failed.
    pub fn on_result(&mut self, permit: Permit, succeeded: bool, now_ns: u64) {
        if permit.phase != self.number {
            return;
        }
        let policy = self.policy;
        match &mut self.phase {
            Phase::Closed(outcomes) => {
                outcomes.add(!succeeded, now_ns);
                let (calls, failures) = outcomes.counts();
                if calls >= u64::from(policy.calls_min) && reaches(policy, failures, calls) {
                    self.enter(Phase::Open, now_ns);
                }
            }
            Phase::Open => {}
            Phase::HalfOpen {
                succeeded: good,
                failed: bad,
                ..
            } => {
                *(if succeeded { &mut *good } else { &mut *bad }) += 1;
                let (good, bad, all) =
                    (u64::from(*good), u64::from(*bad), u64::from(policy.probes));
                if reaches(policy, bad, all) {
                    // Whatever the others bring, too many have failed.
                    self.enter(Phase::Open, now_ns);
                } else if good + bad == all {
                    self.enter(Phase::Closed(Outcomes::new(policy.window)), now_ns);
                }
            }
        }
    }

    /// A call that was permitted was not made, or its result does not matter. A probe's place is free again.
    pub fn on_cancel(&mut self, permit: Permit) {
        if let Phase::HalfOpen { given, .. } = &mut self.phase {
            if permit.phase == self.number {
                *given -= 1;
            }
        }
    }

    fn enter(&mut self, phase: Phase, now_ns: u64) {
        self.phase = phase;
        self.number += 1;
        self.since_ns = now_ns;
    }

    /// Its state. An open breaker becomes half-open when a call comes.
    #[must_use]
    pub const fn state(&self) -> BreakerState {
        match self.phase {
            Phase::Closed(_) => BreakerState::Closed,
            Phase::Open => BreakerState::Open,
            Phase::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    /// How many calls it has refused.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.refused
    }
}

/// Whether `failures` of `calls` are too many.
const fn reaches(policy: BreakerPolicy, failures: u64, calls: u64) -> bool {
    failures.saturating_mul(100) >= calls.saturating_mul(policy.failures_percent as u64)
}

#[cfg(test)]
mod storms;
#[cfg(test)]
mod tests;
