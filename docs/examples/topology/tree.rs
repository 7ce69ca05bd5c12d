//! The machine as a tree: packages, nodes, shared caches, cores, CPUs.
//!
//! Machines do not nest neatly: a node may span packages, and a cache nodes. So each level groups what its parent has,
//! and something that is in two parents is drawn in both.

use std::collections::BTreeSet;
use std::fmt::{self, Write};

use shared_nothing::affinity::{CoreKind, CpuId, CpuSet, Node, Topology};

/// A line, and the lines below it.
#[derive(Debug, PartialEq, Eq)]
struct Branch {
    label: String,
    below: Vec<Branch>,
}

/// Draws the machine, and marks the CPUs that are not among `usable`.
pub(crate) fn draw(machine: &Topology, usable: &CpuSet) -> String {
    let root = Branch {
        label: format!(
            "machine: {}, {}, {}",
            count(machine.packages(), "package"),
            count(machine.cores(), "core"),
            count(machine.cpus().len(), "CPU")
        ),
        below: packages(machine, usable),
    };
    let mut out = String::new();
    root.write(&mut out, "", "")
        .expect("a string takes everything");
    out
}

impl Branch {
    /// `lead` goes before its own line, `rest` before those below.
    fn write(&self, out: &mut String, lead: &str, rest: &str) -> fmt::Result {
        writeln!(out, "{lead}{}", self.label)?;
        for (index, branch) in self.below.iter().enumerate() {
            let is_last = index + 1 == self.below.len();
            let (turn, bar) = if is_last {
                ("└─ ", "   ")
            } else {
                ("├─ ", "│  ")
            };
            branch.write(out, &format!("{rest}{turn}"), &format!("{rest}{bar}"))?;
        }
        Ok(())
    }
}

fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Packages, then memory that belongs to none, then CPUs that are off.
fn packages(machine: &Topology, usable: &CpuSet) -> Vec<Branch> {
    let ids: BTreeSet<_> = machine.cpus().map(|cpu| cpu.package).collect();
    let package = |id| {
        let cpus = machine.cpus().filter(|cpu| cpu.package == id);
        Branch {
            label: format!("package {id}"),
            below: nodes(machine, usable, &cpus.map(|cpu| cpu.id).collect()),
        }
    };
    let mut branches: Vec<Branch> = ids.into_iter().map(package).collect();
    let memory_only = machine.nodes().filter(|node| node.cpus.is_empty());
    branches.extend(memory_only.map(|node| Branch {
        label: format!("{}, without CPUs", memory_of(node)),
        below: Vec::new(),
    }));
    if !machine.offline().is_empty() {
        branches.push(Branch {
            label: format!("offline: CPUs {}", machine.offline()),
            below: Vec::new(),
        });
    }
    branches
}

fn memory_of(node: &Node) -> String {
    let mib = |bytes: Option<u64>| bytes.map_or("?".into(), |bytes| (bytes >> 20).to_string());
    match node.memory_bytes_total {
        Some(0) => format!("node {}: no memory", node.id),
        total => {
            let (total, free) = (mib(total), mib(node.memory_bytes_free));
            format!("node {}: {total} MiB, {free} free", node.id)
        }
    }
}

/// The nodes that `cpus` belong to, and those of `cpus` that belong to none.
fn nodes(machine: &Topology, usable: &CpuSet, cpus: &CpuSet) -> Vec<Branch> {
    let mut branches = Vec::new();
    let mut homeless = cpus.clone();
    for node in machine.nodes() {
        let is_at_home = |&cpu: &CpuId| {
            machine
                .cpu(cpu)
                .is_some_and(|cpu| cpu.node == Some(node.id))
        };
        let here: CpuSet = cpus.iter().filter(is_at_home).collect();
        homeless = &homeless - &here;
        if !here.is_empty() {
            branches.push(Branch {
                label: memory_of(node),
                below: caches(machine, usable, &here, u32::MAX),
            });
        }
    }
    branches.extend(caches(machine, usable, &homeless, u32::MAX));
    branches
}

/// The caches below `level` that several cores of `cpus` share, the highest level first; then cores.
fn caches(machine: &Topology, usable: &CpuSet, cpus: &CpuSet, level: u32) -> Vec<Branch> {
    let is_shared = |set: &CpuSet| {
        let cores = set.iter().filter_map(|cpu| machine.cpu(cpu));
        cores.map(|cpu| cpu.core).collect::<BTreeSet<_>>().len() > 1
    };
    let below = machine.caches().filter(|cache| {
        cache.level < level && !cache.cpus.is_disjoint(cpus) && is_shared(&cache.cpus)
    });
    let below: Vec<_> = below.collect();
    let Some(highest) = below.iter().map(|cache| cache.level).max() else {
        return cores(machine, usable, cpus);
    };
    let mut branches = Vec::new();
    let mut left = cpus.clone();
    for cache in below.iter().filter(|cache| cache.level == highest) {
        let here = &left & &cache.cpus;
        left = &left - &here;
        if !here.is_empty() {
            branches.push(Branch {
                label: format!(
                    "L{highest}{} of CPUs {}",
                    size(cache.size_bytes),
                    cache.cpus
                ),
                below: caches(machine, usable, &here, highest),
            });
        }
    }
    branches.extend(caches_or_nothing(machine, usable, &left, highest));
    branches
}

fn caches_or_nothing(
    machine: &Topology,
    usable: &CpuSet,
    cpus: &CpuSet,
    level: u32,
) -> Vec<Branch> {
    if cpus.is_empty() {
        Vec::new()
    } else {
        caches(machine, usable, cpus, level)
    }
}

