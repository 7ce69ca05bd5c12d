//! Memory that a ring owns and that is not the allocator's: of a NUMA node, or in huge pages.

use alloc::boxed::Box;
use core::{cell::Cell, fmt, mem::MaybeUninit, ptr::NonNull};

/// Memory with an owner: a ring in it keeps the owner, and its last end drops it.
///
/// # Safety
///
/// 1. [`bytes`](Self::bytes) gives the same place every time, writable, wherever the owner itself is moved, until it is
///    dropped.
/// 2. Nobody but whoever has the owner uses that place, on any thread.
pub unsafe trait Memory: Send + 'static {
    /// The place.
    fn bytes(&mut self) -> NonNull<[u8]>;
}

/// The place, for a ring that is laid there and then keeps `memory`.
///
/// # Safety
///
/// 1. The slice is not used when the memory is dropped.
/// 2. It is the only one.
pub(crate) unsafe fn slice<'a>(memory: &mut impl Memory) -> &'a mut [MaybeUninit<u8>] {
    let bytes = memory.bytes();
    let slice = NonNull::slice_from_raw_parts(bytes.cast::<MaybeUninit<u8>>(), bytes.len());
    // SAFETY: writable, and nobody else's, by the trait's contract and duty 2, until the memory is dropped: duty 1.
    unsafe { &mut *slice.as_ptr() }
}

/// Who owns the memory of a ring that is not the allocator's. Set before there is an end, and taken by the last.
pub(crate) struct Keeper(Cell<Option<Box<dyn Memory>>>);

impl Keeper {
    pub(crate) const fn none() -> Self {
        Self(Cell::new(None))
    }

    pub(crate) fn set(&self, keeper: Box<dyn Memory>) {
        self.0.set(Some(keeper));
    }

    pub(crate) fn take(&self) -> Option<Box<dyn Memory>> {
        self.0.take()
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keeper")
    }
}
