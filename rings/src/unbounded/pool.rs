//! Where blocks come from and go to: a few are kept, the rest belong to the allocator. And how many there are.

use core::ptr::null_mut;

use super::block::Link;
use crate::{
    storage::{Block, heap},
    sync::{
        AtomicPtr, AtomicUsize,
        Ordering::{Acquire, Relaxed, Release},
    },
};

/// How many empty blocks a ring keeps.
pub const SPARE_BLOCKS: usize = if cfg!(any(loom, shuttle)) { 1 } else { 4 };

/// The blocks of one ring.
#[derive(Debug)]
pub(super) struct Pool {
    /// Blocks in waiting; null where there is none.
    spare: [AtomicPtr<Link>; SPARE_BLOCKS],
    blocks: AtomicUsize,
    blocks_max: AtomicUsize,
}

/// How much memory a ring uses for its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryUse {
    /// Blocks that are allocated now: in use, being emptied, or kept for later.
    pub blocks: usize,
    /// The most blocks that were ever allocated at a time: the high-water mark.
    pub blocks_max: usize,
    /// Bytes of one block.
    pub block_bytes: usize,
}

impl MemoryUse {
    /// Bytes that are allocated now.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.blocks * self.block_bytes
    }

    /// The most bytes that were ever allocated at a time.
    #[must_use]
    pub const fn bytes_max(&self) -> usize {
        self.blocks_max * self.block_bytes
    }
}

impl Pool {
    /// No block is kept.
    #[cfg(not(loom))]
    pub(super) const fn new() -> Self {
        Self {
            spare: [const { AtomicPtr::new(null_mut()) }; SPARE_BLOCKS],
            blocks: AtomicUsize::new(0),
            blocks_max: AtomicUsize::new(0),
        }
    }

    /// No block is kept.
    #[cfg(loom)]
    pub(super) fn new() -> Self {
        Self {
            spare: core::array::from_fn(|_| AtomicPtr::new(null_mut())),
            blocks: AtomicUsize::new(0),
            blocks_max: AtomicUsize::new(0),
        }
    }

    /// A block of the caller's own with a null link: one that was kept, or a new one that `prepare` has seen. `None` if
    /// the allocator refuses.
    ///
    /// # Safety
    ///
    /// 1. All blocks of this pool have `slots` slots `S`.
    pub(super) unsafe fn take<S>(
        &self,
        slots: usize,
        prepare: impl FnOnce(Block<Link, S>),
    ) -> Option<Block<Link, S>> {
        for spare in &self.spare {
            // SPARE, acquire end: whoever gave the block has finished with it. Whoever swaps it out is alone with it.
            let link = spare.swap(null_mut(), Acquire);
            // SAFETY: a block of this pool (duty 1), and the caller's alone now.
            if let Some(block) = unsafe { Link::block(link) } {
                // RELAXED: not shared yet.
                block.header().next.store(null_mut(), Relaxed);
                return Some(block);
            }
        }
        let block = heap::allocate(Link::new(slots), slots).ok()?;
        prepare(block);
        // RELAXED: statistics.
        let blocks = self.blocks.fetch_add(1, Relaxed) + 1;
        self.blocks_max.fetch_max(blocks, Relaxed);
        Some(block)
    }

    /// Keeps an empty block, or frees it.
    ///
    /// # Safety
    ///
    /// 1. The block came from [`take`](Self::take) with the same `slots` and `S`.
    /// 2. It is the caller's alone, and nobody uses it afterwards.
    pub(super) unsafe fn give<S>(&self, block: Block<Link, S>, slots: usize) {
        for spare in &self.spare {
            // SPARE, release end: whoever takes the block comes after all that was done with it.
            let kept = spare.compare_exchange(null_mut(), block.as_ptr(), Release, Relaxed);
            if kept.is_ok() {
                return;
            }
        }
        // RELAXED: statistics.
        self.blocks.fetch_sub(1, Relaxed);
        // SAFETY: duties 1 and 2.
        unsafe { heap::deallocate(block, slots) };
    }

    /// Frees a chain of blocks, and those that are kept.
    ///
    /// # Safety
    ///
    /// 1. Each block of the chain came from [`take`](Self::take) with the same `slots` and `S`.
    /// 2. No end is alive, and what they did happened before this call.
    pub(super) unsafe fn free<S>(&self, first: *mut Link, slots: usize) {
        // SAFETY: duty 1.
        let free = |link| unsafe {
            let block = Link::block::<S>(link)?;
            // RELAXED: nobody else is there (duty 2).
            let next = block.header().next.load(Relaxed);
            heap::deallocate(block, slots);
            // RELAXED: as above.
            self.blocks.fetch_sub(1, Relaxed);
            Some(next)
        };
        let mut link = first;
        while let Some(next) = free(link) {
            link = next;
        }
        for spare in &self.spare {
            // RELAXED: nobody else is there (duty 2).
            free(spare.swap(null_mut(), Relaxed));
        }
    }

    pub(super) fn memory<S>(&self, slots: usize) -> MemoryUse {
        let layout = crate::storage::layout::<Link, S>(slots);
        MemoryUse {
            // RELAXED: statistics.
            blocks: self.blocks.load(Relaxed),
            blocks_max: self.blocks_max.load(Relaxed),
            block_bytes: layout.map_or(0, |layout| layout.size()),
        }
    }
}
