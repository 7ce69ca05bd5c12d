//! How many workers this process can keep busy, on which CPUs, and why not more.

#![forbid(unsafe_code)]

use core::fmt;

use crate::cgroup::{Quota, read_limits};
use crate::cpuset::CpuSet;
use crate::error::BudgetError;
use crate::files::{Files, files_under};
use crate::pin::usable_cpus;

/// The environment variable with which a user overrides the budget: a number of workers, or a list of CPUs.
///
/// A plain number is a number of workers. Text with a comma or a dash is a list of CPUs, one worker for each; CPU 3
/// alone is `3-3`. Blank is the same as unset.
pub const CPUS_VARIABLE: &str = "SHARED_NOTHING_CPUS";

/// What this process may use: affinity mask ∩ cpuset, and the least quota of its control groups.
///
/// Prints as its reason:
///
/// ```
/// use shared_nothing_affinity::{Budget, CpuSet};
///
/// let mask = CpuSet::parse_list("0-63")?;
/// let budget = Budget::from_parts(&mask, &|path| match path {
///     "/proc/self/cgroup" => Some("0::/shop/web\n".into()),
///     "/proc/self/mountinfo" => Some("31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n".into()),
///     "/sys/fs/cgroup/shop/cpu.max" => Some("200000 100000\n".into()),
///     _ => None,
/// }, None)?;
///
/// assert_eq!(budget.workers, 2);
/// assert_eq!(budget.to_string(), "quota allows 2 of 64 visible CPUs");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Budget {
    /// The CPUs to place workers on; never empty.
    pub cpus: CpuSet,
    /// How many workers these CPUs and the quota keep busy, 1 at least. An override may ask for more.
    pub workers: usize,
    /// How many CPUs of the machine are online.
    pub visible: usize,
    /// The least quota of the process's control groups, even if it is not what limits.
    pub quota: Option<Quota>,
    /// What set the number of workers.
    pub limit: Limit,
}

/// What set the number of workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// Nothing but the machine: every CPU that is online may be used.
    Machine,
    /// The affinity mask that the process was started with.
    Mask,
    /// The cpuset of a control group.
    Cpuset,
    /// The CPU time of a control group.
    Quota,
    /// The user, by [`CPUS_VARIABLE`].
    Variable,
}

impl Budget {
    /// Asks the kernel for the budget of the calling thread, and the environment for [`CPUS_VARIABLE`].
    ///
    /// Do it once, at start, on a thread that is not pinned: layouts are made for the life of a process.
    ///
    /// # Errors
    /// The mask cannot be read, or the variable makes no sense.
    pub fn read() -> Result<Self, BudgetError> {
        Self::from_parts(&usable_cpus()?, &files_under("/"), variable().as_deref())
    }

    /// The same from its parts: the mask, the kernel's text files, and the value of the variable.
    ///
    /// # Errors
    /// The mask is empty, or the variable makes no sense: it is neither a number nor a list, asks for nothing, or
    /// lists a CPU that may not be used.
    pub fn from_parts(
        mask: &CpuSet,
        files: Files<'_>,
        variable: Option<&str>,
    ) -> Result<Self, BudgetError> {
        if mask.is_empty() {
            return Err(BudgetError::EmptyMask);
        }
        let limits = read_limits(files);
        let online = files("/sys/devices/system/cpu/online").and_then(|text| text.parse().ok());
        let visible = &online.unwrap_or_default() | mask;
        // A cpuset that leaves nothing is not ours, for we are running.
        let cpuset = limits.cpuset.filter(|cpus| !cpus.is_disjoint(mask));
        let cpus = cpuset.as_ref().map_or(mask.clone(), |cpus| cpus & mask);
        let limit = if cpus == visible {
            Limit::Machine
        } else if cpuset.is_some_and(|set| &set & &visible == cpus) {
            Limit::Cpuset
        } else {
            Limit::Mask
        };
        let mut budget = Self {
            workers: cpus.len(),
            visible: visible.len(),
            quota: limits.quota,
            cpus,
            limit,
        };
        if let Some(quota) = budget
            .quota
            .filter(|quota| quota.whole_cpus() < budget.workers)
        {
            budget.workers = quota.whole_cpus();
            budget.limit = Limit::Quota;
        }
        match variable.map(str::trim) {
            None | Some("") => Ok(budget),
            Some(value) => budget.overridden_by(value),
        }
    }

