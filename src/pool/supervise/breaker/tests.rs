//! Tables of events.
use super::*;

const SECOND: u64 = 1_000_000_000;

fn breaker(window: BreakerWindow, calls_min: u32, probes: u32) -> Breaker {
    Breaker::new(BreakerPolicy {
        window,
        calls_min,
        probes,
        ..BreakerPolicy::default()
    })
    .expect("a policy that makes sense")
}

fn call(breaker: &mut Breaker, succeeds: bool, now_ns: u64) -> Result<(), BreakerOpen> {
    let permit = breaker.try_call(now_ns)?;
    breaker.on_result(permit, succeeds, now_ns);
    Ok(())
}

#[test]
fn the_default_opens_at_fifty_failures_of_the_last_hundred() {
    let mut breaker = Breaker::new(BreakerPolicy::default()).unwrap();
    // 99 failures are too few calls to judge; the hundredth call is not.
    for _ in 0..99 {
        call(&mut breaker, false, 0).unwrap();
        assert_eq!(breaker.state(), BreakerState::Closed);
    }
    call(&mut breaker, true, 0).unwrap();
    assert_eq!(breaker.state(), BreakerState::Open);

    let mut steady = Breaker::new(BreakerPolicy::default()).unwrap();
    for n in 0..1000 {
        // 49 of any hundred fail.
        call(&mut steady, n % 100 >= 49, 0).unwrap();
    }
    assert_eq!(steady.state(), BreakerState::Closed);
    // The oldest of the window is a failure, and so is this: no more than before. A success's place makes it 50.
    for _ in 0..49 {
        call(&mut steady, false, 0).unwrap();
    }
    assert_eq!(steady.state(), BreakerState::Closed);
    call(&mut steady, false, 0).unwrap();
    assert_eq!(steady.state(), BreakerState::Open);
}

#[test]
fn failures_in_a_row_are_a_window_of_calls() {
    let mut breaker = Breaker::new(BreakerPolicy {
        window: BreakerWindow::Calls(3),
        calls_min: 3,
        failures_percent: 100,
        ..BreakerPolicy::default()
    })
    .unwrap();
    for succeeds in [false, false, true, false, false] {
        call(&mut breaker, succeeds, 0).unwrap();
        assert_eq!(breaker.state(), BreakerState::Closed);
    }
    call(&mut breaker, false, 0).unwrap();
    assert_eq!(breaker.state(), BreakerState::Open);
}

#[test]
fn a_window_of_time_forgets_old_failures() {
    let mut breaker = breaker(BreakerWindow::Time(Duration::from_secs(10)), 4, 1);
    for _ in 0..3 {
        call(&mut breaker, false, 0).unwrap();
    }
    // Eleven seconds later they are forgotten: four calls, one of them a failure.
    for succeeds in [false, true, true, true] {
        call(&mut breaker, succeeds, 11 * SECOND).unwrap();
    }
    assert_eq!(breaker.state(), BreakerState::Closed);
    // Within ten seconds of those: 3 of 6.
    call(&mut breaker, false, 15 * SECOND).unwrap();
    assert_eq!(breaker.state(), BreakerState::Closed);
    call(&mut breaker, false, 16 * SECOND).unwrap();
    assert_eq!(breaker.state(), BreakerState::Open);
}

