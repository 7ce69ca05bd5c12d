//! A ring in memory that the caller found: a region of a NUMA node, a huge page, a linker section.

use core::{mem::MaybeUninit, ptr::NonNull};

use super::{Block, layout};
use crate::MemoryError;

/// Lays a block into the first place of `memory` that is aligned for it, and writes its header. The slots are memory
/// as it came.
///
/// Whoever uses the block keeps `memory` borrowed meanwhile.
pub(crate) fn place<H, S>(
    memory: &mut [MaybeUninit<u8>],
    header: H,
    slots: usize,
) -> Result<Block<H, S>, MemoryError> {
    let layout = layout::<H, S>(slots)?;
    let given = memory.len();
    let start = NonNull::from(memory).cast::<u8>();
    let skipped = start.align_offset(layout.align());
    let needed = skipped.saturating_add(layout.size());
    if needed > given {
        return Err(MemoryError::TooSmall { needed, given });
    }
    // SAFETY: 1: `skipped` bytes on, the memory is aligned and has room for the layout, which has the slots at the
    // block's offset; the pointer may reach all of the slice. 2: the callers tie every handle to the borrow.
    unsafe {
        let place = start.add(skipped).cast::<H>();
        place.write(header);
        Ok(Block::new(place))
    }
}

/// Ends a block that was laid into memory: drops the header, and leaves the memory to its owner.
///
/// # Safety
///
/// 1. The block came from [`place`], and no copy of it is used afterwards.
pub(crate) unsafe fn leave<H, S>(block: Block<H, S>) {
    // SAFETY: nobody looks at it any more (duty 1).
    unsafe { block.as_ptr().drop_in_place() };
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_offset_is_aligned_and_the_size_named_is_the_least_that_will_do() {
        #[repr(align(64))]
        struct Header(#[allow(dead_code, reason = "here for its size")] [u8; 70]);
        let mut memory = [const { MaybeUninit::uninit() }; 1024];
        for offset in 0..130 {
            let mut place = |len: usize| {
                place::<_, u16>(&mut memory[offset..offset + len], Header([7; 70]), 9)
                    .map(|block| block.as_ptr().addr())
            };
            let Err(MemoryError::TooSmall { needed, given: 3 }) = place(3) else {
                panic!("three bytes are not enough")
            };
            assert!((128 + 18..192 + 64).contains(&needed), "{needed}");
            assert_eq!(place(needed).map(|addr| addr % 64), Ok(0));
            let given = needed - 1;
            assert_eq!(place(given), Err(MemoryError::TooSmall { needed, given }));
        }
    }

    #[test]
    fn a_block_that_cannot_be_is_refused_before_the_memory_is_looked_at() {
        let placed = place::<u64, u64>(&mut [], 0, usize::MAX);
        let why = MemoryError::Capacity(crate::CapacityError::TooLarge);
        assert_eq!(placed.err(), Some(why));
    }
}
