//! How long messages lie in a ring, measured on every 64th of them.
//!
//! A clock read costs more than a push. So the sender of every 64th message notes the time beside the ring, in a table
//! that is indexed by the message's position, and the worker reads it when it gets there.
//!
//! The note is stored before its message is published and read after it was found, so the ring's PUBLISH edge carries
//! it. The table has room for every 64th position that a ring can hold at once, and one more, so that no note is
//! overwritten before it is read: a position that shares its place is claimed only after the older one was vacated.
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// One message in so many carries a time.
pub(crate) const SAMPLE_EVERY: usize = 64;

#[derive(Debug)]
pub(crate) struct Probe {
    sent_ns: Box<[AtomicU64]>,
}

impl Probe {
    pub(crate) fn new(capacity: usize) -> Self {
        let places = (capacity / SAMPLE_EVERY + 2).next_power_of_two();
        Self {
            sent_ns: (0..places).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    #[inline]
    pub(crate) const fn is_sampled(position: usize) -> bool {
        position % SAMPLE_EVERY == 0
    }

    #[inline]
    fn place(&self, position: usize) -> &AtomicU64 {
        &self.sent_ns[(position / SAMPLE_EVERY) & (self.sent_ns.len() - 1)]
    }

    /// Before the message at a sampled `position` is published.
    pub(crate) fn note(&self, position: usize, now_ns: u64) {
        // RELAXED: ordered by the ring's PUBLISH.
        self.place(position).store(now_ns, Relaxed);
    }

    /// When the message at a sampled `position` was sent. After it was found in the ring.
    pub(crate) fn sent_ns(&self, position: usize) -> u64 {
        // RELAXED: ordered by the ring's PUBLISH.
        self.place(position).load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sampled_position_in_the_ring_has_a_place_of_its_own() {
        for capacity in [1, 2, 63, 64, 65, 1000, 4096] {
            let probe = Probe::new(capacity);
            for first in [0, 1, 63, 64, 100, 4095] {
                let sampled = (first..first + capacity).filter(|p| Probe::is_sampled(*p));
                for position in sampled.clone() {
                    probe.note(position, position as u64 + 1);
                }
                for position in sampled {
                    assert_eq!(probe.sent_ns(position), position as u64 + 1);
                }
            }
        }
    }
}
