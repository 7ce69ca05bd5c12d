//! Several producers, one consumer or several. Who finds the queue full or empty yields: there may be more threads than
//! CPUs. There is no warm-up: the first lap is a small part of a run.

use std::{
    hint::black_box,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Instant,
};

use super::{Plan, Sample, assert_right};
use crate::rings::{
    crew::{self, Job, Span},
    peer::{CAPACITY, Peer, Pop, Push, Shape},
};

/// The producer is in the top bits of an item, its sequence below.
const PRODUCER: u32 = 48;

/// `PRODUCERS` threads into one. Checks that the items of each producer come all and in order.
pub(crate) fn mpsc<P, const PRODUCERS: usize>(plan: Plan<'_>) -> Sample
where
    P: Peer<u64>,
    P::Tx: Push<u64>,
    P::Rx: Pop<u64>,
{
    let (txs, mut rxs) = P::make(Shape {
        capacity: CAPACITY,
        producers: PRODUCERS,
        consumers: 1,
    });
    let each = plan.items.div_ceil(PRODUCERS as u64);
    let rx = rxs.pop().expect("a peer makes its ends");
    let consumer: Job<'_, Span> = Box::new(move |gate| {
        let mut rx = black_box(rx);
        let mut seen = [0; PRODUCERS];
        let from = gate.pass();
        let wrong = pop_all(&mut rx, &mut seen, each * PRODUCERS as u64);
        let to = Instant::now();
        assert_right(wrong);
        assert_eq!(seen, [each; PRODUCERS]);
        Span { from, to }
    });
    let mut jobs = vec![consumer];
    jobs.extend(producers(txs, each));
    Sample::mean(
        Span::cover(&crew::run(plan.cpus, jobs)),
        each * PRODUCERS as u64,
    )
}

/// `PRODUCERS` threads into `CONSUMERS`. Checks that each consumer sees the items of each producer in order, and that
/// all arrive.
pub(crate) fn mpmc<P, const PRODUCERS: usize, const CONSUMERS: usize>(plan: Plan<'_>) -> Sample
where
    P: Peer<u64>,
    P::Tx: Push<u64>,
    P::Rx: Pop<u64>,
{
    let (txs, rxs) = P::make(Shape {
        capacity: CAPACITY,
        producers: PRODUCERS,
        consumers: CONSUMERS,
    });
    let each = plan.items.div_ceil(PRODUCERS as u64);
    let total = each * PRODUCERS as u64;
    let tally = &Tally::default();
    let mut jobs: Vec<Job<'_, Span>> = Vec::new();
    for rx in rxs {
        jobs.push(Box::new(move |gate| {
            let mut rx = black_box(rx);
            let from = gate.pass();
            let to = pop_shared::<PRODUCERS>(&mut rx, tally, total);
            Span { from, to }
        }));
    }
    jobs.extend(producers(txs, each));
    let spans = crew::run(plan.cpus, jobs);
    let seqs = each * (each + 1) / 2 * PRODUCERS as u64;
    assert_eq!(tally.count.load(Ordering::Relaxed), total);
    assert_eq!(tally.sum.load(Ordering::Relaxed), seqs);
    assert_right(tally.wrong.load(Ordering::Relaxed));
    Sample::mean(Span::cover(&spans), total)
}

fn producers<'a, Tx: Push<u64> + Send + 'a>(txs: Vec<Tx>, each: u64) -> Vec<Job<'a, Span>> {
    let job = |(producer, tx)| -> Job<'a, Span> {
        Box::new(move |gate| {
            let mut tx = black_box(tx);
            let from = gate.pass();
            push_all(&mut tx, (producer as u64) << PRODUCER, each);
            let to = Instant::now();
            Span { from, to }
        })
    };
    txs.into_iter().enumerate().map(job).collect()
}

#[inline(never)]
fn push_all(tx: &mut impl Push<u64>, producer: u64, count: u64) {
    for seq in 1..=count {
        while !tx.push_one(producer | seq) {
            thread::yield_now();
        }
    }
}

/// Returns how many items were not their producer's next.
#[inline(never)]
fn pop_all(rx: &mut impl Pop<u64>, seen: &mut [u64], count: u64) -> u64 {
    let (mut popped, mut wrong) = (0, 0);
    while popped != count {
        let Some(item) = rx.pop_one() else {
            thread::yield_now();
            continue;
        };
        popped += 1;
        let (producer, seq) = parts(item);
        let Some(last) = seen.get_mut(producer) else {
            wrong += 1;
            continue;
        };
        *last += 1;
        wrong += u64::from(*last != seq);
    }
    wrong
}

#[inline(always)]
fn parts(item: u64) -> (usize, u64) {
    ((item >> PRODUCER) as usize, item & ((1 << PRODUCER) - 1))
}

/// What all consumers together got. A consumer adds to it only when it finds the queue empty.
#[derive(Default)]
struct Tally {
    count: AtomicU64,
    sum: AtomicU64,
    /// Items that did not come behind their producer's last one.
    wrong: AtomicU64,
}

/// Returns when all consumers together have `total` items: the time at which this one found the queue empty after its
/// last item.
#[inline(never)]
fn pop_shared<const PRODUCERS: usize>(
    rx: &mut impl Pop<u64>,
    tally: &Tally,
    total: u64,
) -> Instant {
    let mut seen = [0; PRODUCERS];
    let (mut count, mut sum, mut wrong) = (0, 0, 0);
    let mut end = Instant::now();
    loop {
        while let Some(item) = rx.pop_one() {
            count += 1;
            let (producer, seq) = parts(item);
            sum += seq;
            let Some(last) = seen.get_mut(producer) else {
                wrong += 1;
                continue;
            };
            wrong += u64::from(*last >= seq);
            *last = seq;
        }
        if count != 0 {
            end = Instant::now();
            tally.sum.fetch_add(sum, Ordering::Relaxed);
            tally.wrong.fetch_add(wrong, Ordering::Relaxed);
            tally.count.fetch_add(count, Ordering::Release);
            (count, sum, wrong) = (0, 0, 0);
        }
        if tally.count.load(Ordering::Acquire) >= total {
            return end;
        }
        thread::yield_now();
    }
}
