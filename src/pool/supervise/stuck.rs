//! Sees a worker that holds its thread, while it holds it.
//!
//! ```
//! use core::time::Duration;
//! use shared_nothing::pool::supervise::{Pulse, StuckPolicy, StuckWatch};
//!
//! let ms = 1_000_000;
//! let mut watch = StuckWatch::new(StuckPolicy::default(), 1)?;
//! let beat = Some(17);
//! assert_eq!(watch.look(0, beat, 0), Pulse::Busy { held: Duration::ZERO });
//! let held = Duration::from_millis(50);
//! assert_eq!(watch.look(0, beat, 50 * ms), Pulse::Slow { held, is_news: true });
//! assert_eq!(watch.look(0, Some(18), 51 * ms), Pulse::Busy { held: Duration::ZERO });
//! assert_eq!(watch.look(0, None, 52 * ms), Pulse::Idle);
//! # Ok::<(), shared_nothing::pool::supervise::PolicyError>(())
//! ```
//!
//! A worker counts its beats: one as it enters a handler, one as it leaves. Whoever watches reads the count from time to
//! time and tells it here, with the time; a count that stays is a handler that does not return. The worker reads no
//! clock for this. How late a stall is seen is how often one looks: look at least four times in `slow_after`.
//!
//! A thread cannot be killed from outside. What [`Pulse::Stuck`] is for: to send its keys elsewhere
//! ([`failover`](super::failover())), to start another worker on another thread with what is still in the mailbox, to
//! end the process, or to tell somebody.
#![forbid(unsafe_code)]

use core::time::Duration;

use super::PolicyError;

/// From when on a handler is slow, and from when on its worker is stuck. The default is 50 ms and 10 s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct StuckPolicy {
    /// A handler that has run for so long is reported.
    pub slow_after: Duration,
    /// A worker whose handler has run for so long is taken for dead.
    pub stuck_after: Duration,
}

impl StuckPolicy {
    /// Whether it can be followed.
    ///
    /// # Errors
    ///
    /// A limit is zero, or a worker would be stuck before it is slow.
    pub fn check(&self) -> Result<(), PolicyError> {
        if self.slow_after.is_zero() {
            return Err(PolicyError::new("stuck", "slow_after is zero"));
        }
        if self.stuck_after < self.slow_after {
            return Err(PolicyError::new("stuck", "stuck_after is below slow_after"));
        }
        Ok(())
    }

    /// Sets [`slow_after`](Self::slow_after).
    #[must_use]
    pub const fn with_slow_after(mut self, slow_after: Duration) -> Self {
        self.slow_after = slow_after;
        self
    }

    /// Sets [`stuck_after`](Self::stuck_after).
    #[must_use]
    pub const fn with_stuck_after(mut self, stuck_after: Duration) -> Self {
        self.stuck_after = stuck_after;
        self
    }
}

impl Default for StuckPolicy {
    fn default() -> Self {
        Self {
            slow_after: Duration::from_millis(50),
            stuck_after: Duration::from_secs(10),
        }
    }
}

/// What a look at a worker shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pulse {
    /// It runs no handler.
    Idle,
    /// It runs one, and not for long.
    Busy {
        /// For how long it was seen.
        held: Duration,
    },
    /// It runs one that takes long.
    Slow {
        /// For how long it was seen.
        held: Duration,
        /// Whether this is the first look that shows it, and so the one to report.
        is_news: bool,
    },
    /// It runs one that is not expected to end.
    Stuck {
        /// For how long it was seen.
        held: Duration,
        /// Whether this is the first look that shows it, and so the one to act on.
        is_news: bool,
    },
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    beat: u64,
    since_ns: u64,
    /// 0 nothing, 1 slow, 2 stuck.
    reported: u8,
}

/// What was last seen of each worker.
#[derive(Debug, Clone)]
pub struct StuckWatch {
    policy: StuckPolicy,
    workers: Vec<Option<Seen>>,
}

