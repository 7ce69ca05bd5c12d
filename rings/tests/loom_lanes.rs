//! Models of how the consumer of lanes learns where values are: bits, leases, the count of producers.
//!
//! All of them: heap rings, positions begin at the wrap of `usize`, at most 3 preemptions. A model's lease is 2 values
//! at most, its consumer lets a lane go after one look that found it empty, and a turn is 2 values. None can show a
//! load that sees a store of its own future (load buffering), nor how long anything takes. The lanes themselves are
//! modelled in `loom_spsc.rs`.
#![cfg(all(loom, feature = "std"))]

mod reached;

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use loom::thread;
use reached::{Counted, outcomes, retry};
use shared_nothing_rings::{
    TryPopError,
    lanes::{self, Consumer, Producer},
};

fn ring<T, const LANES: usize>(
    capacity: usize,
) -> ([Producer<'static, T>; LANES], Consumer<'static, T>) {
    let (mut producers, rx) =
        lanes::with_capacity_at(LANES, capacity, usize::MAX).expect("a small ring");
    let ends = std::array::from_fn(|_| producers.next().expect("one a lane"));
    (ends, rx)
}

/// Pops until the ring is closed.
fn pop_all(rx: &mut Consumer<'_, u32>) -> Vec<u32> {
    let mut got = Vec::new();
    loop {
        match rx.try_pop() {
            Ok(value) => got.push(value),
            Err(TryPopError::Empty) => thread::yield_now(),
            Err(TryPopError::Closed) => return got,
        }
    }
}

/// RAISE. 2 threads, 1 lane, capacity 2, 2 laps: a push meets looks that let the lane go. The push has returned when it
/// is joined, and its value must be found then although the producer does nothing more. In the middle of its turn the
/// lane is looked at in any case; behind its end, by its bit alone.
#[test]
fn a_push_meets_a_look_that_lets_the_lane_go() {
    for is_turn_over in [false, true] {
        let reached = outcomes(move || {
            let ([mut tx], mut rx) = ring(2);
            if is_turn_over {
                assert_eq!((tx.try_push(0), rx.try_pop()), (Ok(()), Ok(0)));
                // Lets the lane go, so that the next push takes no lease.
                assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
            }
            // A bit that is set, and no value: the next look lets the lane go.
            assert_eq!((tx.try_push(1), rx.try_pop()), (Ok(()), Ok(1)));
            let there = thread::spawn(move || {
                assert_eq!(tx.try_push(2), Ok(()));
                tx
            });
            let first = rx.try_pop();
            let second = rx.try_pop();
            let tx = there.join().unwrap();
            if first.and(second).is_err() && first.or(second).is_err() {
                assert_eq!(rx.try_pop(), Ok(2));
            }
            assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
            assert_eq!(rx.dirty_lanes(), 0);
            drop(tx);
            (first.ok(), second.ok())
        });
        let all = [(None, None), (None, Some(2)), (Some(2), None)];
        assert_eq!(reached, BTreeSet::from(all));
    }
}

/// RAISE with a lease. 2 threads, 1 lane, capacity 4, 2 laps: pushes that raise no bit, among looks that would let the
/// lane go. Whatever the consumer did before, it finds all when the pushes have returned.
#[test]
fn a_lease_is_seen_before_the_lane_is_let_go() {
    // The third raises the bit and takes a lease of one, which the fourth uses; the fifth raises it again.
    for last in [4, 5] {
        let reached = outcomes(move || {
            let ([mut tx], mut rx) = ring(4);
            assert_eq!((tx.try_push(1), tx.try_push(2)), (Ok(()), Ok(())));
            assert!(rx.drain(2).eq([1, 2]));
            let there = thread::spawn(move || {
                for value in 3..=last {
                    assert_eq!(tx.try_push(value), Ok(()));
                }
                tx
            });
            let early: Vec<u32> = (0..3).filter_map(|_| rx.try_pop().ok()).collect();
            let tx = there.join().unwrap();
            let late: Vec<u32> = rx.drain(9).collect();
            assert!(early.iter().chain(&late).copied().eq(3..=last));
            drop(tx);
            early.len() as u32
        });
        assert_eq!(reached, BTreeSet::from_iter(0..=last - 2));
    }
}

/// RAISE after a lease was ended early. 2 threads, 1 lane, capacity 4.
#[test]
fn the_end_of_a_burst_meets_a_look() {
    let reached = outcomes(|| {
        let ([mut tx], mut rx) = ring(4);
        assert_eq!((tx.try_push(1), tx.try_push(2)), (Ok(()), Ok(())));
        assert_eq!(tx.try_push(3), Ok(()));
        assert!(rx.drain(3).eq([1, 2, 3]));
        let there = thread::spawn(move || {
            tx.end_burst();
            assert_eq!(tx.try_push(4), Ok(()));
            tx
        });
        let early = rx.try_pop();
        let let_go = rx.dirty_lanes() == 0;
        let tx = there.join().unwrap();
        if early.is_err() {
            assert_eq!(rx.try_pop(), Ok(4));
        }
        assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
        assert_eq!(rx.dirty_lanes(), 0, "nothing is leased");
        drop(tx);
        (early.ok(), let_go)
    });
    let all = [(None, false), (None, true), (Some(4), false)];
    assert_eq!(reached, BTreeSet::from(all));
}

/// RAISE of two lanes in one word. 3 threads, 2 lanes, capacity 1: neither producer's bit is lost to the other's, nor
/// to the consumer that lets lanes go.
#[test]
fn two_lanes_raise_their_bits_at_once() {
    let reached = outcomes(|| {
        let ([mut a, mut b], mut rx) = ring(1);
        let one = thread::spawn(move || {
            assert_eq!(a.try_push(1), Ok(()));
            a
        });
        let two = thread::spawn(move || {
            assert_eq!(b.try_push(2), Ok(()));
            b
        });
        let early: Vec<u32> = (0..2).filter_map(|_| rx.try_pop().ok()).collect();
        let ends = (one.join().unwrap(), two.join().unwrap());
        let mut got = early.clone();
        got.extend(rx.drain(9));
        got.sort_unstable();
        assert_eq!(got, [1, 2]);
        drop(ends);
        early
    });
    let all = [vec![], vec![1], vec![2], vec![1, 2], vec![2, 1]];
    assert_eq!(reached, BTreeSet::from(all));
}

/// CLOSE. 3 threads, 2 lanes, capacity 1: nothing that was pushed before its producer left is lost, in whatever order
/// they leave.
#[test]
fn close_meets_the_last_pushes() {
    let reached = outcomes(|| {
        let ([mut a, mut b], mut rx) = ring(1);
        let one = thread::spawn(move || assert_eq!(a.try_push(1), Ok(())));
        let two = thread::spawn(move || assert_eq!(b.try_push(2), Ok(())));
        let got = pop_all(&mut rx);
        one.join().unwrap();
        two.join().unwrap();
        got
    });
    assert_eq!(reached, BTreeSet::from([vec![1, 2], vec![2, 1]]));
}

/// The lanes' own edges, through the sweep. 2 threads, 1 lane, capacity 1, 3 laps. Both ends retry.
#[test]
fn a_pop_meets_a_push_on_each_of_three_laps() {
    let reached = outcomes(|| {
        let ([mut tx], mut rx) = ring(1);
        let there = thread::spawn(move || {
            let mut was_full = false;
            for value in 1..=3 {
                was_full |= retry(|| tx.try_push(value).ok()).1;
            }
            was_full
        });
        let mut was_empty = false;
        for value in 1..=3 {
            let (got, waited) = retry(|| rx.try_pop().ok());
            assert_eq!(got, value);
            was_empty |= waited;
        }
        (there.join().unwrap(), was_empty)
    });
    // To take turns three times without a wait takes more preemptions than the bound.
    let all = [(false, true), (true, false), (true, true)];
    assert_eq!(reached, BTreeSet::from(all));
}

/// LEAVE on the heap. 3 threads, 2 lanes, capacity 1: the last of three ends drops the leftovers and frees the lanes.
#[test]
fn the_last_end_cleans_up() {
    let reached = outcomes(|| {
        let ([a, b], rx) = ring(1);
        let drops = Arc::new(AtomicUsize::new(0));
        let push = |mut tx: Producer<'static, Counted>| {
            let value = Counted(drops.clone());
            move || tx.try_push(value).is_ok()
        };
        let one = thread::spawn(push(a));
        let two = thread::spawn(push(b));
        drop(rx);
        let pushed = (one.join().unwrap(), two.join().unwrap());
        assert_eq!(drops.load(SeqCst), 2);
        pushed
    });
    let all = [(false, false), (false, true), (true, false), (true, true)];
    assert_eq!(reached, BTreeSet::from(all));
}
