//! One producer, one consumer, one item at a time, as fast as they go.

use std::{
    hint::{black_box, spin_loop},
    time::Instant,
};

use super::{Plan, Sample, WARM_UP, assert_right};
use crate::rings::{
    crew::{self, Job, Span},
    peer::{Item, Peer, Pop, Push},
};

/// Each handle on its own thread's stack.
pub(crate) fn apart<T, P>(plan: Plan<'_>) -> Sample
where
    T: Item,
    P: Peer<T>,
    P::Tx: Push<T>,
    P::Rx: Pop<T>,
{
    let (tx, rx) = P::make_pair();
    let items = plan.items;
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

/// Both handles side by side in one allocation, as when a program keeps them in one struct.
pub(crate) fn packed<T, P>(plan: Plan<'_>) -> Sample
where
    T: Item,
    P: Peer<T>,
    P::Tx: Push<T>,
    P::Rx: Pop<T>,
{
    #[repr(C)]
    struct Pair<Tx, Rx> {
        tx: Tx,
        rx: Rx,
    }
    let (tx, rx) = P::make_pair();
    let mut pair = black_box(Box::new(Pair { tx, rx }));
    let Pair { tx, rx } = &mut *pair;
    let items = plan.items;
    let consumer: Job<'_, Span> = Box::new(move |gate| {
        let warm = consume(rx, 1, WARM_UP);
        let from = gate.pass();
        let differs = consume(rx, 1 + WARM_UP, items);
        let to = Instant::now();
        assert_right(warm | differs);
        Span { from, to }
    });
    let producer: Job<'_, Span> = Box::new(move |gate| {
        produce(tx, 1, WARM_UP);
        let from = gate.pass();
        produce(tx, 1 + WARM_UP, items);
        let to = Instant::now();
        Span { from, to }
    });
    Sample::mean(
        Span::cover(&crew::run(plan.cpus, vec![consumer, producer])),
        items,
    )
}

#[inline(never)]
fn produce<T: Item>(tx: &mut impl Push<T>, first: u64, count: u64) {
    for seq in first..first + count {
        while !tx.push_one(T::new(seq)) {
            spin_loop();
        }
    }
}

#[inline(never)]
fn consume<T: Item>(rx: &mut impl Pop<T>, first: u64, count: u64) -> u64 {
    let mut differs = 0;
    for seq in first..first + count {
        let item = loop {
            if let Some(item) = rx.pop_one() {
                break item;
            }
            spin_loop();
        };
        differs |= item.differs(seq);
    }
    differs
}
