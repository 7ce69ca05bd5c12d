//! Memory on a node that the caller chooses, in pages of the size that the caller chooses.
//!
//! A [`Request`] is a wish, checked before the kernel is asked; a [`Region`] is what came of it; and [`where_is`] asks
//! the kernel where pages lie, because nothing else knows.

mod arena;
mod error;
#[cfg(feature = "hwloc")]
mod hwloc;
mod region;
mod residence;

use crate::cpuset::CpuSet;
use crate::files::Files;
use crate::id::NodeId;
use crate::topology::parse_meminfo;

pub use arena::Arena;
pub use error::{ArenaFull, MemoryError};
#[cfg(feature = "hwloc")]
pub use hwloc::HwlocMemory;
pub use region::Region;
pub use residence::{Residence, where_is};

/// Which node's memory a region is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Policy {
    /// Each page comes to the node of the CPU that first writes to it. So let the owner's thread, once pinned, be the
    /// first to write. Where automatic NUMA balancing is on, the kernel may move such pages later.
    #[default]
    FirstTouch,
    /// From this node, or from another when it has none left.
    Prefer(NodeId),
    /// From this node or not at all.
    ///
    /// When the node runs out, the kernel does not answer an error: it kills a process. So the node's free memory is
    /// checked when the region is made. That is a check and no promise: others may take the memory before the first
    /// touch, and prefaulting makes that time short.
    Bind(NodeId),
    /// From these nodes in turn, page by page.
    Interleave(Vec<NodeId>),
}

impl Policy {
    fn nodes(&self) -> &[NodeId] {
        match self {
            Self::FirstTouch => &[],
            Self::Prefer(node) | Self::Bind(node) => core::slice::from_ref(node),
            Self::Interleave(nodes) => nodes,
        }
    }
}

/// The size of a region's pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Pages {
    /// Base pages only, 4 KiB on most machines. The only size with which [`Policy::Interleave`] goes page by page:
    /// the kernel places a huge page as a whole.
    #[default]
    Base,
    /// Huge pages where and when the kernel finds some, base pages elsewhere.
    Transparent,
    /// Huge pages out of the pool that the administrator set aside.
    Huge,
}

/// What a region shall be.
///
/// ```no_run
/// use shared_nothing_affinity::{NodeId, Pages, Policy, Region, Request};
///
/// let policy = Policy::Prefer(NodeId(1));
/// let request = Request::new(64 << 20).with_policy(policy).with_pages(Pages::Huge).with_prefault(true);
/// let region = Region::new(&request)?;
/// assert!(region.residence()?.is_all_on(NodeId(1)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request {
    /// How many bytes at least. They are rounded up to whole pages.
    pub bytes: usize,
    /// Which node's memory.
    pub policy: Policy,
    /// Which page size to try first. Where it cannot be had, the next smaller one is taken, and
    /// [`Region::pages`] tells.
    pub pages: Pages,
    /// Whether to make every page present now, so that no later write waits for the kernel.
    pub prefault: bool,
    /// Whether to keep the pages in memory for good, which makes them present too. Ordinary users may lock little
    /// (`ulimit -l`).
    pub lock: bool,
}

