//! A ring in one allocation of its own.

use alloc::alloc::{alloc, dealloc};
use core::ptr::NonNull;

use super::{Block, layout};
use crate::CapacityError;

/// Allocates a block and writes its header. The slots are memory as it came: whoever needs something in them writes
/// it in place, so that a slot may be larger than the stack.
pub(crate) fn allocate<H, S>(header: H, slots: usize) -> Result<Block<H, S>, CapacityError> {
    let layout = layout::<H, S>(slots)?;
    // SAFETY: a header is never zero-sized, so neither is the layout.
    let memory = unsafe { alloc(layout) };
    let memory = NonNull::new(memory.cast::<H>()).ok_or(CapacityError::OutOfMemory)?;
    // SAFETY: 1: the layout has the slots at the block's offset, in one allocation. 2: it lives until `deallocate`.
    unsafe {
        memory.write(header);
        Ok(Block::new(memory))
    }
}

/// Drops the header and frees the block. Values in slots are not dropped: that is the ring's business.
///
/// # Safety
///
/// 1. The block came from [`allocate`] with the same number of slots.
/// 2. No copy of it is used afterwards.
pub(crate) unsafe fn deallocate<H, S>(block: Block<H, S>, slots: usize) {
    let Ok(layout) = layout::<H, S>(slots) else {
        unreachable!("this layout was allocated")
    };
    // SAFETY: allocated with this layout (duty 1), and nobody looks at it any more (duty 2).
    unsafe {
        block.as_ptr().drop_in_place();
        dealloc(block.as_ptr().cast(), layout);
    }
}
