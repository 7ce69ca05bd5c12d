//! Recorded and hand-written machines: what each file in `machines/` says, and what must come of it.
//!
//! A file has the mask of the process, the machine's text files, and the outcome:
//!
//! ```text
//! # what is special about it
//! mask 0-3
//! /sys/devices/system/cpu/online = 0-3          a line of a file; more lines of it may follow
//! /sys/.../cpu{0-1}/topology/core_cpus_list = {}   one file for each number, which may stand in the text as well
//! > 4 cores in 1 packages, online 0-3           a line of the outcome, as `outcome` below prints it
//! ```

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;
use shared_nothing_affinity::{Budget, CoreKind, CpuSet, Demand, Placement, Topology};

#[derive(Clone, Debug)]
struct Machine {
    name: String,
    mask: CpuSet,
    files: BTreeMap<String, String>,
    expected: String,
}

impl Machine {
    fn parse(name: &str, text: &str) -> Self {
        let (mut mask, mut files, mut expected) = (CpuSet::new(), BTreeMap::new(), String::new());
        for line in text.lines() {
            if let Some(outcome) = line.strip_prefix("> ") {
                writeln!(expected, "{outcome}").unwrap();
            } else if let Some(cpus) = line.strip_prefix("mask ") {
                mask = cpus.parse().unwrap();
            } else if line.starts_with('/') {
                let (path, content) = line.split_once(" =").unwrap();
                for (path, content) in expand(path, content.trim_start()) {
                    let file: &mut String = files.entry(path).or_default();
                    writeln!(file, "{content}").unwrap();
                }
            }
        }
        Self {
            name: name.to_owned(),
            mask,
            files,
            expected,
        }
    }

    fn topology(&self) -> Topology {
        Topology::from_files(&|path| self.files.get(path).cloned())
            .unwrap_or_else(|_| Topology::flat(&self.mask))
    }

    fn budget(&self) -> Budget {
        Budget::from_parts(&self.mask, &|path| self.files.get(path).cloned(), None).unwrap()
    }
}

/// `cpu{0-1}/x` and `{}` as `cpu0/x` and `0`, `cpu1/x` and `1`.
fn expand(path: &str, content: &str) -> Vec<(String, String)> {
    let Some((before, rest)) = path.split_once('{') else {
        return vec![(path.to_owned(), content.to_owned())];
    };
    let (numbers, after) = rest.split_once('}').unwrap();
    let numbers: CpuSet = numbers.parse().unwrap();
    let one = |number: String| {
        (
            format!("{before}{number}{after}"),
            content.replace("{}", &number),
        )
    };
    numbers
        .iter()
        .map(|number| one(number.to_string()))
        .collect()
}

static MACHINES: LazyLock<Vec<Machine>> = LazyLock::new(machines);

fn machines() -> Vec<Machine> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/machines");
    let mut machines: Vec<Machine> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            Machine::parse(
                &path.file_stem().unwrap().to_string_lossy(),
                &fs::read_to_string(&path).unwrap(),
            )
        })
        .collect();
    machines.sort_by(|a, b| a.name.cmp(&b.name));
    machines
}

fn or(text: String, otherwise: &str) -> String {
    if text.is_empty() {
        otherwise.to_owned()
    } else {
        text
    }
}

