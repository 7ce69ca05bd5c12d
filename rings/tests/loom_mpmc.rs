//! Models of every edge of the ring of many producers and consumers.
//!
//! All of them: heap rings unless they say otherwise, positions begin at the wrap of `usize`, at most 3 preemptions.
//! A ring is filled before its threads start where that will do, and a pop that must succeed is tried until it does:
//! loom would otherwise miss interleavings of the words that ends load before they exchange them. None can show a load
//! that sees a store of its own future (load buffering), a compare-exchange that fails for no reason, nor how long
//! anything takes.
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
    mpmc::{self, Consumer, Producer},
};

fn ring<T>(capacity: usize) -> (Producer<'static, T>, Consumer<'static, T>) {
    mpmc::with_capacity_at(capacity, usize::MAX).expect("a small ring")
}

/// A ring that holds as many values as it can, from 1 on.
fn full_ring(capacity: u32) -> (Producer<'static, u32>, Consumer<'static, u32>) {
    let (tx, rx) = ring(capacity as usize);
    (1..=capacity).for_each(|value| assert_eq!(tx.try_push(value), Ok(())));
    (tx, rx)
}

/// Pops until the ring is closed.
fn pop_all(mut rx: Consumer<'_, u32>) -> Vec<u32> {
    let mut got = Vec::new();
    loop {
        match rx.try_pop() {
            Ok(value) => got.push(value),
            Err(TryPopError::Empty) => thread::yield_now(),
            Err(TryPopError::Closed) => return got,
        }
    }
}

/// PUBLISH and the producers' claim. 3 threads, capacity 2, 1 lap: two producers want a place at once.
#[test]
fn two_pushes_meet_and_both_arrive() {
    let reached = outcomes(|| {
        let (tx, rx) = ring(2);
        let tx2 = tx.clone();
        let one = thread::spawn(move || assert_eq!(tx.try_push(1), Ok(())));
        let two = thread::spawn(move || assert_eq!(tx2.try_push(2), Ok(())));
        let got = pop_all(rx);
        one.join().unwrap();
        two.join().unwrap();
        got
    });
    assert_eq!(reached, BTreeSet::from([vec![1, 2], vec![2, 1]]));
}

/// 3 threads, capacity 2: one consumer looks whether there is a value, and steps over a place that was given up, another
/// takes it. Which of them, and whether the one that looks is in time.
#[test]
fn a_look_meets_a_pop() {
    let reached = outcomes(|| {
        let (tx, mut rx) = ring(2);
        drop(tx.reserve(1).expect("empty"));
        assert_eq!(tx.try_push(1), Ok(()));
        let mut rx2 = rx.clone();
        let pops = thread::spawn(move || retry(|| rx2.try_pop().ok()));
        let found = rx.has_next();
        assert_eq!(pops.join().unwrap().0, 1);
        assert!(!rx.has_next());
        assert_eq!((tx.try_push(2), tx.try_push(3)), (Ok(()), Ok(())));
        assert_eq!((rx.try_pop(), rx.try_pop()), (Ok(2), Ok(3)));
        found
    });
    assert_eq!(reached, BTreeSet::from([false, true]));
}

/// The consumers' claim. 3 threads, capacity 2, 1 lap, filled and closed before: each value goes to one consumer.
#[test]
fn two_pops_meet_and_each_value_goes_to_one() {
    let reached = outcomes(|| {
        let (tx, rx) = full_ring(2);
        drop(tx);
        let rx2 = rx.clone();
        let one = thread::spawn(move || pop_all(rx));
        let two = thread::spawn(move || pop_all(rx2));
        let (one, two) = (one.join().unwrap(), two.join().unwrap());
        assert_eq!(one.iter().chain(&two).sum::<u32>(), 3, "{one:?} {two:?}");
        (one, two)
    });
    let all = [
        (vec![], vec![1, 2]),
        (vec![1], vec![2]),
        (vec![2], vec![1]),
        (vec![1, 2], vec![]),
    ];
    assert_eq!(reached, BTreeSet::from(all));
}

