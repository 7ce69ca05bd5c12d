//! Random calls, results, cancellations and losses against a plain model.
use super::*;
use crate::partition::hash_u64;

const OPEN_FOR_NS: u64 = 50;

/// The same breaker, written for reading: all results of the phase in a list.
struct Model {
    state: BreakerState,
    results: Vec<bool>,
    given: u32,
    since_ns: u64,
}

impl Model {
    fn enter(&mut self, state: BreakerState, now_ns: u64) {
        *self = Self {
            state,
            results: Vec::new(),
            given: 0,
            since_ns: now_ns,
        };
    }

    fn admits(&mut self, probes: u32, now_ns: u64) -> bool {
        let is_over = now_ns - self.since_ns >= OPEN_FOR_NS;
        match self.state {
            BreakerState::Closed => return true,
            BreakerState::HalfOpen if self.given < probes => {}
            _ if is_over => self.enter(BreakerState::HalfOpen, now_ns),
            _ => return false,
        }
        self.given += 1;
        true
    }

    fn result(&mut self, policy: BreakerPolicy, window: usize, succeeded: bool, now_ns: u64) {
        self.results.push(succeeded);
        let recent = &self.results[self.results.len().saturating_sub(window)..];
        let failed = recent.iter().filter(|succeeded| !**succeeded).count();
        let percent = usize::from(policy.failures_percent);
        match self.state {
            BreakerState::Closed => {
                if recent.len() >= policy.calls_min as usize
                    && failed * 100 >= recent.len() * percent
                {
                    self.enter(BreakerState::Open, now_ns);
                }
            }
            BreakerState::HalfOpen => {
                let failed = self.results.iter().filter(|succeeded| !**succeeded).count();
                if failed * 100 >= policy.probes as usize * percent {
                    self.enter(BreakerState::Open, now_ns);
                } else if self.results.len() == policy.probes as usize {
                    self.enter(BreakerState::Closed, now_ns);
                }
            }
            BreakerState::Open => unreachable!("an open breaker has no permits"),
        }
    }
}

#[test]
fn a_breaker_agrees_with_its_model() {
    let mut entered = [0_u32; 3];
    for seed in 0..300_u64 {
        let mut draws = 0;
        let mut draw = |below: u64| {
            draws += 1;
            hash_u64(draws, seed) % below
        };
        let window = 1 + draw(12) as u32;
        let policy = BreakerPolicy {
            window: BreakerWindow::Calls(window),
            failures_percent: 1 + draw(100) as u8,
            calls_min: 1 + draw(u64::from(window)) as u32,
            open_for: Duration::from_nanos(OPEN_FOR_NS),
            probes: 1 + draw(5) as u32,
        };
        let mut breaker = Breaker::new(policy).expect("a policy that makes sense");
        let mut model = Model {
            state: BreakerState::Closed,
            results: Vec::new(),
            given: 0,
            since_ns: 0,
        };
        let (mut permits, mut now_ns, mut refused) = (Vec::new(), 0, 0);
        for _ in 0..400 {
            now_ns += draw(8);
            if draw(2) == 0 || permits.is_empty() {
                let permit = breaker.try_call(now_ns);
                assert_eq!(permit.is_ok(), model.admits(policy.probes, now_ns));
                refused += u64::from(permit.is_err());
                permits.extend(permit.ok());
            } else {
                let permit = permits.swap_remove(draw(permits.len() as u64) as usize);
                let is_current = permit.phase == breaker.number;
                match draw(8) {
                    0 => drop(permit),
                    1 => {
                        breaker.on_cancel(permit);
                        if is_current && model.state == BreakerState::HalfOpen {
                            model.given -= 1;
                        }
                    }
                    n => {
                        breaker.on_result(permit, n > 4, now_ns);
                        if is_current {
                            model.result(policy, window as usize, n > 4, now_ns);
                        }
                    }
                }
            }
            assert_eq!(breaker.state(), model.state);
            assert_eq!(breaker.refused(), refused);
            entered[model.state as usize] += 1;
        }
    }
    assert!(entered.iter().all(|count| *count > 5000), "{entered:?}");
}
