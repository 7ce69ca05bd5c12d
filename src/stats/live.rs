//! A histogram that one thread writes while any thread reads it.
//!
//! The writer's part is one load and one store: nothing is locked and nobody is stopped. A reader copies bucket after
//! bucket into a [`Latency`]; what is recorded meanwhile is in it or not, and never half.
//!
//! The buckets are those of an `hdrhistogram` of two digits, so that the copy moves no value: 256 of a nanosecond each,
//! and then 128 for each doubling.
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::latency::{LIMIT_NS, Latency};

/// The bits of a value that tell buckets apart.
const DIGITS: u32 = 8;
/// Buckets for each doubling.
const HALF: usize = 1 << (DIGITS - 1);
const BUCKETS: usize = place_of(LIMIT_NS) + 1;

/// The bucket of a duration.
#[inline]
const fn place_of(ns: u64) -> usize {
    let doubling = (ns | (2 * HALF as u64 - 1)).ilog2() + 1 - DIGITS;
    // Without a doubling these are the digits 0 to 255, and after it 128 to 255: the rows join.
    doubling as usize * HALF + (ns >> doubling) as usize
}

/// The least duration of a bucket.
const fn least_of(place: usize) -> u64 {
    let doubling = (place / HALF).saturating_sub(1);
    ((place - doubling * HALF) as u64) << doubling
}

/// The writer's side of a [`Latency`]: 36 KiB, made once.
#[derive(Debug)]
pub(crate) struct LiveLatency {
    buckets: Box<[AtomicU64]>,
}

impl LiveLatency {
    pub(crate) fn new() -> Self {
        Self {
            buckets: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Counts a duration. Only ever called by one thread at a time: the owner.
    #[inline]
    pub(crate) fn record_ns(&self, ns: u64) {
        let bucket = &self.buckets[place_of(ns.min(LIMIT_NS))];
        // RELAXED: a count with one writer; nothing is read by it.
        bucket.store(bucket.load(Relaxed).wrapping_add(1), Relaxed);
    }

    /// A copy as of about now.
    pub(crate) fn snapshot(&self) -> Latency {
        let mut latency = Latency::new();
        for (place, bucket) in self.buckets.iter().enumerate() {
            // RELAXED: a count; each is exact.
            let count = bucket.load(Relaxed);
            if count != 0 {
                latency.record_many_ns(least_of(place), count);
            }
        }
        latency
    }
}

impl Default for LiveLatency {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;
    use crate::partition::hash_u64;

    #[test]
    fn buckets_cover_all_durations_in_order() {
        for place in 0..BUCKETS {
            let least = least_of(place);
            assert_eq!(place_of(least), place);
            if place > 0 {
                assert_eq!(place_of(least - 1), place - 1, "no gap below {least}");
            }
        }
        assert_eq!(place_of(LIMIT_NS), BUCKETS - 1);
        assert_eq!(BUCKETS * 8 / 1024, 35);
    }

    #[test]
    fn a_copy_says_what_the_histogram_would_have_said() {
        let (live, mut plain) = (LiveLatency::new(), Latency::new());
        for n in 0..20_000 {
            // All sizes, and both ends.
            let ns = hash_u64(n, 0) >> (n % 64);
            live.record_ns(ns);
            plain.record_ns(ns);
        }
        live.record_ns(0);
        plain.record_ns(0);
        let copy = live.snapshot();
        assert_eq!(copy.count(), plain.count());
        assert_eq!(copy.max(), plain.max());
        for permille in 0..=1000 {
            let quantile = f64::from(permille) / 1000.0;
            assert_eq!(
                copy.quantile(quantile),
                plain.quantile(quantile),
                "{quantile}"
            );
        }
    }

    #[test]
    fn a_snapshot_is_taken_while_the_writer_writes() {
        let (live, is_over) = (LiveLatency::new(), AtomicBool::new(false));
        let recorded = std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                let mut recorded = 0;
                while !is_over.load(Relaxed) {
                    live.record_ns(recorded % 5000 + 1);
                    recorded += 1;
                }
                recorded
            });
            let mut last = 0;
            for _ in 0..200 {
                let count = live.snapshot().count();
                assert!(count >= last, "counts only grow");
                last = count;
            }
            is_over.store(true, Relaxed);
            writer.join().expect("the writer does not panic")
        });
        assert_eq!(live.snapshot().count(), recorded);
    }
}