#[test]
fn an_open_breaker_refuses_to_the_nanosecond() {
    let mut breaker = breaker(BreakerWindow::Calls(1), 1, 2);
    call(&mut breaker, false, 5).unwrap();
    let open_ns = 60 * SECOND;
    for now_ns in [5, 6, 5 + open_ns - 1] {
        let refused = breaker.try_call(now_ns).unwrap_err();
        assert_eq!(
            refused.retry_after,
            Duration::from_nanos(5 + open_ns - now_ns)
        );
    }
    assert_eq!(breaker.refused(), 3);
    // Time alone changes nothing that can be seen; a call does.
    assert_eq!(breaker.state(), BreakerState::Open);
    let first = breaker.try_call(5 + open_ns).unwrap();
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    let second = breaker.try_call(5 + open_ns).unwrap();
    assert!(
        breaker.try_call(5 + open_ns).is_err(),
        "two probes, not three"
    );
    breaker.on_result(first, true, 5 + open_ns);
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    breaker.on_result(second, true, 5 + open_ns);
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[test]
fn probes_that_fail_open_it_again_as_soon_as_that_is_clear() {
    // Results of the probes, and the state after each.
    use BreakerState::{Closed, HalfOpen, Open};
    let cases: [(&[bool], &[BreakerState]); 3] = [
        (&[false, false], &[HalfOpen, Open]),
        (
            &[true, false, true, true],
            &[HalfOpen, HalfOpen, HalfOpen, Closed],
        ),
        (
            &[true, true, false, false],
            &[HalfOpen, HalfOpen, HalfOpen, Open],
        ),
    ];
    for (results, states) in cases {
        let mut breaker = breaker(BreakerWindow::Calls(1), 1, 4);
        call(&mut breaker, false, 0).unwrap();
        let permits: Vec<Permit> = (0..4)
            .map(|_| breaker.try_call(60 * SECOND).unwrap())
            .collect();
        for ((permit, succeeds), state) in permits.into_iter().zip(results).zip(states) {
            breaker.on_result(permit, *succeeds, 61 * SECOND);
            assert_eq!(breaker.state(), *state, "{results:?}");
        }
        if breaker.state() == Open {
            assert!(
                breaker.try_call(121 * SECOND - 1).is_err(),
                "open from then on"
            );
            assert!(breaker.try_call(121 * SECOND).is_ok());
        }
    }
}

#[test]
fn a_result_of_an_earlier_phase_changes_nothing() {
    let mut breaker = breaker(BreakerWindow::Calls(1), 1, 1);
    let early = breaker.try_call(0).unwrap();
    let other = breaker.try_call(0).unwrap();
    call(&mut breaker, false, 0).unwrap();
    breaker.on_result(early, true, 1);
    assert_eq!(breaker.state(), BreakerState::Open);
    let probe = breaker.try_call(60 * SECOND).unwrap();
    breaker.on_result(other, true, 60 * SECOND);
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    breaker.on_result(probe, true, 60 * SECOND);
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[test]
fn a_probe_that_is_cancelled_or_lost_does_not_hold_the_breaker() {
    let mut breaker = breaker(BreakerWindow::Calls(1), 1, 1);
    call(&mut breaker, false, 0).unwrap();
    let cancelled = breaker.try_call(60 * SECOND).unwrap();
    assert!(breaker.try_call(60 * SECOND).is_err());
    breaker.on_cancel(cancelled);
    let lost = breaker.try_call(61 * SECOND).unwrap();
    assert!(breaker.try_call(120 * SECOND - 1).is_err());
    let probe = breaker.try_call(120 * SECOND).unwrap();
    let also_lost = Permit { phase: lost.phase };
    breaker.on_result(lost, false, 120 * SECOND);
    breaker.on_cancel(also_lost);
    breaker.on_result(probe, true, 120 * SECOND);
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[test]
fn a_policy_that_makes_no_sense_is_refused() {
    let good = BreakerPolicy::default();
    let wrong = [
        BreakerPolicy {
            window: BreakerWindow::Calls(0),
            ..good
        },
        BreakerPolicy {
            window: BreakerWindow::Calls(1 << 17),
            ..good
        },
        BreakerPolicy {
            window: BreakerWindow::Calls(99),
            ..good
        },
        BreakerPolicy {
            window: BreakerWindow::Time(Duration::ZERO),
            ..good
        },
        BreakerPolicy {
            failures_percent: 0,
            ..good
        },
        BreakerPolicy {
            failures_percent: 101,
            ..good
        },
        BreakerPolicy {
            calls_min: 0,
            ..good
        },
        BreakerPolicy { probes: 0, ..good },
        BreakerPolicy {
            open_for: Duration::ZERO,
            ..good
        },
    ];
    for policy in wrong {
        assert_eq!(
            Breaker::new(policy).unwrap_err().setting,
            "breaker",
            "{policy:?}"
        );
    }
}