/// Everything that is read and decided, as text.
fn outcome(machine: &Machine) -> String {
    let (topology, budget) = (machine.topology(), machine.budget());
    let mut text = String::new();
    let (cores, packages) = (topology.cores(), topology.packages());
    writeln!(
        text,
        "{cores} cores in {packages} packages, online {}",
        topology.online()
    )
    .unwrap();
    for (what, cpus) in [
        ("offline", topology.offline()),
        ("isolated", topology.isolated()),
        ("tickless", topology.tickless()),
    ] {
        if !cpus.is_empty() {
            writeln!(text, "{what} {cpus}").unwrap();
        }
    }
    let is_thrifty = |kind| kind == CoreKind::Efficiency;
    let thrifty: CpuSet = topology
        .cpus()
        .filter(|cpu| is_thrifty(cpu.kind))
        .map(|cpu| cpu.id)
        .collect();
    if !thrifty.is_empty() {
        writeln!(text, "efficiency {thrifty}").unwrap();
    }
    let siblings = topology
        .cpus()
        .filter(|cpu| cpu.core.0 == cpu.id.0)
        .map(|cpu| topology.siblings(cpu.id));
    let siblings: Vec<String> = siblings
        .filter(|cpus| cpus.len() > 1)
        .map(|cpus| cpus.to_string())
        .collect();
    if !siblings.is_empty() {
        writeln!(text, "siblings {}", siblings.join(" ")).unwrap();
    }
    for cache in topology.caches().filter(|cache| cache.cpus.len() > 1) {
        let kib = cache
            .size_bytes
            .map_or("?".into(), |bytes| (bytes >> 10).to_string());
        writeln!(text, "L{} {} KiB {}", cache.level, kib, cache.cpus).unwrap();
    }
    for node in topology.nodes() {
        let homes: CpuSet = topology
            .cpus()
            .filter(|cpu| cpu.node == Some(node.id))
            .map(|cpu| cpu.id)
            .collect();
        let homes = or(homes.to_string(), "none");
        let mib = node
            .memory_bytes_total
            .map_or("?".into(), |bytes| (bytes >> 20).to_string());
        let home = topology.memory_home(node.id).unwrap();
        let distances: Vec<String> = node.distances.values().map(u32::to_string).collect();
        let distances = or(distances.join(" "), "unknown");
        writeln!(
            text,
            "node {}: cpus {homes}; {mib} MiB; memory at {home}; distances {distances}",
            node.id
        )
        .unwrap();
    }
    writeln!(text, "{budget}: {}", budget.cpus).unwrap();
    for (name, placement) in [("spread", Placement::Spread), ("packed", Placement::Packed)] {
        let placed = placement
            .place(&topology, &budget.cpus, 4, Demand::Prefer)
            .unwrap();
        let cpus: Vec<String> = placed
            .cpus
            .iter()
            .map(|cpu| cpu.map_or("-".into(), |cpu| cpu.to_string()))
            .collect();
        let shortfalls: String = placed
            .shortfalls
            .iter()
            .map(|shortfall| format!("; {shortfall}"))
            .collect();
        writeln!(text, "{name} 4: {}{shortfalls}", cpus.join(" ")).unwrap();
    }
    text
}

#[test]
fn h27_every_machine_is_read_and_budgeted_as_written() {
    assert!(MACHINES.len() >= 20, "{} machines", MACHINES.len());
    for machine in MACHINES.iter() {
        let outcome = outcome(machine);
        assert_eq!(outcome, machine.expected, "\n{}:\n{outcome}", machine.name);
    }
}

/// What a broken file may hold instead.
fn nasty() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        Just(None),
        Just(Some(String::new())),
        Just(Some("0-4294967295".into())),
        Just(Some("18446744073709551616".into())),
        Just(Some("-1".into())),
        Just(Some("\u{fffd}\0\n".into())),
        Just(Some("/\n".repeat(99))),
        "[0-9,\\-]{0,12}".prop_map(Some),
        "\\PC{0,20}".prop_map(Some),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any machine, with some of its files replaced or gone.
    #[test]
    fn a_hostile_machine_is_answered_and_never_invents_cpus(
        pick in any::<prop::sample::Index>(),
        replaced in prop::collection::vec((any::<prop::sample::Index>(), nasty()), 1..8),
    ) {
        let mut machine = pick.get(&MACHINES).clone();
        let paths: Vec<String> = machine.files.keys().cloned().collect();
        for (path, text) in replaced.iter().filter(|_| !paths.is_empty()) {
            let path = path.get(&paths);
            match text {
                Some(text) => machine.files.insert(path.clone(), text.clone()),
                None => machine.files.remove(path),
            };
        }
        let (topology, budget) = (machine.topology(), machine.budget());
        prop_assert!(budget.cpus.is_subset(&machine.mask) && !budget.cpus.is_empty());
        prop_assert!(budget.workers >= 1 && budget.workers <= budget.cpus.len());
        // A broken list may claim thousands of CPUs.
        for cpu in topology.cpus().take(64) {
            prop_assert!(topology.siblings(cpu.id).contains(cpu.id));
            prop_assert!(cpu.node.is_none_or(|node| topology.node(node).is_some()));
        }
        for placement in [Placement::Spread, Placement::Packed] {
            let workers = budget.workers;
            let placed = placement.place(&topology, &budget.cpus, workers, Demand::Prefer).unwrap();
            let cpus: Vec<_> = placed.cpus.iter().flatten().copied().collect();
            let distinct: CpuSet = cpus.iter().copied().collect();
            prop_assert_eq!(placed.cpus.len(), workers);
            prop_assert_eq!(distinct.len(), cpus.len(), "no CPU twice");
            prop_assert!(distinct.is_subset(&budget.cpus));
        }
    }
}
