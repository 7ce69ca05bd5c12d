//! What a slot's stamp says, and how a position shares its word with the closed bit. Pure, no unsafe.
//!
//! Positions of this ring advance by two. The lowest bit of the write position is then free to say that the ring is
//! closed, in the same word that producers claim from; and each position has two stamps of its own.
#![forbid(unsafe_code)]

/// How far the next position is.
pub(super) const STEP: usize = 2;

/// The bit of the write position that ends all claims.
pub(super) const CLOSED: usize = 1;

/// The index of a position.
#[inline(always)]
pub(super) const fn index(pos: usize, mask: usize) -> usize {
    (pos / STEP) & mask
}

/// The stamp that says: the value of this position is written.
#[inline(always)]
pub(super) const fn written(pos: usize) -> usize {
    pos.wrapping_add(1)
}

/// The stamp that says: this position was claimed and given up, nothing will come.
#[inline(always)]
pub(super) const fn skipped(pos: usize) -> usize {
    pos.wrapping_add(2)
}

/// The stamp of a slot before it is used: neither of the two of any position the slot has next.
pub(super) const fn unused(index: usize, mask: usize, start: usize) -> usize {
    let lead = index.wrapping_sub(start / STEP) & mask;
    start.wrapping_add(lead * STEP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stamps_of_neighbouring_laps_never_meet() {
        for pos in [0, 2, 40, usize::MAX - 1, usize::MAX - 3] {
            for slots in [1usize, 2, 4, 64] {
                let next_lap = pos.wrapping_add(slots * STEP);
                let now = [written(pos), skipped(pos)];
                let next = [written(next_lap), skipped(next_lap)];
                assert!(
                    now.iter().all(|stamp| !next.contains(stamp)),
                    "{pos} of {slots}"
                );
            }
        }
    }

    #[test]
    fn an_unused_slot_says_nothing_about_its_first_position() {
        for start in [0usize, 6, usize::MAX - 1, usize::MAX - 5] {
            for slots in [1usize, 2, 8] {
                for lead in 0..slots {
                    let pos = start.wrapping_add(lead * STEP);
                    let stamp = unused(index(pos, slots - 1), slots - 1, start);
                    assert!(stamp != written(pos) && stamp != skipped(pos));
                }
            }
        }
        // A zeroed inline ring begins at position 0.
        for lead in 0..8 {
            let pos = lead * STEP;
            assert!(written(pos) != 0 && skipped(pos) != 0);
        }
    }
}