    fn overridden_by(mut self, value: &str) -> Result<Self, BudgetError> {
        let set = CpuSet::parse_list(value).map_err(BudgetError::Variable)?;
        if value.contains([',', '-']) {
            if !set.is_subset(&self.cpus) {
                let (wanted, usable) = (set, self.cpus);
                return Err(BudgetError::NotUsable { wanted, usable });
            }
            self.workers = set.len();
            self.cpus = set;
        } else {
            // The one number of the list, read as a count: the same digits and the same limit.
            self.workers = set.first().map_or(0, |count| count.0 as usize);
        }
        if self.workers == 0 {
            return Err(BudgetError::NoWorkers);
        }
        self.limit = Limit::Variable;
        Ok(self)
    }
}

/// The value of [`CPUS_VARIABLE`], if it is set.
pub(crate) fn variable() -> Option<String> {
    let value = std::env::var_os(CPUS_VARIABLE)?;
    Some(value.to_string_lossy().into_owned())
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            workers, visible, ..
        } = self;
        match (self.limit, self.quota) {
            (Limit::Machine, _) => return write!(f, "all {visible} visible CPUs may be used"),
            (Limit::Mask, _) => f.write_str("affinity mask allows")?,
            (Limit::Cpuset, _) => f.write_str("cpuset allows")?,
            (Limit::Variable, _) => write!(f, "{CPUS_VARIABLE} asks for")?,
            (Limit::Quota, Some(quota)) if quota.cpus() != *workers as f64 => {
                write!(f, "quota of {:.2} allows", quota.cpus())?;
            }
            (Limit::Quota, _) => f.write_str("quota allows")?,
        }
        write!(f, " {workers} of {visible} visible CPUs")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ParseReason;

    fn budget(variable: &str) -> Result<Budget, BudgetError> {
        Budget::from_parts(&"2,4,6".parse().unwrap(), &|_| None, Some(variable))
    }

    #[test]
    fn without_any_file_the_mask_is_all_there_is() {
        let budget = budget(" ").unwrap();
        assert_eq!(
            (budget.workers, budget.limit, budget.quota),
            (3, Limit::Machine, None)
        );
        assert_eq!(budget.to_string(), "all 3 visible CPUs may be used");
    }

    #[test]
    fn the_variable_gives_a_count_or_a_list() {
        let count = budget("8").unwrap();
        assert_eq!(
            (count.workers, count.cpus.len()),
            (8, 3),
            "more workers than CPUs if the user says so"
        );
        assert_eq!(
            count.to_string(),
            "SHARED_NOTHING_CPUS asks for 8 of 3 visible CPUs"
        );
        let list = budget("2,6\n").unwrap();
        assert_eq!((list.workers, list.cpus.to_string()), (2, "2,6".into()));
        assert_eq!(budget("4-4").unwrap().cpus.to_string(), "4");
    }

    #[test]
    fn a_variable_that_makes_no_sense_is_an_error() {
        assert_eq!(budget("0"), Err(BudgetError::NoWorkers));
        let outside = BudgetError::NotUsable {
            wanted: "2-3".parse().unwrap(),
            usable: "2,4,6".parse().unwrap(),
        };
        assert_eq!(budget("2-3"), Err(outside));
        for (value, reason) in [
            ("all", ParseReason::NotANumber),
            ("-1", ParseReason::NotANumber),
            ("4-2", ParseReason::Backward),
            ("70000", ParseReason::TooLarge),
        ] {
            let Err(BudgetError::Variable(error)) = budget(value) else {
                panic!("{value} was accepted");
            };
            assert_eq!(error.reason(), reason);
        }
    }

    #[test]
    fn an_empty_mask_is_an_error() {
        let result = Budget::from_parts(&CpuSet::new(), &|_| None, None);
        assert_eq!(result, Err(BudgetError::EmptyMask));
    }
}
