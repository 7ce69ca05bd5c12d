//! What a supervisor is told to do, as plain data.
#![forbid(unsafe_code)]

use core::{error::Error, fmt, time::Duration};

use super::{Backoff, Intensity};
use crate::pool::StartError;

/// Which ends of a worker are followed by a new start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Restart {
    /// All but one that was asked for.
    Permanent,
    /// A panic and an error; not an end of its own will.
    #[default]
    Transient,
    /// None. It is not started again when the end of another takes it along, either.
    Temporary,
}

impl Restart {
    /// Whether a worker that ended so is started again.
    #[must_use]
    pub const fn follows(self, ending: Ending) -> bool {
        match self {
            Self::Permanent => true,
            Self::Transient => !matches!(ending, Ending::Stopped),
            Self::Temporary => false,
        }
    }
}

/// How a worker ended that nobody told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// Of its own will, and well.
    Stopped,
    /// `init`, a handler or `shutdown` gave an error that ends the worker.
    Failed,
    /// It panicked.
    Panicked,
    /// It held its thread for too long and was given up.
    Stuck,
}

/// Who is started again with a worker that ended. Workers are in the order of their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Strategy {
    /// It alone: workers do not depend on each other. OTP's `one_for_one`.
    #[default]
    One,
    /// All: none is of use without the others. OTP's `one_for_all`.
    All,
    /// It and those after it: each depends on those before it. OTP's `rest_for_one`.
    Rest,
}

/// What is done when there are too many restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Escalation {
    /// The pool stops. What it did not handle comes back in its report.
    #[default]
    StopPool,
    /// The worker stays down; the others go on.
    GiveUpWorker,
    /// The user's hook is asked which of the two.
    AskHook,
}

/// How a pool is supervised.
///
/// ```
/// use core::time::Duration;
/// use shared_nothing::pool::supervise::{Intensity, Strategy, Supervision};
///
/// let supervision = Supervision::new()
///     .with_strategy(Strategy::Rest)
///     .with_intensity(Intensity { restarts: 3, period: Duration::from_secs(60) });
/// assert!(supervision.check().is_ok());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Supervision {
    pub(crate) restart: Restart,
    pub(crate) strategy: Strategy,
    pub(crate) intensity: Intensity,
    pub(crate) backoff: Backoff,
    pub(crate) attempts_max: Option<u32>,
    pub(crate) healthy_after: Option<Duration>,
    pub(crate) escalation: Escalation,
    pub(crate) seed: u64,
}

impl Supervision {
    /// The default: a worker that panicked or failed is started again, alone; at once the first time, later with the
    /// default [`Backoff`]; at most 5 times in 10 seconds for the whole pool, which then stops.
    pub const fn new() -> Self {
        Self {
            restart: Restart::Transient,
            strategy: Strategy::One,
            intensity: Intensity {
                restarts: 5,
                period: Duration::from_secs(10),
            },
            backoff: Backoff {
                first: Duration::from_millis(10),
                factor: 2,
                limit: Duration::from_secs(1),
                jitter: super::Jitter::Full,
            },
            attempts_max: None,
            healthy_after: None,
            escalation: Escalation::StopPool,
            seed: 0,
        }
    }

    /// No worker is ever started again: the first end of one is its last.
    pub const fn none() -> Self {
        let mut none = Self::new();
        none.restart = Restart::Temporary;
        none
    }

    /// Which ends are followed by a start, for all workers.
    pub const fn with_restart(mut self, restart: Restart) -> Self {
        self.restart = restart;
        self
    }

    /// Who is started again together.
    pub const fn with_strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// How many restarts are too many, counted for the whole pool.
    pub const fn with_intensity(mut self, intensity: Intensity) -> Self {
        self.intensity = intensity;
        self
    }

    /// How long to wait before a start.
    pub const fn with_backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// How often in a row one worker is started again before that is too many, however slowly it happens. A worker
    /// that ran for [`healthy_after`](Self::with_healthy_after) begins a new row. The default is no limit.
    pub const fn with_attempts_max(mut self, attempts: u32) -> Self {
        self.attempts_max = Some(attempts);
        self
    }

    /// How long a worker must have run for its backoff to begin anew. The default is the period of the intensity.
    /// It resets no window.
    pub const fn with_healthy_after(mut self, time: Duration) -> Self {
        self.healthy_after = Some(time);
        self
    }

    /// What is done when there are too many restarts.
    pub const fn with_escalation(mut self, escalation: Escalation) -> Self {
        self.escalation = escalation;
        self
    }

    /// The seed of the jitter: the same events give the same delays. The default is 0.
    pub const fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Whether it can be followed.
    ///
    /// # Errors
    ///
    /// The intensity or the backoff makes no sense.
    pub fn check(&self) -> Result<(), PolicyError> {
        self.intensity.check()?;
        self.backoff.check()
    }
}

impl Default for Supervision {
    fn default() -> Self {
        Self::new()
    }
}

/// A setting that cannot be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyError {
    /// The setting, as in the name of its `with_` method.
    pub setting: &'static str,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl PolicyError {
    pub(super) const fn new(setting: &'static str, reason: &'static str) -> Self {
        Self { setting, reason }
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "setting {} is invalid: {}", self.setting, self.reason)
    }
}

impl Error for PolicyError {}

impl From<PolicyError> for StartError {
    fn from(error: PolicyError) -> Self {
        Self::Invalid {
            setting: error.setting,
            reason: error.reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_restart_follows_its_ends() {
        use Ending::*;
        let cases = [
            (Restart::Permanent, [true, true, true, true]),
            (Restart::Transient, [false, true, true, true]),
            (Restart::Temporary, [false, false, false, false]),
        ];
        for (restart, expected) in cases {
            let follows = [Stopped, Failed, Panicked, Stuck].map(|end| restart.follows(end));
            assert_eq!(follows, expected, "{restart:?}");
        }
    }

    #[test]
    fn a_pool_says_the_same_of_a_wrong_policy() {
        let error = PolicyError::new("intensity", "its period is zero");
        assert_eq!(StartError::from(error).to_string(), error.to_string());
    }

    #[test]
    fn defaults_agree_and_can_be_followed() {
        let supervision = Supervision::default();
        assert_eq!(supervision.intensity, Intensity::default());
        assert_eq!(supervision.backoff, Backoff::default());
        assert!(supervision.check().is_ok());
        // With the longest delays the intensity still sees a storm.
        let slowest: Duration = (0..=5)
            .map(|n| supervision.backoff.delay(n, u64::MAX))
            .sum();
        assert!(slowest < supervision.intensity.period);
    }
}
