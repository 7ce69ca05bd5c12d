//! Two producers fill the queue while the consumer is away, again and again: what it costs to collide.

use std::{hint::black_box, time::Instant};

use super::{Plan, Sample, assert_right};
use crate::rings::{
    crew::{self, Gate, Job, Span},
    peer::{Peer, Pop, Push, Shape},
};

const PRODUCERS: usize = 2;
/// How many items each producer pushes before the queue is drained.
const EACH: u64 = 8192;
/// How many times the queue is filled in one run, at most. The first does not count.
const FILLS_MAX: u64 = 400;

/// The time is that of filling alone; a queue that could not hold what all push would be an error.
pub(crate) fn fill_and_drain<P>(plan: Plan<'_>) -> Sample
where
    P: Peer<u64>,
    P::Tx: Push<u64>,
    P::Rx: Pop<u64>,
{
    let (txs, mut rxs) = P::make(Shape {
        capacity: PRODUCERS * EACH as usize,
        producers: PRODUCERS,
        consumers: 1,
    });
    let fills = 1 + (plan.items / (PRODUCERS as u64 * EACH)).clamp(1, FILLS_MAX);
    let gates = &Gates::new(fills);
    let mut rx = rxs.pop();
    let jobs = txs.into_iter().enumerate().map(|(producer, tx)| {
        // The first producer drains, too.
        let mut rx = rx.take();
        Box::new(move |_: &Gate| {
            let mut tx = black_box(tx);
            let mut spans = Vec::with_capacity(fills as usize);
            let mut differs = 0;
            for gate in &gates.0 {
                let from = gate.0.pass();
                differs |= fill(&mut tx, producer as u64 + 1);
                let to = Instant::now();
                spans.push(Span { from, to });
                gate.1.pass();
                if let Some(rx) = &mut rx {
                    differs |= drain(rx);
                }
            }
            assert_right(differs);
            spans
        }) as Job<'_, Vec<Span>>
    });
    let spans = crew::run(plan.cpus, jobs.collect());
    let time = spans[0]
        .iter()
        .zip(&spans[1])
        .skip(1)
        .map(|(&one, &other)| Span::cover(&[one, other]))
        .sum();
    Sample::mean(time, (fills - 1) * PRODUCERS as u64 * EACH)
}

/// Two meetings a fill: before it, and before the drain.
struct Gates(Vec<(Gate, Gate)>);

impl Gates {
    fn new(fills: u64) -> Self {
        let pair = |_| (Gate::new(PRODUCERS), Gate::new(PRODUCERS));
        Self((0..fills).map(pair).collect())
    }
}

#[inline(never)]
fn fill(tx: &mut impl Push<u64>, producer: u64) -> u64 {
    let mut refused = 0;
    for seq in 0..EACH {
        refused |= u64::from(!tx.push_one(producer << 32 | seq));
    }
    refused
}

/// Returns how many items are missing or out of their producer's order.
#[inline(never)]
fn drain(rx: &mut impl Pop<u64>) -> u64 {
    let mut seen = [0; PRODUCERS + 1];
    let (mut popped, mut missed, mut wrong) = (0, 0, 0);
    // A queue of several rings may look into an empty one first.
    while popped != PRODUCERS as u64 * EACH && missed != EACH {
        let Some(item) = rx.pop_one() else {
            missed += 1;
            continue;
        };
        popped += 1;
        let Some(last) = seen.get_mut((item >> 32) as usize) else {
            wrong += 1;
            continue;
        };
        wrong += u64::from(item & 0xffff_ffff != *last);
        *last += 1;
    }
    wrong + PRODUCERS as u64 * EACH - popped
}
