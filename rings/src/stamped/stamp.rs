//! What a slot's stamp says of a position, and how a position shares its word with the closed bit. Pure, no unsafe.
//!
//! Positions of this ring advance by four. The two lowest bits are then free: in the write position for the closed
//! bit, in a stamp for what became of the slot on that lap. A stamp leaves out the index, which its slot knows, so that
//! a ring of zeros is an empty ring and a `static` one takes no room in the program's file.
#![forbid(unsafe_code)]

use crate::pos::CAPACITY_MAX;

/// How far the next position is.
pub(crate) const STEP: usize = 4;

/// The bit of the write position that ends all claims. No stamp has it alone, so a closed position equals none.
pub(crate) const CLOSED: usize = 1;

const WRITTEN: usize = 2;
const SKIPPED: usize = 3;

// Distances between positions, and between stamps of neighbouring laps, keep a sign bit.
static_assertions::const_assert!(CAPACITY_MAX <= isize::MAX as usize / STEP);

/// The bits of a position that say which of so many slots it lies in; the number is a power of two.
pub(crate) const fn mask_of(slots: usize) -> usize {
    (slots - 1) * STEP
}

/// The number of slots that a mask stands for.
pub(crate) const fn slots_of(mask: usize) -> usize {
    mask / STEP + 1
}

/// The index of a position.
#[inline(always)]
pub(crate) const fn index(pos: usize, mask: usize) -> usize {
    (pos & mask) / STEP
}

/// The lap of a position: all of it but the index. A closed position keeps its bit.
#[inline(always)]
pub(crate) const fn lap(pos: usize, mask: usize) -> usize {
    pos - (pos & mask)
}

/// The position `count` places further on.
#[inline(always)]
pub(crate) const fn after(pos: usize, count: usize) -> usize {
    pos.wrapping_add(count.wrapping_mul(STEP))
}

/// How many places lie between two positions, the later one first.
#[inline(always)]
pub(crate) const fn places(later: usize, earlier: usize) -> usize {
    later.wrapping_sub(earlier) / STEP
}

/// The stamp that says: the slot is empty, and its position of this lap may be claimed.
#[inline(always)]
pub(crate) const fn free(lap: usize) -> usize {
    lap
}

/// The stamp that says: the value of this lap is written.
#[inline(always)]
pub(crate) const fn written(lap: usize) -> usize {
    lap | WRITTEN
}

/// The stamp that says: the position of this lap was claimed and given up, nothing will come.
#[inline(always)]
pub(crate) const fn skipped(lap: usize) -> usize {
    lap | SKIPPED
}

/// The stamp that says: whatever came on this lap is gone, and the slot is free for the next.
#[inline(always)]
pub(crate) const fn vacated(lap: usize, mask: usize) -> usize {
    lap.wrapping_add(mask + STEP)
}

/// What a stamp says of the position that its slot has on some lap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Says {
    /// The slot still has what an earlier lap put there.
    Earlier,
    /// The slot is empty. The position is not claimed, or claimed and not yet written.
    Free,
    /// The value is there.
    Written,
    /// The position was given up.
    Skipped,
    /// The position is past: it was claimed, and claimed again at the other end.
    Later,
}

/// Reads `stamp` as of `lap`.
#[inline(always)]
pub(crate) const fn read(stamp: usize, lap: usize) -> Says {
    match stamp.wrapping_sub(free(lap)) {
        0 => Says::Free,
        WRITTEN => Says::Written,
        SKIPPED => Says::Skipped,
        ahead if (ahead as isize) < 0 => Says::Earlier,
        _ => Says::Later,
    }
}

/// The stamp of a slot before it is used: free for its first position.
pub(crate) const fn unused(index: usize, mask: usize, start: usize) -> usize {
    let lead = (index * STEP).wrapping_sub(start) & mask;
    free(lap(start.wrapping_add(lead), mask))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STARTS: [usize; 5] = [
        0,
        4,
        40,
        3usize.wrapping_neg() & !3,
        7usize.wrapping_neg() & !3,
    ];

    #[test]
    fn each_stamp_is_read_as_it_was_meant_on_its_lap_and_the_next() {
        for pos in STARTS {
            for slots in [1usize, 2, 4, 64] {
                let mask = mask_of(slots);
                assert_eq!(slots_of(mask), slots);
                let next = after(pos, slots);
                assert_eq!(index(pos, mask), index(next, mask));
                let (now, next) = (lap(pos, mask), lap(next, mask));
                assert_eq!(read(free(now), now), Says::Free);
                assert_eq!(read(written(now), now), Says::Written);
                assert_eq!(read(skipped(now), now), Says::Skipped);
                assert_eq!(read(vacated(now, mask), now), Says::Later);
                assert_eq!(read(vacated(now, mask), next), Says::Free);
                for old in [free, written, skipped] {
                    assert_eq!(read(old(now), next), Says::Earlier);
                    assert_eq!(read(old(next), now), Says::Later);
                }
            }
        }
    }

    #[test]
    fn no_stamp_equals_that_of_a_closed_position() {
        for pos in STARTS {
            for slots in [1usize, 2, 64] {
                let mask = mask_of(slots);
                let closed = free(lap(pos | CLOSED, mask));
                let now = lap(pos, mask);
                let all = [free(now), written(now), skipped(now), vacated(now, mask)];
                assert!(!all.contains(&closed));
            }
        }
    }

    #[test]
    fn an_unused_slot_is_free_for_its_first_position() {
        for start in STARTS {
            for slots in [1usize, 2, 8] {
                let mask = mask_of(slots);
                for lead in 0..slots {
                    let pos = after(start, lead);
                    let stamp = unused(index(pos, mask), mask, start);
                    assert_eq!(read(stamp, lap(pos, mask)), Says::Free);
                    assert!(start != 0 || stamp == 0, "a new ring is all zeros");
                }
            }
        }
    }

    #[test]
    fn counting_places_survives_wrap_around() {
        let start = 4usize.wrapping_neg();
        assert_eq!(after(start, 3), 8);
        assert_eq!(places(after(start, 3), start), 3);
    }
}
