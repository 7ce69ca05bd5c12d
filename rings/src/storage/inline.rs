//! A ring as a value: header and array in one struct, fit for a `static`, the stack or a field.

use core::ptr::NonNull;

use super::Block;

/// Header and slots side by side.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Inline<H, S, const N: usize> {
    pub(crate) header: H,
    slots: [S; N],
}

impl<H, S, const N: usize> Inline<H, S, N> {
    pub(crate) const fn new(header: H, slots: [S; N]) -> Self {
        Self { header, slots }
    }

    pub(crate) fn block(&self) -> Block<H, S> {
        // Made from the whole struct, so that the pointer may reach the slots too.
        let header = NonNull::from(self).cast::<H>();
        // SAFETY: 1: `repr(C)` puts the slots where the block looks for them. 2: the callers tie every handle to
        // a borrow of `self`, and all that is changed through it lies in cells.
        unsafe { Block::new(header) }
    }
}
