//! Where a ring lives: one header followed by its slots, whoever provides the memory.
//!
//! An algorithm sees only a [`Block`]. It cannot tell an array in a `static` from an allocation, and the place of
//! the slots is a constant offset from the header, so that one pointer reaches both.

#[cfg(any(feature = "alloc", target_has_atomic = "ptr"))]
use core::alloc::Layout;
use core::{marker::PhantomData, ptr::NonNull};

#[cfg(any(feature = "alloc", target_has_atomic = "ptr"))]
use crate::CapacityError;

#[cfg(feature = "alloc")]
pub(crate) mod heap;
pub(crate) mod inline;
#[cfg(target_has_atomic = "ptr")]
pub(crate) mod mapped;
#[cfg(feature = "alloc")]
pub(crate) mod owned;

/// Size and alignment of a block of `slots` slots.
#[cfg(any(feature = "alloc", target_has_atomic = "ptr"))]
pub(crate) fn layout<H, S>(slots: usize) -> Result<Layout, CapacityError> {
    let slots = Layout::array::<S>(slots).map_err(|_| CapacityError::TooLarge)?;
    let (whole, offset) = Layout::new::<H>()
        .extend(slots)
        .map_err(|_| CapacityError::TooLarge)?;
    debug_assert_eq!(offset, Block::<H, S>::SLOTS_OFFSET);
    Ok(whole.pad_to_align())
}

/// A header `H` with slots `S` behind it: a pointer that is copied freely and owns nothing.
#[derive(Debug)]
pub(crate) struct Block<H, S> {
    header: NonNull<H>,
    slots: PhantomData<*const S>,
}

impl<H, S> Clone for Block<H, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<H, S> Copy for Block<H, S> {}

impl<H, S> Block<H, S> {
    /// Bytes from the header to slot 0, as `repr(C)` lays out a header followed by an array of slots.
    pub(crate) const SLOTS_OFFSET: usize = size_of::<H>().next_multiple_of(align_of::<S>());

    /// # Safety
    ///
    /// 1. `header` points to a live `H` with the block's slots at [`SLOTS_OFFSET`](Self::SLOTS_OFFSET), in one
    ///    piece of memory that the pointer may reach as a whole.
    /// 2. Both stay there, and are only shared, as long as any copy of the block is used.
    pub(crate) const unsafe fn new(header: NonNull<H>) -> Self {
        Self {
            header,
            slots: PhantomData,
        }
    }

    #[inline(always)]
    pub(crate) const fn header(&self) -> &H {
        // SAFETY: alive and only shared while a copy of the block is used (duties of `new`); `self` is one.
        unsafe { self.header.as_ref() }
    }

    /// # Safety
    ///
    /// 1. `index` is less than the number of slots.
    #[inline(always)]
    pub(crate) const unsafe fn slot(&self, index: usize) -> &S {
        // SAFETY: the slots lie there and live (duties of `new`); `index` stays inside them (duty 1).
        unsafe { self.slot_ptr(index).as_ref() }
    }

    /// Where a slot lies, whatever is in it. The pointer may reach all slots.
    ///
    /// # Safety
    ///
    /// 1. `index` is less than the number of slots.
    pub(crate) const unsafe fn slot_ptr(self, index: usize) -> NonNull<S> {
        // SAFETY: the slots lie there (duty of `new`); `index` stays inside them (duty 1).
        unsafe {
            self.header
                .byte_add(Self::SLOTS_OFFSET)
                .cast::<S>()
                .add(index)
        }
    }

    #[cfg(any(feature = "alloc", target_has_atomic = "ptr"))]
    pub(crate) const fn as_ptr(self) -> *mut H {
        self.header.as_ptr()
    }
}
