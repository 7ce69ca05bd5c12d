//! The machine as plain data: CPUs, the cores and packages that carry them, caches, and NUMA nodes.
//!
//! Nothing here asks the machine: [`sysfs`], [`synthetic`] and, as a feature, `hwloc` fill it in.

#![forbid(unsafe_code)]

#[cfg(feature = "hwloc")]
mod hwloc;
mod synthetic;
mod sysfs;

use std::collections::{BTreeMap, BTreeSet};

use crate::cpuset::CpuSet;
use crate::id::{CoreId, CpuId, NodeId, PackageId};

#[cfg(feature = "hwloc")]
pub use hwloc::Hwloc;
pub use synthetic::Synthetic;
pub(crate) use sysfs::parse_meminfo;

/// What a machine is made of.
///
/// [`Topology::read`] asks Linux, [`Topology::flat`] makes do with a set of CPUs, and [`Synthetic`] makes one up.
///
/// ```
/// use shared_nothing_affinity::{CpuId, NodeId, Synthetic};
///
/// // Two packages of one node each, four cores a node, two threads a core.
/// let machine = Synthetic::default().with_packages(2).with_cores_per_node(4).with_threads_per_core(2).build();
/// assert_eq!(machine.online().to_string(), "0-15");
/// assert_eq!(machine.siblings(CpuId(1)).to_string(), "1,9");
/// assert_eq!(machine.cpu(CpuId(9)).and_then(|cpu| cpu.node), Some(NodeId(0)));
/// assert_eq!(machine.distance(NodeId(0), NodeId(1)), Some(20));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Topology {
    cpus: BTreeMap<CpuId, Cpu>,
    nodes: BTreeMap<NodeId, Node>,
    caches: BTreeSet<Cache>,
    offline: CpuSet,
    isolated: CpuSet,
    tickless: CpuSet,
}

/// One CPU that is online.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cpu {
    /// Its number.
    pub id: CpuId,
    /// The physical core that carries it, perhaps with siblings.
    pub core: CoreId,
    /// The package that carries the core; 0 where nobody says.
    pub package: PackageId,
    /// Its NUMA node. Where several list it, the lowest-numbered one that has memory.
    pub node: Option<NodeId>,
    /// Whether it was built for speed or for thrift.
    pub kind: CoreKind,
}

/// What a core was built for. On most machines all are [`Performance`](Self::Performance).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CoreKind {
    /// A fast core; also where nobody says.
    Performance,
    /// Listed as such by the kernel, or with less than half the capacity of the machine's fastest core.
    Efficiency,
}

/// One NUMA node that is online.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Node {
    /// Its number.
    pub id: NodeId,
    /// Its online CPUs; none if it is memory only.
    pub cpus: CpuSet,
    /// Its memory in bytes, 0 if it has CPUs only, `None` where nobody says.
    pub memory_bytes_total: Option<u64>,
    /// Memory that was free when the machine was read.
    pub memory_bytes_free: Option<u64>,
    /// Distance to each node, its own (10 by custom) among them; empty where nobody says.
    pub distances: BTreeMap<NodeId, u32>,
}

impl Node {
    /// Whether it has memory, as far as anybody says: an unknown size counts as some.
    #[must_use]
    pub fn has_memory(&self) -> bool {
        self.memory_bytes_total != Some(0)
    }
}

/// A data or unified cache from the second level up, with the CPUs that share it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Cache {
    /// 2 for L2, 3 for L3.
    pub level: u32,
    /// The online CPUs that share it.
    pub cpus: CpuSet,
    /// Its size in bytes, where the kernel says.
    pub size_bytes: Option<u64>,
}

impl Topology {
    /// A machine of which only the CPUs are known: each is a core of its own, in one package, without nodes.
    #[must_use]
    pub fn flat(cpus: &CpuSet) -> Self {
        let plain = |id: CpuId| Cpu {
            id,
            core: CoreId(id.0),
            package: PackageId(0),
            node: None,
            kind: CoreKind::Performance,
        };
        Self {
            cpus: cpus.iter().map(|cpu| (cpu, plain(cpu))).collect(),
            ..Self::default()
        }
    }

