//! Machines that do not exist, for tests and simulations.

use std::collections::BTreeMap;

use super::{Cache, CoreKind, Cpu, Node, Topology};
use crate::cpuset::CpuSet;
use crate::id::{CoreId, CpuId, NodeId, PackageId};

/// The recipe of a regular machine. Change what matters and leave the rest at its default: one CPU.
///
/// CPUs are numbered as firmware often does: the first thread of every core, then every second thread. Each node's
/// cores share an L3. Nodes are 10 from themselves and 20 from each other.
///
/// ```
/// use shared_nothing_affinity::Synthetic;
///
/// let laptop = Synthetic::default().with_cores_per_node(6).with_efficiency_cores_per_node(4);
/// assert_eq!(laptop.build().cores(), 6);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Synthetic {
    /// Packages.
    pub packages: u32,
    /// NUMA nodes in each package.
    pub nodes_per_package: u32,
    /// Cores in each node, of both kinds. 0 makes nodes of memory only.
    pub cores_per_node: u32,
    /// CPUs on each core.
    pub threads_per_core: u32,
    /// How many of each node's cores, the last ones, are [`CoreKind::Efficiency`].
    pub efficiency_cores_per_node: u32,
    /// Memory of each node, all of it free.
    pub memory_bytes_per_node: u64,
    /// CPUs that are switched off.
    pub offline: CpuSet,
}

impl Default for Synthetic {
    fn default() -> Self {
        Self {
            packages: 1,
            nodes_per_package: 1,
            cores_per_node: 1,
            threads_per_core: 1,
            efficiency_cores_per_node: 0,
            memory_bytes_per_node: 1 << 30,
            offline: CpuSet::new(),
        }
    }
}

impl Synthetic {
    /// Makes the machine.
    ///
    /// # Panics
    /// It would have more than [`CpuSet::PARSE_LIMIT`] CPUs or nodes.
    #[must_use]
    pub fn build(&self) -> Topology {
        let nodes = self.packages.saturating_mul(self.nodes_per_package);
        let cores = nodes.saturating_mul(self.cores_per_node);
        let cpus = cores.saturating_mul(self.threads_per_core);
        assert!(
            cpus.max(nodes) <= CpuSet::PARSE_LIMIT,
            "too many CPUs or nodes"
        );

        let all: CpuSet = (0..cpus).map(CpuId).collect();
        let online = &all - &self.offline;
        // The core and node of a CPU follow from its number.
        let core_of = |cpu: CpuId| cpu.0 % cores;
        let node_of = |cpu: CpuId| core_of(cpu) / self.cores_per_node;
        let siblings = |cpu| {
            online
                .iter()
                .filter(move |&other| core_of(other) == core_of(cpu))
        };
        let first_slow = self
            .cores_per_node
            .saturating_sub(self.efficiency_cores_per_node);
        let cpu = |id: CpuId| Cpu {
            id,
            core: CoreId(siblings(id).next().unwrap_or(id).0),
            package: PackageId(node_of(id) / self.nodes_per_package),
            node: Some(NodeId(node_of(id))),
            kind: if core_of(id) % self.cores_per_node < first_slow {
                CoreKind::Performance
            } else {
                CoreKind::Efficiency
            },
        };
        let distance = |from: u32, to: u32| if from == to { 10 } else { 20 };
        let node = |id: u32| Node {
            id: NodeId(id),
            cpus: online.iter().filter(|&cpu| node_of(cpu) == id).collect(),
            memory_bytes_total: Some(self.memory_bytes_per_node),
            memory_bytes_free: Some(self.memory_bytes_per_node),
            distances: (0..nodes)
                .map(|to| (NodeId(to), distance(id, to)))
                .collect(),
        };
        let nodes: BTreeMap<NodeId, Node> = (0..nodes).map(|id| (NodeId(id), node(id))).collect();
        let has_cpus = |node: &&Node| !node.cpus.is_empty();
        let cache = |node: &Node| Cache {
            level: 3,
            cpus: node.cpus.clone(),
            size_bytes: None,
        };
        Topology {
            cpus: online.iter().map(|id| (id, cpu(id))).collect(),
            caches: nodes.values().filter(has_cpus).map(cache).collect(),
            nodes,
            offline: &all & &self.offline,
            isolated: CpuSet::new(),
            tickless: CpuSet::new(),
        }
    }

