//! What notes cost a worker, in instructions: counted by `.ci/stats-cost`, which runs this under callgrind.

use core::hint::black_box;

use super::*;
use crate::stats::{Counters, Drops, Probe};

const MESSAGES: usize = 64_000;

/// What a worker does anyway: it counts batches, and reads the clock for every 64th message.
#[inline(always)]
fn plain(batch: usize, counters: &Counters, clock: &dyn Fn() -> u64) -> u64 {
    let (mut position, mut last_ns) = (0, 0);
    while position < MESSAGES {
        for _ in 0..batch {
            if Probe::is_sampled(black_box(position)) {
                last_ns = clock();
            }
            position += 1;
        }
        counters.batch(batch as u64);
    }
    last_ns
}

/// The same with all that a meter notes.
#[inline(always)]
fn noted(batch: usize, counters: &Counters, meter: &Meter, clock: &dyn Fn() -> u64) {
    let (mut position, mut timer) = (0, HandleTimer::default());
    while position < MESSAGES {
        meter.depth(batch as u64);
        meter.beat();
        for _ in 0..batch {
            timer.end(meter, clock);
            if Probe::is_sampled(black_box(position)) {
                let now_ns = clock();
                meter.queue_wait(now_ns);
                timer.begin(now_ns);
            }
            position += 1;
        }
        timer.end(meter, clock);
        meter.beat();
        counters.batch(batch as u64);
    }
}

#[inline(never)]
fn cost_plain_64(counters: &Counters) -> u64 {
    plain(64, counters, &|| black_box(777))
}

#[inline(never)]
fn cost_noted_64(counters: &Counters, meter: &Meter) {
    noted(64, counters, meter, &|| black_box(777));
}

#[inline(never)]
fn cost_plain_1(counters: &Counters) -> u64 {
    plain(1, counters, &|| black_box(777))
}

#[inline(never)]
fn cost_noted_1(counters: &Counters, meter: &Meter) {
    noted(1, counters, meter, &|| black_box(777));
}

#[test]
#[ignore = "says something only under callgrind"]
fn cost() {
    let (counters, meter) = (Counters::default(), Meter::default());
    black_box(cost_plain_64(&counters));
    cost_noted_64(&counters, &meter);
    black_box(cost_plain_1(&counters));
    cost_noted_1(&counters, &meter);
    let stats = meter.read(&counters.read(0, &Drops::default()), 0);
    assert_eq!(stats.handle_time.count(), 2 * MESSAGES as u64 / 64);
}
