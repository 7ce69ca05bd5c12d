//! Models of every edge of the ring of stamped slots with one end on each side.
//!
//! All of them: heap rings unless they say otherwise, positions begin at the wrap of `usize`, at most 3 preemptions.
//! Where nobody waits, both threads store one more word before each call. It orders nothing, but makes loom try the
//! calls in every order, which the stamps alone do not: each end loads them before it stores them. None can show a load
//! that sees a store of its own future (load buffering), nor how long anything takes.
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
    stamped::{self, Consumer, Producer},
};

fn ring<T>(capacity: usize) -> (Producer<'static, T>, Consumer<'static, T>) {
    stamped::with_capacity_at(capacity, usize::MAX).expect("a small ring")
}

/// A word that both threads store, to be asked for every order of their calls.
#[derive(Clone)]
struct Turns(Arc<loom::sync::atomic::AtomicUsize>);

impl Turns {
    fn new() -> Self {
        Self(Arc::new(loom::sync::atomic::AtomicUsize::new(0)))
    }

    fn mark(&self, who: usize) {
        self.0.store(who, Relaxed);
    }
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

/// PUBLISH and VACATE. 2 threads, capacity 1, 3 laps. Both ends retry.
#[test]
fn a_pop_meets_a_push_on_each_of_three_laps() {
    let reached = outcomes(|| {
        let (mut tx, mut rx) = ring(1);
        let mine = Turns::new();
        let theirs = mine.clone();
        let there = thread::spawn(move || {
            let mut was_full = false;
            for value in 1..=3 {
                let try_push = || {
                    theirs.mark(1);
                    tx.try_push(value).ok()
                };
                was_full |= retry(try_push).1;
            }
            was_full
        });
        let mut was_empty = false;
        for value in 1..=3 {
            let (got, waited) = retry(|| {
                mine.mark(2);
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

/// PUBLISH and VACATE, nobody waits. 2 threads, capacity 1, up to 2 laps: what was pushed is popped, in order.
#[test]
fn three_pushes_meet_three_pops_at_one_slot() {
    let reached = outcomes(|| {
        let (mut tx, mut rx) = ring(1);
        let mine = Turns::new();
        let theirs = mine.clone();
        let there = thread::spawn(move || {
            let try_push = |value: &u32| {
                theirs.mark(1);
                tx.try_push(*value).is_ok()
            };
            (1..=3).filter(try_push).collect::<Vec<_>>()
        });
        let try_pop = |_| {
            mine.mark(2);
            rx.try_pop().ok()
        };
        let mut got: Vec<u32> = (0..3).filter_map(try_pop).collect();
        let pushed = there.join().unwrap();
        let in_time = got.len();
        got.extend(pop_all(&mut rx));
        assert_eq!(got, pushed);
        (pushed.len(), in_time)
    });
    // A third lap takes more preemptions than the bound.
    let all = [(1, 0), (1, 1), (2, 1), (2, 2)];
    assert_eq!(reached, BTreeSet::from(all));
}

/// A capacity that is less than the slots. 2 threads, capacity 3 of 4 slots, filled before: one pop makes room for one
/// push, though a slot more is free.
#[test]
fn pushes_never_exceed_a_capacity_that_is_no_power_of_two() {
    let reached = outcomes(|| {
        let (mut tx, mut rx) = ring(3);
        assert_eq!(tx.try_push_iter(&mut [1, 2, 3].into_iter()), Ok(3));
        let mine = Turns::new();
        let theirs = mine.clone();
        let there = thread::spawn(move || {
            theirs.mark(1);
            let first = tx.try_push(4).is_ok();
            (first, tx.try_push(5).is_ok())
        });
        mine.mark(2);
        assert_eq!(rx.try_pop(), Ok(1));
        let pushed = there.join().unwrap();
        let count = usize::from(pushed.0) + usize::from(pushed.1);
        assert_eq!(pop_all(&mut rx).len(), 2 + count);
        pushed
    });
    let all = [(false, false), (false, true), (true, false)];
    assert_eq!(reached, BTreeSet::from(all));
}

/// VACATE of a batch, PUBLISH by a grant. 2 threads, capacity 2, 2 laps, filled before.
#[test]
fn a_grant_takes_what_a_drain_gives_back() {
    let reached = outcomes(|| {
        let (mut tx, mut rx) = ring(2);
        assert_eq!(tx.try_push_iter(&mut [1, 2].into_iter()), Ok(2));
        let mine = Turns::new();
        let theirs = mine.clone();
        let there = thread::spawn(move || {
            theirs.mark(1);
            let Ok(mut grant) = tx.reserve(2) else {
                return 0;
            };
            let places = grant.remaining();
            for value in (3..).take(places) {
                assert_eq!(grant.push(value), Ok(()));
            }
            places
        });
        mine.mark(2);
        assert!(rx.drain(2).eq([1, 2]));
        let places = there.join().unwrap();
        assert!(pop_all(&mut rx).into_iter().eq((3..).take(places)));
        places
    });
    assert_eq!(reached, BTreeSet::from([0, 1, 2]));
}

/// CLOSE. 2 threads, capacity 2, 1 lap: what was pushed before the producer left is popped before Closed is told.
#[test]
fn close_comes_behind_the_last_push() {
    let reached = outcomes(|| {
        let (mut tx, mut rx) = ring(2);
        let mine = Turns::new();
        let theirs = mine.clone();
        let there = thread::spawn(move || {
            assert_eq!((tx.try_push(1), tx.try_push(2)), (Ok(()), Ok(())));
            theirs.mark(1);
        });
        mine.mark(2);
        let early = rx.try_pop().is_ok();
        let got = pop_all(&mut rx);
        assert_eq!(got.len() + usize::from(early), 2);
        there.join().unwrap();
        early
    });
    assert_eq!(reached, BTreeSet::from([false, true]));
}

/// CLOSE asked for by the consumer. 2 threads, capacity 2, 1 lap: a push is popped or comes back, never both, never
/// neither.
#[test]
fn a_close_by_the_consumer_meets_the_last_push() {
    let reached = outcomes(|| {
        let (mut tx, mut rx) = ring(2);
        let there = thread::spawn(move || {
            let push = |value| match tx.try_push(value) {
                Ok(()) => 1,
                Err(TryPushError::Closed(back)) if back == value => 0,
                Err(other) => panic!("{other}"),
            };
            [1, 2].map(push).iter().sum::<usize>()
        });
        rx.close();
        let got = pop_all(&mut rx).len();
        assert_eq!(got, there.join().unwrap());
        got
    });
    assert_eq!(reached, BTreeSet::from([0, 1, 2]));
}

/// Memory that is no part of a ring; loom sees who touches it.
struct Beside(UnsafeCell<u32>);

// SAFETY: loom fails the model if two threads touch it without an order between them.
unsafe impl Sync for Beside {}
// SAFETY: as above.
unsafe impl Send for Beside {}

/// CLOSE carries what the producer did before. 2 threads, capacity 1.
#[test]
fn who_is_told_closed_sees_what_the_producer_did() {
    for ask in [
        |rx: &mut Consumer<'static, u32>| rx.try_pop() == Err(TryPopError::Closed),
        |rx: &mut Consumer<'static, u32>| rx.is_closed(),
    ] {
        let reached = outcomes(move || {
            let (tx, mut rx) = ring::<u32>(1);
            let beside = Arc::new(Beside(UnsafeCell::new(0)));
            let theirs = Arc::clone(&beside);
            let there = thread::spawn(move || {
                // SAFETY: the reader comes after the close.
                theirs.0.with_mut(|value| unsafe { *value = 7 });
                drop(tx);
            });
            let waited = retry(|| ask(&mut rx).then_some(())).1;
            // SAFETY: the writer came before the close.
            assert_eq!(beside.0.with(|value| unsafe { *value }), 7);
            there.join().unwrap();
            waited
        });
        assert_eq!(reached, BTreeSet::from([false, true]));
    }
}

/// LEAVE on the heap. 2 threads, capacity 2, 1 lap: both ends go; the last drops the leftovers.
#[test]
fn the_last_end_cleans_up() {
    let reached = outcomes(|| {
        let (mut tx, rx) = ring(2);
        let drops = Arc::new(AtomicUsize::new(0));
        let value = Counted(drops.clone());
        let there = thread::spawn(move || tx.try_push(value).is_ok());
        drop(rx);
        let pushed = there.join().unwrap();
        assert_eq!(drops.load(SeqCst), 1);
        pushed
    });
    assert_eq!(reached, BTreeSet::from([false, true]));
}

/// LEAVE of a ring that stays. 2 threads, capacity 1, 2 laps: new ends come after all that the old ones did.
#[test]
fn a_second_split_comes_after_the_first_ends() {
    let reached = outcomes(|| {
        // A model makes a new ring in each run, which lives as long as the program.
        let ring: &'static stamped::Ring<u32, 1> = Box::leak(Box::new(stamped::Ring::new()));
        let (mut tx, mut rx) = ring.split_static().expect("nobody has split it before");
        assert_eq!((tx.try_push(1), rx.try_pop()), (Ok(()), Ok(1)));
        let there = thread::spawn(move || tx.try_push(2).is_ok());
        drop(rx);
        let ((mut tx, mut rx), waited) = retry(|| ring.split_static());
        let left = rx.try_pop().is_ok_and(|value| value == 2);
        assert_eq!((tx.try_push(3), rx.try_pop()), (Ok(()), Ok(3)));
        assert!(!rx.is_closed() && !tx.is_closed());
        assert_eq!(there.join().unwrap(), left);
        (left, waited)
    });
    let all = [(false, false), (false, true), (true, false), (true, true)];
    assert_eq!(reached, BTreeSet::from(all));
}
