//! Fills a [`Topology`] from the text files of Linux: sysfs(5), `Documentation/ABI/stable/sysfs-devices-system-cpu`
//! and `sysfs-devices-node` in the kernel's sources.
//!
//! The parsers take text. Each file may be absent, empty or garbage; then what it would have said is unknown.

use std::collections::BTreeMap;

use super::{Cache, CoreKind, Cpu, Node, Topology};
use crate::cpuset::CpuSet;
use crate::error::NoTopology;
use crate::files::{Files, files_under};
use crate::id::{CoreId, CpuId, NodeId, PackageId};

const CPU: &str = "/sys/devices/system/cpu";
const NODE: &str = "/sys/devices/system/node";

impl Topology {
    /// Asks this machine.
    ///
    /// Cost: about fifteen small files for each CPU and three for each node, so do it once.
    ///
    /// # Errors
    /// `/sys` does not list any CPU, as in some sandboxes and outside Linux. [`Topology::flat`] of the thread's own
    /// CPUs is then the best there is.
    pub fn read() -> Result<Self, NoTopology> {
        Self::from_files(&files_under("/"))
    }

    /// Reads a machine from wherever `files` finds the text of an absolute path: another root, or a recording.
    ///
    /// # Errors
    /// No file lists any CPU.
    ///
    /// ```
    /// use shared_nothing_affinity::Topology;
    ///
    /// let machine = Topology::from_files(&|path| match path {
    ///     "/sys/devices/system/cpu/present" => Some("0-3\n".into()),
    ///     "/sys/devices/system/cpu/online" => Some("0,2\n".into()),
    ///     _ => None,
    /// })?;
    /// assert_eq!(machine.online().to_string(), "0,2");
    /// assert_eq!(machine.offline().to_string(), "1,3");
    /// # Ok::<(), shared_nothing_affinity::NoTopology>(())
    /// ```
    pub fn from_files(files: Files<'_>) -> Result<Self, NoTopology> {
        let present = list(files, &format!("{CPU}/present"));
        let online = [list(files, &format!("{CPU}/online")), present.clone()]
            .into_iter()
            .chain([list(files, &format!("{CPU}/possible"))])
            .flatten()
            .find(|cpus| !cpus.is_empty())
            .ok_or(NoTopology {})?;

        let nodes = read_nodes(files, &online);
        let kinds = read_kinds(files, &online);
        let cpu = |id: CpuId| Cpu {
            id,
            core: read_core(files, id, &online),
            package: read_package(files, id),
            node: home_of(id, &nodes),
            kind: kinds.get(&id).copied().unwrap_or(CoreKind::Performance),
        };
        Ok(Self {
            cpus: online.iter().map(|id| (id, cpu(id))).collect(),
            caches: online
                .iter()
                .flat_map(|id| read_caches(files, id, &online))
                .collect(),
            nodes,
            offline: &present.unwrap_or_default() - &online,
            isolated: list(files, &format!("{CPU}/isolated")).unwrap_or_default(),
            tickless: list(files, &format!("{CPU}/nohz_full")).unwrap_or_default(),
        })
    }
}

/// A CPU list. Some kernels write `(null)` for an empty one.
fn list(files: Files<'_>, path: &str) -> Option<CpuSet> {
    CpuSet::parse_list(&files(path)?).ok()
}

fn number(files: Files<'_>, path: &str) -> Option<u32> {
    files(path)?.trim().parse().ok()
}

/// Named after the lowest online CPU of the core, which is `cpu` itself where nobody says.
fn read_core(files: Files<'_>, cpu: CpuId, online: &CpuSet) -> CoreId {
    // The second name is the older one.
    let siblings = ["core_cpus_list", "thread_siblings_list"]
        .iter()
        .find_map(|name| list(files, &format!("{CPU}/cpu{cpu}/topology/{name}")))
        .filter(|siblings| siblings.contains(cpu));
    let first = siblings.and_then(|siblings| (&siblings & online).first());
    CoreId(first.unwrap_or(cpu).0)
}

/// Some firmware says -1 for "I do not know", which is not a number here.
fn read_package(files: Files<'_>, cpu: CpuId) -> PackageId {
    let path = format!("{CPU}/cpu{cpu}/topology/physical_package_id");
    PackageId(number(files, &path).unwrap_or(0))
}

/// Intel's hybrid machines list their kinds; Arm's tell each CPU's capacity, 1024 for the fastest.
fn read_kinds(files: Files<'_>, online: &CpuSet) -> BTreeMap<CpuId, CoreKind> {
    if let Some(thrifty) = list(files, "/sys/devices/cpu_atom/cpus") {
        return thrifty
            .iter()
            .map(|cpu| (cpu, CoreKind::Efficiency))
            .collect();
    }
    let capacity = |cpu| Some((cpu, number(files, &format!("{CPU}/cpu{cpu}/cpu_capacity"))?));
    let capacities: BTreeMap<CpuId, u32> = online.iter().filter_map(capacity).collect();
    let greatest = capacities.values().copied().max().unwrap_or(0);
    let is_slow = |capacity: u32| capacity < greatest / 2;
    capacities
        .into_iter()
        .filter(|&(_, capacity)| is_slow(capacity))
        .map(|(cpu, _)| (cpu, CoreKind::Efficiency))
        .collect()
}

