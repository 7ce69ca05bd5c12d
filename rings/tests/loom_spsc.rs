//! Models of every edge of the ring of one producer.
//!
//! All of them: heap rings unless they say otherwise, positions begin at the wrap of `usize`, at most 3 preemptions.
//! None can show a load that sees a store of its own future (load buffering), nor how long anything takes.
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
    spsc::{self, Consumer, Producer},
};

fn ring<T>(capacity: usize) -> (Producer<'static, T>, Consumer<'static, T>) {
    spsc::with_capacity_at(capacity, usize::MAX).expect("a small ring")
}

/// PUBLISH and VACATE. 2 threads, capacity 1, 3 laps. Both ends retry, so a position that is never looked at again
/// is a deadlock.
#[test]
fn a_pop_meets_a_push_on_each_of_three_laps() {
    let reached = outcomes(|| {
        let (mut tx, mut rx) = ring(1);
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

/// PUBLISH and VACATE, nobody waits. 2 threads, capacity 2, up to 2 laps.
#[test]
fn three_tries_meet_three_tries() {
    let reached = outcomes(|| {
        let (mut tx, mut rx) = ring(2);
        let there = thread::spawn(move || (1..=3).filter(|&i| tx.try_push(i).is_ok()).count());
        let got: Vec<u32> = (0..3).filter_map(|_| rx.try_pop().ok()).collect();
        let pushed = there.join().unwrap();
        assert!(got.iter().copied().eq(1..=got.len() as u32));
        (pushed, got.len())
    });
    // Two always fit. The third needs a pop, and only with it can there be three pops.
    let all = [(2, 0), (2, 1), (2, 2), (3, 1), (3, 2), (3, 3)];
    assert_eq!(reached, BTreeSet::from(all));
}

/// PUBLISH of an answer. 2 threads, capacity 4, less than a lap: a consumer that was too fast once asks, and finds what was
/// told, or what was not.
#[test]
fn a_question_meets_three_pushes() {
    let reached = outcomes(|| {
        let (mut tx, mut rx) = ring(4);
        assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
        assert_eq!(tx.try_push_slice(&[1, 2]), Ok(2));
        assert_eq!((rx.try_pop(), rx.try_pop()), (Ok(1), Ok(2)));
        let there = thread::spawn(move || {
            for value in 3..=5 {
                tx.try_push(value).expect("there is room");
            }
            tx
        });
        let got: Vec<u32> = (0..3).filter_map(|_| rx.try_pop().ok()).collect();
        assert!(got.iter().copied().eq(3..3 + got.len() as u32));
        drop(there.join().unwrap());
        // Nothing is left behind, told or not.
        let mut rest = Vec::new();
        while let Ok(value) = rx.try_pop() {
            rest.push(value);
        }
        assert!(got.iter().chain(&rest).copied().eq(3..=5));
        got.len()
    });
    assert_eq!(reached, BTreeSet::from([0, 1, 2, 3]));
}

/// PUBLISH and VACATE of batches. 2 threads, capacity 2, 2 laps.
#[test]
fn a_batch_is_seen_whole_and_given_back_whole() {
    let reached = outcomes(|| {
        let (mut tx, mut rx) = ring(2);
        let there = thread::spawn(move || {
            let mut values = 1..=4;
            let first = tx.try_push_iter(&mut values);
            assert_eq!(first, Ok(2));
            tx.try_push_iter(&mut values).unwrap_or(0)
        });
        let first: Vec<u32> = rx.drain(2).collect();
        let second: Vec<u32> = rx.drain(2).collect();
        let pushed = there.join().unwrap();
        assert!(
            first
                .iter()
                .chain(&second)
                .copied()
                .eq(1..=(first.len() + second.len()) as u32)
        );
        (first.len(), second.len(), pushed)
    });
    let all = [
        (0, 0, 0),
        (0, 2, 0),
        (0, 2, 2),
        (2, 0, 0),
        (2, 0, 2),
        (2, 2, 2),
    ];
    assert_eq!(reached, BTreeSet::from(all));
}

/// PUBLISH and VACATE of slots in place. 2 threads, capacity 2, 2 laps, batches in two pieces.
#[test]
fn slots_written_in_place_meet_a_peek() {
    let reached = outcomes(|| {
        let (mut tx, mut rx) = ring(2);
        let there = thread::spawn(move || {
            let mut write = |want: usize, value| {
                let Ok(mut grant) = tx.reserve(want) else {
                    return 0;
                };
                let count = grant.len();
                let (first, second) = grant.as_uninit();
                for (slot, value) in first.iter_mut().chain(second).zip(value..) {
                    slot.write(value);
                }
                // SAFETY: the loop wrote all of them.
                unsafe { grant.commit(count) };
                count
            };
            let first: usize = write(2, 1);
            (first, write(2, 3))
        });
        let mut seen = [0; 2];
        for count in &mut seen {
            let peek = rx.peek(2);
            *count = peek.len();
            let (first, second) = peek.as_slices();
            assert!(first.iter().chain(second).copied().is_sorted());
            peek.consume(*count);
        }
        (seen, there.join().unwrap())
    });
    let all = [
        ([0, 0], (2, 0)),
        ([0, 2], (2, 0)),
        ([0, 2], (2, 2)),
        ([2, 0], (2, 0)),
        ([2, 0], (2, 2)),
        ([2, 2], (2, 2)),
    ];
    assert_eq!(reached, BTreeSet::from(all));
}

/// CLOSE. 2 threads, capacity 1, 2 laps: the value pushed last is not lost, whenever its producer leaves.
#[test]
fn close_meets_the_last_push() {
    let reached = outcomes(|| {
        let (mut tx, mut rx) = ring(1);
        let there = thread::spawn(move || {
            for value in 1..=2 {
                retry(|| tx.try_push(value).ok());
            }
            tx.close();
        });
        let mut got = Vec::new();
        let (mut was_empty, mut closed_early) = (false, false);
        loop {
            closed_early |= got.len() < 2 && rx.is_closed();
            match rx.try_pop() {
                Ok(value) => got.push(value),
                Err(TryPopError::Empty) => {
                    was_empty = true;
                    thread::yield_now();
                }
                Err(TryPopError::Closed) => break,
            }
        }
        assert_eq!(got, [1, 2]);
        there.join().unwrap();
        (was_empty, closed_early)
    });
    // The second push waits for the first pop, so the consumer needs luck to see neither.
    let all = [(false, false), (false, true), (true, false), (true, true)];
    assert_eq!(reached, BTreeSet::from(all));
}

/// The consumer closes among pushes. 2 threads, capacity 2, 1 lap: what was pushed is popped or dropped with the
/// ring, what was refused came back.
#[test]
fn a_closing_consumer_meets_two_pushes() {
    let reached = outcomes(|| {
        let (mut tx, mut rx) = ring(2);
        let drops = Arc::new(AtomicUsize::new(0));
        let values = [Counted(drops.clone()), Counted(drops.clone())];
        let there = thread::spawn(move || values.map(|value| tx.try_push(value).is_ok()));
        rx.close();
        let popped = rx.try_pop().is_ok();
        drop(rx);
        let pushed = there.join().unwrap();
        assert_eq!(drops.load(SeqCst), 2);
        (pushed, popped)
    });
    let all = [
        ([false, false], false),
        ([true, false], false),
        ([true, false], true),
        ([true, true], false),
        ([true, true], true),
    ];
    assert_eq!(reached, BTreeSet::from(all));
}

/// LEAVE on the heap. 2 threads, capacity 1, 2 laps: the last end, whichever it is, drops the leftover and frees the
/// ring, and what the other did comes before.
#[test]
fn the_last_end_cleans_up() {
    let reached = outcomes(|| {
        let (mut tx, mut rx) = ring(1);
        let drops = Arc::new(AtomicUsize::new(0));
        assert!(tx.try_push(Counted(drops.clone())).is_ok());
        drop(rx.try_pop());
        let (value, seen) = (Counted(drops.clone()), drops.clone());
        let there = thread::spawn(move || {
            let pushed = tx.try_push(value).is_ok();
            drop(tx);
            (pushed, seen.load(SeqCst))
        });
        drop(rx);
        let seen_here = drops.load(SeqCst);
        let (pushed, seen_there) = there.join().unwrap();
        assert_eq!(drops.load(SeqCst), 2);
        (pushed, seen_here, seen_there)
    });
    // A value that was pushed and left is dropped by the end that goes last; the other has not seen that yet.
    let all = [(false, 1, 2), (false, 2, 2), (true, 1, 2), (true, 2, 1)];
    assert_eq!(reached, BTreeSet::from(all));
}

/// LEAVE of a ring that stays. 2 threads, capacity 1, 2 laps: new ends come after all that the old ones did.
#[test]
fn a_second_split_comes_after_the_first_ends() {
    let reached = outcomes(|| {
        // A model makes a new ring in each run, which lives as long as the program.
        let ring: &'static spsc::Ring<u32, 1> = Box::leak(Box::new(spsc::Ring::new()));
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
