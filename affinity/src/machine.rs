//! One look at everything: the machine, what of it may be used, and a report of both.

#![forbid(unsafe_code)]

use core::fmt;

use crate::budget::{Budget, variable};
use crate::cpuset::CpuSet;
use crate::error::BudgetError;
use crate::files::{Files, files_under};
use crate::pin::usable_cpus;
use crate::placement::Placed;
use crate::topology::{CoreKind, Topology};

/// The machine and what this process may use of it. Prints as a report.
///
/// ```
/// # #[cfg(target_os = "linux")] {
/// use shared_nothing_affinity::{Demand, Machine, Placement};
///
/// let machine = Machine::read()?;
/// let workers = machine.budget.workers;
/// let placed = Placement::Spread.place(&machine.topology, &machine.budget.cpus, workers, Demand::Prefer)?;
/// println!("{machine}\n{placed}");
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Machine {
    /// What it is made of; flat if nobody says.
    pub topology: Topology,
    /// What of it may be used.
    pub budget: Budget,
    /// Whether the topology was read. If not, it was made up from the mask.
    pub is_topology_known: bool,
}

impl Machine {
    /// Looks at this machine. Do it once, at start, on a thread that is not pinned.
    ///
    /// # Errors
    /// There is no budget; see [`Budget::read`]. An unknown topology is no error here.
    pub fn read() -> Result<Self, BudgetError> {
        Self::from_parts(&usable_cpus()?, &files_under("/"), variable().as_deref())
    }

    /// The same from its parts, as [`Budget::from_parts`].
    ///
    /// # Errors
    /// There is no budget.
    pub fn from_parts(
        mask: &CpuSet,
        files: Files<'_>,
        variable: Option<&str>,
    ) -> Result<Self, BudgetError> {
        let budget = Budget::from_parts(mask, files, variable)?;
        let read = Topology::from_files(files).ok();
        Ok(Self {
            budget,
            is_topology_known: read.is_some(),
            topology: read.unwrap_or_else(|| Topology::flat(mask)),
        })
    }

    /// The report as text: what was found, then the budget and its reason, a line each.
    #[must_use]
    pub fn describe(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (machine, budget) = (&self.topology, &self.budget);
        let (packages, cores, cpus) = (machine.packages(), machine.cores(), machine.online());
        if self.is_topology_known {
            writeln!(
                f,
                "packages {packages}, cores {cores}, CPUs {}: {cpus}",
                cpus.len()
            )?;
        } else {
            writeln!(f, "topology unknown, CPUs {}: {cpus}", cpus.len())?;
        }
        let slow = machine
            .cpus()
            .filter(|cpu| cpu.kind == CoreKind::Efficiency)
            .map(|cpu| cpu.id);
        let slow = slow.collect();
        let sets = [
            ("efficiency", &slow),
            ("offline", machine.offline()),
            ("isolated", machine.isolated()),
            ("tickless", machine.tickless()),
        ];
        for (name, cpus) in sets.iter().filter(|(_, cpus)| !cpus.is_empty()) {
            writeln!(f, "{name} CPUs {cpus}")?;
        }
        for node in machine.nodes() {
            let cpus = if node.cpus.is_empty() {
                "none".into()
            } else {
                node.cpus.to_string()
            };
            let mib =
                |bytes: Option<u64>| bytes.map_or("?".into(), |bytes| (bytes >> 20).to_string());
            let (total, free) = (mib(node.memory_bytes_total), mib(node.memory_bytes_free));
            write!(
                f,
                "node {}: CPUs {cpus}, {free} of {total} MiB free",
                node.id
            )?;
            for (to, distance) in &node.distances {
                write!(f, ", {distance} to node {to}")?;
            }
            writeln!(f)?;
        }
        write!(f, "budget: {budget} (CPUs {})", budget.cpus)
    }
}

/// `workers on CPUs 0 2 -`, a dash for one that is not pinned, and what falls short.
impl fmt::Display for Placed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("workers on CPUs")?;
        for cpu in &self.cpus {
            match cpu {
                Some(cpu) => write!(f, " {cpu}")?,
                None => f.write_str(" -")?,
            }
        }
        self.shortfalls
            .iter()
            .try_for_each(|shortfall| write!(f, "; {shortfall}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::placement::{Demand, Placement};

    fn files(path: &str) -> Option<String> {
        let text = match path {
            "/sys/devices/system/cpu/present" => "0-3",
            "/sys/devices/system/cpu/online" => "0-2",
            "/sys/devices/cpu_atom/cpus" => "2",
            "/sys/devices/system/cpu/nohz_full" => "1-2",
            "/sys/devices/system/node/online" => "0-1",
            "/sys/devices/system/node/node0/cpulist" => "0-2",
            "/sys/devices/system/node/node0/distance" => "10 20",
            "/sys/devices/system/node/node1/meminfo" => {
                "Node 1 MemTotal: 2048 kB\nNode 1 MemFree: 1024 kB"
            }
            _ => return None,
        };
        Some(text.to_owned())
    }

    #[test]
    fn the_report_says_what_was_found_and_what_was_decided() {
        let mask = "0,2".parse().unwrap();
        let machine = Machine::from_parts(&mask, &files, None).unwrap();
        let report = "\
packages 1, cores 3, CPUs 3: 0-2
efficiency CPUs 2
offline CPUs 3
tickless CPUs 1-2
node 0: CPUs 0-2, ? of ? MiB free, 10 to node 0, 20 to node 1
node 1: CPUs none, 1 of 2 MiB free
budget: affinity mask allows 2 of 3 visible CPUs (CPUs 0,2)";
        assert_eq!(machine.describe(), report);
        let placed = Placement::Spread
            .place(&machine.topology, &mask, 3, Demand::Prefer)
            .unwrap();
        let report = "workers on CPUs 0 2 -; 1 without a cpu; 1 on efficiency cores";
        assert_eq!(placed.to_string(), report);
    }

    #[test]
    fn without_any_file_the_mask_makes_the_machine() {
        let machine = Machine::from_parts(&"2,4".parse().unwrap(), &|_| None, Some("1")).unwrap();
        let report = "\
topology unknown, CPUs 2: 2,4
budget: SHARED_NOTHING_CPUS asks for 1 of 2 visible CPUs (CPUs 2,4)";
        assert_eq!(machine.describe(), report);
    }
}
