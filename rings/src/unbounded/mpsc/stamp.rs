//! How a position says its block, its slot and its stamp, and shares its word with the closed bit. Pure, no unsafe.
#![forbid(unsafe_code)]

/// How far the next position is. The lowest bit of the write position says that the ring is closed.
pub(super) const STEP: usize = 2;

/// The bit of the write position that ends all claims.
pub(super) const CLOSED: usize = 1;

/// The bits of a block's number that a pointer to it carries. One would do: it tells a block from the one before. A
/// model has one, so that what more of them would hide is seen.
pub(super) const TAG_MASK: usize = if cfg!(any(loom, shuttle)) { 1 } else { 0x7f };

/// The index of a position in its block of `slots` slots, a power of two.
#[inline(always)]
pub(super) const fn index(pos: usize, slots: usize) -> usize {
    (pos / STEP) & (slots - 1)
}

/// The low bits of the number of a position's block.
#[inline(always)]
pub(super) const fn tag(pos: usize, slots: usize) -> usize {
    (pos / (STEP * slots)) & TAG_MASK
}

/// The stamp that says: the value of this position is written. Odd, so that an unused slot's 0 is none.
#[inline(always)]
pub(super) const fn written(pos: usize) -> usize {
    pos | 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_numbered_through_the_wrap() {
        for slots in [1usize, 2, 4, 64] {
            let last = 0usize.wrapping_sub(STEP);
            assert_eq!(index(last, slots), slots - 1);
            assert_eq!((tag(last, slots), tag(0, slots)), (TAG_MASK, 0));
            assert_eq!(tag(STEP * slots, slots), 1);
        }
    }

    #[test]
    fn no_stamp_is_that_of_an_unused_slot() {
        for pos in [0usize, 2, 0usize.wrapping_sub(STEP)] {
            assert!(written(pos) != 0 && written(pos) != written(pos.wrapping_add(STEP)));
        }
    }
}
