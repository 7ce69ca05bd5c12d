//! Whether a call that failed is made again, and when.
//!
//! ```
//! use core::time::Duration;
//! use shared_nothing::pool::supervise::{Retry, RetryEnd, RetryVerdict};
//!
//! let retry = Retry::new().with_attempts(3).with_deadline(Duration::from_secs(1));
//! let (first_ns, random) = (0, 0);
//! assert_eq!(retry.after_failure(1, first_ns, 5_000, random), RetryVerdict::Again { after: Duration::ZERO });
//! assert_eq!(retry.after_failure(3, first_ns, 9_000, random), RetryVerdict::GiveUp(RetryEnd::Attempts));
//! ```
//!
//! Retry what was not delivered. What was delivered with an unknown outcome may happen twice: retry it only if that is
//! harmless.
#![forbid(unsafe_code)]

use core::time::Duration;

use super::{Backoff, PolicyError};

/// How often and how long a call is tried. The default is 3 attempts with the default [`Backoff`] and no deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Retry {
    attempts: u32,
    backoff: Backoff,
    deadline: Option<Duration>,
}

/// What follows an attempt that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RetryVerdict {
    /// Another attempt.
    Again {
        /// How long to wait before it, from now.
        after: Duration,
    },
    /// None.
    GiveUp(RetryEnd),
}

/// Why there is no further attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RetryEnd {
    /// All were made.
    Attempts,
    /// The next one would begin at the deadline or after it.
    Deadline,
}

impl Retry {
    /// The default.
    pub const fn new() -> Self {
        Self {
            attempts: 3,
            backoff: Backoff {
                first: Duration::from_millis(10),
                factor: 2,
                limit: Duration::from_secs(1),
                jitter: super::Jitter::Full,
            },
            deadline: None,
        }
    }

    /// How many attempts, the first among them.
    pub const fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// How long to wait before each further one. The second attempt waits for the backoff's first delay.
    pub const fn with_backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// How long after the first attempt began the last one may begin.
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Whether it can be followed.
    ///
    /// # Errors
    ///
    /// There is no attempt at all, or the backoff makes no sense.
    pub fn check(&self) -> Result<(), PolicyError> {
        if self.attempts == 0 {
            return Err(PolicyError::new("retry", "it has no attempt"));
        }
        self.backoff.check()
    }

    /// Attempt number `made`, counted from 1, failed at `now_ns`; the first began at `first_ns`.
    #[must_use]
    pub fn after_failure(
        &self,
        made: u32,
        first_ns: u64,
        now_ns: u64,
        random: u64,
    ) -> RetryVerdict {
        if made >= self.attempts {
            return RetryVerdict::GiveUp(RetryEnd::Attempts);
        }
        let after = self.backoff.delay(made, random);
        let begins = Duration::from_nanos(now_ns.saturating_sub(first_ns)).saturating_add(after);
        if self.deadline.is_some_and(|deadline| begins >= deadline) {
            return RetryVerdict::GiveUp(RetryEnd::Deadline);
        }
        RetryVerdict::Again { after }
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::supervise::Jitter;

    const MS: u64 = 1_000_000;

    #[test]
    fn attempts_and_deadline_are_exact() {
        let plain = Backoff {
            jitter: Jitter::None,
            ..Backoff::default()
        };
        let retry = Retry::new().with_attempts(4).with_backoff(plain);
        let retry = retry.with_deadline(Duration::from_millis(100));
        let again = |ms| RetryVerdict::Again {
            after: Duration::from_millis(ms),
        };
        let table = [
            (1, 0, again(10)),
            (1, 90 * MS - 1, again(10)),
            (1, 90 * MS, RetryVerdict::GiveUp(RetryEnd::Deadline)),
            (2, 50 * MS, again(20)),
            (3, 50 * MS, again(40)),
            (3, 60 * MS, RetryVerdict::GiveUp(RetryEnd::Deadline)),
            (4, 0, RetryVerdict::GiveUp(RetryEnd::Attempts)),
            (
                u32::MAX,
                u64::MAX / 2,
                RetryVerdict::GiveUp(RetryEnd::Attempts),
            ),
        ];
        for (made, after_ns, expected) in table {
            let first_ns = 1000;
            let verdict = retry.after_failure(made, first_ns, first_ns + after_ns, 0);
            assert_eq!(verdict, expected, "attempt {made} at {after_ns}");
        }
    }

    #[test]
    fn without_a_deadline_only_attempts_count() {
        let retry = Retry::new().with_backoff(Backoff::NONE);
        let verdict = retry.after_failure(2, 0, u64::MAX, 1);
        assert_eq!(
            verdict,
            RetryVerdict::Again {
                after: Duration::ZERO
            }
        );
    }

    #[test]
    fn no_attempt_is_no_policy() {
        assert_eq!(
            Retry::new().with_attempts(0).check().unwrap_err().setting,
            "retry"
        );
        assert!(Retry::new().check().is_ok());
    }
}
