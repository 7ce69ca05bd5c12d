//! Blocks of memory in a few sizes, kept for the next cell instead of being freed.
//!
//! Every block comes from the global allocator by itself, so that any thread may give it back there; only the home
//! thread keeps it here.

use alloc::alloc::{alloc, dealloc, handle_alloc_error};
use core::{alloc::Layout, ptr::NonNull};

/// Bytes of a block, by class. Larger cells are not kept.
const SIZES: [usize; 6] = [128, 192, 320, 512, 1024, 2048];

/// Two cells never share a line.
const ALIGN: usize = 64;

/// Bytes that one class keeps at most, used or not.
const KEPT_BYTES_MAX: usize = 1 << 18;

/// How much memory a cell has, known when its type is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    /// As it is allocated.
    layout: Layout,
    /// Beyond the last if it is not kept.
    class: usize,
}

impl Size {
    /// Of a value of type `T`, which is not zero-sized.
    pub(crate) const fn of<T>() -> Self {
        let layout = Layout::new::<T>();
        assert!(layout.size() != 0, "a cell has a header");
        let mut class = 0;
        while class < SIZES.len() {
            if SIZES[class] >= layout.size() && layout.align() <= ALIGN {
                let layout = match Layout::from_size_align(SIZES[class], ALIGN) {
                    Ok(layout) => layout,
                    Err(_) => panic!("sizes are far from the end of the address space"),
                };
                return Self { layout, class };
            }
            class += 1;
        }
        Self { layout, class }
    }
}

/// Free blocks of one size, linked through their first words.
#[derive(Debug, Clone, Copy)]
struct Free {
    first: *mut u8,
    /// How many more are kept.
    room: usize,
}

/// Free blocks of one thread.
#[derive(Debug)]
pub(crate) struct Blocks {
    free: [Free; SIZES.len()],
}

impl Blocks {
    pub(crate) const fn new() -> Self {
        let none = Free {
            first: core::ptr::null_mut(),
            room: 0,
        };
        let mut free = [none; SIZES.len()];
        let mut class = 0;
        while class < SIZES.len() {
            free[class].room = KEPT_BYTES_MAX / SIZES[class];
            class += 1;
        }
        Self { free }
    }

    /// A block of `size`.
    #[inline]
    pub(crate) fn take(&mut self, size: Size) -> NonNull<u8> {
        let Some(free) = self.free.get_mut(size.class) else {
            return allocate(size.layout);
        };
        let Some(block) = NonNull::new(free.first) else {
            return allocate(size.layout);
        };
        // SAFETY: a free block is this list's alone, and begins with the link that `give` wrote.
        free.first = unsafe { block.cast().read() };
        free.room += 1;
        block
    }

    /// Keeps a block, or frees it.
    ///
    /// # Safety
    ///
    /// 1. The block came from [`take`](Self::take) with this size, of these blocks or of others, and is not used any
    ///    more.
    #[inline]
    pub(crate) unsafe fn give(&mut self, block: NonNull<u8>, size: Size) {
        match self.free.get_mut(size.class) {
            Some(free) if free.room != 0 => {
                // SAFETY: duty 1: nobody uses the block; it is larger than a link and aligned for one.
                unsafe { block.cast().write(free.first) };
                free.first = block.as_ptr();
                free.room -= 1;
            }
            // SAFETY: duty 1.
            _ => unsafe { Self::free(block, size) },
        }
    }

    /// Gives a block back to the allocator, from any thread.
    ///
    /// # Safety
    ///
    /// 1. As [`give`](Self::give).
    #[cold]
    pub(crate) unsafe fn free(block: NonNull<u8>, size: Size) {
        // SAFETY: duty 1: `take` allocated it so.
        unsafe { dealloc(block.as_ptr(), size.layout) };
    }
}

#[cold]
fn allocate(layout: Layout) -> NonNull<u8> {
    // SAFETY: not zero-sized: `Size::of` has looked.
    let block = unsafe { alloc(layout) };
    NonNull::new(block).unwrap_or_else(|| handle_alloc_error(layout))
}

impl Drop for Blocks {
    fn drop(&mut self) {
        for (class, free) in self.free.iter_mut().enumerate() {
            while let Some(block) = NonNull::new(free.first) {
                // SAFETY: a kept block of this class, used by nobody, which begins with its link.
                unsafe {
                    free.first = block.cast().read();
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
        let mut blocks = Blocks::new();
        let small = Size::of::<[u64; 10]>();
        let [one, two] = [(); 2].map(|()| blocks.take(small));
        // SAFETY: taken with this size.
        unsafe {
            blocks.give(one, small);
            blocks.give(two, small);
        }
        let other = Size::of::<[u64; 11]>();
        let again = [(); 2].map(|()| blocks.take(other));
        assert_eq!(again, [two, one]);
        for block in again {
            // SAFETY: as above.
            unsafe { Blocks::free(block, other) };
        }
    }

    #[test]
    fn large_and_overaligned_values_are_not_kept() {
        #[repr(align(128))]
        struct Aligned;
        let sizes = [Size::of::<[u8; 5000]>(), Size::of::<(Aligned, u8)>()];
        for (size, align) in sizes.into_iter().zip([1, 128]) {
            let mut blocks = Blocks::new();
            let block = blocks.take(size);
            assert_eq!(block.as_ptr().align_offset(align), 0);
            // SAFETY: taken with this size.
            unsafe { blocks.give(block, size) };
            assert!(blocks.free.iter().all(|free| free.first.is_null()));
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut blocks = Blocks::new();
        let size = Size::of::<[u8; 2048]>();
        let kept = KEPT_BYTES_MAX / 2048;
        let taken: alloc::vec::Vec<_> = (0..kept + 3).map(|_| blocks.take(size)).collect();
        for block in taken {
            // SAFETY: taken with this size.
            unsafe { blocks.give(block, size) };
        }
        assert_eq!(blocks.free[size.class].room, 0);
    }
}