fn read_caches(files: Files<'_>, cpu: CpuId, online: &CpuSet) -> Vec<Cache> {
    let cache = |index: u32| {
        let text = |name| files(&format!("{CPU}/cpu{cpu}/cache/index{index}/{name}"));
        let level = text("level")?.trim().parse().ok()?;
        let is_for_data = text("type").is_none_or(|kind| kind.trim() != "Instruction");
        let mut cpus = CpuSet::parse_list(&text("shared_cpu_list")?).ok()?;
        cpus.insert(cpu);
        let size_bytes = text("size").and_then(|size| parse_size(&size));
        let cache = Cache {
            level,
            cpus: &cpus & online,
            size_bytes,
        };
        (level >= 2 && is_for_data).then_some(cache)
    };
    // Four is what machines have.
    (0..8).filter_map(cache).collect()
}

/// `32768K` or `32M` as bytes.
fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let (digits, unit) = match text.strip_suffix(['K', 'M', 'G']) {
        Some(digits) => (digits, &text[digits.len()..]),
        None => (text, ""),
    };
    let shift = match unit {
        "K" => 10,
        "M" => 20,
        "G" => 30,
        _ => 0,
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

fn read_nodes(files: Files<'_>, online: &CpuSet) -> BTreeMap<NodeId, Node> {
    // A list of nodes has the same format as a list of CPUs.
    let ids = list(files, &format!("{NODE}/online"))
        .or_else(|| list(files, &format!("{NODE}/possible")))
        .unwrap_or_default();
    let ids: Vec<NodeId> = ids.iter().map(|id| NodeId(id.0)).collect();
    let node = |id: NodeId| {
        let text = |name| files(&format!("{NODE}/node{id}/{name}")).unwrap_or_default();
        let cpus = CpuSet::parse_list(&text("cpulist")).unwrap_or_default();
        let meminfo = text("meminfo");
        Node {
            id,
            cpus: &cpus & online,
            memory_bytes_total: parse_meminfo(&meminfo, "MemTotal:"),
            memory_bytes_free: parse_meminfo(&meminfo, "MemFree:"),
            distances: parse_distances(&text("distance"), &ids),
        }
    };
    ids.iter().map(|&id| (id, node(id))).collect()
}

/// `Node 0 MemTotal:  6121684 kB` of a node, or `MemAvailable: 99 kB` of the machine, in bytes.
pub(crate) fn parse_meminfo(text: &str, key: &str) -> Option<u64> {
    let mut words = text
        .lines()
        .find(|line| line.contains(key))?
        .split_whitespace();
    words.find(|&word| word == key)?;
    words.next()?.parse::<u64>().ok()?.checked_mul(1024)
}

/// One number for each online node, in their order. A line of another length says nothing.
fn parse_distances(text: &str, ids: &[NodeId]) -> BTreeMap<NodeId, u32> {
    let distances: Vec<u32> = text
        .split_whitespace()
        .map_while(|word| word.parse().ok())
        .collect();
    if distances.len() != ids.len() {
        return BTreeMap::new();
    }
    ids.iter().copied().zip(distances).collect()
}

/// Firmware may list a CPU in several nodes: the first with memory wins.
fn home_of(cpu: CpuId, nodes: &BTreeMap<NodeId, Node>) -> Option<NodeId> {
    let claims = || nodes.values().filter(|node| node.cpus.contains(cpu));
    claims()
        .find(|node| node.has_memory())
        .or(claims().next())
        .map(|node| node.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(parse_size("32768K\n"), Some(32 << 20));
        assert_eq!(parse_size("2M"), Some(2 << 20));
        assert_eq!(parse_size("64"), Some(64));
        for text in [
            "",
            "K",
            "-1K",
            "32768Ki",
            "99999999999999999999K",
            "18446744073709551615G",
        ] {
            assert_eq!(parse_size(text), None, "{text:?}");
        }
    }

    #[test]
    fn meminfo_is_read_by_key() {
        let text = "Node 1 MemTotal:  128 kB\nNode 1 MemFree:    0 kB\nNode 1 MemUsed: x kB\n";
        assert_eq!(parse_meminfo(text, "MemTotal:"), Some(131_072));
        assert_eq!(parse_meminfo(text, "MemFree:"), Some(0));
        assert_eq!(parse_meminfo(text, "MemUsed:"), None);
        assert_eq!(parse_meminfo("MemTotal:", "MemTotal:"), None);
        assert_eq!(
            parse_meminfo("MemTotal: 18446744073709551615 kB", "MemTotal:"),
            None
        );
    }

    #[test]
    fn distances_follow_the_order_of_the_online_nodes() {
        let ids = [NodeId(0), NodeId(250)];
        assert_eq!(parse_distances("10 80\n", &ids)[&NodeId(250)], 80);
        for text in ["", "10", "10 20 30", "10 x"] {
            assert_eq!(parse_distances(text, &ids).len(), 0, "{text:?}");
        }
    }
}