/// The claim of a batch. 3 threads, capacity 2, 1 lap, filled and closed before: a drain gets both, or what a pop left.
#[test]
fn a_drain_claims_in_one_step() {
    let reached = outcomes(|| {
        let (tx, rx) = full_ring(2);
        drop(tx);
        let mut rx2 = rx.clone();
        let one = thread::spawn(move || pop_all(rx));
        let two = thread::spawn(move || rx2.drain(2).collect::<Vec<_>>());
        (one.join().unwrap(), two.join().unwrap())
    });
    let all = [
        (vec![], vec![1, 2]),
        (vec![1], vec![2]),
        (vec![1, 2], vec![]),
    ];
    assert_eq!(reached, BTreeSet::from(all));
}

/// PUBLISH and VACATE. 2 threads, capacity 1, up to 2 laps. Nobody waits; what was pushed is popped, in order.
///
/// Both threads store one more word before each call. It orders nothing, but makes loom try the calls in every order,
/// which the stamp alone does not: each end loads it before it stores it.
#[test]
fn three_pushes_meet_three_pops_at_one_slot() {
    let reached = outcomes(|| {
        let (tx, mut rx) = ring(1);
        let mine = Arc::new(loom::sync::atomic::AtomicUsize::new(0));
        let theirs = mine.clone();
        let there = thread::spawn(move || {
            let try_push = |value: &u32| {
                theirs.store(1, Relaxed);
                tx.try_push(*value).is_ok()
            };
            (1..=3).filter(try_push).collect::<Vec<_>>()
        });
        let try_pop = |_| {
            mine.store(2, Relaxed);
            rx.try_pop().ok()
        };
        let mut got: Vec<u32> = (0..3).filter_map(try_pop).collect();
        let pushed = there.join().unwrap();
        let in_time = got.len();
        got.extend(pop_all(rx));
        assert_eq!(got, pushed);
        (pushed.len(), in_time)
    });
    // A third lap takes more preemptions than the bound.
    let all = [(1, 0), (1, 1), (2, 1), (2, 2)];
    assert_eq!(reached, BTreeSet::from(all));
}

/// The consumers' claim, nobody waits. 2 threads, capacity 3, 1 lap, filled before: a pop that comes too late for the
/// first value, and for the second, finds the third. Both threads store one more word before each call, as above.
#[test]
fn a_pop_that_is_late_twice_does_not_find_the_ring_empty() {
    let reached = outcomes(|| {
        let (_tx, mut rx) = full_ring(3);
        let mut rx2 = rx.clone();
        let mark = Arc::new(loom::sync::atomic::AtomicUsize::new(0));
        let theirs = mark.clone();
        let other = thread::spawn(move || {
            let mut pop = || {
                theirs.store(1, Relaxed);
                rx2.try_pop()
            };
            (pop(), pop())
        });
        mark.store(2, Relaxed);
        let mine = rx.try_pop().expect("three values for three pops");
        let (one, two) = other.join().unwrap();
        let (one, two) = (one.unwrap(), two.unwrap());
        assert!(one < two && mine + one + two == 6, "{mine} {one} {two}");
        mine
    });
    assert_eq!(reached, BTreeSet::from([1, 2, 3]));
}

/// VACATE of another consumer's slot. 3 threads, capacity 1, 2 laps, filled before: nobody but the ends themselves orders
/// the first value's way out before the second's way in.
#[test]
fn two_consumers_take_turns_at_one_slot() {
    let reached = outcomes(|| {
        let (tx, mut rx) = full_ring(1);
        let mut rx2 = rx.clone();
        let there = thread::spawn(move || tx.try_push(2).is_ok());
        let other = thread::spawn(move || rx2.try_pop().ok());
        let mine = rx.try_pop().ok();
        (mine, other.join().unwrap(), there.join().unwrap())
    });
    let all = [
        (None, Some(1), false),
        (None, Some(1), true),
        (Some(1), None, false),
        (Some(1), None, true),
        (Some(1), Some(2), true),
        (Some(2), Some(1), true),
    ];
    assert_eq!(reached, BTreeSet::from(all));
}

