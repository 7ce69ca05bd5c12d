//! A machine as text. The tests read those in `machines/`, and the fuzzer begins with them:
//!
//! ```text
//! # what is special about it
//! mask 0-3
//! /sys/devices/system/cpu/online = 0-3          a line of a file; more lines of it may follow
//! /sys/.../cpu{0-1}/topology/core_cpus_list = {}   one file for each number, which may stand in the text as well
//! > 4 cores in 1 packages, online 0-3           a line of the outcome, as the test prints it
//! ```

use std::collections::BTreeMap;

use shared_nothing_affinity::{Budget, CpuSet, Demand, Machine, Placement, Topology};

/// Mask, files by their paths, and what must come of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recording {
    pub(crate) mask: CpuSet,
    pub(crate) files: BTreeMap<String, String>,
    pub(crate) expected: String,
}

impl Recording {
    /// Nothing if a line is none of the four.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut recording = Self::default();
        for line in text.lines() {
            if let Some(outcome) = line.strip_prefix("> ") {
                recording.expected += outcome;
                recording.expected += "\n";
            } else if let Some(cpus) = line.strip_prefix("mask ") {
                recording.mask = cpus.parse().ok()?;
            } else if line.starts_with('/') {
                let (path, content) = line.split_once(" =")?;
                for (path, content) in expand(path, content.trim_start())? {
                    let file = recording.files.entry(path).or_default();
                    *file += &content;
                    *file += "\n";
                }
            } else if !line.is_empty() && !line.starts_with('#') {
                return None;
            }
        }
        Some(recording)
    }

    pub(crate) fn topology(&self) -> Topology {
        Topology::from_files(&|path| self.files.get(path).cloned())
            .unwrap_or_else(|_| Topology::flat(&self.mask))
    }

    pub(crate) fn budget(&self) -> Budget {
        Budget::from_parts(&self.mask, &|path| self.files.get(path).cloned(), None)
            .expect("the mask is not empty")
    }

    /// What must hold of any machine, however broken: it is answered, and no CPU is invented.
    ///
    /// # Panics
    /// It does not hold, or the mask is empty.
    pub(crate) fn check(&self) {
        let (topology, budget) = (self.topology(), self.budget());
        assert!(budget.cpus.is_subset(&self.mask) && !budget.cpus.is_empty());
        assert!(budget.workers >= 1 && budget.workers <= budget.cpus.len());
        let files = |path: &str| self.files.get(path).cloned();
        let machine = Machine::from_parts(&self.mask, &files, None).expect("it has a budget");
        assert!(machine.describe().contains("\nbudget: "));
        // A broken list may claim thousands of CPUs.
        for cpu in topology.cpus().take(64) {
            assert!(topology.siblings(cpu.id).contains(cpu.id));
            assert!(cpu.node.is_none_or(|node| topology.node(node).is_some()));
        }
        for node in topology.nodes().take(64) {
            let home = topology.memory_home(node.id);
            assert!(
                home.is_none_or(|home| topology.node(home).is_some_and(|home| home.has_memory()))
            );
        }
        for placement in [Placement::Spread, Placement::Packed] {
            let workers = budget.workers.min(64);
            let placed = placement
                .place(&topology, &budget.cpus, workers, Demand::Prefer)
                .expect("nothing is required");
            let cpus: Vec<_> = placed.cpus.iter().flatten().copied().collect();
            let distinct: CpuSet = cpus.iter().copied().collect();
            assert_eq!(placed.cpus.len(), workers);
            assert_eq!(distinct.len(), cpus.len(), "no CPU twice");
            assert!(distinct.is_subset(&budget.cpus));
        }
    }
}

/// `cpu{0-1}/x` and `{}` as `cpu0/x` and `0`, `cpu1/x` and `1`. Nothing if they are many: no recording is so large.
fn expand(path: &str, content: &str) -> Option<Vec<(String, String)>> {
    let Some((before, rest)) = path.split_once('{') else {
        return Some(vec![(path.to_owned(), content.to_owned())]);
    };
    let (numbers, after) = rest.split_once('}')?;
    let numbers: CpuSet = numbers.parse().ok()?;
    let one = |number: String| {
        (
            format!("{before}{number}{after}"),
            content.replace("{}", &number),
        )
    };
    let all = numbers.iter().map(|number| one(number.to_string()));
    (numbers.len() <= 512).then(|| all.collect())
}
