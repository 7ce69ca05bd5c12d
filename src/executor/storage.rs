//! Blocks of memory in a few sizes, kept for the next cell instead of being freed.
//!
//! Every block comes from the global allocator by itself, so that any thread may give it back there; only the home
//! thread keeps it here.

use alloc::{
    alloc::{alloc, dealloc, handle_alloc_error},
    vec::Vec,
};
use core::{alloc::Layout, ptr::NonNull};

/// Bytes of a block, by class. Larger cells are not kept.
const SIZES: [usize; 6] = [128, 192, 320, 512, 1024, 2048];

/// Two cells never share a line.
const ALIGN: usize = 64;

/// Bytes that one class keeps at most, used or not.
const KEPT_BYTES_MAX: usize = 1 << 18;

/// Free blocks of one thread.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    free: [Vec<NonNull<u8>>; SIZES.len()],
}

#[inline]
fn class_of(layout: Layout) -> Option<usize> {
    if layout.align() > ALIGN {
        return None;
    }
    SIZES.iter().position(|size| *size >= layout.size())
}

/// What a value of `layout` is allocated as.
fn outer(layout: Layout) -> Layout {
    match class_of(layout) {
        // SAFETY: the alignment is a power of two, and the sizes are far from the end of the address space.
        Some(class) => unsafe { Layout::from_size_align_unchecked(SIZES[class], ALIGN) },
        None => layout,
    }
}

impl Blocks {
    /// A block for a value of `layout`, which is not zero-sized.
    #[inline]
    pub(crate) fn take(&mut self, layout: Layout) -> NonNull<u8> {
        debug_assert!(layout.size() != 0, "a cell has a header");
        let kept = class_of(layout).and_then(|class| self.free[class].pop());
        kept.unwrap_or_else(|| {
            let layout = outer(layout);
            // SAFETY: not zero-sized: a cell begins with a header.
            let block = unsafe { alloc(layout) };
            NonNull::new(block).unwrap_or_else(|| handle_alloc_error(layout))
        })
    }

    /// Keeps a block, or frees it.
    ///
    /// # Safety
    ///
    /// 1. The block came from [`take`](Self::take) with this layout, of these blocks or of others, and is not used any
    ///    more.
    #[inline]
    pub(crate) unsafe fn give(&mut self, block: NonNull<u8>, layout: Layout) {
        match class_of(layout) {
            Some(class) if self.free[class].len() < KEPT_BYTES_MAX / SIZES[class] => {
                self.free[class].push(block);
            }
            // SAFETY: duty 1.
            _ => unsafe { Self::free(block, layout) },
        }
    }

    /// Gives a block back to the allocator, from any thread.
    ///
    /// # Safety
    ///
    /// 1. As [`give`](Self::give).
    pub(crate) unsafe fn free(block: NonNull<u8>, layout: Layout) {
        // SAFETY: duty 1: `take` allocated it so.
        unsafe { dealloc(block.as_ptr(), outer(layout)) };
    }
}

impl Drop for Blocks {
    fn drop(&mut self) {
        for (class, free) in self.free.iter_mut().enumerate() {
            for block in free.drain(..) {
                // SAFETY: a kept block of this class, used by nobody.
                unsafe {
                    dealloc(
                        block.as_ptr(),
                        Layout::from_size_align_unchecked(SIZES[class], ALIGN),
                    );
                }
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_used_again_by_its_class() {
        let mut blocks = Blocks::default();
        let small = Layout::new::<[u64; 10]>();
        let block = blocks.take(small);
        // SAFETY: taken with this layout.
        unsafe { blocks.give(block, small) };
        let other = Layout::new::<[u64; 11]>();
        let again = blocks.take(other);
        assert_eq!(block, again);
        // SAFETY: as above.
        unsafe { Blocks::free(again, other) };
    }

    #[test]
    fn large_and_overaligned_values_are_not_kept() {
        #[repr(align(128))]
        struct Aligned;
        for layout in [Layout::new::<[u8; 5000]>(), Layout::new::<(Aligned, u8)>()] {
            let mut blocks = Blocks::default();
            let block = blocks.take(layout);
            assert_eq!(block.as_ptr().align_offset(layout.align()), 0);
            // SAFETY: taken with this layout.
            unsafe { blocks.give(block, layout) };
            assert!(blocks.free.iter().all(Vec::is_empty));
        }
    }
}
