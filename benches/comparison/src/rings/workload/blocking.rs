//! One producer, one consumer, one number at a time. Who finds the queue full or empty waits as the queue has it.
//!
//! A call that waits cannot be given up from outside: the watch over the rounds names a queue that hangs.

use std::{hint::black_box, time::Instant};

use super::{Plan, Sample, WARM_UP, assert_right};
use crate::rings::{
    crew::{self, Job, Span},
    peer::{Peer, RecvWaiting, SendWaiting},
};

pub(crate) fn stream<P>(plan: Plan<'_>) -> Sample
where
    P: Peer<u64>,
    P::Tx: SendWaiting,
    P::Rx: RecvWaiting,
{
    let (tx, rx) = P::make_pair();
    let items = plan.items;
    let consumer: Job<'_, Span> = Box::new(move |gate| {
        let mut rx = black_box(rx);
        let warm = recv_all(&mut rx, 1, WARM_UP);
        let from = gate.pass();
        let differs = recv_all(&mut rx, 1 + WARM_UP, items);
        let to = Instant::now();
        assert_right(warm | differs);
        Span { from, to }
    });
    let producer: Job<'_, Span> = Box::new(move |gate| {
        let mut tx = black_box(tx);
        send_all(&mut tx, 1, WARM_UP);
        let from = gate.pass();
        send_all(&mut tx, 1 + WARM_UP, items);
        let to = Instant::now();
        Span { from, to }
    });
    Sample::mean(
        Span::cover(&crew::run(plan.cpus, vec![consumer, producer])),
        items,
    )
}

#[inline(never)]
fn send_all(tx: &mut impl SendWaiting, first: u64, count: u64) {
    for seq in first..first + count {
        tx.send_one(seq);
    }
}

#[inline(never)]
fn recv_all(rx: &mut impl RecvWaiting, first: u64, count: u64) -> u64 {
    let mut differs = 0;
    for seq in first..first + count {
        differs |= rx.recv_one() ^ seq;
    }
    differs
}