impl StuckWatch {
    /// A watch over workers `0..workers`; more are added as they are seen.
    ///
    /// # Errors
    ///
    /// The policy makes no sense.
    pub fn new(policy: StuckPolicy, workers: usize) -> Result<Self, PolicyError> {
        policy.check()?;
        Ok(Self {
            policy,
            workers: vec![None; workers],
        })
    }

    /// A look at a worker: its beat while it runs a handler, `None` while it runs none.
    #[must_use]
    pub fn look(&mut self, worker: usize, beat: Option<u64>, now_ns: u64) -> Pulse {
        if worker >= self.workers.len() {
            self.workers.resize(worker + 1, None);
        }
        let place = &mut self.workers[worker];
        let Some(beat) = beat else {
            *place = None;
            return Pulse::Idle;
        };
        let fresh = Seen {
            beat,
            since_ns: now_ns,
            reported: 0,
        };
        let seen = place.get_or_insert(fresh);
        if seen.beat != beat {
            *seen = fresh;
        }
        let held = Duration::from_nanos(now_ns.saturating_sub(seen.since_ns));
        let level =
            u8::from(held >= self.policy.slow_after) + u8::from(held >= self.policy.stuck_after);
        let is_news = level > seen.reported;
        seen.reported = seen.reported.max(level);
        match level {
            0 => Pulse::Busy { held },
            1 => Pulse::Slow { held, is_news },
            _ => Pulse::Stuck { held, is_news },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(slow_ns: u64, stuck_ns: u64) -> StuckWatch {
        let policy = StuckPolicy {
            slow_after: Duration::from_nanos(slow_ns),
            stuck_after: Duration::from_nanos(stuck_ns),
        };
        StuckWatch::new(policy, 1).unwrap()
    }

    const fn held(ns: u64) -> Duration {
        Duration::from_nanos(ns)
    }

    #[test]
    fn a_stall_is_reported_once_slow_and_once_stuck() {
        let mut watch = watch(10, 30);
        let table = [
            (0, Some(1), Pulse::Busy { held: held(0) }),
            (9, Some(1), Pulse::Busy { held: held(9) }),
            (
                10,
                Some(1),
                Pulse::Slow {
                    held: held(10),
                    is_news: true,
                },
            ),
            (
                29,
                Some(1),
                Pulse::Slow {
                    held: held(29),
                    is_news: false,
                },
            ),
            (
                30,
                Some(1),
                Pulse::Stuck {
                    held: held(30),
                    is_news: true,
                },
            ),
            (
                99,
                Some(1),
                Pulse::Stuck {
                    held: held(99),
                    is_news: false,
                },
            ),
            // It came through, and the next one stalls at once.
            (100, Some(3), Pulse::Busy { held: held(0) }),
            (
                140,
                Some(3),
                Pulse::Stuck {
                    held: held(40),
                    is_news: true,
                },
            ),
            (141, None, Pulse::Idle),
            // The same beat after an idle look is another handler: time begins anew.
            (150, Some(3), Pulse::Busy { held: held(0) }),
            (140, Some(3), Pulse::Busy { held: held(0) }),
        ];
        for (at, (now_ns, beat, expected)) in table.into_iter().enumerate() {
            assert_eq!(watch.look(0, beat, now_ns), expected, "look {at}");
        }
    }

    #[test]
    fn workers_are_watched_apart_and_new_ones_too() {
        let mut watch = watch(10, 10);
        assert_eq!(watch.look(0, Some(1), 0), Pulse::Busy { held: held(0) });
        assert_eq!(watch.look(7, Some(1), 10), Pulse::Busy { held: held(0) });
        assert_eq!(
            watch.look(0, Some(1), 10),
            Pulse::Stuck {
                held: held(10),
                is_news: true
            }
        );
    }

    #[test]
    fn a_policy_that_makes_no_sense_is_refused() {
        for (slow_ns, stuck_ns) in [(0, 1), (2, 1)] {
            let policy = StuckPolicy {
                slow_after: held(slow_ns),
                stuck_after: held(stuck_ns),
            };
            assert_eq!(StuckWatch::new(policy, 1).unwrap_err().setting, "stuck");
        }
    }
}