impl Request {
    /// So many bytes, with everything else at its default: base pages at first touch.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self {
            bytes,
            policy: Policy::FirstTouch,
            pages: Pages::Base,
            prefault: false,
            lock: false,
        }
    }

    /// What can be known to be wrong before the kernel is asked.
    ///
    /// A file that is absent forbids nothing, but [`Policy::Bind`] needs to know.
    fn check(&self, files: Files<'_>) -> Result<(), MemoryError> {
        let bytes = self.bytes;
        if bytes == 0 {
            return Err(MemoryError::ZeroSize);
        }
        if isize::try_from(bytes).is_err() {
            return Err(MemoryError::TooLarge { bytes });
        }
        if self.policy == Policy::Interleave(Vec::new()) {
            return Err(MemoryError::NoNodes);
        }
        let online = files("/sys/devices/system/node/online");
        let online = online.and_then(|text| parse_nodes(&text));
        let status = files("/proc/thread-self/status").unwrap_or_default();
        let allowed = parse_allowed(&status);
        // A wish that is not met is told by the region; the kernel takes the rest of a list without a word.
        let is_wish = matches!(self.policy, Policy::Prefer(_));
        for &node in self.policy.nodes() {
            let is_online = online.as_ref().is_none_or(|nodes| nodes.contains(&node));
            if !is_online || node.0 >= CpuSet::PARSE_LIMIT {
                return Err(MemoryError::NoSuchNode { node });
            }
            let meminfo =
                files(&format!("/sys/devices/system/node/node{node}/meminfo")).unwrap_or_default();
            let total = parse_meminfo(&meminfo, "MemTotal:");
            if total == Some(0) {
                return Err(MemoryError::NodeWithoutMemory { node });
            }
            if let Some(allowed) = allowed
                .as_ref()
                .filter(|nodes| !nodes.contains(&node) && !is_wish)
            {
                let allowed = allowed.clone();
                return Err(MemoryError::NodeNotAllowed { node, allowed });
            }
            if matches!(self.policy, Policy::Bind(_)) {
                let free = parse_meminfo(&meminfo, "MemFree:").zip(total);
                let (free, total) = free.ok_or(MemoryError::FreeUnknown { node })?;
                // The kernel keeps some back.
                let bytes_free = free.saturating_sub(total / 16);
                if bytes as u64 > bytes_free {
                    return Err(MemoryError::NotEnoughFree {
                        bytes,
                        bytes_free,
                        node: Some(node),
                    });
                }
            }
        }
        if self.prefault || self.lock {
            let meminfo = files("/proc/meminfo").unwrap_or_default();
            match parse_meminfo(&meminfo, "MemAvailable:") {
                Some(bytes_free) if bytes as u64 > bytes_free => {
                    return Err(MemoryError::NotEnoughFree {
                        bytes,
                        bytes_free,
                        node: None,
                    });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Sets [`bytes`](Self::bytes).
    #[must_use]
    pub const fn with_bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// Sets [`policy`](Self::policy).
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets [`pages`](Self::pages).
    #[must_use]
    pub const fn with_pages(mut self, pages: Pages) -> Self {
        self.pages = pages;
        self
    }

    /// Sets [`prefault`](Self::prefault).
    #[must_use]
    pub const fn with_prefault(mut self, prefault: bool) -> Self {
        self.prefault = prefault;
        self
    }

    /// Sets [`lock`](Self::lock).
    #[must_use]
    pub const fn with_lock(mut self, lock: bool) -> Self {
        self.lock = lock;
        self
    }
}

/// A list of nodes has the same format as a list of CPUs.
fn parse_nodes(text: &str) -> Option<Vec<NodeId>> {
    let nodes = CpuSet::parse_list(text).ok()?;
    Some(nodes.iter().map(|node| NodeId(node.0)).collect())
}

/// The line `Mems_allowed_list:\t0-1` of proc_pid_status(5). An empty list is no statement.
fn parse_allowed(status: &str) -> Option<Vec<NodeId>> {
    let list = status
        .lines()
        .find_map(|line| line.strip_prefix("Mems_allowed_list:"))?;
    parse_nodes(list.trim()).filter(|nodes| !nodes.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nodes 0 (1 GiB, half of it free), 1 (no memory) and 2 (nothing known); 600 MiB available.
    fn files(path: &str) -> Option<String> {
        let text = match path {
            "/sys/devices/system/node/online" => "0-2\n",
            "/sys/devices/system/node/node0/meminfo" => {
                "Node 0 MemTotal: 1048576 kB\nNode 0 MemFree: 524288 kB\n"
            }
            "/sys/devices/system/node/node1/meminfo" => {
                "Node 1 MemTotal: 0 kB\nNode 1 MemFree: 0 kB\n"
            }
            "/proc/meminfo" => "MemTotal: 2000000 kB\nMemAvailable: 614400 kB\n",
            _ => return None,
        };
        Some(text.to_owned())
    }

    fn check(bytes: usize, policy: Policy) -> Result<(), MemoryError> {
        Request {
            policy,
            ..Request::new(bytes)
        }
        .check(&files)
    }

    #[test]
    fn sizes_that_cannot_be_are_refused() {
        assert_eq!(check(0, Policy::FirstTouch), Err(MemoryError::ZeroSize));
        assert_eq!(
            check(usize::MAX, Policy::FirstTouch),
            Err(MemoryError::TooLarge { bytes: usize::MAX })
        );
        assert_eq!(check(isize::MAX as usize, Policy::FirstTouch), Ok(()));
    }

    #[test]
    fn nodes_must_exist_and_have_memory() {
        for policy in [Policy::Prefer, Policy::Bind, |node| {
            Policy::Interleave(vec![NodeId(0), node])
        }] {
            for node in [NodeId(3), NodeId(u32::MAX)] {
                assert_eq!(
                    check(1, policy(node)),
                    Err(MemoryError::NoSuchNode { node })
                );
            }
            let node = NodeId(1);
            assert_eq!(
                check(1, policy(node)),
                Err(MemoryError::NodeWithoutMemory { node })
            );
            assert_eq!(check(1, policy(NodeId(0))), Ok(()));
        }
        assert_eq!(
            check(1, Policy::Interleave(Vec::new())),
            Err(MemoryError::NoNodes)
        );
    }

    #[test]
    fn nodes_that_a_cpuset_leaves_out_can_be_wished_for_only() {
        let files = |path: &str| match path {
            "/proc/thread-self/status" => Some("Name:\tx\nMems_allowed_list:\t1-2\n".to_owned()),
            _ => files(path),
        };
        let check = |policy| {
            Request {
                policy,
                ..Request::new(1)
            }
            .check(&files)
        };
        let allowed = vec![NodeId(1), NodeId(2)];
        let node = NodeId(0);
        let refused = MemoryError::NodeNotAllowed { node, allowed };
        assert_eq!(check(Policy::Bind(node)), Err(refused.clone()));
        let interleaved = check(Policy::Interleave(vec![NodeId(2), node]));
        assert_eq!(interleaved, Err(refused.clone()));
        assert_eq!(check(Policy::Prefer(node)), Ok(()));
        assert_eq!(check(Policy::Interleave(vec![NodeId(2)])), Ok(()));
        assert_eq!(
            refused.to_string(),
            "memory of node 0 is not ours: use nodes 1,2 only"
        );
        for text in ["", "Mems_allowed_list:\t\n", "Mems_allowed_list:\tx\n"] {
            assert_eq!(parse_allowed(text), None, "{text:?}");
        }
    }

    #[test]
    fn strict_needs_free_memory_and_to_know_of_it() {
        let usable = (512 - 64) << 20;
        assert_eq!(check(usable, Policy::Bind(NodeId(0))), Ok(()));
        let node = Some(NodeId(0));
        let short = MemoryError::NotEnoughFree {
            bytes: usable + 1,
            bytes_free: usable as u64,
            node,
        };
        assert_eq!(check(usable + 1, Policy::Bind(NodeId(0))), Err(short));
        assert_eq!(
            check(1, Policy::Bind(NodeId(2))),
            Err(MemoryError::FreeUnknown { node: NodeId(2) })
        );
        assert_eq!(
            check(usable + 1, Policy::Prefer(NodeId(0))),
            Ok(()),
            "it may come from elsewhere"
        );
    }

    #[test]
    fn pages_made_present_must_be_available() {
        let bytes = (600 << 20) + 1;
        let short = MemoryError::NotEnoughFree {
            bytes,
            bytes_free: 600 << 20,
            node: None,
        };
        for (prefault, lock) in [(true, false), (false, true)] {
            let request = Request {
                prefault,
                lock,
                ..Request::new(bytes)
            };
            assert_eq!(request.check(&files), Err(short.clone()));
            assert_eq!(request.check(&|_| None), Ok(()), "nobody says");
        }
        assert_eq!(Request::new(bytes).check(&files), Ok(()));
    }
}
