//! What the traits of ends promise, asked of the ends of every ring through them.
#![cfg(all(feature = "std", target_has_atomic = "64", not(loom)))]

mod pages;

use std::{
    collections::VecDeque,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
};

use pages::{Dice, Pages, owner};
use shared_nothing_rings::{
    TryPopError, TryPushError, TryReserveError,
    ends::{DrainEnd, PopEnd, PushEnd, PushIterEnd, ReserveEnd},
    lanes, mpmc, mpsc, spsc, stamped, unbounded,
};

/// Runs `$check` on two fresh ends of a ring of 4 values, for every ring that has what it asks for.
macro_rules! every_ring {
    ($test:ident, $check:path) => {
        mod $test {
            use super::*;

            #[test]
            fn spsc() {
                let (tx, rx) = spsc::with_capacity(4).expect("small");
                $check(tx, rx);
            }

            #[test]
            fn stamped() {
                let (tx, rx) = stamped::with_capacity(4).expect("small");
                $check(tx, rx);
            }

            #[test]
            fn mpsc() {
                let (tx, rx) = mpsc::with_capacity(4).expect("small");
                $check(tx, rx);
            }

            #[test]
            fn lanes() {
                let (tx, rx) = lanes::with_capacity(1, 4).expect("small");
                $check(tx.last().expect("one lane"), rx);
            }

            #[test]
            fn shared() {
                let pages = Pages::new(4096);
                let ring = pages.create(4, u64::MAX - 1);
                let tx = ring.producer(owner(1)).expect("free");
                $check(tx, ring.consumer(owner(2)).expect("free"));
            }

            #[cfg(feature = "stats")]
            #[test]
            fn counted() {
                use shared_nothing_rings::stats::{self, Stats};

                let stats = Stats::<2>::new();
                let (tx, rx) = stats::count(spsc::with_capacity(4).expect("small"), &stats);
                $check(tx, rx);
            }
        }
    };
    ($test:ident, $check:path, and many consumers) => {
        every_ring!($test, $check);

        #[test]
        fn $test() {
            let (tx, rx) = mpmc::with_capacity(4).expect("small");
            $check(tx, rx);
        }
    };
}

fn one_by_one(mut tx: impl PushEnd<Item = u64>, mut rx: impl PopEnd<Item = u64>) {
    assert_eq!((tx.capacity(), rx.capacity()), (4, 4));
    for lap in 0..3 {
        assert!(tx.is_empty() && rx.is_empty() && !tx.is_full() && !rx.is_full());
        for value in 0..4 {
            assert_eq!(tx.try_push(lap + value), Ok(()));
        }
        assert_eq!((tx.len(), rx.len()), (4, 4));
        assert!(tx.is_full() && rx.is_full());
        assert_eq!(tx.try_push(9), Err(TryPushError::Full(9)));
        for value in 0..4 {
            assert_eq!(rx.try_pop(), Ok(lap + value));
        }
        assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
    }
}

fn closing(mut tx: impl PushEnd<Item = u64>, mut rx: impl PopEnd<Item = u64>) {
    assert!(!tx.is_closed() && !rx.is_closed());
    assert_eq!(tx.try_push(1), Ok(()));
    rx.close();
    assert!(tx.is_closed());
    assert_eq!(tx.try_push(2), Err(TryPushError::Closed(2)));
    assert_eq!(rx.try_pop(), Ok(1));
    tx.close();
    assert_eq!(rx.try_pop(), Err(TryPopError::Closed));
}

fn leaving(mut tx: impl PushEnd<Item = u64>, mut rx: impl PopEnd<Item = u64>) {
    assert_eq!(tx.try_push(1), Ok(()));
    drop(tx);
    assert!(rx.is_closed());
    assert_eq!(rx.try_pop(), Ok(1));
    assert_eq!(rx.try_pop(), Err(TryPopError::Closed));
}

