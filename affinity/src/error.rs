//! What went wrong: the operation, the kernel's own number, and what the caller can do about it.

#![forbid(unsafe_code)]

use core::fmt;
use std::io;

use crate::budget::CPUS_VARIABLE;
use crate::cpuset::CpuSet;
use crate::id::CpuId;
use crate::placement::Shortfall;

/// The operating system refused an operation, or does not have it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The operation failed. Its manual page says what the number means.
    Os {
        /// The system call or library function.
        operation: &'static str,
        /// The error number it left.
        errno: i32,
    },
    /// This platform has no such operation. Go on without, or say so to the user; asking again will not help.
    Unsupported {
        /// What was asked for.
        operation: &'static str,
    },
}

impl Error {
    /// The system call or function that was refused.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        match self {
            Self::Os { operation, .. } | Self::Unsupported { operation } => operation,
        }
    }

    /// The kernel's error number, if the kernel was asked.
    #[must_use]
    pub fn errno(&self) -> Option<i32> {
        match self {
            Self::Os { errno, .. } => Some(*errno),
            Self::Unsupported { .. } => None,
        }
    }

    /// What the caller can do about it, where more is to be said than the manual page of the operation says.
    ///
    /// ```
    /// use shared_nothing_affinity::Error;
    ///
    /// let denied = Error::Os { operation: "sched_setscheduler", errno: 1 };
    /// assert_eq!(denied.remedy(), Some("it takes CAP_SYS_NICE or `ulimit -r`"));
    /// assert!(denied.to_string().ends_with("; it takes CAP_SYS_NICE or `ulimit -r`"));
    /// ```
    #[must_use]
    pub fn remedy(&self) -> Option<&'static str> {
        const EPERM: i32 = 1;
        const ENOMEM: i32 = 12;
        const EACCES: i32 = 13;
        const ERANGE: i32 = 34;
        let Self::Os { operation, errno } = self else {
            return Some("go on without it");
        };
        match (*operation, *errno) {
            ("sched_setscheduler", EPERM) => Some("it takes CAP_SYS_NICE or `ulimit -r`"),
            ("setpriority", EPERM | EACCES) => Some("it takes CAP_SYS_NICE or `ulimit -e`"),
            ("mlock", EPERM | ENOMEM) => Some("it takes CAP_IPC_LOCK or a larger `ulimit -l`"),
            ("mbind" | "move_pages", EPERM) => Some("a container's seccomp profile may forbid it"),
            ("pthread_setname_np", ERANGE) => Some("a name has at most 15 bytes"),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Os { operation, errno } => {
                let said = io::Error::from_raw_os_error(*errno);
                write!(f, "{operation} failed: {said}")?;
            }
            Self::Unsupported { operation } => {
                write!(f, "{operation} is not supported on this platform")?;
            }
        }
        match self.remedy() {
            Some(remedy) => write!(f, "; {remedy}"),
            None => Ok(()),
        }
    }
}

impl core::error::Error for Error {}

/// Why a thread was not pinned. The thread's mask is then as it was before.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PinError {
    /// This machine has no such CPU, and no room for one to be plugged in.
    NoSuchCpu {
        /// The CPU asked for.
        cpu: CpuId,
    },
    /// The CPU exists and is switched off.
    Offline {
        /// The CPU asked for.
        cpu: CpuId,
    },
    /// The CPU exists, and was not given to this thread: its mask, or the container's cpuset, leaves it out.
    NotInMask {
        /// The CPU asked for.
        cpu: CpuId,
        /// What the thread may use: choose from these.
        mask: CpuSet,
    },
    /// The operating system refused for another reason.
    Os(Error),
}

impl fmt::Display for PinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchCpu { cpu } => {
                write!(f, "cannot pin to cpu {cpu}: this machine has no such cpu")
            }
            Self::Offline { cpu } => write!(f, "cannot pin to cpu {cpu}: it is offline"),
            Self::NotInMask { cpu, mask } => {
                write!(
                    f,
                    "cannot pin to cpu {cpu}: this thread may use {mask} only"
                )
            }
            Self::Os(error) => write!(f, "cannot pin: {error}"),
        }
    }
}

impl core::error::Error for PinError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Os(error) => Some(error),
            _ => None,
        }
    }
}

impl From<Error> for PinError {
    fn from(error: Error) -> Self {
        Self::Os(error)
    }
}

/// Why there is no CPU budget.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BudgetError {
    /// The affinity mask could not be read.
    Mask(Error),
    /// The affinity mask given has no CPU.
    EmptyMask,
    /// [`CPUS_VARIABLE`](crate::CPUS_VARIABLE) is neither a number of workers nor a list of CPUs.
    Variable(ParseCpuSetError),
    /// The variable asks for no worker at all.
    NoWorkers,
    /// The variable lists CPUs that this process may not use.
    NotUsable {
        /// What the variable lists.
        wanted: CpuSet,
        /// What it may choose from.
        usable: CpuSet,
    },
}

