//! Push and pop on one thread: what a queue costs when nobody is in the way.

use std::{hint::black_box, time::Instant};

use super::{Plan, Sample, WARM_UP, assert_right};
use crate::rings::{
    crew::{self, Job, Span},
    peer::{Item, Peer, Pop, Push},
};

pub(crate) fn pair<T, P>(plan: Plan<'_>) -> Sample
where
    T: Item,
    P: Peer<T>,
    P::Tx: Push<T>,
    P::Rx: Pop<T>,
{
    let (tx, rx) = P::make_pair();
    let items = plan.items;
    let only: Job<'_, Span> = Box::new(move |gate| {
        let (mut tx, mut rx) = (black_box(tx), black_box(rx));
        let warm = pairs::<T>(&mut tx, &mut rx, WARM_UP);
        let from = gate.pass();
        let differs = pairs::<T>(&mut tx, &mut rx, items);
        let to = Instant::now();
        assert_right(warm | differs);
        Span { from, to }
    });
    Sample::mean(Span::cover(&crew::run(plan.cpus, vec![only])), items)
}

#[inline(never)]
fn pairs<T: Item>(tx: &mut impl Push<T>, rx: &mut impl Pop<T>, count: u64) -> u64 {
    let mut differs = 0;
    for seq in 1..=count {
        let pushed = tx.push_one(T::new(black_box(seq)));
        differs |= u64::from(!pushed);
        differs |= rx.pop_one().map_or(u64::MAX, |item| item.differs(seq));
    }
    differs
}