fn batches(mut tx: impl PushIterEnd<Item = u64>, mut rx: impl DrainEnd<Item = u64>) {
    let mut values = [0, 1, 2, 3, 4, 5, 6].into_iter();
    assert_eq!(tx.try_push_iter(&mut values), Ok(4));
    assert_eq!(tx.try_push_iter(&mut values), Err(TryReserveError::Full));
    assert_eq!(values.as_slice(), [4, 5, 6]);
    assert_eq!(rx.drain(0).next(), None);
    assert!(rx.drain(2).eq([0, 1]));
    assert_eq!(tx.try_push_iter(&mut values), Ok(2));
    assert_eq!(values.as_slice(), [6]);
    assert_eq!(rx.drain(3).next(), Some(2), "the rest stays");
    assert_eq!(rx.try_pop(), Ok(3));
    assert_eq!(tx.try_push_iter(&mut values), Ok(1));
    assert!(rx.drain(usize::MAX).eq([4, 5, 6]));
    assert_eq!(tx.try_push_iter(&mut values), Ok(0));
    drop(rx);
    assert_eq!(
        tx.try_push_iter(&mut [].into_iter()),
        Ok(0),
        "never refused"
    );
    let mut values = [7, 8].into_iter();
    assert_eq!(tx.try_push_iter(&mut values), Err(TryReserveError::Closed));
    assert_eq!(values.as_slice(), [7, 8]);
}

fn slots_of_a_drain(mut tx: impl PushIterEnd<Item = u64>, mut rx: impl DrainEnd<Item = u64>) {
    assert_eq!(tx.try_push_iter(&mut [0, 1, 2, 3].into_iter()), Ok(4));
    let mut drain = rx.drain(2);
    assert_eq!((drain.next(), drain.next()), (Some(0), Some(1)));
    drop(drain);
    assert_eq!(tx.try_push_iter(&mut [4, 5, 6].into_iter()), Ok(2));
}

fn forgotten_drains(mut tx: impl PushIterEnd<Item = u64>, mut rx: impl DrainEnd<Item = u64>) {
    for next_use in 0..3 {
        assert_eq!(tx.try_push_iter(&mut [0, 1, 2, 3].into_iter()), Ok(4));
        let mut drain = rx.drain(4);
        let taken = if next_use == 0 { 2 } else { 4 };
        for value in 0..taken {
            assert_eq!(drain.next(), Some(value));
        }
        mem::forget(drain);
        match next_use {
            0 => assert_eq!((rx.try_pop(), rx.try_pop()), (Ok(2), Ok(3))),
            1 => assert_eq!(rx.try_pop(), Err(TryPopError::Empty)),
            _ => assert_eq!(rx.drain(4).next(), None),
        }
    }
    assert_eq!(tx.try_push_iter(&mut [4; 5].into_iter()), Ok(4));
}

fn sources_that_panic(mut tx: impl PushIterEnd<Item = u64>, mut rx: impl DrainEnd<Item = u64>) {
    for _lap in 0..5 {
        let values = [0, 1, 2].into_iter();
        let mut values = values.inspect(|&i| assert_ne!(i, 2, "planned"));
        let push = AssertUnwindSafe(|| tx.try_push_iter(&mut values));
        assert!(catch_unwind(push).is_err());
        assert!(rx.drain(usize::MAX).eq([0, 1]));
        assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
    }
}

fn claims(mut tx: impl ReserveEnd<Item = u64>, mut rx: impl PopEnd<Item = u64>) {
    for value in 0..9 {
        let claim = tx.try_claim().expect("room");
        assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
        // SAFETY: claimed just now, and the end did nothing since.
        unsafe { tx.fill(claim, value) };
        assert_eq!(rx.try_pop(), Ok(value));
        let claim = tx.try_claim().expect("room");
        // SAFETY: as above.
        unsafe { tx.give_up(claim) };
        assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
    }
    for value in 0..4 {
        assert_eq!(tx.try_push(value), Ok(()));
    }
    assert_eq!(tx.try_claim().err(), Some(TryReserveError::Full));
    rx.close();
    assert_eq!(tx.try_claim().err(), Some(TryReserveError::Closed));
}

fn random_steps(mut tx: impl PushIterEnd<Item = u64>, mut rx: impl DrainEnd<Item = u64>) {
    let (mut dice, mut model, mut next) = (Dice(5), VecDeque::new(), 0);
    for _ in 0..3000 {
        let (step, count, take) = (dice.roll() % 4, dice.roll() % 6, dice.roll() % 6);
        match step {
            0 if model.len() == 4 => assert_eq!(tx.try_push(next), Err(TryPushError::Full(next))),
            0 => {
                assert_eq!(tx.try_push(next), Ok(()));
                model.push_back(next);
                next += 1;
            }
            1 => {
                let mut values = (next..next + count).collect::<Vec<_>>().into_iter();
                let pushed = values.len().min(4 - model.len());
                let refused = pushed == 0 && count > 0;
                let want = if refused {
                    Err(TryReserveError::Full)
                } else {
                    Ok(pushed)
                };
                assert_eq!(tx.try_push_iter(&mut values), want);
                model.extend((next..).take(pushed));
                next += pushed as u64;
                assert_eq!(values.next(), (pushed as u64 != count).then_some(next));
            }
            2 => assert_eq!(rx.try_pop(), model.pop_front().ok_or(TryPopError::Empty)),
            _ => {
                let mut drain = rx.drain(count as usize);
                for taken in 0..take {
                    let want = (taken < count).then(|| model.pop_front()).flatten();
                    assert_eq!(drain.next(), want);
                }
            }
        }
        assert_eq!(rx.len(), model.len());
    }
}

