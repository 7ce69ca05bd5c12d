//! Models of every edge of the ring of many producers.
//!
//! All of them: heap rings unless they say otherwise, positions begin at the wrap of `usize`, at most 3 preemptions.
//! None can show a load that sees a store of its own future (load buffering), a compare-exchange that fails for no
//! reason, nor how long anything takes.
#![cfg(all(loom, feature = "std"))]

mod reached;

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{
            AtomicUsize,
            Ordering::{Relaxed, SeqCst},
        },
    },
};

use loom::{cell::UnsafeCell, thread};
use reached::{Counted, outcomes, retry};
use shared_nothing_rings::{
    TryPopError, TryPushError,
    mpsc::{self, Consumer, Producer},
};

fn ring<T>(capacity: usize) -> (Producer<'static, T>, Consumer<'static, T>) {
    mpsc::with_capacity_at(capacity, usize::MAX).expect("a small ring")
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

/// PUBLISH and the claim. 3 threads, capacity 2, 1 lap: two producers want a place at once.
#[test]
fn two_pushes_meet_and_both_arrive() {
    let reached = outcomes(|| {
        let (tx, mut rx) = ring(2);
        let tx2 = tx.clone();
        let one = thread::spawn(move || assert_eq!(tx.try_push(1), Ok(())));
        let two = thread::spawn(move || assert_eq!(tx2.try_push(2), Ok(())));
        let got = pop_all(&mut rx);
        one.join().unwrap();
        two.join().unwrap();
        got
    });
    assert_eq!(reached, BTreeSet::from([vec![1, 2], vec![2, 1]]));
}

/// PUBLISH and VACATE. 2 threads, capacity 1, 3 laps. Both ends retry.
///
/// Both threads store one more word before each call. It orders nothing, but makes loom try the calls in every order,
/// which the stamp alone does not: each end loads it before it stores it.
#[test]
fn a_pop_meets_a_push_on_each_of_three_laps() {
    let reached = outcomes(|| {
        let (tx, mut rx) = ring(1);
        let mine = Arc::new(loom::sync::atomic::AtomicUsize::new(0));
        let theirs = mine.clone();
        let there = thread::spawn(move || {
            let mut was_full = false;
            for value in 1..=3 {
                let try_push = || {
                    theirs.store(1, Relaxed);
                    tx.try_push(value).ok()
                };
                was_full |= retry(try_push).1;
            }
            was_full
        });
        let mut was_empty = false;
        for value in 1..=3 {
            let (got, waited) = retry(|| {
                mine.store(2, Relaxed);
                rx.try_pop().ok()
            });
            assert_eq!(got, value);
            was_empty |= waited;
        }
        (there.join().unwrap(), was_empty)
    });
    // To take turns three times without a wait takes more preemptions than the bound.
    let all = [(false, true), (true, false), (true, true)];
    assert_eq!(reached, BTreeSet::from(all));
}

/// PUBLISH and VACATE, nobody waits. 3 threads, capacity 1, up to 2 laps.
#[test]
fn tries_of_two_producers_meet_tries_of_the_consumer() {
    let reached = outcomes(|| {
        let (tx, mut rx) = ring(1);
        let tx2 = tx.clone();
        let one = thread::spawn(move || tx.try_push(1).is_ok());
        let two = thread::spawn(move || tx2.try_push(2).is_ok());
        let mut got: Vec<u32> = (0..2).filter_map(|_| rx.try_pop().ok()).collect();
        let pushed = u32::from(one.join().unwrap()) + u32::from(two.join().unwrap());
        got.extend(pop_all(&mut rx));
        assert_eq!(got.len() as u32, pushed);
        got
    });
    let all = [vec![1], vec![2], vec![1, 2], vec![2, 1]];
    assert_eq!(reached, BTreeSet::from(all));
}

/// VACATE. 3 threads, capacity 2, 2 laps, filled before: two producers take what a drain gives back.
#[test]
fn two_producers_meet_a_drain_of_both_slots() {
    let reached = outcomes(|| {
        let (tx, mut rx) = ring(2);
        assert_eq!((tx.try_push(1), tx.try_push(2)), (Ok(()), Ok(())));
        let tx2 = tx.clone();
        let one = thread::spawn(move || tx.try_push(3).is_ok());
        let two = thread::spawn(move || tx2.try_push(4).is_ok());
        assert!(rx.drain(2).eq([1, 2]));
        let pushed = (one.join().unwrap(), two.join().unwrap());
        (pushed, pop_all(&mut rx))
    });
    let all = [
        ((false, false), vec![]),
        ((false, true), vec![4]),
        ((true, false), vec![3]),
        ((true, true), vec![3, 4]),
        ((true, true), vec![4, 3]),
    ];
    assert_eq!(reached, BTreeSet::from(all));
}

/// VACATE. 3 threads, capacity 2, 2 laps: as above, but both claim by a grant.
#[test]
fn two_grants_meet_a_drain_of_both_slots() {
    let reached = outcomes(|| {
        let (tx, mut rx) = ring(2);
        assert_eq!((tx.try_push(1), tx.try_push(2)), (Ok(()), Ok(())));
        let claim = |value, tx: Producer<'static, u32>| {
            move || {
                let mut grant = tx.reserve(1).ok()?;
                assert_eq!(grant.push(value), Ok(()));
                Some(value)
            }
        };
        let one = thread::spawn(claim(3, tx.clone()));
        let two = thread::spawn(claim(4, tx));
        assert!(rx.drain(2).eq([1, 2]));
        let mut pushed: Vec<u32> = one.join().unwrap().into_iter().collect();
        pushed.extend(two.join().unwrap());
        let mut got = pop_all(&mut rx);
        let in_order = got.is_sorted();
        got.sort_unstable();
        assert_eq!(got, pushed);
        (got, in_order)
    });
    let all = [
        (vec![], true),
        (vec![3], true),
        (vec![4], true),
        (vec![3, 4], false),
        (vec![3, 4], true),
    ];
    assert_eq!(reached, BTreeSet::from(all));
}

