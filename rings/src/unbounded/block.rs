//! A block: some slots, and the link to the block behind it.

use core::ptr::{NonNull, null_mut};

use crate::{
    slot::Watch,
    storage::Block,
    sync::{AtomicPtr, Cell, const_constructor},
};

/// How many values of `T` one block holds.
///
/// 64 of a cache line at most, 16 of a kibibyte at most, 4 of any larger size.
///
/// ```
/// use shared_nothing_rings::unbounded::block_capacity;
/// assert_eq!((block_capacity::<u64>(), block_capacity::<[u8; 4096]>()), (64, 4));
/// ```
#[must_use]
pub const fn block_capacity<T>() -> usize {
    if cfg!(any(loom, shuttle)) {
        return 2;
    }
    match size_of::<T>() {
        0..=64 => 64,
        65..=1024 => 16,
        _ => 4,
    }
}

/// The header of a block. Aligned so that its address has bits to spare.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Link {
    pub(super) next: AtomicPtr<Link>,
    pub(super) watch: Watch,
}

impl Link {
    pub(super) fn new(slots: usize) -> Self {
        Self {
            next: AtomicPtr::new(null_mut()),
            watch: Watch::new(slots),
        }
    }

    /// The block that a pointer to its header stands for; `None` for null.
    ///
    /// # Safety
    ///
    /// 1. The pointer is null, or to the header of a block with slots `S` that the caller may use as long as it uses
    ///    what this returns.
    #[inline(always)]
    pub(super) unsafe fn block<S>(link: *mut Self) -> Option<Block<Self, S>> {
        // SAFETY: duty 1.
        NonNull::new(link).map(|link| unsafe { Block::new(link) })
    }
}

/// A pointer to a block that one end alone reads and writes; null at first.
#[derive(Debug)]
pub(super) struct PrivateBlock(Cell<*mut Link>);

impl PrivateBlock {
    const_constructor! {
        pub(super) fn null() -> Self {
            Self(Cell::new(null_mut()))
        }
    }

    /// # Safety
    ///
    /// 1. The caller is the end that owns this pointer; no other thread touches it meanwhile.
    #[inline(always)]
    pub(super) unsafe fn get(&self) -> *mut Link {
        // SAFETY: duty 1 rules out a concurrent write.
        self.0.with(|link| unsafe { *link })
    }

    /// # Safety
    ///
    /// 1. The caller is the end that owns this pointer; no other thread touches it meanwhile.
    #[inline(always)]
    pub(super) unsafe fn set(&self, new: *mut Link) {
        // SAFETY: duty 1 rules out any concurrent access.
        self.0.with_mut(|link| unsafe { *link = new });
    }
}
