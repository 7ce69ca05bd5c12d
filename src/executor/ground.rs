//! The memory in which a shard's lanes lie.

use core::{error::Error, fmt, ptr::NonNull};

use shared_nothing_affinity::{MemoryError, NodeId, Pages, Policy, Region, Request, Residence};
use shared_nothing_rings::{self as rings, CapacityError, lanes};

use super::{ShardReport, StartError};

/// Where the lanes lie that a shard reads.
///
/// In any case a shard's thread makes them, after it is pinned, and so their pages are first written on its node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Memory {
    /// Where the allocator puts them. Its pages may be others' that were written elsewhere before.
    #[default]
    Heap,
    /// In memory of the shard's NUMA node, in pages of this size, as far as both can be had; the rest is reported.
    Prefer(Pages),
    /// As with `Prefer`, but on this node and in such pages, or the start fails.
    Require(Pages),
}

/// In what the memory of a shard's lanes falls short of [`Memory`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MemoryShortfall {
    /// The shard is not pinned, or nobody says to which node its CPU belongs.
    NodeUnknown,
    /// There is no such region: the lanes lie on the heap.
    Region(MemoryError),
    /// The pages have this size.
    Pages(Pages),
    /// The kernel took no policy.
    PolicyRefused,
    /// Not all of it is on the shard's node: it lies here.
    Elsewhere(Residence),
}

impl MemoryShortfall {
    /// One after the other.
    pub(super) fn write_all(all: &[Self], f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, shortfall) in all.iter().enumerate() {
            let between = if place == 0 { "" } else { "; " };
            write!(f, "{between}{shortfall}")?;
        }
        Ok(())
    }
}

impl fmt::Display for MemoryShortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NodeUnknown => f.write_str("its node is not known"),
            Self::Region(error) => error.fmt(f),
            Self::Pages(pages) => write!(f, "pages are {pages:?}"),
            Self::PolicyRefused => f.write_str("the kernel took no policy"),
            Self::Elsewhere(residence) => write!(f, "not all is on its node: {residence:?}"),
        }
    }
}

impl Error for MemoryShortfall {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Region(error) => Some(error),
            _ => None,
        }
    }
}

/// A region that lanes keep.
struct Ground(Region);

// SAFETY: 1: a region is a mapping of its own, and stays at its address until it is dropped. 2: the lanes have it to
// themselves: nothing but `bytes` hands out its address, and it is given to them by value.
unsafe impl lanes::Memory for Ground {
    fn bytes(&mut self) -> NonNull<[u8]> {
        NonNull::from(self.0.as_mut_slice())
    }
}

/// The ends of lanes on the heap or on the ground.
pub(super) type Ends<T> = (lanes::Producers<'static, T>, lanes::Consumer<'static, T>);

/// Lanes where `wish` says. The report tells what came of it. Runs on the thread of the shard.
pub(super) fn lanes<T>(
    wish: Memory,
    node: Option<NodeId>,
    (shards, lane_capacity): (usize, usize),
    report: &mut ShardReport,
) -> Result<Ends<T>, StartError> {
    let shard = report.shard;
    let no_lanes = |error| StartError::Lanes { shard, error };
    let (pages, is_strict) = match wish {
        Memory::Heap => return lanes::with_capacity(shards, lane_capacity).map_err(no_lanes),
        Memory::Prefer(pages) => (pages, false),
        Memory::Require(pages) => (pages, true),
    };
    let layout = lanes::layout::<T>(shards, lane_capacity).map_err(no_lanes)?;
    let mut shortfalls = Vec::new();
    if node.is_none() {
        shortfalls.push(MemoryShortfall::NodeUnknown);
    }
    let policy = match node {
        None => Policy::FirstTouch,
        Some(node) if is_strict => Policy::Bind(node),
        Some(node) => Policy::Prefer(node),
    };
    let request = Request::new(layout.size() + layout.align())
        .with_policy(policy)
        .with_pages(pages)
        .with_prefault(true);
    match Region::new(&request) {
        Err(error) => shortfalls.push(MemoryShortfall::Region(error)),
        Ok(region) => {
            if region.pages() != pages {
                shortfalls.push(MemoryShortfall::Pages(region.pages()));
            }
            if node.is_some() && !region.is_policy_set() {
                shortfalls.push(MemoryShortfall::PolicyRefused);
            }
            // Where the kernel does not say, nothing is known to be wrong.
            match (node, region.residence()) {
                (Some(node), Ok(home)) if home.is_all_on(node) => report.memory_node = Some(node),
                (Some(_), Ok(home)) => shortfalls.push(MemoryShortfall::Elsewhere(home)),
                _ => {}
            }
            if shortfalls.is_empty() || !is_strict {
                report.memory_shortfalls = shortfalls;
                let made = lanes::with_memory(Ground(region), shards, lane_capacity);
                return made.map_err(|error| match error {
                    rings::MemoryError::Capacity(error) => no_lanes(error),
                    _ => no_lanes(CapacityError::TooSmall),
                });
            }
        }
    }
    if is_strict {
        return Err(StartError::Memory { shard, shortfalls });
    }
    report.memory_shortfalls = shortfalls;
    lanes::with_capacity(shards, lane_capacity).map_err(no_lanes)
}