    /// The online CPUs, lowest number first.
    #[must_use]
    pub fn cpus(&self) -> impl ExactSizeIterator<Item = &Cpu> {
        self.cpus.values()
    }

    /// One CPU, if it is online.
    #[must_use]
    pub fn cpu(&self, cpu: CpuId) -> Option<&Cpu> {
        self.cpus.get(&cpu)
    }

    /// The NUMA nodes, lowest number first. None on a machine whose kernel knows nothing of nodes.
    #[must_use]
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = &Node> {
        self.nodes.values()
    }

    /// One NUMA node.
    #[must_use]
    pub fn node(&self, node: NodeId) -> Option<&Node> {
        self.nodes.get(&node)
    }

    /// Caches from the second level up, by level.
    #[must_use]
    pub fn caches(&self) -> impl ExactSizeIterator<Item = &Cache> {
        self.caches.iter()
    }

    /// All CPUs that are switched on.
    #[must_use]
    pub fn online(&self) -> CpuSet {
        self.cpus.keys().copied().collect()
    }

    /// CPUs that are plugged in and switched off.
    #[must_use]
    pub fn offline(&self) -> &CpuSet {
        &self.offline
    }

    /// CPUs that the scheduler leaves alone (`isolcpus`). They are in no mask unless somebody put them there.
    #[must_use]
    pub fn isolated(&self) -> &CpuSet {
        &self.isolated
    }

    /// CPUs whose clock interrupt stops while they have one thread to run (`nohz_full`): the quietest to spin on. They
    /// are in a mask like any other, unless they are isolated too.
    #[must_use]
    pub fn tickless(&self) -> &CpuSet {
        &self.tickless
    }

    /// The online CPUs on the same physical core as `cpu`, itself among them; empty if it is not online.
    #[must_use]
    pub fn siblings(&self, cpu: CpuId) -> CpuSet {
        let Some(core) = self.cpu(cpu).map(|cpu| cpu.core) else {
            return CpuSet::new();
        };
        self.cpus()
            .filter(|other| other.core == core)
            .map(|other| other.id)
            .collect()
    }

    /// How many physical cores have a CPU online.
    #[must_use]
    pub fn cores(&self) -> usize {
        self.cpus()
            .map(|cpu| cpu.core)
            .collect::<BTreeSet<_>>()
            .len()
    }

    /// How many packages have a CPU online.
    #[must_use]
    pub fn packages(&self) -> usize {
        self.cpus()
            .map(|cpu| cpu.package)
            .collect::<BTreeSet<_>>()
            .len()
    }

    /// How far memory of node `to` is from CPUs of node `from`: 10 is at home, 20 costs about twice as much.
    #[must_use]
    pub fn distance(&self, from: NodeId, to: NodeId) -> Option<u32> {
        self.node(from)?.distances.get(&to).copied()
    }

    /// The node whose memory a CPU of `node` should use: itself, or the nearest that has memory.
    ///
    /// `None` if the node is not there, or none has memory.
    #[must_use]
    pub fn memory_home(&self, node: NodeId) -> Option<NodeId> {
        let here = self.node(node)?;
        if here.has_memory() {
            return Some(node);
        }
        let far = |id| self.distance(node, id).unwrap_or(u32::MAX);
        self.nodes()
            .filter(|other| other.has_memory())
            .map(|other| other.id)
            .min_by_key(|&id| far(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_machine_has_a_core_for_each_cpu_and_no_nodes() {
        let machine = Topology::flat(&"2,4".parse().unwrap());
        assert_eq!(
            (machine.cores(), machine.packages(), machine.nodes().len()),
            (2, 1, 0)
        );
        assert_eq!(machine.siblings(CpuId(4)), CpuSet::from(CpuId(4)));
        assert_eq!(machine.siblings(CpuId(3)), CpuSet::new());
        assert_eq!(machine.memory_home(NodeId(0)), None);
    }
}
