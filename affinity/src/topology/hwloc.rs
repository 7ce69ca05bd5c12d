//! Fills a [`Topology`] from the library hwloc, by the crate `hwlocality`: another reader of the same machine, which
//! the text reader is held against.

#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};

use hwlocality::object::TopologyObject;
use hwlocality::object::attributes::ObjectAttributes;
use hwlocality::object::types::ObjectType;
use hwlocality::topology::builder::BuildFlags;

use super::{Cache, CoreKind, Cpu, Node, Topology};
use crate::cpuset::CpuSet;
use crate::error::Error;
use crate::id::{CoreId, CpuId, NodeId, PackageId};

/// This machine as hwloc sees it. Feature `hwloc`.
///
/// Not through [`Topology::read`], which needs no library: whoever wants a second opinion, or memory that hwloc
/// allocated, asks for it here.
///
/// ```
/// # #[cfg(target_os = "linux")] {
/// use shared_nothing_affinity::{Hwloc, Topology};
///
/// let (ours, theirs) = (Topology::read()?, Hwloc::read()?.topology());
/// assert_eq!((ours.online(), ours.cores()), (theirs.online(), theirs.cores()));
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Hwloc {
    pub(crate) inner: hwlocality::Topology,
}

impl Hwloc {
    /// Has hwloc look at this machine, CPUs and nodes that were not given to this process included.
    ///
    /// Cost: many small files; some milliseconds.
    ///
    /// # Errors
    /// hwloc cannot read the machine.
    pub fn read() -> Result<Self, Error> {
        let operation = "hwloc_topology_load";
        let builder = hwlocality::Topology::builder()
            .with_flags(BuildFlags::INCLUDE_DISALLOWED)
            .map_err(|_| Error::Unsupported { operation })?;
        match builder.build() {
            Ok(inner) => Ok(Self { inner }),
            Err(wrong) => Err(Error::Os {
                operation,
                errno: wrong.errno.map_or(0, |errno| errno.0),
            }),
        }
    }

    /// The machine as plain data.
    ///
    /// hwloc does not tell free memory, which CPUs are offline, isolated or tickless; all these are empty. It gives
    /// CPUs to nodes that have none, the nearest ones, and leaves nodes without memory out or not, as its version will.
    #[must_use]
    pub fn topology(&self) -> Topology {
        let online = cpus_of(self.inner.root_object());
        let nodes = self.nodes();
        let kinds = self.efficiency_cpus();
        let of_type = |ty| self.inner.objects_with_type(ty);
        let cpu = |unit: &TopologyObject| {
            let id = CpuId(u32::try_from(unit.os_index()?).ok()?);
            let core = unit.first_ancestor_with_type(ObjectType::Core);
            let core = core.and_then(|core| cpus_of(core).first()).unwrap_or(id);
            let package = unit.first_ancestor_with_type(ObjectType::Package);
            let package = package.and_then(|package| u32::try_from(package.os_index()?).ok());
            let kind = if kinds.contains(id) {
                CoreKind::Efficiency
            } else {
                CoreKind::Performance
            };
            let home = nodes.values().filter(|node| node.cpus.contains(id));
            let home = home
                .clone()
                .find(|node| node.has_memory())
                .or(home.clone().next());
            let cpu = Cpu {
                id,
                core: CoreId(core.0),
                package: PackageId(package.unwrap_or(0)),
                node: home.map(|node| node.id),
                kind,
            };
            Some((id, cpu))
        };
        let caches = [
            (2, ObjectType::L2Cache),
            (3, ObjectType::L3Cache),
            (4, ObjectType::L4Cache),
            (5, ObjectType::L5Cache),
        ];
        let cache = |(level, object): (u32, &TopologyObject)| Cache {
            level,
            cpus: cpus_of(object),
            size_bytes: match object.attributes() {
                Some(ObjectAttributes::Cache(cache)) => cache.size().map(u64::from),
                _ => None,
            },
        };
        Topology {
            cpus: of_type(ObjectType::PU).filter_map(cpu).collect(),
            caches: caches
                .into_iter()
                .flat_map(|(level, ty)| of_type(ty).map(move |object| (level, object)))
                .map(cache)
                .collect(),
            nodes,
            offline: CpuSet::new(),
            isolated: CpuSet::new(),
            tickless: CpuSet::new(),
        }
        .within(&online)
    }

