//! One producer, one consumer, `BATCH` items at a time.

use std::{
    hint::{black_box, spin_loop},
    time::Instant,
};

use super::{Plan, Sample, WARM_UP, assert_right};
use crate::rings::{
    crew::{self, Job, Span},
    peer::{BATCH, Fill, Peer, PopSlice, PushSlice, Sweep},
};

/// From a slice into the queue, from the queue into a slice.
pub(crate) fn copied<P>(plan: Plan<'_>) -> Sample
where
    P: Peer<u64>,
    P::Tx: PushSlice,
    P::Rx: PopSlice,
{
    run::<P>(plan, push_slices, pop_slices)
}

/// Written and read where they lie in the queue.
pub(crate) fn in_place<P>(plan: Plan<'_>) -> Sample
where
    P: Peer<u64>,
    P::Tx: Fill,
    P::Rx: Sweep,
{
    run::<P>(plan, fill, sweep)
}

fn run<P: Peer<u64>>(
    plan: Plan<'_>,
    produce: fn(&mut P::Tx, u64, u64),
    consume: fn(&mut P::Rx, u64, u64) -> u64,
) -> Sample {
    let (tx, rx) = P::make_pair();
    let items = plan.items.next_multiple_of(BATCH as u64);
    let consumer: Job<'_, Span> = Box::new(move |gate| {
        let mut rx = black_box(rx);
        let warm = consume(&mut rx, 1, WARM_UP);
        let from = gate.pass();
        let differs = consume(&mut rx, 1 + WARM_UP, items);
        let to = Instant::now();
        assert_right(warm | differs);
        Span { from, to }
    });
    let producer: Job<'_, Span> = Box::new(move |gate| {
        let mut tx = black_box(tx);
        produce(&mut tx, 1, WARM_UP);
        let from = gate.pass();
        produce(&mut tx, 1 + WARM_UP, items);
        let to = Instant::now();
        Span { from, to }
    });
    Sample::mean(
        Span::cover(&crew::run(plan.cpus, vec![consumer, producer])),
        items,
    )
}

#[inline(never)]
fn push_slices(tx: &mut impl PushSlice, first: u64, count: u64) {
    let mut batch = [0; BATCH];
    let mut seq = first;
    while seq != first + count {
        for item in &mut batch {
            *item = seq;
            seq += 1;
        }
        let mut rest = &batch[..];
        while !rest.is_empty() {
            match tx.push_slice(rest) {
                0 => spin_loop(),
                pushed => rest = &rest[pushed..],
            }
        }
    }
}

#[inline(never)]
fn pop_slices(rx: &mut impl PopSlice, first: u64, count: u64) -> u64 {
    let mut batch = [0; BATCH];
    let (mut seq, mut differs) = (first, 0);
    while seq != first + count {
        let popped = rx.pop_slice(&mut batch);
        for item in &batch[..popped] {
            differs |= item ^ seq;
            seq += 1;
        }
        if popped == 0 {
            spin_loop();
        }
    }
    differs
}

#[inline(never)]
fn fill(tx: &mut impl Fill, first: u64, count: u64) {
    let mut seq = first;
    while seq != first + count {
        let max = (first + count - seq).min(BATCH as u64) as usize;
        let mut next = seq;
        let filled = tx.fill(max, || {
            let item = next;
            next += 1;
            item
        });
        seq += filled as u64;
        if filled == 0 {
            spin_loop();
        }
    }
}

#[inline(never)]
fn sweep(rx: &mut impl Sweep, first: u64, count: u64) -> u64 {
    let (mut seq, mut differs) = (first, 0);
    while seq != first + count {
        let mut next = seq;
        let swept = rx.sweep(BATCH, |item| {
            differs |= item ^ next;
            next += 1;
        });
        seq += swept as u64;
        if swept == 0 {
            spin_loop();
        }
    }
    differs
}
