//! Lanes in memory that they own, and that is not the allocator's: of a NUMA node, or in huge pages.

use core::alloc::Layout;

use super::{Consumer, Producers, raw::Raw};
use crate::{CapacityError, MemoryError, share::Home, storage::owned::Memory};

/// As [`with_capacity`](super::with_capacity), in `memory`, at the first place there that is aligned for it;
/// [`layout`] says how much it takes. The last end drops what is left in the lanes, and then the memory.
///
/// # Errors
///
/// [`MemoryError`]: no lanes can have this capacity, or the memory is too small, and then by how much. The memory is
/// dropped.
pub fn with_memory<T>(
    memory: impl Memory,
    lanes: usize,
    capacity: usize,
) -> Result<(Producers<'static, T>, Consumer<'static, T>), MemoryError> {
    let raw = Raw::place(memory, lanes, capacity)?;
    let first = raw.header().fixed.ends.claim(lanes + 1);
    debug_assert!(first, "new lanes have no ends");
    // SAFETY: 1: the count keeps the lanes, and these their memory, until the last end leaves. 2: these are their first
    // ends.
    Ok(unsafe {
        (
            Producers::new(raw, Home::Heap),
            Consumer::new(raw, Home::Heap),
        )
    })
}

/// Size and alignment of `lanes` lanes that hold `capacity` values each, for [`with_memory`].
///
/// Memory with that alignment needs that size; any other needs up to `align() - 1` bytes more.
///
/// # Errors
///
/// [`CapacityError`]: `lanes` or `capacity` is 0, or too large.
///
/// ```
/// use shared_nothing_rings::lanes;
///
/// let layout = lanes::layout::<u64>(4, 100)?;
/// assert!(layout.size() > 4 * 100 * 8);
/// # Ok::<(), shared_nothing_rings::CapacityError>(())
/// ```
pub fn layout<T>(lanes: usize, capacity: usize) -> Result<Layout, CapacityError> {
    Raw::<T>::layout(lanes, capacity)
}