/// CLOSE ends the claims. 2 threads, capacity 1, 1 lap: a push is popped or comes back, never both, never neither.
#[test]
fn close_meets_the_last_push() {
    let reached = outcomes(|| {
        let (tx, mut rx) = ring(1);
        let there = thread::spawn(move || match tx.try_push(1) {
            Ok(()) => true,
            Err(TryPushError::Closed(1)) => false,
            Err(other) => panic!("{other}"),
        });
        rx.close();
        let got = pop_all(&mut rx);
        let pushed = there.join().unwrap();
        assert_eq!(got.len(), usize::from(pushed));
        pushed
    });
    assert_eq!(reached, BTreeSet::from([false, true]));
}

/// Memory that is no part of a ring; loom sees who touches it.
struct Beside(UnsafeCell<u32>);

// SAFETY: loom fails the model if two threads touch it without an order between them.
unsafe impl Sync for Beside {}
// SAFETY: as above.
unsafe impl Send for Beside {}

/// CLOSE carries what the closing end did before. 3 threads, capacity 1: two producers leave, the last of them closes.
#[test]
fn who_is_told_closed_sees_what_every_producer_did() {
    for ask in [
        |rx: &mut Consumer<'static, u32>| rx.try_pop() == Err(TryPopError::Closed),
        |rx: &mut Consumer<'static, u32>| rx.is_closed(),
    ] {
        let reached = outcomes(move || {
            let (tx, mut rx) = ring(1);
            let beside = Arc::new([0; 2].map(|zero| Beside(UnsafeCell::new(zero))));
            for (tx, mine) in [(tx.clone(), 0), (tx, 1)] {
                let beside = Arc::clone(&beside);
                thread::spawn(move || {
                    // SAFETY: no other thread writes this one, and the reader comes after the close.
                    beside[mine].0.with_mut(|value| unsafe { *value = 7 });
                    drop(tx);
                });
            }
            let waited = retry(|| ask(&mut rx).then_some(())).1;
            for cell in &*beside {
                // SAFETY: both writers came before the close.
                assert_eq!(cell.0.with(|value| unsafe { *value }), 7);
            }
            waited
        });
        assert_eq!(reached, BTreeSet::from([false, true]));
    }
}

