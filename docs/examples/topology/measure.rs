//! Round trips between two CPUs, through two rings.

use std::hint::spin_loop;
use std::num::NonZeroU32;
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use shared_nothing::affinity::{Arena, CpuId, PinGuard, Request, pin};
use shared_nothing::rings::{TryPopError, spsc};

/// Samples of each pair. The first one warms the caches up and is not counted.
const SAMPLES: usize = 25;

/// Looks into an empty ring before the thread lets others run. Where the other thread has its CPU for itself, it
/// answers sooner.
const LOOKS: u32 = 1 << 14;

/// The time of one round trip, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Trip {
    /// Of the sample in the middle: what to expect.
    pub(crate) ns_median: f64,
    /// Of the fastest sample: what the machine can do when nothing else runs.
    pub(crate) ns_min: f64,
}

/// Measures between two CPUs, which are not the same one.
///
/// # Errors
/// A thread cannot be pinned, or there is no memory for the rings: the reason as text.
pub(crate) fn round_trip(from: CpuId, to: CpuId, trips: NonZeroU32) -> Result<Trip, String> {
    debug_assert_ne!(from, to);
    // Both rings in memory that is written first, and so placed, by the thread on `from`.
    thread::scope(|scope| {
        let caller = scope.spawn(move || {
            let guard = pin(from).map_err(|wrong| wrong.to_string())?;
            let layout = spsc::layout::<u64>(1).map_err(|wrong| wrong.to_string())?;
            let bytes = 2 * (layout.size() + layout.align());
            let arena = Arena::new(&Request::new(bytes)).map_err(|wrong| wrong.to_string())?;
            let ring = || {
                let memory = arena.take(layout).map_err(|wrong| wrong.to_string())?;
                spsc::in_memory(memory, 1).map_err(|wrong| wrong.to_string())
            };
            let (there, back) = (ring()?, ring()?);
            call(&guard, to, there, back, trips)
        });
        caller.join().expect("it does not panic")
    })
}

/// The two ends of a ring of numbers.
type Ring<'a> = (spsc::Producer<'a, u64>, spsc::Consumer<'a, u64>);

/// Sends a number and waits for it to come back, again and again, to a thread on `to` that returns each.
fn call(
    guard: &PinGuard,
    to: CpuId,
    (mut to_echo, echo_in): Ring<'_>,
    (echo_out, mut from_echo): Ring<'_>,
    trips: NonZeroU32,
) -> Result<Trip, String> {
    // Why the other thread could not begin. It then drops its ends, which ends the wait for it.
    let refusal = Mutex::new(None);
    thread::scope(|scope| {
        let echo = || {
            let mut ends = (echo_in, echo_out);
            match pin(to) {
                Ok(_guard) => {
                    while pop(&mut ends.0).is_some_and(|value| push(&mut ends.1, value)) {}
                }
                Err(wrong) => *refusal.lock().expect("not poisoned") = Some(wrong.to_string()),
            }
        };
        // A thread starts with its maker's mask, and this one is pinned.
        guard
            .unpinned(|| scope.spawn(echo))
            .map_err(|wrong| wrong.to_string())?;
        let mut samples = Vec::with_capacity(SAMPLES);
        for _ in 0..=SAMPLES {
            let start = Instant::now();
            for value in 0..u64::from(trips.get()) {
                let is_back = push(&mut to_echo, value) && pop(&mut from_echo) == Some(value);
                if !is_back {
                    let refused = refusal.lock().expect("not poisoned").take();
                    return Err(refused.unwrap_or("the other thread ended".into()));
                }
            }
            samples.push(start.elapsed().as_nanos() as f64 / f64::from(trips.get()));
        }
        // This ends the other thread.
        drop(to_echo);
        Ok(summary(&mut samples[1..]))
    })
}

fn summary(samples: &mut [f64]) -> Trip {
    samples.sort_unstable_by(f64::total_cmp);
    Trip {
        ns_median: samples[samples.len() / 2],
        ns_min: samples[0],
    }
}

/// The next number, or nothing if the other end is gone.
fn pop(rx: &mut spsc::Consumer<'_, u64>) -> Option<u64> {
    let mut looks = 0;
    loop {
        match rx.try_pop() {
            Ok(value) => return Some(value),
            Err(TryPopError::Closed) => return None,
            Err(TryPopError::Empty) if looks < LOOKS => {
                looks += 1;
                spin_loop();
            }
            Err(TryPopError::Empty) => {
                looks = 0;
                thread::yield_now();
            }
        }
    }
}

/// Whether the number was taken. The ring is never full: one number is under way at a time.
fn push(tx: &mut spsc::Producer<'_, u64>, value: u64) -> bool {
    tx.try_push(value).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle_and_the_least_in_front() {
        let trip = summary(&mut [5.0, 900.0, 1.0, 4.0, 7.0]);
        assert_eq!((trip.ns_median, trip.ns_min), (5.0, 1.0));
    }

    #[test]
    fn a_cpu_that_is_not_ours_is_a_reason_and_no_hang() {
        let ours = shared_nothing::affinity::usable_cpus().expect("a mask");
        let ours = ours.first().expect("a running thread has a CPU");
        let trips = NonZeroU32::MIN;
        for (from, to) in [(ours, CpuId(5000)), (CpuId(5000), ours)] {
            let why = round_trip(from, to, trips).expect_err("there is no such CPU");
            assert!(why.contains("5000"), "{why}");
        }
    }
}
