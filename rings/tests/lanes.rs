//! What the docs promise of lanes: fair turns, one line for an idle poll, every batch announced.
#![cfg(all(feature = "alloc", not(loom)))]

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
};

use shared_nothing_rings::{
    TryPopError,
    lanes::{self, Consumer, Producer},
};
use static_assertions::{assert_impl_all, assert_not_impl_any};

// An end may move to another thread; the ends of one owner cannot be used from two.
assert_impl_all!(Producer<'static, Cell<u8>>: Send);
assert_impl_all!(Consumer<'static, Cell<u8>>: Send);
assert_impl_all!(lanes::Ring<Cell<u8>, 2, 2>: Send, Sync);
assert_not_impl_any!(Producer<'static, u8>: Sync, Clone, Copy);
assert_not_impl_any!(Consumer<'static, u8>: Sync, Clone, Copy);
assert_not_impl_any!(Producer<'static, Rc<u8>>: Send, Sync);
assert_not_impl_any!(Consumer<'static, Rc<u8>>: Send, Sync);
assert_not_impl_any!(lanes::Producers<'static, Rc<u8>>: Send, Sync);
assert_not_impl_any!(lanes::Drain<'static, 'static, Rc<u8>>: Send, Sync);
assert_not_impl_any!(lanes::Grant<'static, 'static, Rc<u8>>: Send, Sync);
assert_not_impl_any!(lanes::Ring<Rc<u8>, 2, 2>: Send, Sync);

// Three lines for all, and for each lane two beside its ring, which has five: no two ends write the same.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
static_assertions::assert_eq_size!(lanes::Ring<(), 4, 1>, [[u8; 128]; 3 + 4 * 7]);

/// How many values a lane gives in a row while another has some.
const TURN: usize = 128;

/// How many looks in a row must find a lane empty before it is let go.
const PATIENCE: usize = 64;

/// The longest lease.
const LEASE_MAX: usize = 256;

fn ring<T>(lanes: usize, capacity: usize) -> (Vec<Producer<'static, T>>, Consumer<'static, T>) {
    let (producers, rx) = lanes::with_capacity(lanes, capacity).expect("a small ring");
    (producers.collect(), rx)
}

fn push_many(tx: &mut Producer<'_, usize>, count: usize) {
    (0..count).for_each(|number| assert_eq!(tx.try_push(number), Ok(())));
}

fn poll_in_vain(rx: &mut Consumer<'_, usize>, times: usize) {
    (0..times).for_each(|_| assert_eq!(rx.try_pop(), Err(TryPopError::Empty)));
}

#[test]
fn a_busy_lane_starves_no_other() {
    let (mut txs, mut rx) = ring(5, 1024);
    txs.iter_mut().for_each(|tx| {
        let lane = tx.lane();
        (0..1024).for_each(|_| assert_eq!(tx.try_push(lane), Ok(())));
    });
    let mut since = [0; 5];
    for _ in 0..5 * 1024 {
        let lane = rx.try_pop().expect("all are full");
        // The busy one is never empty.
        if lane == 0 {
            assert_eq!(txs[0].try_push(0), Ok(()));
        }
        since.iter_mut().for_each(|count| *count += 1);
        since[lane] = 0;
        let waiting = (1..5).filter(|&lane| !txs[lane].is_empty());
        assert!(
            waiting.into_iter().all(|lane| since[lane] <= 4 * TURN),
            "{since:?}"
        );
    }
    assert_eq!(txs[0].len(), 1024);
    assert!(
        txs[1..].iter().all(|tx| tx.len() < TURN),
        "all had their turns"
    );
}

#[test]
fn a_lane_that_wakes_is_next_after_a_turn_at_most() {
    for wakes in 1..100 {
        let (mut txs, mut rx) = ring(100, 256);
        (0..256).for_each(|_| assert_eq!(txs[0].try_push(0), Ok(())));
        (0..40).for_each(|_| assert_eq!(rx.try_pop(), Ok(0)));
        assert_eq!(txs[wakes].try_push(wakes), Ok(()));
        let before = (0..).take_while(|_| rx.try_pop() == Ok(0)).count();
        assert!(
            before <= TURN,
            "{before} of the busy lane before lane {wakes}"
        );
    }
}

#[test]
fn a_drain_is_fair_too() {
    let (mut txs, mut rx) = ring(2, 256);
    for tx in &mut txs {
        let lane = tx.lane();
        assert_eq!(
            tx.try_push_iter(&mut std::iter::repeat_n(lane, 256)),
            Ok(256)
        );
    }
    let got: Vec<usize> = rx.drain(4 * TURN).collect();
    let turns: Vec<usize> = got.chunks(TURN).map(|turn| turn[0]).collect();
    assert!(
        turns == [0, 1, 0, 1]
            && got
                .chunks(TURN)
                .all(|turn| turn.iter().all(|&l| l == turn[0]))
    );
}

#[test]
fn h26_an_idle_poll_looks_at_no_lane() {
    let (mut txs, mut rx) = ring(200, 1);
    assert_eq!(rx.dirty_lanes(), 0, "nobody has pushed");
    for tx in &mut txs {
        assert_eq!(tx.try_push(1), Ok(()));
    }
    assert_eq!(rx.dirty_lanes(), 200);
    assert_eq!(rx.drain(usize::MAX).count(), 200);
    poll_in_vain(&mut rx, PATIENCE + 1);
    assert_eq!(rx.dirty_lanes(), 0);
    assert_eq!(txs[77].try_push(2), Ok(()));
    assert_eq!((rx.dirty_lanes(), rx.try_pop()), (1, Ok(2)));
}

#[test]
fn a_lane_is_found_again_however_often_it_was_let_go() {
    let (mut txs, mut rx) = ring(3, 4);
    for value in 0..50 {
        for tx in &mut txs {
            assert_eq!(tx.try_push(value), Ok(()));
        }
        assert!(rx.drain(usize::MAX).eq([value; 3]));
        poll_in_vain(&mut rx, PATIENCE + value % 3);
    }
}

#[test]
fn a_burst_keeps_its_lane_dirty_until_it_is_over() {
    for end in 0..3 {
        let (mut txs, mut rx) = ring(1, 1024);
        push_many(&mut txs[0], 400);
        assert_eq!(rx.drain(usize::MAX).count(), 400);
        poll_in_vain(&mut rx, 2 * PATIENCE);
        assert_eq!(
            rx.dirty_lanes(),
            1,
            "the producer need not raise the bit of the next"
        );
        match end {
            0 => txs[0].end_burst(),
            1 => push_many(&mut txs[0], LEASE_MAX),
            _ => {
                txs.clear();
                assert_eq!(rx.try_pop(), Err(TryPopError::Closed));
                for _ in 0..PATIENCE {
                    assert_eq!(rx.try_pop(), Err(TryPopError::Closed));
                }
                assert_eq!(rx.dirty_lanes(), 0);
                continue;
            }
        }
        let left = if end == 1 { LEASE_MAX } else { 0 };
        assert_eq!(rx.drain(usize::MAX).count(), left);
        if end == 0 {
            poll_in_vain(&mut rx, PATIENCE);
            assert_eq!(rx.dirty_lanes(), 0);
        }
        assert_eq!(txs[0].try_push(7), Ok(()));
        assert_eq!(rx.try_pop(), Ok(7));
    }
}

#[test]
fn a_trickle_takes_no_lease() {
    let (mut txs, mut rx) = ring(1, 8);
    for value in 0..1000 {
        assert_eq!(txs[0].try_push(value), Ok(()));
        assert_eq!(rx.try_pop(), Ok(value));
        poll_in_vain(&mut rx, PATIENCE);
        assert_eq!(rx.dirty_lanes(), 0);
    }
}

#[test]
fn batches_in_place_are_announced() {
    let mut ring = lanes::Ring::<u32, 2, 4>::new();
    let ([mut a, mut b], mut rx) = ring.split();
    for lap in 0..20 {
        let mut grant = b.reserve(3).expect("empty");
        assert_eq!((grant.len(), grant.is_empty()), (3, false));
        let (first, second) = grant.as_uninit();
        let slots = first.iter_mut().chain(second);
        for (slot, value) in slots.zip(lap..) {
            slot.write(value);
        }
        // SAFETY: all three are written.
        unsafe { grant.commit(2) };
        assert_eq!(a.try_push_slice(&[100, 101]), Ok(2));
        let mut got: Vec<u32> = rx.drain(9).collect();
        got.sort_unstable();
        assert_eq!(got, [lap, lap + 1, 100, 101]);
        for _ in 0..PATIENCE {
            assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
        }
        assert_eq!(rx.dirty_lanes(), 0);
    }
}

#[test]
fn a_source_that_panics_in_a_lane_let_go_is_heard() {
    let (mut txs, mut rx) = ring(1, 8);
    for _lap in 0..9 {
        let mut values = (0..4).inspect(|&i| assert_ne!(i, 2, "planned"));
        let push = AssertUnwindSafe(|| txs[0].try_push_iter(&mut values));
        assert!(catch_unwind(push).is_err());
        assert!(rx.drain(usize::MAX).eq([0, 1]));
        poll_in_vain(&mut rx, PATIENCE);
    }
}

#[test]
fn a_turn_is_over_when_its_consumer_has_gone() {
    let mut ring = lanes::Ring::<u32, 1, 256>::new();
    let ([mut tx], mut rx) = ring.split();
    assert_eq!(tx.try_push_iter(&mut (0..200)), Ok(200));
    assert_eq!(rx.try_pop(), Ok(0));
    drop((tx, rx));
    let ([mut tx], mut rx) = ring.split();
    for value in 1..200 {
        assert_eq!(rx.try_pop(), Ok(value));
    }
    assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
    assert_eq!(tx.try_push(200), Ok(()));
    assert_eq!(rx.try_pop(), Ok(200));
    assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
}

#[test]
fn a_turn_is_over_when_its_lane_was_taken_back() {
    let mut ring = lanes::Ring::<u32, 1, 256>::new();
    let ([mut tx], mut rx) = ring.split();
    assert_eq!(tx.try_push_iter(&mut (0..200)), Ok(200));
    assert_eq!(rx.try_pop(), Ok(0));
    drop(rx);
    // The next value comes behind the end of the turn that the consumer was in.
    assert_eq!(tx.reclaim().count(), 199);
    drop(tx);
    let ([mut tx], mut rx) = ring.split();
    for value in 0..3 {
        assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
        assert_eq!(tx.try_push(value), Ok(()));
        assert_eq!(rx.try_pop(), Ok(value));
    }
}

#[test]
fn a_drain_says_what_it_knows_without_a_look() {
    let mut ring = lanes::Ring::<u32, 2, 8>::new();
    let ([mut a, mut b], mut rx) = ring.split();
    assert_eq!(rx.drain(4).size_hint(), (0, Some(4)));
    assert_eq!(a.try_push_iter(&mut (0..4)), Ok(4));
    assert_eq!(b.try_push(9), Ok(()));
    let mut drain = rx.drain(3);
    assert_eq!(drain.size_hint(), (0, Some(3)), "nobody has looked");
    assert_eq!(drain.next(), Some(0));
    assert_eq!(drain.size_hint(), (2, Some(2)), "three are known");
    drop(drain);
    assert_eq!(a.try_push(4), Ok(()));
    let mut drain = rx.drain(usize::MAX);
    assert_eq!(drain.size_hint().0, 3, "one that came since is not known");
    assert!(drain.by_ref().eq([1, 2, 3, 4, 9]));
    assert_eq!(drain.size_hint(), (0, Some(0)));
}
