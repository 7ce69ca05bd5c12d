//! Whom to start now, of those that wait.
//!
//! ```
//! use shared_nothing::pool::supervise::{Decision, Ending, NextStart, Strategy, Supervision, Supervisor};
//!
//! let mut supervisor = Supervisor::new(Supervision::new().with_strategy(Strategy::All), 2, 0)?;
//! assert!(matches!(supervisor.on_end(0, Ending::Panicked, 5), Decision::Restart(_)));
//! assert_eq!(supervisor.next_start(5), NextStart::None, "worker 1 still stops");
//! assert_eq!(supervisor.on_end(1, Ending::Stopped, 6), Decision::Covered);
//! assert_eq!(supervisor.next_start(6), NextStart::Now(0));
//! assert_eq!(supervisor.next_start(6), NextStart::None, "one after the other");
//! supervisor.on_start(0, 7);
//! assert_eq!(supervisor.next_start(7), NextStart::Now(1));
//! # Ok::<(), shared_nothing::pool::supervise::PolicyError>(())
//! ```
#![forbid(unsafe_code)]

use super::{Status, Strategy, Supervisor};

/// Whom to start, or when to ask again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NextStart {
    /// This worker, now. Then ask again.
    Now(usize),
    /// Nobody before this time, in nanoseconds.
    At(u64),
    /// Nobody, until something is reported.
    None,
}

impl Supervisor {
    /// The next worker to be started, as of `now_ns`. It is named once.
    ///
    /// Workers that depend on each other start in order, each when the one before it has started, and none while one of
    /// them still stops. Workers that do not are started when each is due.
    #[must_use = "a worker that is named is to be started"]
    pub fn next_start(&mut self, now_ns: u64) -> NextStart {
        let depend = self.policy.strategy != Strategy::One;
        let is_held = |status| matches!(status, Status::Stopping | Status::Starting);
        if self.is_stopping || depend && self.workers.iter().any(|seen| is_held(seen.status)) {
            return NextStart::None;
        }
        let waiting = self.workers.iter().enumerate();
        let mut waiting = waiting.filter(|(_, seen)| seen.status == Status::Waiting);
        let next = if depend {
            waiting.next()
        } else {
            waiting.min_by_key(|(_, seen)| seen.due_ns)
        };
        match next.map(|(worker, seen)| (worker, seen.due_ns)) {
            None => NextStart::None,
            Some((_, due_ns)) if due_ns > now_ns => NextStart::At(due_ns),
            Some((worker, _)) => {
                self.workers[worker].status = Status::Starting;
                NextStart::Now(worker)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{NextStart::*, *};
    use crate::pool::supervise::{
        Backoff, Decision, Ending, Escalation, Intensity, Jitter, Supervision,
    };

    const MS: u64 = 1_000_000;

    fn supervisor(strategy: Strategy, workers: usize) -> Supervisor {
        let plain = Backoff {
            jitter: Jitter::None,
            ..Backoff::default()
        };
        let policy = Supervision::new()
            .with_strategy(strategy)
            .with_backoff(plain);
        Supervisor::new(policy, workers, 0).unwrap()
    }

    fn ends(supervisor: &mut Supervisor, worker: usize, now_ns: u64) {
        let decision = supervisor.on_end(worker, Ending::Panicked, now_ns);
        assert!(matches!(decision, Decision::Restart(_)), "{decision:?}");
    }

    #[test]
    fn independent_workers_start_when_each_is_due() {
        let mut supervisor = supervisor(Strategy::One, 3);
        assert_eq!(supervisor.next_start(0), None);
        ends(&mut supervisor, 2, 0);
        assert_eq!(supervisor.next_start(0), Now(2));
        assert_eq!(supervisor.next_start(0), None);
        // Its start fails: it waits 10 ms, which keeps nobody else.
        ends(&mut supervisor, 2, 1);
        assert_eq!(supervisor.next_start(1), At(10 * MS + 1));
        ends(&mut supervisor, 0, 2);
        assert_eq!(supervisor.next_start(2), Now(0));
        // So does this one, which is due after the other for all its lower number.
        ends(&mut supervisor, 0, 5);
        assert_eq!(supervisor.next_start(10 * MS), At(10 * MS + 1));
        assert_eq!(supervisor.next_start(10 * MS + 1), Now(2));
        assert_eq!(supervisor.next_start(10 * MS + 1), At(10 * MS + 5));
    }

    #[test]
    fn dependent_workers_start_in_order_when_all_have_stopped() {
        let mut supervisor = supervisor(Strategy::Rest, 4);
        ends(&mut supervisor, 1, 0);
        for worker in [3, 2] {
            assert_eq!(supervisor.next_start(0), None);
            assert_eq!(
                supervisor.on_end(worker, Ending::Stopped, 0),
                Decision::Covered
            );
        }
        assert_eq!(supervisor.next_start(0), Now(1));
        supervisor.on_start(1, 0);
        assert_eq!(supervisor.next_start(0), Now(2));
        // It fails: the one before it runs on, the one behind waits with it.
        ends(&mut supervisor, 2, 1);
        assert_eq!(supervisor.next_start(1), Now(2));
        supervisor.on_start(2, 2);
        assert_eq!(supervisor.next_start(2), Now(3));
        supervisor.on_start(3, 3);
        assert_eq!(supervisor.next_start(u64::MAX), None);
    }

    #[test]
    fn nobody_starts_that_was_escalated_or_given_up_or_when_the_pool_stops() {
        let never = Intensity {
            restarts: 0,
            ..Intensity::default()
        };
        let policy = Supervision::new()
            .with_intensity(never)
            .with_escalation(Escalation::AskHook);
        let mut escalated = Supervisor::new(policy, 1, 0).unwrap();
        assert!(matches!(
            escalated.on_end(0, Ending::Failed, 0),
            Decision::Escalate(_)
        ));
        assert_eq!(escalated.next_start(1), None);

        let mut given_up = supervisor(Strategy::One, 1);
        ends(&mut given_up, 0, 0);
        given_up.give_up(0);
        assert_eq!(given_up.next_start(1), None);

        let mut stopping = supervisor(Strategy::One, 1);
        ends(&mut stopping, 0, 0);
        stopping.begin_stop();
        assert_eq!(stopping.next_start(1), None);
    }
}
