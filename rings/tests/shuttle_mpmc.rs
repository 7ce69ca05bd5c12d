//! Scenes of the ring of many producers and consumers that are too large for the models: five threads and more.
//!
//! Sequentially consistent, and a sample: see `schedules/mod.rs`. Positions begin at the wrap of `usize`.
#![cfg(all(shuttle, feature = "std"))]

mod schedules;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use schedules::{assert_met, outcomes};
use shared_nothing_rings::{
    TryPopError, TryPushError,
    mpmc::{self, Consumer, Producer},
};
use shuttle::thread;

/// A value: whose it is, and its number.
type Mail = (usize, usize);

fn ring<T>(capacity: usize) -> (Producer<'static, T>, Consumer<'static, T>) {
    mpmc::with_capacity_at(capacity, usize::MAX.wrapping_sub(1)).expect("a small ring")
}

/// Pushes the numbers before `total`, one by one, in batches, and by grants with a place that stays empty. Says how
/// many were accepted before the ring was closed.
fn push_in_all_ways(tx: Producer<'static, Mail>, me: usize, total: usize) -> usize {
    let mut next = 0;
    while next < total {
        let pushed = match (me + next) % 3 {
            0 => match tx.try_push((me, next)) {
                Ok(()) => 1,
                Err(TryPushError::Full(_)) => 0,
                Err(TryPushError::Closed(_)) => return next,
            },
            1 => {
                let mut mail = (next..total.min(next + 2)).map(|number| (me, number));
                tx.try_push_iter(&mut mail).unwrap_or(0)
            }
            _ => tx.reserve(2).map_or(0, |mut grant| {
                assert_eq!(grant.push((me, next)), Ok(()));
                1
            }),
        };
        next += pushed;
        if pushed == 0 {
            if tx.is_closed() {
                return next;
            }
            thread::yield_now();
        }
    }
    next
}

/// Pops until the ring is closed, one by one and by drains that claim more than they take.
fn pop_in_all_ways(mut rx: Consumer<'static, Mail>) -> Vec<Mail> {
    let mut got = Vec::new();
    loop {
        if got.len() % 3 == 2 {
            got.extend(rx.drain(3).take(2));
        }
        match rx.try_pop() {
            Ok(mail) => got.push(mail),
            Err(TryPopError::Empty) => thread::yield_now(),
            Err(TryPopError::Closed) => return got,
        }
    }
}

/// Each consumer has each producer's values in order, and together they have the first `counts` of them once.
fn assert_complete(got: &[Vec<Mail>], counts: &[usize]) {
    for one in got {
        for me in 0..counts.len() {
            let numbers = one.iter().filter(|mail| mail.0 == me).map(|mail| mail.1);
            assert!(numbers.is_sorted_by(|a, b| a < b), "{me} in {one:?}");
        }
    }
    let mut all = got.concat();
    all.sort_unstable();
    let want = counts
        .iter()
        .enumerate()
        .flat_map(|(me, &count)| (0..count).map(move |number| (me, number)));
    assert!(all.iter().copied().eq(want), "{all:?}, not {counts:?}");
}

/// 5 threads, capacity 3, 3 laps: 3 producers of 3 values each and 2 consumers.
#[test]
fn three_producers_and_two_consumers_lose_nothing() {
    const TOTAL: usize = 3;
    let reached = outcomes(|| {
        let (tx, rx) = ring(3);
        let txs = [tx.clone(), tx.clone(), tx].into_iter().enumerate();
        let producers: Vec<_> = txs
            .map(|(me, tx)| thread::spawn(move || push_in_all_ways(tx, me, TOTAL)))
            .collect();
        let consumers = [rx.clone(), rx].map(|rx| thread::spawn(move || pop_in_all_ways(rx)));
        let got = consumers.map(|thread| thread.join().expect("no panic"));
        for thread in producers {
            assert_eq!(thread.join().expect("no panic"), TOTAL);
        }
        assert_complete(&got, &[TOTAL; 3]);
        got[0].len()
    });
    assert_met(&reached, 0..=3 * TOTAL);
}

/// 7 threads, capacity 2: one closes the ring while the others push and pop. What was accepted is received, all the
/// rest comes back.
#[test]
fn a_close_in_the_middle_keeps_what_was_accepted() {
    const TOTAL: usize = 3;
    let reached = outcomes(|| {
        let (tx, rx) = ring(2);
        let closer = tx.clone();
        let txs = [tx.clone(), tx.clone(), tx].into_iter().enumerate();
        let producers: Vec<_> = txs
            .map(|(me, tx)| thread::spawn(move || push_in_all_ways(tx, me, TOTAL)))
            .collect();
        let consumers = [rx.clone(), rx].map(|rx| thread::spawn(move || pop_in_all_ways(rx)));
        let closing = thread::spawn(move || {
            // Later, more often.
            (0..4).for_each(|_| thread::yield_now());
            closer.close();
        });
        let got = consumers.map(|thread| thread.join().expect("no panic"));
        closing.join().expect("no panic");
        let join = |thread: thread::JoinHandle<usize>| thread.join().expect("no panic");
        let counts: Vec<usize> = producers.into_iter().map(join).collect();
        assert_complete(&got, &counts);
        counts.iter().sum::<usize>()
    });
    assert_met(&reached, 0..=3 * TOTAL);
}

/// Counts itself when it is dropped. The counter is no part of the scene.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// 5 threads, capacity 2: consumers leave after one value each. The producers see it, and every value is dropped once,
/// by whoever has it.
#[test]
fn consumers_that_leave_early_strand_nobody_and_nothing() {
    let reached = outcomes(|| {
        let dropped = Arc::new(AtomicUsize::new(0));
        let (tx, rx) = ring(2);
        let producers = [tx.clone(), tx.clone(), tx].map(|tx| {
            let dropped = Arc::clone(&dropped);
            thread::spawn(move || {
                let (mut made, mut accepted) = (0, 0);
                while made < 3 {
                    made += 1;
                    let mut value = Counted(Arc::clone(&dropped));
                    loop {
                        match tx.try_push(value) {
                            Ok(()) => break accepted += 1,
                            Err(TryPushError::Full(back)) => value = back,
                            Err(TryPushError::Closed(_)) => return (made, accepted),
                        }
                        thread::yield_now();
                    }
                }
                (made, accepted)
            })
        });
        let consumers = [rx.clone(), rx].map(|mut rx| {
            thread::spawn(move || {
                loop {
                    match rx.try_pop() {
                        Ok(_) | Err(TryPopError::Closed) => return,
                        Err(TryPopError::Empty) => thread::yield_now(),
                    }
                }
            })
        });
        for thread in consumers {
            thread.join().expect("no panic");
        }
        let counts = producers.map(|thread| thread.join().expect("no panic"));
        assert_eq!(
            dropped.load(SeqCst),
            counts.iter().map(|(made, _)| made).sum::<usize>()
        );
        counts.iter().map(|(_, accepted)| accepted).sum::<usize>()
    });
    // Two were taken; none, one or two of those that fit lay in the ring when the last consumer left.
    assert_met(&reached, 2..=4);
}