every_ring!(random_steps_agree_with_a_model, random_steps, and many consumers);
every_ring!(values_pass_one_by_one, one_by_one, and many consumers);
every_ring!(closing_loses_nothing, closing, and many consumers);
every_ring!(leaving_closes, leaving, and many consumers);
every_ring!(a_batch_takes_what_fits, batches, and many consumers);
every_ring!(a_drain_gives_its_slots_back, slots_of_a_drain, and many consumers);
every_ring!(a_forgotten_drain_takes_nothing_twice, forgotten_drains, and many consumers);
every_ring!(a_source_may_panic, sources_that_panic, and many consumers);
every_ring!(a_claim_is_kept_until_it_is_used, claims);

#[test]
fn a_ring_that_grows_is_never_full() {
    fn check(mut tx: impl PushEnd<Item = u64>, mut rx: impl DrainEnd<Item = u64>) {
        for value in 0..500 {
            assert_eq!(tx.try_push(value), Ok(()));
        }
        assert!(!tx.is_full() && !rx.is_full());
        assert_eq!((tx.capacity(), rx.capacity()), (usize::MAX, usize::MAX));
        assert!(rx.drain(100).eq(0..100));
        assert!(rx.drain(usize::MAX).eq(100..500));
        rx.close();
        assert_eq!(tx.try_push(9), Err(TryPushError::Closed(9)));
    }
    let (tx, rx) = unbounded::spsc::on_heap().expect("memory");
    check(tx, rx);
    let (tx, rx) = unbounded::mpsc::on_heap().expect("memory");
    check(tx, rx);
}

#[test]
fn what_a_forgotten_drain_took_is_not_there_for_the_next_owner() {
    let pages = Pages::new(4096);
    let ring = pages.create::<u64>(4, 0);
    let mut tx = ring.producer(owner(1)).expect("free");
    let mut rx = ring.consumer(owner(2)).expect("free");
    assert_eq!(tx.try_push_iter(&mut [0, 1, 2, 3].into_iter()), Ok(4));
    let mut drain = rx.drain(3);
    assert_eq!(
        (drain.len(), drain.next(), drain.next()),
        (3, Some(0), Some(1))
    );
    mem::forget(drain);
    drop(rx);
    let mut rx = ring.consumer(owner(2)).expect("free again");
    assert!(rx.drain(9).eq([2, 3]));
    // Who dies in the middle of a drain has given nothing back.
    assert_eq!(tx.try_push(4), Ok(()));
    let mut drain = rx.drain(1);
    assert_eq!(drain.next(), Some(4));
    let mut heir = ring.take_over_consumer(owner(3), |_| true).expect("dead");
    assert_eq!(heir.try_pop(), Ok(4));
}

#[test]
fn a_corrupt_ring_is_closed_to_code_over_any_ring() {
    let pages = Pages::new(4096);
    let ring = pages.create::<u64>(4, 0);
    let mut tx = ring.producer(owner(1)).expect("free");
    let mut rx = ring.consumer(owner(2)).expect("free");
    for position in [128, 256] {
        pages
            .word(position)
            .store(1 << 40, std::sync::atomic::Ordering::SeqCst);
    }
    assert_eq!(DrainEnd::drain(&mut rx, 9).next(), None);
    assert_eq!(PopEnd::try_pop(&mut rx), Err(TryPopError::Closed));
    for _ in 0..4 {
        let _known_to_be_free = tx.try_push(1);
    }
    assert_eq!(PushEnd::try_push(&mut tx, 1), Err(TryPushError::Closed(1)));
    let pushed = PushIterEnd::try_push_iter(&mut tx, &mut [1].into_iter());
    assert_eq!(pushed, Err(TryReserveError::Closed));
    assert_eq!(tx.try_claim().err(), Some(TryReserveError::Closed));
}
