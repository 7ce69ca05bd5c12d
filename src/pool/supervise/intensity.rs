//! How many restarts are too many: a sliding window of exact times.
//!
//! ```
//! use core::time::Duration;
//! use shared_nothing::pool::supervise::{Intensity, Window};
//!
//! let second = 1_000_000_000;
//! let mut window = Window::new(Intensity { restarts: 2, period: Duration::from_secs(10) });
//! assert!(window.grant(0));
//! assert!(window.grant(9 * second));
//! assert!(!window.grant(10 * second - 1), "two were granted in the ten seconds before");
//! assert!(window.grant(10 * second), "the first is ten seconds old, and out");
//! ```
//!
//! The window holds the time of every restart that it granted, so the limit is exact to the event. A count that starts
//! again after a pause would grant too few to a worker that crashes rarely, and a fixed frame would grant twice the
//! limit around its border.
//!
//! Nothing but time empties a window: no backoff, no success, no other worker.
#![forbid(unsafe_code)]

use core::time::Duration;
use std::collections::VecDeque;

use super::PolicyError;

/// At most `restarts` in any `period`. The default is 5 in 10 seconds.
///
/// It counts events, not workers: when the end of one restarts eight, that is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intensity {
    /// How many restarts are granted in a period. 0 restarts nothing.
    pub restarts: u32,
    /// How long a granted restart counts. It is out of the window when it is exactly so old.
    pub period: Duration,
}

/// The most restarts that a window remembers: 512 KiB.
const RESTARTS_MAX: u32 = 1 << 16;

impl Intensity {
    /// Whether a window can be kept.
    ///
    /// # Errors
    ///
    /// The period is zero, or more than 65536 restarts are allowed in it.
    pub const fn check(&self) -> Result<(), PolicyError> {
        if self.period.is_zero() {
            return Err(PolicyError::new("intensity", "its period is zero"));
        }
        if self.restarts > RESTARTS_MAX {
            return Err(PolicyError::new(
                "intensity",
                "more than 65536 restarts in a period",
            ));
        }
        Ok(())
    }
}

impl Default for Intensity {
    fn default() -> Self {
        Self {
            restarts: 5,
            period: Duration::from_secs(10),
        }
    }
}

/// The restarts that were granted in the last period.
#[derive(Debug, Clone)]
pub struct Window {
    intensity: Intensity,
    /// Rising.
    granted_ns: VecDeque<u64>,
}

impl Window {
    /// An empty window.
    #[must_use]
    pub const fn new(intensity: Intensity) -> Self {
        Self {
            intensity,
            granted_ns: VecDeque::new(),
        }
    }

    /// Grants a restart at `now_ns`, or says that it would be one too many; that one does not count.
    ///
    /// A time before that of the last grant is taken as that.
    #[must_use]
    pub fn grant(&mut self, now_ns: u64) -> bool {
        let now_ns = self
            .granted_ns
            .back()
            .map_or(now_ns, |last| now_ns.max(*last));
        if self.len_at(now_ns) >= self.intensity.restarts as usize {
            return false;
        }
        self.granted_ns.push_back(now_ns);
        true
    }

    /// How many restarts were granted in the period before `now_ns`.
    #[must_use]
    pub fn len_at(&mut self, now_ns: u64) -> usize {
        let period = self.intensity.period;
        while let Some(oldest) = self.granted_ns.front() {
            if Duration::from_nanos(now_ns.saturating_sub(*oldest)) < period {
                break;
            }
            self.granted_ns.pop_front();
        }
        self.granted_ns.len()
    }

    /// What it is held to.
    #[must_use]
    pub const fn intensity(&self) -> Intensity {
        self.intensity
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(restarts: u32, period_ns: u64) -> Window {
        Window::new(Intensity {
            restarts,
            period: Duration::from_nanos(period_ns),
        })
    }

    /// Limit, period, and (time, granted).
    type Case = (u32, u64, &'static [(u64, bool)]);

    #[test]
    fn h14_the_limit_is_exact_to_the_event() {
        let cases: &[Case] = &[
            (0, 10, &[(0, false), (100, false)]),
            (
                1,
                10,
                &[(0, true), (9, false), (10, true), (19, false), (20, true)],
            ),
            (
                3,
                10,
                &[
                    (5, true),
                    (5, true),
                    (5, true),
                    (5, false),
                    (14, false),
                    (15, true),
                ],
            ),
            // Around the border of a fixed frame of ten, twice the limit would pass.
            (
                2,
                10,
                &[
                    (8, true),
                    (9, true),
                    (10, false),
                    (11, false),
                    (18, true),
                    (19, true),
                    (20, false),
                ],
            ),
            // A count that starts again after a gap would refuse the third of a worker that crashes at 0.9 periods.
            (
                2,
                10,
                &[(0, true), (9, true), (18, true), (27, true), (36, true)],
            ),
            // A clock that steps back.
            (
                2,
                10,
                &[(20, true), (5, true), (6, false), (29, false), (30, true)],
            ),
        ];
        for (restarts, period_ns, events) in cases {
            let mut window = window(*restarts, *period_ns);
            for (at, (now_ns, granted)) in events.iter().enumerate() {
                assert_eq!(
                    window.grant(*now_ns),
                    *granted,
                    "{restarts} in {period_ns}, event {at}"
                );
            }
        }
    }

    #[test]
    fn no_period_ever_holds_more_than_the_limit() {
        for seed in 0..200 {
            let mut window = window(4, 100);
            let (mut now, mut granted) = (0, Vec::new());
            for event in 0..300 {
                now += crate::partition::hash_u64(event, seed) % 60;
                if window.grant(now) {
                    granted.push(now);
                } else {
                    let recent = granted.iter().filter(|at| now - **at < 100).count();
                    assert_eq!(recent, 4, "refused only when full");
                }
            }
            for five in granted.windows(5) {
                assert!(five[4] - five[0] >= 100, "{five:?}");
            }
        }
    }

    #[test]
    fn a_window_that_cannot_be_is_refused() {
        let never = Intensity {
            restarts: 1,
            period: Duration::ZERO,
        };
        assert_eq!(never.check().unwrap_err().setting, "intensity");
        let many = Intensity {
            restarts: u32::MAX,
            ..Intensity::default()
        };
        assert!(many.check().is_err());
        assert!(Intensity::default().check().is_ok());
        // The longest period there is never ends.
        let mut window = Window::new(Intensity {
            restarts: 1,
            period: Duration::MAX,
        });
        assert!(window.grant(0));
        assert!(!window.grant(u64::MAX));
    }
}
