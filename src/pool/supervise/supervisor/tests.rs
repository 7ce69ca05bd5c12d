//! Tables of events.
use Decision::{Covered, Escalate};
use Ending::{Failed, Panicked, Stopped, Stuck};

use super::*;
use crate::pool::supervise::{Backoff, Intensity, Jitter};

const MS: u64 = 1_000_000;
const SECOND: u64 = 1000 * MS;

fn restart(stop: &[usize], start: &[usize], after_ms: u64) -> Decision {
    Decision::Restart(RestartPlan {
        stop: stop.to_vec(),
        start: start.to_vec(),
        after: Duration::from_millis(after_ms),
    })
}

const NOT_RESTARTED: Decision = Decision::GiveUp(GiveUpReason::NotRestarted);
const TOO_MANY: Decision = Decision::GiveUp(GiveUpReason::TooManyRestarts);

/// Delays of 0, 10, 20, 40 and so on milliseconds, without jitter.
fn plain() -> Supervision {
    Supervision::new().with_backoff(Backoff {
        jitter: Jitter::None,
        ..Backoff::default()
    })
}

fn supervisor(policy: Supervision, workers: usize) -> Supervisor {
    Supervisor::new(policy, workers, 0).expect("a policy that makes sense")
}

enum Event {
    Start(usize),
    End(usize, Ending, Decision),
}
use Event::{End, Start};

fn play(mut supervisor: Supervisor, events: Vec<(u64, Event)>) -> Supervisor {
    for (at, (now_ns, event)) in events.into_iter().enumerate() {
        match event {
            Start(worker) => supervisor.on_start(worker, now_ns),
            End(worker, ending, expected) => {
                assert_eq!(
                    supervisor.on_end(worker, ending, now_ns),
                    expected,
                    "event {at}"
                );
            }
        }
    }
    supervisor
}

#[test]
fn one_restarts_the_one_that_ended() {
    let seen = play(
        supervisor(plain(), 3),
        vec![
            (1, End(1, Panicked, restart(&[], &[1], 0))),
            (2, Start(1)),
            (3, End(0, Failed, restart(&[], &[0], 0))),
            (4, Start(0)),
            (5, End(2, Stopped, NOT_RESTARTED)),
            (6, End(2, Stopped, Covered)),
            (7, End(1, Stuck, restart(&[], &[1], 10))),
            (8, End(99, Panicked, Covered)),
        ],
    );
    assert_eq!([0, 1, 2, 99].map(|n| seen.restarts(n)), [1, 2, 0, 0]);
    assert_eq!(
        [0, 1, 2, 99].map(|n| seen.is_given_up(n)),
        [false, false, true, true]
    );
}

#[test]
fn all_stops_the_others_backwards_and_starts_all_forwards() {
    let policy = plain().with_strategy(Strategy::All);
    play(
        supervisor(policy, 4),
        vec![
            (1, End(1, Panicked, restart(&[3, 2, 0], &[0, 1, 2, 3], 0))),
            (2, End(3, Stopped, Covered)),
            // A sibling that panics as it stops is covered, too: it is one event.
            (3, End(2, Panicked, Covered)),
            (4, End(0, Stopped, Covered)),
            (5, Start(0)),
            (6, Start(1)),
            // A start that fails, when two are not yet started again: only those that run are stopped.
            (7, End(1, Failed, restart(&[0], &[0, 1, 2, 3], 10))),
            (8, End(0, Stopped, Covered)),
            (9, Start(0)),
            (9, Start(1)),
            (9, Start(2)),
            (9, Start(3)),
            (10, End(3, Panicked, restart(&[2, 1, 0], &[0, 1, 2, 3], 0))),
        ],
    );
}

#[test]
fn rest_restarts_those_that_started_later() {
    let policy = plain().with_strategy(Strategy::Rest);
    play(
        supervisor(policy, 4),
        vec![
            (1, End(2, Panicked, restart(&[3], &[2, 3], 0))),
            // One before them ends while the last still stops: it is not told twice.
            (2, End(1, Panicked, restart(&[], &[1, 2, 3], 0))),
            (3, End(3, Stopped, Covered)),
            (4, Start(1)),
            (4, Start(2)),
            (4, Start(3)),
            (5, End(3, Panicked, restart(&[], &[3], 0))),
        ],
    );
}

#[test]
fn a_temporary_worker_taken_along_stays_down() {
    let mut of_three = supervisor(plain().with_strategy(Strategy::All), 3);
    of_three.set_restart(2, Restart::Temporary);
    let seen = play(
        of_three,
        vec![
            (1, End(0, Panicked, restart(&[2, 1], &[0, 1], 0))),
            (2, End(2, Stopped, Covered)),
            (3, End(1, Stopped, Covered)),
        ],
    );
    assert!(seen.is_given_up(2));
    let none = supervisor(Supervision::none(), 1);
    play(none, vec![(1, End(0, Panicked, NOT_RESTARTED))]);
    let permanent = plain().with_restart(Restart::Permanent);
    play(
        supervisor(permanent, 1),
        vec![(1, End(0, Stopped, restart(&[], &[0], 0)))],
    );
}

#[test]
fn h14_a_storm_is_ended_at_the_event_after_the_limit() {
    // Five in ten seconds, by different workers, with delays in between: the sixth is one too many, to the nanosecond.
    let storm = |last_ns| {
        let mut events = Vec::new();
        for n in 0..5 {
            events.push((
                n * SECOND,
                End(n as usize, Panicked, restart(&[], &[n as usize], 0)),
            ));
            events.push((n * SECOND + 1, Start(n as usize)));
        }
        let (mut supervisor, worker) = (play(supervisor(plain(), 6), events), 5);
        supervisor.on_end(worker, Panicked, last_ns)
    };
    let expected = Escalated {
        worker: 5,
        ending: Panicked,
        recent: 5,
        in_a_row: 0,
        how: Escalation::StopPool,
    };
    assert_eq!(storm(10 * SECOND - 1), Escalate(expected));
    assert_eq!(storm(10 * SECOND), restart(&[], &[5], 0));
}

