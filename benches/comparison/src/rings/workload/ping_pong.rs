//! One item there by one queue and back by another, each round trip timed.
//!
//! A time is the difference of two readings of the clock, one a round trip, so it contains one reading.

use std::{
    hint::{black_box, spin_loop},
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use super::{Plan, Sample, WARM_UP, assert_right, whole_ns};
use crate::rings::{
    crew::{self, Job},
    peer::{Peer, Pop, Push},
};

/// Through two queues.
pub(crate) fn through<P>(plan: Plan<'_>) -> Sample
where
    P: Peer<u64>,
    P::Tx: Push<u64>,
    P::Rx: Pop<u64>,
{
    let (there_tx, there_rx) = P::make_pair();
    let (back_tx, back_rx) = P::make_pair();
    let trips = plan.items + WARM_UP;
    let caller: Job<'_, Vec<u32>> = Box::new(move |gate| {
        let (mut tx, mut rx) = (black_box(there_tx), black_box(back_rx));
        gate.pass();
        time_trips(trips, |seq| {
            while !tx.push_one(seq) {
                spin_loop();
            }
            pop(&mut rx)
        })
    });
    let echo: Job<'_, Vec<u32>> = Box::new(move |gate| {
        let (mut tx, mut rx) = (black_box(back_tx), black_box(there_rx));
        gate.pass();
        for _ in 0..trips {
            let item = pop(&mut rx);
            while !tx.push_one(item) {
                spin_loop();
            }
        }
        Vec::new()
    });
    Sample::percentiles(&mut crew::run(plan.cpus, vec![caller, echo])[0])
}

/// A floor, not a queue: one word in one line that both write in turn.
pub(crate) fn one_line(plan: Plan<'_>) -> Sample {
    let line = &Line::default();
    let trips = plan.items + WARM_UP;
    let caller: Job<'_, Vec<u32>> = Box::new(move |gate| {
        gate.pass();
        time_trips(trips, |seq| {
            line.0.store(2 * seq, Ordering::Release);
            line.wait_for(2 * seq + 1);
            seq
        })
    });
    let echo: Job<'_, Vec<u32>> = Box::new(move |gate| {
        gate.pass();
        for seq in 1..=trips {
            line.wait_for(2 * seq);
            line.0.store(2 * seq + 1, Ordering::Release);
        }
        Vec::new()
    });
    Sample::percentiles(&mut crew::run(plan.cpus, vec![caller, echo])[0])
}

/// A floor for two queues: one line each way.
pub(crate) fn two_lines(plan: Plan<'_>) -> Sample {
    let (there, back) = (&Line::default(), &Line::default());
    let trips = plan.items + WARM_UP;
    let caller: Job<'_, Vec<u32>> = Box::new(move |gate| {
        gate.pass();
        time_trips(trips, |seq| {
            there.0.store(seq, Ordering::Release);
            back.wait_for(seq);
            seq
        })
    });
    let echo: Job<'_, Vec<u32>> = Box::new(move |gate| {
        gate.pass();
        for seq in 1..=trips {
            there.wait_for(seq);
            back.0.store(seq, Ordering::Release);
        }
        Vec::new()
    });
    Sample::percentiles(&mut crew::run(plan.cpus, vec![caller, echo])[0])
}

/// A word that has its line, and the next one, to itself.
#[derive(Default)]
#[repr(align(128))]
struct Line(AtomicU64);

impl Line {
    #[inline(always)]
    fn wait_for(&self, value: u64) {
        while self.0.load(Ordering::Acquire) != value {
            spin_loop();
        }
    }
}

#[inline(always)]
fn pop(rx: &mut impl Pop<u64>) -> u64 {
    loop {
        if let Some(item) = rx.pop_one() {
            return item;
        }
        spin_loop();
    }
}

#[inline(always)]
fn time_trips(trips: u64, mut trip: impl FnMut(u64) -> u64) -> Vec<u32> {
    let mut times = vec![0; trips as usize];
    let (mut before, mut differs) = (Instant::now(), 0);
    for (time, seq) in times.iter_mut().zip(1..) {
        differs |= trip(seq) ^ seq;
        let now = Instant::now();
        *time = whole_ns(now - before);
        before = now;
    }
    assert_right(differs);
    times.split_off(WARM_UP as usize)
}
