//! The memory in which the rings lie that a shard reads.

use core::{alloc::Layout, error::Error, fmt, ptr::NonNull};
use std::sync::Arc;

use shared_nothing_affinity::{MemoryError, NodeId, Pages, Policy, Region, Request, Residence};
use shared_nothing_rings::{self as rings, CapacityError, lanes};

use super::{ShardReport, StartError};

/// Where the rings lie that a shard reads: the lanes of the mesh, and the mailboxes of a pool's workers.
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

/// In what the memory of a shard's lanes, or of a worker's mailbox, falls short of [`Memory`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MemoryShortfall {
    /// The shard is not pinned, or nobody says to which node its CPU belongs.
    NodeUnknown,
    /// There is no such region: the rings lie on the heap.
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
    pub(crate) fn write_all(all: &[Self], f: &mut fmt::Formatter<'_>) -> fmt::Result {
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

/// A part of a region. The ring that lies in it keeps it, and the last part its region.
pub(crate) struct Part {
    bytes: NonNull<[u8]>,
    _region: Arc<Region>,
}

// SAFETY: a region may be unmapped by any thread, and its bytes are whoever's the part is.
unsafe impl Send for Part {}

// SAFETY: 1: a region is a mapping of its own, and stays at its address until its last part is dropped. 2: no two parts
// overlap, and nothing but these reaches the region.
unsafe impl rings::Memory for Part {
    fn bytes(&mut self) -> NonNull<[u8]> {
        self.bytes
    }
}

/// What was found for a wish: a region, of which one ring after the other takes its part, or none, and then they lie on
/// the heap.
pub(crate) struct Ground {
    region: Option<Arc<Region>>,
    taken: usize,
    /// The node on which all of it lies, as the kernel says.
    pub(crate) node: Option<NodeId>,
    pub(crate) shortfalls: Vec<MemoryShortfall>,
}

impl Ground {
    /// `bytes` where `wish` says, for whoever runs on `node`. Call it on the thread that will read.
    ///
    /// # Errors
    ///
    /// What falls short of a wish that [requires](Memory::Require).
    pub(crate) fn find(
        wish: Memory,
        node: Option<NodeId>,
        bytes: usize,
    ) -> Result<Self, Vec<MemoryShortfall>> {
        let mut ground = Self {
            region: None,
            taken: 0,
            node: None,
            shortfalls: Vec::new(),
        };
        let (pages, is_strict) = match wish {
            Memory::Heap => return Ok(ground),
            Memory::Prefer(pages) => (pages, false),
            Memory::Require(pages) => (pages, true),
        };
        let shortfalls = &mut ground.shortfalls;
        if node.is_none() {
            shortfalls.push(MemoryShortfall::NodeUnknown);
        }
        let policy = match node {
            None => Policy::FirstTouch,
            Some(node) if is_strict => Policy::Bind(node),
            Some(node) => Policy::Prefer(node),
        };
        let request = Request::new(bytes)
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
                    (Some(node), Ok(home)) if home.is_all_on(node) => ground.node = Some(node),
                    (Some(_), Ok(home)) => shortfalls.push(MemoryShortfall::Elsewhere(home)),
                    _ => {}
                }
                ground.region = Some(Arc::new(region));
            }
        }
        match is_strict && !ground.shortfalls.is_empty() {
            true => Err(ground.shortfalls),
            false => Ok(ground),
        }
    }

    /// The next part, of this layout; `None` if there is no region.
    pub(crate) fn take(&mut self, layout: Layout) -> Option<Part> {
        let region = self.region.as_ref()?;
        let free = region.as_ptr().addr().get() + self.taken;
        let begin = self.taken + (free.next_multiple_of(layout.align()) - free);
        let end = begin.checked_add(layout.size())?;
        if end > region.len() {
            debug_assert!(false, "it is as large as all its parts");
            return None;
        }
        self.taken = end;
        // SAFETY: `begin` is less than the region's length.
        let bytes = unsafe { region.as_ptr().add(begin) };
        Some(Part {
            bytes: NonNull::slice_from_raw_parts(bytes, layout.size()),
            _region: Arc::clone(region),
        })
    }
}

/// What a ring's own error is, where its memory is as large as it must be.
pub(crate) fn capacity_error(error: rings::MemoryError) -> CapacityError {
    match error {
        rings::MemoryError::Capacity(error) => error,
        _ => CapacityError::TooSmall,
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
    let layout = lanes::layout::<T>(shards, lane_capacity).map_err(no_lanes)?;
    let bytes = layout.size() + layout.align();
    let mut ground = Ground::find(wish, node, bytes)
        .map_err(|shortfalls| StartError::Memory { shard, shortfalls })?;
    report.memory_node = ground.node;
    report.memory_shortfalls = core::mem::take(&mut ground.shortfalls);
    let made = match ground.take(layout) {
        Some(part) => lanes::with_memory(part, shards, lane_capacity).map_err(capacity_error),
        None => lanes::with_capacity(shards, lane_capacity),
    };
    made.map_err(no_lanes)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn parts_lie_in_their_region_side_by_side_and_keep_it() {
        let layouts = [(100, 1), (64, 64), (1, 1), (700, 128), (8, 8)]
            .map(|(size, align)| Layout::from_size_align(size, align).expect("a layout"));
        let bytes = layouts.iter().map(|one| one.size() + one.align()).sum();
        let ground = Ground::find(Memory::Prefer(Pages::Base), None, bytes);
        let mut ground = ground.expect("nothing is required");
        assert_eq!(ground.shortfalls, [MemoryShortfall::NodeUnknown]);
        let region = ground.region.clone().expect("there is memory");
        let mut parts: Vec<Part> = layouts
            .iter()
            .filter_map(|layout| ground.take(*layout))
            .collect();
        let whole = region.as_ptr().addr().get()..=region.as_ptr().addr().get() + region.len();
        let mut free = *whole.start();
        for (part, layout) in parts.iter_mut().zip(layouts) {
            let bytes = rings::Memory::bytes(part);
            let begin = bytes.cast::<u8>().addr().get();
            assert_eq!((bytes.len(), begin % layout.align()), (layout.size(), 0));
            assert!(begin >= free, "behind the last");
            free = begin + layout.size();
            assert!(whole.contains(&free));
        }
        assert_eq!(parts.len(), layouts.len());
        drop(ground);
        parts.truncate(1);
        assert_eq!(Arc::strong_count(&region), 2, "the last part keeps it");
    }

    #[test]
    fn what_is_required_and_not_to_be_had_is_refused() {
        let refused = Ground::find(Memory::Require(Pages::Base), None, 1).err();
        assert_eq!(refused, Some(vec![MemoryShortfall::NodeUnknown]));
    }
}
