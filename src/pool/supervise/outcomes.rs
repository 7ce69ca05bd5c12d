//! What became of the calls of a breaker's window.
#![forbid(unsafe_code)]

use core::time::Duration;

use super::BreakerWindow;

/// A window of time is forgotten in so many steps.
const STEPS: usize = 10;

/// Calls and failures in a window of either kind.
#[derive(Debug, Clone)]
pub(super) enum Outcomes {
    Calls {
        /// One bit a call, 1 for a failure, used round and round.
        failed: Box<[u64]>,
        capacity: u64,
        calls: u64,
        failures: u64,
    },
    Time {
        step_ns: u64,
        /// The step that was added to last; that of place `step % STEPS`.
        step: u64,
        calls: [u64; STEPS],
        failures: [u64; STEPS],
    },
}

impl Outcomes {
    pub(super) fn new(window: BreakerWindow) -> Self {
        match window {
            BreakerWindow::Calls(capacity) => Self::Calls {
                failed: vec![0; capacity.div_ceil(64) as usize].into(),
                capacity: u64::from(capacity),
                calls: 0,
                failures: 0,
            },
            BreakerWindow::Time(time) => Self::Time {
                step_ns: step_of(time),
                step: 0,
                calls: [0; STEPS],
                failures: [0; STEPS],
            },
        }
    }

    pub(super) fn add(&mut self, has_failed: bool, now_ns: u64) {
        match self {
            Self::Calls {
                failed,
                capacity,
                calls,
                failures,
            } => {
                let place = *calls % *capacity;
                let (word, bit) = (&mut failed[(place / 64) as usize], 1 << (place % 64));
                // The place holds the oldest call, or 0 on the first lap.
                *failures -= u64::from(*word & bit != 0);
                *failures += u64::from(has_failed);
                *word = if has_failed {
                    *word | bit
                } else {
                    *word & !bit
                };
                *calls += 1;
            }
            Self::Time {
                step_ns,
                step,
                calls,
                failures,
            } => {
                // A clock that steps back adds to the last step.
                let now = (now_ns / *step_ns).max(*step);
                for passed in (*step + 1..=now).take(STEPS) {
                    calls[passed as usize % STEPS] = 0;
                    failures[passed as usize % STEPS] = 0;
                }
                *step = now;
                calls[now as usize % STEPS] += 1;
                failures[now as usize % STEPS] += u64::from(has_failed);
            }
        }
    }

    /// Calls in the window, and failures among them, as of the last call.
    pub(super) fn counts(&self) -> (u64, u64) {
        match self {
            Self::Calls {
                capacity,
                calls,
                failures,
                ..
            } => ((*calls).min(*capacity), *failures),
            Self::Time {
                calls, failures, ..
            } => (calls.iter().sum(), failures.iter().sum()),
        }
    }
}

fn step_of(time: Duration) -> u64 {
    let ns = time.as_nanos() / STEPS as u128;
    u64::try_from(ns).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::partition::hash_u64;

    #[test]
    fn the_bits_agree_with_a_list() {
        for capacity in [1, 2, 63, 64, 65, 100] {
            let mut outcomes = Outcomes::new(BreakerWindow::Calls(capacity));
            let mut list = VecDeque::new();
            for call in 0..1000 {
                let has_failed = hash_u64(call, u64::from(capacity)) % 3 == 0;
                outcomes.add(has_failed, 0);
                list.push_back(has_failed);
                if list.len() > capacity as usize {
                    list.pop_front();
                }
                let failures = list.iter().filter(|failed| **failed).count();
                assert_eq!(outcomes.counts(), (list.len() as u64, failures as u64));
            }
        }
    }

    #[test]
    fn the_steps_agree_with_a_list() {
        let mut outcomes = Outcomes::new(BreakerWindow::Time(Duration::from_nanos(100)));
        let (mut list, mut now) = (Vec::new(), 0);
        for call in 0..1000 {
            now += hash_u64(call, 0) % 40 * (hash_u64(call, 1) % 8);
            let has_failed = hash_u64(call, 2) % 2 == 0;
            outcomes.add(has_failed, now);
            list.push((now / 10, has_failed));
            let recent = list.iter().filter(|(step, _)| step + 10 > now / 10);
            let failures = recent.clone().filter(|(_, failed)| *failed).count();
            assert_eq!(
                outcomes.counts(),
                (recent.count() as u64, failures as u64),
                "call {call}"
            );
        }
    }
}