#[test]
fn h14_a_backoff_that_begins_anew_does_not_reset_the_window() {
    // Healthy after a millisecond: the delay is reset each time, the window never.
    let policy = plain().with_healthy_after(Duration::from_millis(1));
    let mut supervisor = supervisor(policy, 1);
    for n in 0..5 {
        let now_ns = n * SECOND;
        assert_eq!(
            supervisor.on_end(0, Panicked, now_ns),
            restart(&[], &[0], 0)
        );
        supervisor.on_start(0, now_ns + MS);
    }
    assert!(matches!(
        supervisor.on_end(0, Panicked, 5 * SECOND),
        Escalate(_)
    ));
    // Nor does an escalation that let it wait.
    supervisor.on_start(0, 6 * SECOND);
    assert!(matches!(
        supervisor.on_end(0, Panicked, 9 * SECOND),
        Escalate(_)
    ));
    assert_eq!(
        supervisor.on_end(0, Panicked, 10 * SECOND),
        restart(&[], &[0], 0)
    );
}

#[test]
fn delays_grow_in_a_row_and_begin_anew_after_a_healthy_run() {
    let wide = Intensity {
        restarts: 100,
        period: Duration::from_secs(10),
    };
    let policy = plain()
        .with_intensity(wide)
        .with_healthy_after(Duration::from_secs(1));
    let mut supervisor = supervisor(policy, 1);
    // Run time before each end, and the delay after it.
    let rows = [
        (5 * SECOND, 0),
        (0, 10),
        (999 * MS, 20),
        (10, 40),
        (SECOND, 0),
        (1, 10),
    ];
    let mut now_ns = 0;
    for (ran_ns, after_ms) in rows {
        now_ns += ran_ns;
        assert_eq!(
            supervisor.on_end(0, Panicked, now_ns),
            restart(&[], &[0], after_ms)
        );
        now_ns += after_ms * MS;
        supervisor.on_start(0, now_ns);
    }
    // A start that fails was never healthy, however long it waited.
    assert_eq!(supervisor.on_end(0, Failed, now_ns), restart(&[], &[0], 20));
    now_ns += 60 * SECOND;
    assert_eq!(supervisor.on_end(0, Failed, now_ns), restart(&[], &[0], 40));
}

#[test]
fn too_many_in_a_row_is_seen_however_slow_the_backoff() {
    let policy = plain()
        .with_attempts_max(3)
        .with_escalation(Escalation::GiveUpWorker);
    let minute = 60 * SECOND;
    let events = vec![
        (minute, End(0, Panicked, restart(&[], &[0], 0))),
        (2 * minute, End(0, Failed, restart(&[], &[0], 10))),
        (3 * minute, End(0, Failed, restart(&[], &[0], 20))),
        (4 * minute, End(0, Failed, TOO_MANY)),
        (4 * minute, End(1, Failed, restart(&[], &[1], 0))),
    ];
    let mut seen = play(supervisor(policy, 2), events);
    seen.on_start(0, 5 * minute);
    assert!(
        seen.is_given_up(0),
        "a start of one given up changes nothing"
    );
}

#[test]
fn an_escalation_asks_and_is_answered() {
    let never = Intensity {
        restarts: 0,
        ..Intensity::default()
    };
    let policy = plain()
        .with_intensity(never)
        .with_escalation(Escalation::AskHook);
    let mut supervisor = supervisor(policy, 2);
    let Escalate(escalated) = supervisor.on_end(1, Failed, 7) else {
        panic!("no restart is allowed")
    };
    assert_eq!((escalated.worker, escalated.how), (1, Escalation::AskHook));
    supervisor.give_up(1);
    assert_eq!(supervisor.on_end(1, Failed, 8), Covered);
    supervisor.begin_stop();
    assert_eq!(supervisor.on_end(0, Panicked, 9), Covered);
}

#[test]
fn a_worker_that_was_added_is_supervised_and_one_removed_is_not() {
    let mut supervisor = supervisor(plain(), 1);
    assert_eq!(supervisor.add_worker(5), 1);
    assert_eq!(supervisor.on_end(1, Panicked, 6), restart(&[], &[1], 0));
    supervisor.give_up(0);
    assert_eq!(supervisor.on_end(0, Stopped, 7), Covered);
}

#[test]
fn the_same_events_and_seed_give_the_same_delays() {
    let delays = |seed| {
        let many = Intensity {
            restarts: 100,
            ..Intensity::default()
        };
        let policy = Supervision::new().with_seed(seed).with_intensity(many);
        let mut supervisor = supervisor(policy, 1);
        let ends = (0..20).map(|n| match supervisor.on_end(0, Failed, n) {
            Decision::Restart(plan) => plan.after,
            other => panic!("{other:?}"),
        });
        ends.collect::<Vec<_>>()
    };
    assert_eq!(delays(1), delays(1));
    assert_ne!(delays(1), delays(2));
    assert!(
        delays(1)
            .iter()
            .all(|delay| *delay <= Duration::from_secs(1))
    );
}

#[test]
fn a_policy_that_makes_no_sense_is_refused() {
    let factor = Backoff {
        factor: 0,
        ..Backoff::default()
    };
    let error = Supervisor::new(Supervision::new().with_backoff(factor), 1, 0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "setting backoff is invalid: its factor is 0"
    );
}
