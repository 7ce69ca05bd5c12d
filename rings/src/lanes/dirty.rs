//! One bit a lane: whether the consumer has to look at it.
//!
//! Nothing here touches a lane. Why no value is lost is said in the [module](super#why-no-value-is-lost).
#![forbid(unsafe_code)]

use crate::sync::{
    AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};

/// Bits in a word.
pub(super) const WORD_BITS: usize = usize::BITS as usize;

/// Words of bits. With the count of open lanes they fill eight words: one line.
pub(super) const DIRTY_WORDS: usize = 7;

/// The bits of all lanes.
#[derive(Debug)]
pub(super) struct Dirty {
    words: [AtomicUsize; DIRTY_WORDS],
}

impl Dirty {
    /// No bit is set.
    #[cfg(not(loom))]
    pub(super) const fn none() -> Self {
        Self {
            words: [const { AtomicUsize::new(0) }; DIRTY_WORDS],
        }
    }

    /// No bit is set.
    #[cfg(loom)]
    pub(super) fn none() -> Self {
        Self {
            words: core::array::from_fn(|_| AtomicUsize::new(0)),
        }
    }

    /// The producer of `lane` sets its bit after a push. Says whether it was set.
    pub(super) fn raise(&self, lane: usize) -> bool {
        let bit = 1 << (lane % WORD_BITS);
        // RAISE, release end: whoever sees the bit, or clears it, also sees what was pushed before, and the lease.
        self.words[lane / WORD_BITS].fetch_or(bit, Release) & bit != 0
    }

    /// The consumer clears the bit of `lane`, and must look at the lease once more.
    pub(super) fn clear(&self, lane: usize) {
        let bit = 1 << (lane % WORD_BITS);
        // RAISE, acquire end: the lease that was taken before the bit was set last is seen by the look that follows.
        self.words[lane / WORD_BITS].fetch_and(!bit, Acquire);
    }

    /// The consumer sets the bit again, because there was something after all.
    pub(super) fn restore(&self, lane: usize) {
        let bit = 1 << (lane % WORD_BITS);
        // RELAXED: read by this end alone; what producers publish goes on with their own bits.
        self.words[lane / WORD_BITS].fetch_or(bit, Relaxed);
    }

    /// The bits of one word.
    #[inline]
    pub(super) fn word(&self, index: usize) -> usize {
        // RAISE, acquire end: a value whose push set a bit is found by the look that the bit asks for.
        self.words[index].load(Acquire)
    }
}

/// The parts of the round from lane `first` through all `lanes` and back to it: which word, and which of its bits.
///
/// The word of `first` comes first, without the bits before it, and once more at the end with those alone.
pub(super) fn round(first: usize, lanes: usize) -> impl Iterator<Item = (usize, usize)> {
    let words = lanes.div_ceil(WORD_BITS);
    let (home, from) = (first / WORD_BITS, usize::MAX << (first % WORD_BITS));
    (0..=words).map(move |step| {
        let mask = match step {
            0 => from,
            last if last == words => !from,
            _ => usize::MAX,
        };
        // One subtraction instead of a division: both are less than `words`, or `step` is equal to it.
        let word = home + step;
        (if word >= words { word - words } else { word }, mask)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lanes in the order of a round.
    fn visited(first: usize, lanes: usize) -> std::vec::Vec<usize> {
        let bits = |(word, mask): (usize, usize)| {
            (0..WORD_BITS)
                .filter(move |bit| mask >> bit & 1 != 0)
                .map(move |bit| word * WORD_BITS + bit)
        };
        round(first, lanes)
            .flat_map(bits)
            .filter(|&lane| lane < lanes)
            .collect()
    }

    #[test]
    fn a_round_begins_anywhere_and_visits_each_lane_once() {
        for lanes in [1, 2, WORD_BITS - 1, WORD_BITS, WORD_BITS + 1, 3 * WORD_BITS] {
            for first in 0..lanes {
                let want = (first..lanes).chain(0..first);
                assert!(
                    visited(first, lanes).into_iter().eq(want),
                    "{first} of {lanes}"
                );
            }
        }
    }

    #[cfg(not(loom))]
    #[test]
    fn a_bit_is_set_once_and_cleared_alone() {
        let dirty = Dirty::none();
        for lane in [0, WORD_BITS - 1, WORD_BITS, DIRTY_WORDS * WORD_BITS - 1] {
            assert!(!dirty.raise(lane) && dirty.raise(lane));
        }
        assert_eq!(dirty.word(0), 1 | 1 << (WORD_BITS - 1));
        dirty.clear(0);
        assert_eq!((dirty.word(0), dirty.word(1)), (1 << (WORD_BITS - 1), 1));
        dirty.restore(0);
        assert_eq!(dirty.word(0), 1 | 1 << (WORD_BITS - 1));
    }
}
