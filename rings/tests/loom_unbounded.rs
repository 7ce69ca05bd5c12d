//! Models of rings that grow: every edge, block hand-over and reuse.
//!
//! All of them: heap rings, positions begin at the wrap of `usize`, at most 3 preemptions. A model's block has 2 slots
//! and one empty block is kept. None can show a load that sees a store of its own future (load buffering), a
//! compare-exchange that fails for no reason, nor how long anything takes. Nor can they show a LINK that carries nothing:
//! loom does not track the memory in which a block's stamps begin.
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
use reached::{Counted, outcomes};
use shared_nothing_rings::{
    TryPopError,
    unbounded::{TryPushError, mpsc, spsc},
};

/// Pops until the ring is closed.
macro_rules! pop_all {
    ($rx:ident) => {{
        let mut got = Vec::new();
        loop {
            match $rx.try_pop() {
                Ok(value) => got.push(value),
                Err(TryPopError::Empty) => thread::yield_now(),
                Err(TryPopError::Closed) => break got,
            }
        }
    }};
}

/// PUBLISH, and SPARE: 1 → 1, 2 threads, 3 blocks: the third is the first again, or not.
#[test]
fn one_producer_uses_blocks_again() {
    let reached = outcomes(|| {
        let (mut tx, mut rx) = spsc::on_heap_at(usize::MAX).expect("memory");
        for value in 0..3 {
            assert_eq!(tx.try_push(value), Ok(()));
        }
        let there = thread::spawn(move || {
            for value in 3..5 {
                assert_eq!(tx.try_push(value), Ok(()));
            }
            tx.memory().blocks_max
        });
        let mut got: Vec<u32> = (0..4).filter_map(|_| rx.try_pop().ok()).collect();
        let early = got.len();
        let blocks_max = there.join().unwrap();
        got.extend(pop_all!(rx));
        assert!(got.into_iter().eq(0..5));
        (early, blocks_max)
    });
    let all = [(3, 2), (3, 3), (4, 2), (4, 3)];
    assert_eq!(reached, BTreeSet::from(all));
}

/// CLOSE. 1 → 1, 2 threads, 2 blocks: the value pushed last is not lost, whenever its producer leaves.
#[test]
fn close_meets_the_last_push_of_one_producer() {
    let reached = outcomes(|| {
        let (mut tx, mut rx) = spsc::on_heap_at(usize::MAX).expect("memory");
        let there = thread::spawn(move || {
            for value in 0..3 {
                assert_eq!(tx.try_push(value), Ok(()));
            }
        });
        let early = rx.try_pop().is_ok();
        let got = pop_all!(rx);
        there.join().unwrap();
        assert_eq!(got.len(), if early { 2 } else { 3 });
        early
    });
    assert_eq!(reached, BTreeSet::from([false, true]));
}

/// TAIL, LINK and CLAIM. n → 1, 3 threads: two producers find the block used up, and both bring another.
#[test]
fn two_producers_add_a_block_at_once() {
    let reached = outcomes(|| {
        let (tx, mut rx) = mpsc::on_heap_at(usize::MAX).expect("memory");
        assert_eq!((tx.try_push(1), tx.try_push(2)), (Ok(()), Ok(())));
        let push = |value, tx: mpsc::Producer<'static, u32>| {
            move || assert_eq!(tx.try_push(value), Ok(()))
        };
        let one = thread::spawn(push(3, tx.clone()));
        let two = thread::spawn(push(4, tx));
        one.join().unwrap();
        two.join().unwrap();
        let got: Vec<u32> = rx.drain(9).collect();
        // Whoever comes too late with a block has allocated it in vain, and gives it back.
        let memory = rx.memory();
        assert_eq!(memory.blocks, 2);
        (got, memory.blocks_max)
    });
    let all = [
        (vec![1, 2, 3, 4], 2),
        (vec![1, 2, 3, 4], 3),
        (vec![1, 2, 4, 3], 2),
        (vec![1, 2, 4, 3], 3),
    ];
    assert_eq!(reached, BTreeSet::from(all));
}

/// The very first block. n → 1, 3 threads: two producers bring it, and the consumer looks for it.
#[test]
fn two_producers_bring_the_first_block() {
    let reached = outcomes(|| {
        let (tx, mut rx) = mpsc::on_heap_at(usize::MAX).expect("memory");
        let push = |value, tx: mpsc::Producer<'static, u32>| {
            move || assert_eq!(tx.try_push(value), Ok(()))
        };
        let one = thread::spawn(push(1, tx.clone()));
        let two = thread::spawn(push(2, tx));
        let early = rx.try_pop().ok();
        one.join().unwrap();
        two.join().unwrap();
        let mut got: Vec<u32> = early.into_iter().collect();
        got.extend(rx.drain(9));
        (early.is_some(), got)
    });
    let all = [
        (false, vec![1, 2]),
        (false, vec![2, 1]),
        (true, vec![1, 2]),
        (true, vec![2, 1]),
    ];
    assert_eq!(reached, BTreeSet::from(all));
}