fn size(bytes: Option<u64>) -> String {
    match bytes {
        None => String::new(),
        Some(bytes) if bytes % (1 << 20) == 0 => format!(" {} MiB", bytes >> 20),
        Some(bytes) => format!(" {} KiB", bytes >> 10),
    }
}

/// A line for each core, with its CPUs and what is special about them.
fn cores(machine: &Topology, usable: &CpuSet, cpus: &CpuSet) -> Vec<Branch> {
    let ids: BTreeSet<_> = cpus
        .iter()
        .filter_map(|cpu| Some(machine.cpu(cpu)?.core))
        .collect();
    let branch = |id| {
        let here = cpus.iter().filter_map(|cpu| machine.cpu(cpu));
        let here: Vec<_> = here.filter(|cpu| cpu.core == id).collect();
        let is_slow = here.iter().any(|cpu| cpu.kind == CoreKind::Efficiency);
        let kind = if is_slow { ", efficiency" } else { "" };
        let marked: Vec<String> = here
            .iter()
            .map(|cpu| marked(machine, usable, cpu.id))
            .collect();
        Branch {
            label: format!("core {id}{kind}: CPU {}", marked.join(", ")),
            below: Vec::new(),
        }
    };
    ids.into_iter().map(branch).collect()
}

fn marked(machine: &Topology, usable: &CpuSet, cpu: CpuId) -> String {
    let marks = [
        (!usable.contains(cpu), "not ours"),
        (machine.isolated().contains(cpu), "isolated"),
        (machine.tickless().contains(cpu), "tickless"),
    ];
    let marks: Vec<&str> = marks
        .into_iter()
        .filter_map(|(holds, mark)| holds.then_some(mark))
        .collect();
    match marks[..] {
        [] => cpu.to_string(),
        _ => format!("{cpu} ({})", marks.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use shared_nothing::affinity::Synthetic;

    use super::*;

    #[test]
    fn a_machine_of_two_packages_is_drawn_with_what_is_not_ours() {
        let machine = Synthetic::default()
            .with_packages(2)
            .with_cores_per_node(2)
            .with_threads_per_core(2)
            .with_efficiency_cores_per_node(1)
            .with_memory_bytes_per_node(3 << 20)
            .with_offline("7".parse().expect("a list"));
        let usable = "0-2,4-6".parse().expect("a list");
        let expected = "\
machine: 2 packages, 4 cores, 7 CPUs
├─ package 0
│  └─ node 0: 3 MiB, 3 free
│     └─ L3 of CPUs 0-1,4-5
│        ├─ core 0: CPU 0, 4
│        └─ core 1, efficiency: CPU 1, 5
├─ package 1
│  └─ node 1: 3 MiB, 3 free
│     └─ L3 of CPUs 2-3,6
│        ├─ core 2: CPU 2, 6
│        └─ core 3, efficiency: CPU 3 (not ours)
└─ offline: CPUs 7
";
        assert_eq!(draw(&machine.build(), &usable), expected);
    }

    #[test]
    fn caches_of_several_levels_nodes_without_memory_and_memory_alone_are_drawn() {
        let files = |path: &str| {
            let text = match path {
                "/sys/devices/system/cpu/present" => "0-3",
                "/sys/devices/system/cpu/isolated" => "3",
                "/sys/devices/system/cpu/nohz_full" => "2-3",
                "/sys/devices/system/node/online" => "0-1",
                "/sys/devices/system/node/node0/cpulist" => "0-3",
                "/sys/devices/system/node/node0/meminfo" => "Node 0 MemTotal: 0 kB",
                "/sys/devices/system/node/node1/meminfo" => "Node 1 MemTotal: 8192 kB",
                "/sys/devices/system/cpu/cpu0/cache/index2/level" => "2",
                "/sys/devices/system/cpu/cpu0/cache/index2/size" => "512K",
                "/sys/devices/system/cpu/cpu0/cache/index2/shared_cpu_list" => "0-1",
                "/sys/devices/system/cpu/cpu0/cache/index3/level" => "3",
                "/sys/devices/system/cpu/cpu0/cache/index3/size" => "8M",
                "/sys/devices/system/cpu/cpu0/cache/index3/shared_cpu_list" => "0-2",
                _ => return None,
            };
            Some(text.to_owned())
        };
        let machine = Topology::from_files(&files).expect("it lists CPUs");
        let expected = "\
machine: 1 package, 4 cores, 4 CPUs
├─ package 0
│  └─ node 0: no memory
│     ├─ L3 8 MiB of CPUs 0-2
│     │  ├─ L2 512 KiB of CPUs 0-1
│     │  │  ├─ core 0: CPU 0
│     │  │  └─ core 1: CPU 1
│     │  └─ core 2: CPU 2 (tickless)
│     └─ core 3: CPU 3 (isolated, tickless)
└─ node 1: 8 MiB, ? free, without CPUs
";
        assert_eq!(draw(&machine, &machine.online()), expected);
    }

    #[test]
    fn cpus_of_which_nothing_is_known_are_drawn_as_cores() {
        let machine = Topology::flat(&"2,4".parse().expect("a list"));
        let expected = "\
machine: 1 package, 2 cores, 2 CPUs
└─ package 0
   ├─ core 2: CPU 2
   └─ core 4: CPU 4
";
        assert_eq!(draw(&machine, &machine.online()), expected);
    }
}