impl fmt::Display for BudgetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mask(error) => write!(f, "cannot read the affinity mask: {error}"),
            Self::EmptyMask => f.write_str("the affinity mask has no cpu"),
            Self::Variable(error) => write!(
                f,
                "{CPUS_VARIABLE} is neither a count nor a list of cpus: {error}"
            ),
            Self::NoWorkers => write!(f, "{CPUS_VARIABLE} asks for 0 workers"),
            Self::NotUsable { wanted, usable } => {
                write!(
                    f,
                    "{CPUS_VARIABLE} lists cpus {wanted}; this process may use {usable} only"
                )
            }
        }
    }
}

impl core::error::Error for BudgetError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Mask(error) => Some(error),
            Self::Variable(error) => Some(error),
            _ => None,
        }
    }
}

impl From<Error> for BudgetError {
    fn from(error: Error) -> Self {
        Self::Mask(error)
    }
}

/// A placement was required and cannot be had in full.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlacementError {
    /// What is missing; at least one.
    pub shortfalls: Vec<Shortfall>,
}

impl fmt::Display for PlacementError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("workers cannot be placed as required")?;
        for (index, shortfall) in self.shortfalls.iter().enumerate() {
            write!(f, "{} {shortfall}", if index == 0 { ":" } else { ";" })?;
        }
        Ok(())
    }
}

impl core::error::Error for PlacementError {}

/// No file says which CPUs this machine has. [`Topology::flat`](crate::Topology::flat) makes do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NoTopology {}

impl fmt::Display for NoTopology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no list of cpus in /sys/devices/system/cpu")
    }
}

impl core::error::Error for NoTopology {}

/// Text that is not a set of CPUs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParseCpuSetError {
    item: String,
    reason: ParseReason,
}

/// What is wrong with an item of a CPU list or mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseReason {
    /// Not a number, not a range of two numbers, or not up to eight hexadecimal digits.
    NotANumber,
    /// A range whose end is below its start.
    Backward,
    /// At or above [`CpuSet::PARSE_LIMIT`].
    TooLarge,
}

impl ParseCpuSetError {
    /// Only the beginning of `item` is kept: a broken file may be long.
    pub(crate) fn new(item: &str, reason: ParseReason) -> Self {
        let item = item.chars().take(24).collect();
        Self { item, reason }
    }

    /// The beginning of the item that was refused.
    #[must_use]
    pub fn item(&self) -> &str {
        &self.item
    }

    /// What is wrong with it.
    #[must_use]
    pub fn reason(&self) -> ParseReason {
        self.reason
    }
}

impl fmt::Display for ParseCpuSetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let item = &self.item;
        match self.reason {
            ParseReason::NotANumber => write!(f, "{item:?} is not a cpu number or range"),
            ParseReason::Backward => write!(f, "{item:?} counts backward"),
            ParseReason::TooLarge => {
                write!(f, "{item:?} reaches beyond cpu {}", CpuSet::PARSE_LIMIT - 1)
            }
        }
    }
}

impl core::error::Error for ParseCpuSetError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_say_what_was_tried_and_what_is_left_to_do() {
        let mask: CpuSet = "2,4".parse().unwrap();
        let error = PinError::NotInMask {
            cpu: CpuId(3),
            mask,
        };
        assert_eq!(
            error.to_string(),
            "cannot pin to cpu 3: this thread may use 2,4 only"
        );
        assert_eq!(
            "0,3-1".parse::<CpuSet>().unwrap_err().to_string(),
            "\"3-1\" counts backward"
        );
        assert_eq!(
            "70000".parse::<CpuSet>().unwrap_err().to_string(),
            "\"70000\" reaches beyond cpu 65535"
        );
    }

    #[test]
    fn a_refusal_keeps_operation_and_errno_through_the_chain() {
        let error = PinError::from(Error::Os {
            operation: "sched_setaffinity",
            errno: 1,
        });
        let source = core::error::Error::source(&error).unwrap();
        let inner = source.downcast_ref::<Error>().unwrap();
        assert_eq!(
            (inner.operation(), inner.errno()),
            ("sched_setaffinity", Some(1))
        );
        assert!(
            error
                .to_string()
                .starts_with("cannot pin: sched_setaffinity failed: ")
        );
    }

    #[test]
    fn a_refusal_that_can_be_helped_says_how() {
        let text = |operation, errno| Error::Os { operation, errno }.to_string();
        for (operation, errno, remedy) in [
            ("sched_setscheduler", 1, "`ulimit -r`"),
            ("setpriority", 13, "`ulimit -e`"),
            ("mlock", 12, "`ulimit -l`"),
            ("mlock", 1, "`ulimit -l`"),
            ("mbind", 1, "forbid it"),
            ("move_pages", 1, "forbid it"),
            ("pthread_setname_np", 34, "15 bytes"),
        ] {
            let text = text(operation, errno);
            let start = format!("{operation} failed: ");
            assert!(text.starts_with(&start) && text.ends_with(remedy), "{text}");
        }
        assert!(!text("sched_setscheduler", 22).contains(';'));
        let operation = "current_cpu";
        assert_eq!(
            Error::Unsupported { operation }.to_string(),
            "current_cpu is not supported on this platform; go on without it"
        );
    }

    #[test]
    fn a_long_item_is_cut() {
        let error = "9".repeat(10_000).parse::<CpuSet>().unwrap_err();
        assert_eq!(error.item().len(), 24);
    }
}