/// GROW and SPARE. n → 1, 2 threads, 3 blocks: the consumer leaves a block while the producer adds one, which may be
/// the same memory.
#[test]
fn a_block_is_left_while_another_is_added() {
    let reached = outcomes(|| {
        let (tx, mut rx) = mpsc::on_heap_at(usize::MAX).expect("memory");
        for value in 0..4 {
            assert_eq!(tx.try_push(value), Ok(()));
        }
        let there = thread::spawn(move || {
            for value in 4..6 {
                assert_eq!(tx.try_push(value), Ok(()));
            }
            tx.memory().blocks_max
        });
        let mut got: Vec<u32> = (0..4).filter_map(|_| rx.try_pop().ok()).collect();
        assert_eq!(got.len(), 4);
        let blocks_max = there.join().unwrap();
        got.extend(pop_all!(rx));
        assert!(got.into_iter().eq(0..6));
        blocks_max
    });
    assert_eq!(reached, BTreeSet::from([2, 3]));
}

/// GROW and TAIL of a block that comes round. n → 1, 3 threads: one producer is about to add a block while the other
/// fills several, and the consumer empties them. 2 preemptions.
#[test]
fn a_producer_is_late_with_its_block() {
    let reached = outcomes(|| {
        let (tx, mut rx) = mpsc::on_heap_at(usize::MAX).expect("memory");
        assert_eq!((tx.try_push(0), tx.try_push(1)), (Ok(()), Ok(())));
        let late = tx.clone();
        let there = thread::spawn(move || {
            assert_eq!(late.try_push(100), Ok(()));
        });
        let mut got = Vec::new();
        for value in 2..6 {
            got.extend(rx.try_pop());
            assert_eq!(tx.try_push(value), Ok(()));
        }
        there.join().unwrap();
        got.extend(rx.drain(9));
        let place = got.iter().position(|&value| value == 100).expect("it came");
        got.remove(place);
        assert!(got.into_iter().eq(0..6));
        place
    });
    assert_eq!(reached, BTreeSet::from([2, 3, 4, 5, 6]));
}

/// CLOSE ends the claims. n → 1, 2 threads: a push is popped or comes back, never both, never neither; at a place in
/// the block and at its end, where a block is added.
#[test]
fn close_meets_the_last_push() {
    for before in [1, 2] {
        let reached = outcomes(move || {
            let (tx, mut rx) = mpsc::on_heap_at(usize::MAX).expect("memory");
            (0..before).for_each(|value| assert_eq!(tx.try_push(value), Ok(())));
            let there = thread::spawn(move || match tx.try_push(7) {
                Ok(()) => true,
                Err(TryPushError::Closed(7)) => false,
                Err(other) => panic!("{other}"),
            });
            rx.close();
            let got: Vec<u32> = pop_all!(rx);
            let pushed = there.join().unwrap();
            assert_eq!(got.len() as u32, before + u32::from(pushed));
            pushed
        });
        assert_eq!(reached, BTreeSet::from([false, true]));
    }
}

/// LEAVE on the heap. n → 1, 3 threads: two producers and the consumer go; the last drops the leftovers.
#[test]
fn the_last_end_cleans_up() {
    let reached = outcomes(|| {
        let (tx, rx) = mpsc::on_heap_at(usize::MAX).expect("memory");
        let drops = Arc::new(AtomicUsize::new(0));
        let push = |tx: mpsc::Producer<'static, Counted>| {
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

/// LEAVE of one producer. 1 → 1, 2 threads: the last end, whichever it is, drops the leftovers of two blocks.
#[test]
fn the_last_of_two_ends_cleans_up() {
    let reached = outcomes(|| {
        let (mut tx, rx) = spsc::on_heap_at(usize::MAX).expect("memory");
        let drops = Arc::new(AtomicUsize::new(0));
        for _ in 0..2 {
            assert!(tx.try_push(Counted(drops.clone())).is_ok());
        }
        let value = Counted(drops.clone());
        let there = thread::spawn(move || tx.try_push(value).is_ok());
        drop(rx);
        let pushed = there.join().unwrap();
        assert_eq!(drops.load(SeqCst), 3);
        pushed
    });
    assert_eq!(reached, BTreeSet::from([false, true]));
}
