//! Scenes of the ring of many producers and one consumer that are too large for the models.
//!
//! Sequentially consistent, and a sample: see `schedules/mod.rs`. Positions begin at the wrap of `usize`.
#![cfg(all(shuttle, feature = "std"))]

mod schedules;

use schedules::{assert_met, outcomes};
use shared_nothing_rings::{
    TryPopError, TryReserveError,
    mpsc::{self, Consumer, Producer},
};
use shuttle::thread;

fn ring<T>(capacity: usize) -> (Producer<'static, T>, Consumer<'static, T>) {
    mpsc::with_capacity_at(capacity, usize::MAX.wrapping_sub(2)).expect("a small ring")
}

/// Pushes the numbers before `total` by grants of up to three places, of which it fills none, one or all in turn. Says
/// how many were accepted before the ring was closed.
fn push_by_grants(tx: Producer<'static, (usize, usize)>, me: usize, total: usize) -> usize {
    let (mut next, mut round) = (0, me);
    while next < total {
        round += 1;
        match tx.reserve(3) {
            Ok(mut grant) => {
                let fill = [0, 1, 3][round % 3]
                    .min(grant.remaining())
                    .min(total - next);
                for _ in 0..fill {
                    assert_eq!(grant.push((me, next)), Ok(()));
                    next += 1;
                }
            }
            Err(TryReserveError::Full) => thread::yield_now(),
            Err(TryReserveError::Closed) => return next,
        }
    }
    next
}

/// Pops until the ring is closed. Says how many values of each producer came, each producer's in order.
fn pop_all<const PRODUCERS: usize>(mut rx: Consumer<'_, (usize, usize)>) -> [usize; PRODUCERS] {
    let mut next = [0; PRODUCERS];
    loop {
        for (me, number) in rx.drain(2) {
            assert_eq!(number, next[me], "of producer {me}");
            next[me] += 1;
        }
        match rx.try_pop() {
            Ok((me, number)) => {
                assert_eq!(number, next[me], "of producer {me}");
                next[me] += 1;
            }
            Err(TryPopError::Empty) => thread::yield_now(),
            Err(TryPopError::Closed) => return next,
        }
    }
}

/// 4 threads, capacity 4, several laps: grants that are filled in part, or not at all.
#[test]
fn places_given_up_cost_no_value_and_no_order() {
    let reached = outcomes(|| {
        let (tx, rx) = ring(4);
        let txs = [tx.clone(), tx.clone(), tx].into_iter().enumerate();
        let producers: Vec<_> = txs
            .map(|(me, tx)| thread::spawn(move || push_by_grants(tx, me, 4)))
            .collect();
        assert_eq!(pop_all(rx), [4; 3]);
        producers
            .into_iter()
            .for_each(|thread| assert_eq!(thread.join().expect("no panic"), 4));
    });
    assert_met(&reached, [()]);
}

/// 5 threads, capacity 4: one of the producers closes the ring while others hold grants. Their grants still count.
#[test]
fn a_close_in_the_middle_keeps_what_was_claimed_before() {
    let reached = outcomes(|| {
        let (tx, rx) = ring(4);
        let closer = tx.clone();
        let txs = [tx.clone(), tx.clone(), tx].into_iter().enumerate();
        let producers: Vec<_> = txs
            .map(|(me, tx)| thread::spawn(move || push_by_grants(tx, me, 3)))
            .collect();
        let closing = thread::spawn(move || {
            // Later, more often.
            (0..4).for_each(|_| thread::yield_now());
            closer.close();
        });
        let got: [usize; 3] = pop_all(rx);
        closing.join().expect("no panic");
        let join = |thread: thread::JoinHandle<usize>| thread.join().expect("no panic");
        let sent: Vec<usize> = producers.into_iter().map(join).collect();
        assert_eq!(got[..], sent);
        got.iter().sum::<usize>()
    });
    assert_met(&reached, 0..=9);
}

/// 4 threads, capacity 2: the consumer leaves in the middle. No producer is stranded, and a claim that is open then may
/// still be filled.
#[test]
fn a_consumer_that_leaves_strands_no_producer() {
    let reached = outcomes(|| {
        let (tx, mut rx) = ring(2);
        let txs = [tx.clone(), tx.clone(), tx].into_iter().enumerate();
        let producers: Vec<_> = txs
            .map(|(me, tx)| thread::spawn(move || push_by_grants(tx, me, 3)))
            .collect();
        let got = rx.drain(3).count();
        drop(rx);
        let join = |thread: thread::JoinHandle<usize>| thread.join().expect("no panic");
        let sent: usize = producers.into_iter().map(join).sum();
        assert!((got..=got + 2).contains(&sent), "{got} of {sent}");
        (got, sent)
    });
    assert_met(&reached, [(0, 0), (0, 1), (0, 2), (1, 1)]);
}
