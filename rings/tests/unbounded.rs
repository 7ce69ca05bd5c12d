//! What the docs promise of rings that grow, asked of both flavours.
#![cfg(all(feature = "std", not(loom)))]

#[path = "ops/unbounded.rs"]
mod ops;

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    thread,
};

use ops::{GrowOp, replay_on_mpsc, replay_on_spsc};
use proptest::{collection::vec, prelude::*};
use shared_nothing_rings::{
    TryPopError,
    unbounded::{Refused, SPARE_BLOCKS, TryPushError, block_capacity, mpsc, spsc},
};
use static_assertions::{assert_impl_all, assert_not_impl_any};

assert_impl_all!(spsc::Producer<'static, Cell<u8>>: Send);
assert_impl_all!(spsc::Ring<Cell<u8>>: Send, Sync);
assert_impl_all!(mpsc::Producer<'static, Cell<u8>>: Send, Sync, Clone);
assert_impl_all!(mpsc::Consumer<'static, Cell<u8>>: Send);
assert_impl_all!(mpsc::Ring<Cell<u8>>: Send, Sync);
assert_not_impl_any!(spsc::Producer<'static, u8>: Sync, Clone, Copy);
assert_not_impl_any!(spsc::Consumer<'static, u8>: Sync, Clone, Copy);
assert_not_impl_any!(mpsc::Consumer<'static, u8>: Sync, Clone, Copy);
assert_not_impl_any!(spsc::Producer<'static, Rc<u8>>: Send, Sync);
assert_not_impl_any!(spsc::Consumer<'static, Rc<u8>>: Send, Sync);
assert_not_impl_any!(spsc::Ring<Rc<u8>>: Send, Sync);
assert_not_impl_any!(mpsc::Producer<'static, Rc<u8>>: Send, Sync);
assert_not_impl_any!(mpsc::Consumer<'static, Rc<u8>>: Send, Sync);
assert_not_impl_any!(mpsc::Ring<Rc<u8>>: Send, Sync);

/// Values in a block of small values.
const BLOCK: usize = block_capacity::<usize>();

/// A value that panics when it is dropped, if it should.
struct Tracked {
    _token: Rc<()>,
    panics: bool,
}

impl Drop for Tracked {
    fn drop(&mut self) {
        assert!(!self.panics, "planned");
    }
}

#[repr(align(4096))]
struct Page(u8);

#[derive(Debug, PartialEq, Eq)]
#[repr(align(4096))]
struct NoPage;

fn any_op() -> impl Strategy<Value = GrowOp> {
    prop_oneof![
        8 => (1u8..100).prop_map(GrowOp::Push),
        4 => (0u8..200).prop_map(GrowOp::PushIter),
        8 => (1u8..100).prop_map(GrowOp::Pop),
        4 => (0u8..200, 0u8..200).prop_map(|(max, take)| GrowOp::Drain { max, take }),
    ]
}

/// Steps before and after a close, which may not come.
fn any_ops() -> impl Strategy<Value = Vec<GrowOp>> {
    (vec(any_op(), 0..60), any::<bool>(), vec(any_op(), 0..20)).prop_map(
        |(mut ops, close, rest)| {
            ops.extend(close.then_some(GrowOp::Close));
            ops.extend(rest);
            ops
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_ring_of_one_producer_agrees_with_its_model(back in 0usize..1000, ops in any_ops()) {
        replay_on_spsc(usize::MAX - back, &ops);
    }

    #[test]
    fn the_ring_of_many_producers_agrees_with_its_model(back in 0usize..1000, ops in any_ops()) {
        replay_on_mpsc(usize::MAX - back, &ops);
    }
}

macro_rules! suite {
    ($suite:ident, $ring:ident) => {
        mod $suite {
            use super::*;

            #[test]
            fn values_come_out_in_the_order_they_went_in_across_blocks() {
                for start in [0, usize::MAX, usize::MAX / 2] {
                    #[allow(unused_mut, reason = "some rings push through `&self`")]
                    let (mut tx, mut rx) = $ring::on_heap_at(start).expect("memory");
                    let mut next = 0;
                    for count in [1, BLOCK - 1, BLOCK, BLOCK + 1, 1, 5 * BLOCK, 3] {
                        for value in 0..count {
                            assert_eq!(tx.try_push(next + value), Ok(()));
                        }
                        assert_eq!((tx.len(), rx.len()), (count, count));
                        for value in 0..count {
                            assert_eq!(rx.try_pop(), Ok(next + value));
                        }
                        assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
                        next += count;
                    }
                }
            }

            #[test]
            fn a_ring_closes_when_its_producer_leaves() {
                #[allow(unused_mut, reason = "some rings push through `&self`")]
                let (mut tx, mut rx) = $ring::on_heap().expect("memory");
                for value in 0..=BLOCK {
                    assert_eq!(tx.try_push(value), Ok(()));
                }
                assert!(!rx.is_closed());
                drop(tx);
                assert!(rx.is_closed());
                assert!(rx.drain(usize::MAX).eq(0..=BLOCK));
                assert_eq!(rx.try_pop(), Err(TryPopError::Closed));
            }

            #[test]
            fn closed_is_told_at_the_end_of_a_block() {
                for count in [0, BLOCK - 1, BLOCK, 2 * BLOCK] {
                    #[allow(unused_mut, reason = "some rings push through `&self`")]
                    let (mut tx, mut rx) = $ring::on_heap().expect("memory");
                    assert_eq!(tx.try_push_iter(&mut (0..count)), Ok(count));
                    drop(tx);
                    assert_eq!(rx.drain(usize::MAX).count(), count);
                    assert_eq!(rx.try_pop(), Err(TryPopError::Closed));
                }
            }

            #[test]
            fn a_consumer_that_closes_gets_what_was_sent_before() {
                #[allow(unused_mut, reason = "some rings push through `&self`")]
                let (mut tx, mut rx) = $ring::on_heap().expect("memory");
                assert_eq!(tx.try_push(1), Ok(()));
                rx.close();
                rx.close();
                assert!(tx.is_closed());
                assert_eq!(tx.try_push(2), Err(TryPushError::Closed(2)));
                let mut values = 3..9;
                let error = TryPushError::Closed(3);
                assert_eq!(
                    tx.try_push_iter(&mut values),
                    Err(Refused { pushed: 0, error })
                );
                assert_eq!(
                    (values.clone(), tx.try_push_iter(&mut (0..0))),
                    (4..9, Ok(0))
                );
                assert_eq!(rx.try_pop(), Ok(1));
                drop(tx);
                assert_eq!(rx.try_pop(), Err(TryPopError::Closed));
            }

            #[test]
            fn a_dropped_consumer_closes_the_ring() {
                #[allow(unused_mut, reason = "some rings push through `&self`")]
                let (mut tx, rx) = $ring::on_heap().expect("memory");
                assert!(tx.try_push("a".to_owned()).is_ok());
                drop(rx);
                let refused = tx.try_push("b".to_owned()).expect_err("nobody is there");
                assert!(refused.is_closed() && !refused.is_out_of_memory());
                assert_eq!(
                    format!("{refused} {refused:?}"),
                    "ring is closed Closed(..)"
                );
                assert_eq!(refused.into_inner(), "b");
            }

            #[test]
            fn a_drain_takes_at_most_max_and_leaves_the_rest() {
                #[allow(unused_mut, reason = "some rings push through `&self`")]
                let (mut tx, mut rx) = $ring::on_heap().expect("memory");
                assert_eq!(tx.try_push_iter(&mut (0..3 * BLOCK)), Ok(3 * BLOCK));
                assert_eq!(rx.drain(0).next(), None);
                assert!(rx.drain(BLOCK + 1).eq(0..=BLOCK));
                let mut drain = rx.drain(9);
                assert_eq!(drain.next(), Some(BLOCK + 1));
                assert_eq!((rx.try_pop(), rx.len()), (Ok(BLOCK + 2), 2 * BLOCK - 3));
                assert!(rx.drain(usize::MAX).eq(BLOCK + 3..3 * BLOCK));
            }

            #[test]
            fn a_source_that_panics_loses_only_what_it_did_not_give() {
                #[allow(unused_mut, reason = "some rings push through `&self`")]
                let (mut tx, mut rx) = $ring::on_heap().expect("memory");
                for last in [2, BLOCK, BLOCK + 1] {
                    let mut values = (0..).inspect(|&i| assert_ne!(i, last, "planned"));
                    let push = AssertUnwindSafe(|| tx.try_push_iter(&mut values));
                    assert!(catch_unwind(push).is_err());
                    assert!(rx.drain(usize::MAX).eq(0..last));
                    assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
                }
            }

            #[test]
            fn steady_state_needs_no_more_blocks() {
                #[allow(unused_mut, reason = "some rings push through `&self`")]
                let (mut tx, mut rx) = $ring::on_heap().expect("memory");
                assert_eq!(tx.memory().blocks, 0, "nothing was pushed");
                for _ in 0..100 {
                    assert_eq!(tx.try_push_iter(&mut (0..BLOCK + 7)), Ok(BLOCK + 7));
                    assert!(rx.drain(usize::MAX).eq(0..BLOCK + 7));
                }
                let memory = rx.memory();
                assert_eq!(memory, tx.memory());
                assert!(memory.blocks_max <= 3, "{memory:?}");
                assert_eq!(memory.bytes_max(), memory.blocks_max * memory.block_bytes);
                assert!(memory.block_bytes >= BLOCK * size_of::<usize>());
            }

            #[test]
            fn a_peak_is_remembered_and_its_memory_given_back() {
                #[allow(unused_mut, reason = "some rings push through `&self`")]
                let (mut tx, mut rx) = $ring::on_heap().expect("memory");
                assert_eq!(tx.try_push_iter(&mut (0..100 * BLOCK)), Ok(100 * BLOCK));
                let peak = tx.memory();
                assert_eq!((peak.blocks, peak.blocks_max), (100, 100));
                assert_eq!(rx.drain(usize::MAX).count(), 100 * BLOCK);
                let after = rx.memory();
                assert_eq!((after.blocks, after.blocks_max), (1 + SPARE_BLOCKS, 100));
                assert_eq!(after.bytes(), after.blocks * after.block_bytes);
                assert_eq!(tx.try_push_iter(&mut (0..20 * BLOCK)), Ok(20 * BLOCK));
                assert_eq!(tx.memory().blocks_max, 100);
            }

            #[test]
            fn leftovers_go_with_the_ring_whatever_panics() {
                for (pushed, popped) in
                    [(0usize, 0), (1, 0), (64, 64), (64, 0), (200, 70), (200, 64)]
                {
                    for bomb in [popped, pushed / 2, pushed.saturating_sub(1)] {
                        let token = Rc::new(());
                        let burst = AssertUnwindSafe(|| {
                            #[allow(unused_mut, reason = "some rings push through `&self`")]
                            let (mut tx, mut rx) = $ring::on_heap().expect("memory");
                            for number in 0..pushed {
                                let panics = number == bomb && bomb >= popped;
                                let _token = token.clone();
                                assert!(tx.try_push(Tracked { _token, panics }).is_ok());
                            }
                            assert_eq!(rx.drain(popped).count(), popped);
                        });
                        let panicked = catch_unwind(burst).is_err();
                        assert_eq!(panicked, pushed > popped && bomb >= popped);
                        assert_eq!(Rc::strong_count(&token), 1);
                    }
                }
            }

            #[test]
            fn values_of_all_kinds_pass() {
                let mut ring = $ring::Ring::<Page>::new();
                #[allow(unused_mut, reason = "some rings push through `&self`")]
                let (mut tx, mut rx) = ring.split();
                for i in 0..9 {
                    assert!(tx.try_push(Page(i)).is_ok() && tx.try_push(Page(i)).is_ok());
                    assert!(rx.drain(2).all(|page| page.0 == i));
                }
                let mut ring = $ring::Ring::<NoPage>::new();
                #[allow(unused_mut, reason = "some rings push through `&self`")]
                let (mut tx, mut rx) = ring.split();
                assert_eq!(tx.try_push_iter(&mut (0..1000).map(|_| NoPage)), Ok(1000));
                assert_eq!((rx.len(), rx.drain(usize::MAX).count()), (1000, 1000));
            }

            #[test]
            fn a_split_finds_what_the_ends_before_left() {
                let mut ring = $ring::Ring::<usize>::new();
                for lap in 0..5 {
                    #[allow(unused_mut, reason = "some rings push through `&self`")]
                    let (mut tx, mut rx) = ring.split();
                    assert!(!tx.is_closed() && !rx.is_closed());
                    if lap > 0 {
                        assert!(rx.drain(usize::MAX).eq(lap - 1..2 * BLOCK));
                    }
                    assert_eq!(tx.try_push_iter(&mut (0..2 * BLOCK)), Ok(2 * BLOCK));
                    assert!(rx.drain(lap).eq(0..lap));
                    rx.close();
                }
                let mut moved = Box::new(ring);
                assert!(moved.split().1.drain(usize::MAX).eq(4..2 * BLOCK));
            }

            #[test]
            fn a_static_ring_is_split_again_only_when_all_ends_are_gone() {
                static RING: $ring::Ring<u8> = $ring::Ring::new();
                for lap in 0..4 {
                    #[allow(unused_mut, reason = "some rings push through `&self`")]
                    let (mut tx, rx) = RING.split_static().expect("nobody holds an end");
                    assert!(RING.split_static().is_none());
                    assert_eq!((tx.try_push(lap), rx.len()), (Ok(()), usize::from(lap) + 1));
                    drop(rx);
                    assert!(RING.split_static().is_none());
                }
            }

            #[test]
            fn ends_leave_in_any_order_on_any_thread() {
                for order in 0..3 {
                    #[allow(unused_mut, reason = "some rings push through `&self`")]
                    let (mut tx, rx) = $ring::on_heap().expect("memory");
                    assert_eq!(tx.try_push_iter(&mut (0..100).map(Box::new)), Ok(100));
                    thread::scope(|threads| match order {
                        0 => drop((tx, rx)),
                        1 => drop((rx, tx)),
                        _ => {
                            threads.spawn(move || drop(tx));
                            threads.spawn(move || drop(rx));
                        }
                    });
                }
            }
        }
    };
}

suite!(of_one_producer, spsc);
suite!(of_many_producers, mpsc);

#[test]
fn one_producers_values_arrive_in_order() {
    let (mut tx, mut rx) = spsc::on_heap_at(usize::MAX).expect("memory");
    let total = 200_000;
    thread::scope(|threads| {
        threads.spawn(move || {
            for number in 0..total {
                assert!(tx.try_push(Box::new(number)).is_ok());
            }
        });
        let mut next = 0;
        loop {
            match rx.try_pop() {
                Ok(number) => {
                    assert_eq!(*number, next);
                    next += 1;
                }
                Err(TryPopError::Empty) => thread::yield_now(),
                Err(TryPopError::Closed) => break,
            }
        }
        assert_eq!(next, total);
    });
}

#[test]
fn each_of_many_producers_values_arrive_in_order() {
    const PRODUCERS: usize = 4;
    let total = 50_000;
    let (tx, mut rx) = mpsc::on_heap_at(usize::MAX).expect("memory");
    thread::scope(|threads| {
        for (me, tx) in vec![tx; PRODUCERS].into_iter().enumerate() {
            threads.spawn(move || {
                for number in 0..total {
                    assert!(tx.try_push(Box::new((me, number))).is_ok());
                }
            });
        }
        let mut next = [0; PRODUCERS];
        loop {
            match rx.try_pop() {
                Ok(mail) => {
                    let (me, number) = *mail;
                    assert_eq!(number, next[me], "of producer {me}");
                    next[me] += 1;
                }
                Err(TryPopError::Empty) => thread::yield_now(),
                Err(TryPopError::Closed) => break,
            }
        }
        assert_eq!(next, [total; PRODUCERS]);
    });
}

#[test]
fn a_ring_of_many_closes_when_the_last_producer_leaves() {
    let (tx, mut rx) = mpsc::on_heap().expect("memory");
    let clone = tx.clone();
    assert_eq!(tx.try_push(1), Ok(()));
    drop(tx);
    assert!(!rx.is_closed());
    assert_eq!(clone.try_push(2), Ok(()));
    clone.close();
    assert_eq!(clone.try_push(3), Err(TryPushError::Closed(3)));
    assert!(rx.drain(usize::MAX).eq([1, 2]));
    assert_eq!(
        rx.try_pop(),
        Err(TryPopError::Closed),
        "also while a producer lives"
    );
}