/// Places given up. 3 threads, capacity 2, 2 laps: gaps among pushes, and a consumer that steps over them.
#[test]
fn a_place_given_up_meets_a_push() {
    let reached = outcomes(|| {
        let (tx, mut rx) = ring(2);
        let tx2 = tx.clone();
        let one = thread::spawn(move || {
            let mut grant = tx.reserve(2).ok()?;
            assert_eq!(grant.push(1), Ok(()));
            Some(grant.remaining())
        });
        let two = thread::spawn(move || tx2.try_push(2).is_ok());
        let mut got: Vec<u32> = (0..2).filter_map(|_| rx.try_pop().ok()).collect();
        let pushed = (one.join().unwrap(), two.join().unwrap());
        got.extend(pop_all(&mut rx));
        (got, pushed)
    });
    let all = [
        // The grant took both slots, and the other producer was not or was allowed in behind the gap.
        (vec![1], (Some(1), false)),
        (vec![1, 2], (Some(1), true)),
        // The other producer came first, or between a grant of one place and its value.
        (vec![2, 1], (Some(0), true)),
        (vec![2, 1], (Some(1), true)),
    ];
    assert_eq!(reached, BTreeSet::from(all));
}

/// PUBLISH of places that are shown together. 2 threads, capacity 2. What it cannot show is that they are shown from the
/// last on: it does not come to a look between the two, whichever is first.
#[test]
fn what_is_pushed_together_is_found_together() {
    let reached = outcomes(|| {
        let (tx, mut rx) = ring(2);
        let one = thread::spawn(move || {
            let mut grant = tx.reserve(2).expect("it is empty");
            grant.push_all(&mut [1, 2].into_iter())
        });
        let found: Vec<u32> = rx.drain(2).collect();
        assert_eq!(one.join().unwrap(), 2);
        let mut all = found.clone();
        all.extend(pop_all(&mut rx));
        assert_eq!(all, [1, 2]);
        found.len()
    });
    assert_eq!(reached, BTreeSet::from([0, 2]));
}

/// PUBLISH and VACATE of single places. 3 threads, capacity 2, 2 laps: one is filled, one given up.
#[test]
fn a_single_place_given_up_meets_one_that_is_filled() {
    let reached = outcomes(|| {
        let (tx, mut rx) = ring(2);
        let tx2 = tx.clone();
        let one = thread::spawn(move || tx.reserve_one().map(drop).is_ok());
        let two = thread::spawn(move || tx2.reserve_one().map(|place| place.fill(2)).is_ok());
        let mut got: Vec<u32> = rx.try_pop().into_iter().collect();
        let claimed = (one.join().unwrap(), two.join().unwrap());
        got.extend(pop_all(&mut rx));
        (got, claimed)
    });
    assert_eq!(reached, BTreeSet::from([(vec![2], (true, true))]));
}

/// LEAVE on the heap. 3 threads, capacity 2, 1 lap: two producers and the consumer go; the last drops the leftovers.
#[test]
fn the_last_end_cleans_up() {
    let reached = outcomes(|| {
        let (tx, rx) = ring(2);
        let drops = Arc::new(AtomicUsize::new(0));
        let push = |tx: Producer<'static, Counted>| {
            let value = Counted(drops.clone());
            move || tx.try_push(value).is_ok()
        };
        let one = thread::spawn(push(tx.clone()));
        let two = thread::spawn(push(tx));
        drop(rx);
        let pushed = (one.join().unwrap(), two.join().unwrap());
        assert_eq!(drops.load(SeqCst), 2);
        pushed
    });
    let all = [(false, false), (false, true), (true, false), (true, true)];
    assert_eq!(reached, BTreeSet::from(all));
}

/// LEAVE of a ring that stays. 2 threads, capacity 1, 2 laps: new ends come after all that the old ones did.
#[test]
fn a_second_split_comes_after_the_first_ends() {
    let reached = outcomes(|| {
        // A model makes a new ring in each run, which lives as long as the program.
        let ring: &'static mpsc::Ring<u32, 1> = Box::leak(Box::new(mpsc::Ring::new()));
        let (tx, mut rx) = ring.split_static().expect("nobody has split it before");
        assert_eq!((tx.try_push(1), rx.try_pop()), (Ok(()), Ok(1)));
        let there = thread::spawn(move || tx.try_push(2).is_ok());
        drop(rx);
        let ((tx, mut rx), waited) = retry(|| ring.split_static());
        let left = rx.try_pop().is_ok_and(|value| value == 2);
        assert_eq!((tx.try_push(3), rx.try_pop()), (Ok(()), Ok(3)));
        assert!(!rx.is_closed() && !tx.is_closed());
        assert_eq!(there.join().unwrap(), left);
        (left, waited)
    });
    let all = [(false, false), (false, true), (true, false), (true, true)];
    assert_eq!(reached, BTreeSet::from(all));
}
