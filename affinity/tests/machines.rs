//! Recorded and hand-written machines: what each file in `machines/` says, and what must come of it.

mod recording;

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;
use recording::Recording;
use shared_nothing_affinity::{CoreKind, CpuSet, Demand, Placement};

#[derive(Clone, Debug)]
struct Machine {
    name: String,
    recording: Recording,
}

static MACHINES: LazyLock<Vec<Machine>> = LazyLock::new(machines);

fn machines() -> Vec<Machine> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/machines");
    let mut machines: Vec<Machine> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let recording = Recording::parse(&fs::read_to_string(&path).unwrap()).expect(&name);
            Machine { name, recording }
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
fn outcome(machine: &Recording) -> String {
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
        let outcome = outcome(&machine.recording);
        assert_eq!(
            outcome, machine.recording.expected,
            "\n{}:\n{outcome}",
            machine.name
        );
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
        let mut machine = pick.get(&MACHINES).recording.clone();
        let paths: Vec<String> = machine.files.keys().cloned().collect();
        for (path, text) in replaced.iter().filter(|_| !paths.is_empty()) {
            let path = path.get(&paths);
            match text {
                Some(text) => machine.files.insert(path.clone(), text.clone()),
                None => machine.files.remove(path),
            };
        }
        machine.check();
    }
}