    fn nodes(&self) -> BTreeMap<NodeId, Node> {
        let mut nodes: BTreeMap<NodeId, Node> = self
            .inner
            .objects_with_type(ObjectType::NUMANode)
            .filter_map(|object| {
                let id = node_id(object)?;
                let bytes = match object.attributes() {
                    Some(ObjectAttributes::NUMANode(node)) => {
                        node.local_memory().map_or(0, u64::from)
                    }
                    _ => 0,
                };
                let node = Node {
                    id,
                    cpus: cpus_of(object),
                    memory_bytes_total: Some(bytes),
                    memory_bytes_free: None,
                    distances: BTreeMap::new(),
                };
                Some((id, node))
            })
            .collect();
        let matrices = self.inner.distances_with_name("NUMALatency");
        for matrix in matrices.iter().flatten() {
            let ids: Vec<_> = matrix.objects().map(|object| node_id(object?)).collect();
            let rows = matrix.distances().chunks(ids.len().max(1));
            for (from, row) in ids.iter().zip(rows) {
                let Some(node) = from.and_then(|from| nodes.get_mut(&from)) else {
                    continue;
                };
                let distances = ids.iter().zip(row);
                node.distances = distances
                    .filter_map(|(to, &distance)| Some(((*to)?, u32::try_from(distance).ok()?)))
                    .collect();
            }
        }
        nodes
    }

    /// By the same rules as the text reader: what the kernel calls Atom, or less than half the greatest capacity.
    fn efficiency_cpus(&self) -> CpuSet {
        let kinds: Vec<_> = self.inner.cpu_kinds().into_iter().flatten().collect();
        let info = |index: usize, name: &str| {
            let infos = kinds[index].infos.iter();
            let mut infos = infos.filter(|info| info.name().to_bytes() == name.as_bytes());
            infos
                .next()
                .map(|info| info.value().to_string_lossy().into_owned())
        };
        let capacity = |index| info(index, "LinuxCapacity")?.parse::<u32>().ok();
        let all = 0..kinds.len();
        let greatest = all.clone().filter_map(capacity).max().unwrap_or(0);
        let is_slow = |&index: &usize| {
            info(index, "CoreType").as_deref() == Some("IntelAtom")
                || capacity(index).is_some_and(|capacity| capacity < greatest / 2)
        };
        let slow = all.filter(is_slow);
        slow.flat_map(|index| set_of(kinds[index].cpuset.iter_set().map(usize::from)))
            .collect()
    }
}

impl Topology {
    /// Without CPUs that are not online, which hwloc may keep in the sets of caches and nodes.
    fn within(mut self, online: &CpuSet) -> Self {
        self.caches = self
            .caches
            .into_iter()
            .map(|cache| Cache {
                cpus: &cache.cpus & online,
                ..cache
            })
            .collect::<BTreeSet<_>>();
        for node in self.nodes.values_mut() {
            node.cpus = &node.cpus & online;
        }
        self
    }
}

fn node_id(object: &TopologyObject) -> Option<NodeId> {
    u32::try_from(object.os_index()?).ok().map(NodeId)
}

fn cpus_of(object: &TopologyObject) -> CpuSet {
    let cpus = object.cpuset();
    cpus.map_or_else(CpuSet::new, |cpus| {
        set_of(cpus.iter_set().map(usize::from))
            .into_iter()
            .collect()
    })
}

/// A set of hwloc may be infinite.
fn set_of(numbers: impl Iterator<Item = usize>) -> Vec<CpuId> {
    numbers
        .take_while(|&number| number < CpuSet::PARSE_LIMIT as usize)
        .map(|number| CpuId(number as u32))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::Synthetic;

    #[test]
    fn a_made_up_machine_is_the_same_through_both() {
        // hwloc numbers the threads of a core side by side; here there is one a core.
        let description = "pack:2 [numa(memory=1073741824)] l3:1 core:4 pu:1";
        let builder = hwlocality::Topology::builder().from_synthetic(description);
        let theirs = Hwloc {
            inner: builder.unwrap().build().unwrap(),
        };
        let ours = Synthetic {
            packages: 2,
            cores_per_node: 4,
            ..Synthetic::default()
        }
        .build();
        let theirs = theirs.topology();
        assert_eq!(theirs.cpus, ours.cpus);
        let groups = |machine: &Topology| {
            let caches = machine.caches().filter(|cache| cache.level == 3);
            caches.map(|cache| cache.cpus.clone()).collect::<Vec<_>>()
        };
        assert_eq!(groups(&theirs), groups(&ours));
        for (theirs, ours) in theirs.nodes().zip(ours.nodes()) {
            assert_eq!((theirs.id, &theirs.cpus), (ours.id, &ours.cpus));
            assert_eq!(theirs.memory_bytes_total, ours.memory_bytes_total);
        }
    }
}