/// PUBLISH and VACATE, nobody waits. 3 threads, capacity 1, up to 2 laps.
#[test]
fn tries_of_two_producers_meet_tries_of_a_consumer() {
    let reached = outcomes(|| {
        let (tx, mut rx) = ring(1);
        let tx2 = tx.clone();
        let one = thread::spawn(move || tx.try_push(1).is_ok());
        let two = thread::spawn(move || tx2.try_push(2).is_ok());
        let mut got: Vec<u32> = (0..2).filter_map(|_| rx.try_pop().ok()).collect();
        let pushed = u32::from(one.join().unwrap()) + u32::from(two.join().unwrap());
        got.extend(pop_all(rx));
        assert_eq!(got.len() as u32, pushed);
        got
    });
    let all = [vec![1], vec![2], vec![1, 2], vec![2, 1]];
    assert_eq!(reached, BTreeSet::from(all));
}

/// A capacity that is less than the slots. 3 threads, capacity 3 of 4 slots, filled before: one pop makes room for one
/// push, though a slot more is free.
#[test]
fn two_pushes_never_exceed_a_capacity_that_is_no_power_of_two() {
    let reached = outcomes(|| {
        let (tx, mut rx) = full_ring(3);
        let tx2 = tx.clone();
        let one = thread::spawn(move || tx.try_push(4).is_ok());
        let two = thread::spawn(move || tx2.try_push(4).is_ok());
        assert_eq!(rx.try_pop(), Ok(1));
        let pushed = (one.join().unwrap(), two.join().unwrap());
        assert_eq!(rx.len(), 2 + usize::from(pushed.0) + usize::from(pushed.1));
        pushed
    });
    let all = [(false, false), (false, true), (true, false)];
    assert_eq!(reached, BTreeSet::from(all));
}

/// A place given up hands on what VACATE brought. 3 threads, capacity 1, up to 3 laps, filled before: one thread empties
/// the slot, one claims it and gives it up, one steps over that and fills it again.
#[test]
fn who_follows_a_place_given_up_sees_what_came_before_it() {
    let reached = outcomes(|| {
        let (tx, mut rx) = full_ring(1);
        let (tx2, mut rx2) = (tx.clone(), rx.clone());
        let gap = thread::spawn(move || tx.reserve(1).is_ok());
        let fill = thread::spawn(move || {
            let popped = rx2.try_pop().ok();
            (popped, tx2.try_push(2).is_ok())
        });
        let popped = rx.try_pop().ok();
        (popped, gap.join().unwrap(), fill.join().unwrap())
    });
    let stepped_over = (Some(1), true, (None, true));
    assert!(reached.contains(&stepped_over), "{reached:?}");
    for (mine, gap, (theirs, filled)) in reached {
        assert!(mine == Some(1) || theirs == Some(1));
        let free = theirs.is_some() || mine.is_some();
        assert!(free || !(gap || filled));
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
        got.extend(pop_all(rx));
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
        let got = pop_all(rx);
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

/// LEAVE on the heap. 3 threads, capacity 2, 1 lap: two producers and two consumers go; the last drops the leftovers.
#[test]
fn the_last_end_cleans_up() {
    let reached = outcomes(|| {
        let (tx, rx) = ring(2);
        let drops = Arc::new(AtomicUsize::new(0));
        let live = |tx: Producer<'static, Counted>, rx: Consumer<'static, Counted>| {
            let value = Counted(drops.clone());
            move || {
                drop(rx);
                tx.try_push(value).is_ok()
            }
        };
        let one = thread::spawn(live(tx.clone(), rx.clone()));
        let two = thread::spawn(live(tx, rx));
        let pushed = (one.join().unwrap(), two.join().unwrap());
        assert_eq!(drops.load(SeqCst), 2);
        pushed
    });
    // Whoever drops the last consumer is refused afterwards.
    let all = [(false, false), (false, true), (true, false)];
    assert_eq!(reached, BTreeSet::from(all));
}

/// LEAVE of a ring that stays. 2 threads, capacity 1, 2 laps: new ends come after all that the old ones did.
#[test]
fn a_second_split_comes_after_the_first_ends() {
    let reached = outcomes(|| {
        // A model makes a new ring in each run, which lives as long as the program.
        let ring: &'static mpmc::Ring<u32, 1> = Box::leak(Box::new(mpmc::Ring::new()));
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
