//! How long to wait before the next attempt: longer each time, up to a limit, and not all at once.
//!
//! ```
//! use core::time::Duration;
//! use shared_nothing::pool::supervise::{Backoff, Jitter};
//!
//! let backoff = Backoff::default().with_jitter(Jitter::None);
//! let delays: Vec<_> = (0..5).map(|attempt| backoff.delay(attempt, 0).as_millis()).collect();
//! assert_eq!(delays, [0, 10, 20, 40, 80]);
//! assert_eq!(backoff.delay(1000, 0), Duration::from_secs(1));
//! ```
//!
//! A delay is a function of the attempt and of a random number that the caller draws: the same twice for the same two.
//!
//! A backoff treats a symptom. What ends a storm of restarts is the [`Intensity`](super::Intensity), which no backoff
//! resets; but one that waits longer than a period for each restart is never seen there. Keep `limit` well below
//! `period / restarts`, or say [`with_attempts_max`](super::Supervision::with_attempts_max).
#![forbid(unsafe_code)]

use core::time::Duration;

use super::PolicyError;

/// Which part of a delay is waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Jitter {
    /// All of it: workers that crashed together come back together.
    None,
    /// A random part, from nothing to all, each as likely: they come back spread out.
    #[default]
    Full,
}

/// Delays that grow by a factor. The default is at once, then 10 ms, doubling up to 1 s, fully jittered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backoff {
    /// The delay before attempt 1. Attempt 0 is not delayed.
    pub first: Duration,
    /// How many times as long each next one is.
    pub factor: u32,
    /// No delay is longer.
    pub limit: Duration,
    /// Which part is waited.
    pub jitter: Jitter,
}

impl Backoff {
    /// No delay, ever.
    pub const NONE: Self = Self {
        first: Duration::ZERO,
        factor: 1,
        limit: Duration::ZERO,
        jitter: Jitter::None,
    };

    /// Whether delays grow.
    ///
    /// # Errors
    ///
    /// The factor is 0, or the limit is below the first delay.
    pub fn check(&self) -> Result<(), PolicyError> {
        if self.factor == 0 {
            return Err(PolicyError::new("backoff", "its factor is 0"));
        }
        if self.limit < self.first {
            return Err(PolicyError::new(
                "backoff",
                "its limit is below its first delay",
            ));
        }
        Ok(())
    }

    /// The delay before an attempt, the first of which is 0. `random` should be any number with equal chance.
    #[must_use]
    pub fn delay(&self, attempt: u32, random: u64) -> Duration {
        let Some(growths) = attempt.checked_sub(1) else {
            return Duration::ZERO;
        };
        let full = self
            .factor
            .checked_pow(growths)
            .and_then(|times| self.first.checked_mul(times))
            .map_or(self.limit, |delay| delay.min(self.limit));
        // Nothing stays nothing, however often it grows.
        let full = if self.first.is_zero() {
            Duration::ZERO
        } else {
            full
        };
        match self.jitter {
            Jitter::None => full,
            Jitter::Full => part_of(full, random),
        }
    }

    /// Sets [`first`](Self::first).
    #[must_use]
    pub const fn with_first(mut self, first: Duration) -> Self {
        self.first = first;
        self
    }

    /// Sets [`factor`](Self::factor).
    #[must_use]
    pub const fn with_factor(mut self, factor: u32) -> Self {
        self.factor = factor;
        self
    }

    /// Sets [`limit`](Self::limit).
    #[must_use]
    pub const fn with_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Sets [`jitter`](Self::jitter).
    #[must_use]
    pub const fn with_jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(10),
            factor: 2,
            limit: Duration::from_secs(1),
            jitter: Jitter::Full,
        }
    }
}

/// `whole * random / 2^64`, whole nanoseconds. Delays of over 584 years count as that.
fn part_of(whole: Duration, random: u64) -> Duration {
    let ns = whole.as_nanos().min(u128::from(u64::MAX));
    Duration::from_nanos(((ns * u128::from(random)) >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partition::hash_u64;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn delays_grow_to_the_limit_and_stay_there() {
        let plain = |first_ms, factor, limit_ms| Backoff {
            first: Duration::from_millis(first_ms),
            factor,
            limit: Duration::from_millis(limit_ms),
            jitter: Jitter::None,
        };
        let cases: &[(Backoff, [u128; 6])] = &[
            (plain(10, 2, 1000), [0, 10, 20, 40, 80, 160]),
            (plain(10, 3, 100), [0, 10, 30, 90, 100, 100]),
            (plain(7, 1, 7), [0, 7, 7, 7, 7, 7]),
            (plain(0, 2, 100), [0, 0, 0, 0, 0, 0]),
            (Backoff::NONE, [0; 6]),
        ];
        for (backoff, expected) in cases {
            let delays = [0, 1, 2, 3, 4, 5].map(|n| backoff.delay(n, u64::MAX).as_millis());
            assert_eq!(delays, *expected, "{backoff:?}");
            assert!(backoff.delay(u32::MAX, 0) <= backoff.limit);
        }
        let endless = Backoff {
            limit: Duration::MAX,
            jitter: Jitter::None,
            ..Backoff::default()
        };
        assert_eq!(endless.delay(u32::MAX, 0), Duration::MAX);
    }

    #[test]
    fn full_jitter_is_spread_evenly_and_never_exceeds_the_delay() {
        let backoff = Backoff {
            first: SECOND,
            limit: SECOND,
            ..Backoff::default()
        };
        assert_eq!(backoff.delay(1, 0), Duration::ZERO);
        assert_eq!(backoff.delay(1, 1 << 63), SECOND / 2);
        assert!(backoff.delay(1, u64::MAX) < SECOND);
        let mut tenths = [0_u32; 10];
        for draw in 0..10_000 {
            let delay = backoff.delay(1, hash_u64(draw, 1));
            tenths[(delay.as_nanos() / 100_000_000) as usize] += 1;
        }
        assert!(tenths.iter().all(|n| (900..1100).contains(n)), "{tenths:?}");
    }

    #[test]
    fn a_backoff_that_does_not_grow_is_refused() {
        let shrinking = Backoff {
            factor: 0,
            ..Backoff::default()
        };
        let capped = Backoff {
            limit: Duration::ZERO,
            ..Backoff::default()
        };
        for backoff in [shrinking, capped] {
            assert_eq!(backoff.check().unwrap_err().setting, "backoff");
        }
        assert!(Backoff::NONE.check().is_ok());
    }
}