    /// Sets [`packages`](Self::packages).
    #[must_use]
    pub const fn with_packages(mut self, packages: u32) -> Self {
        self.packages = packages;
        self
    }

    /// Sets [`nodes_per_package`](Self::nodes_per_package).
    #[must_use]
    pub const fn with_nodes_per_package(mut self, nodes_per_package: u32) -> Self {
        self.nodes_per_package = nodes_per_package;
        self
    }

    /// Sets [`cores_per_node`](Self::cores_per_node).
    #[must_use]
    pub const fn with_cores_per_node(mut self, cores_per_node: u32) -> Self {
        self.cores_per_node = cores_per_node;
        self
    }

    /// Sets [`threads_per_core`](Self::threads_per_core).
    #[must_use]
    pub const fn with_threads_per_core(mut self, threads_per_core: u32) -> Self {
        self.threads_per_core = threads_per_core;
        self
    }

    /// Sets [`efficiency_cores_per_node`](Self::efficiency_cores_per_node).
    #[must_use]
    pub const fn with_efficiency_cores_per_node(mut self, efficiency_cores_per_node: u32) -> Self {
        self.efficiency_cores_per_node = efficiency_cores_per_node;
        self
    }

    /// Sets [`memory_bytes_per_node`](Self::memory_bytes_per_node).
    #[must_use]
    pub const fn with_memory_bytes_per_node(mut self, memory_bytes_per_node: u64) -> Self {
        self.memory_bytes_per_node = memory_bytes_per_node;
        self
    }

    /// Sets [`offline`](Self::offline).
    #[must_use]
    pub fn with_offline(mut self, offline: CpuSet) -> Self {
        self.offline = offline;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_one_cpu() {
        let machine = Synthetic::default().build();
        assert_eq!(machine.online(), CpuSet::from(CpuId(0)));
        assert_eq!(
            (machine.cores(), machine.packages(), machine.nodes().len()),
            (1, 1, 1)
        );
    }

    #[test]
    fn a_core_whose_first_cpu_is_offline_is_named_after_the_next() {
        let recipe = Synthetic {
            cores_per_node: 2,
            threads_per_core: 2,
            efficiency_cores_per_node: 1,
            offline: "0,77".parse().unwrap(),
            ..Synthetic::default()
        };
        let machine = recipe.build();
        assert_eq!(machine.offline(), &CpuSet::from(CpuId(0)));
        assert_eq!(machine.cpu(CpuId(2)).unwrap().core, CoreId(2));
        assert_eq!(machine.siblings(CpuId(3)).to_string(), "1,3");
        let slow = machine
            .cpus()
            .filter(|cpu| cpu.kind == CoreKind::Efficiency);
        assert_eq!(slow.map(|cpu| cpu.id.0).collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn nodes_without_cores_are_memory_only() {
        let machine = Synthetic {
            nodes_per_package: 2,
            cores_per_node: 0,
            ..Synthetic::default()
        }
        .build();
        assert_eq!(
            (
                machine.cpus().len(),
                machine.nodes().len(),
                machine.caches().len()
            ),
            (0, 2, 0)
        );
    }

    #[test]
    #[should_panic(expected = "too many CPUs")]
    fn a_machine_beyond_the_limit_is_refused() {
        let _never = Synthetic {
            packages: u32::MAX,
            cores_per_node: u32::MAX,
            ..Synthetic::default()
        }
        .build();
    }
}
