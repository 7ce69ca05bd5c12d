//! What the docs promise of many producers and many consumers: claims, batches, ends that stop half-way.
#![cfg(all(feature = "alloc", not(loom)))]

use std::{cell::Cell, mem, rc::Rc};

use shared_nothing_rings::{
    TryPopError, TryPushError, TryReserveError,
    mpmc::{self, Consumer, Grant, Producer},
};
use static_assertions::{assert_impl_all, assert_not_impl_any};

assert_impl_all!(Producer<'static, u8>: Send, Sync, Clone);
assert_impl_all!(Consumer<'static, u8>: Send, Clone);
assert_impl_all!(mpmc::Drain<'static, 'static, u8>: Send);
assert_not_impl_any!(Producer<'static, u8>: Copy);
assert_not_impl_any!(Consumer<'static, u8>: Sync, Copy);
assert_not_impl_any!(Grant<'static, 'static, u8>: Clone);

// Values that need not be shared may still be sent; values that must stay on their thread keep the whole ring there.
assert_impl_all!(mpmc::Ring<Cell<u8>, 2>: Send, Sync);
assert_impl_all!(Consumer<'static, Cell<u8>>: Send);
assert_not_impl_any!(Producer<'static, Rc<u8>>: Send, Sync);
assert_not_impl_any!(Consumer<'static, Rc<u8>>: Send, Sync);
assert_not_impl_any!(mpmc::Drain<'static, 'static, Rc<u8>>: Send, Sync);
assert_not_impl_any!(Grant<'static, 'static, Rc<u8>>: Send, Sync);
assert_not_impl_any!(mpmc::Ring<Rc<u8>, 2>: Send, Sync);

fn ring<T>(capacity: usize) -> (Producer<'static, T>, Consumer<'static, T>) {
    mpmc::with_capacity(capacity).expect("a small ring")
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[test]
fn a_ring_has_three_lines_of_its_own_and_a_consumer_one() {
    const LINE: usize = 128;
    assert_eq!(align_of::<mpmc::Ring<u8, 1>>(), LINE);
    assert_eq!(size_of::<mpmc::Ring<(), 16>>(), 4 * LINE);
    assert_eq!(size_of::<mpmc::Ring<u64, 16>>(), 5 * LINE);
    assert_eq!(size_of::<Consumer<'static, u64>>(), LINE);
    assert_eq!(align_of::<Consumer<'static, u64>>(), LINE);
}

#[test]
fn consumers_share_the_values_in_one_order() {
    let (tx, mut rx) = ring(4);
    let (tx2, mut rx2) = (tx.clone(), rx.clone());
    assert_eq!((tx.try_push(1), tx2.try_push(2)), (Ok(()), Ok(())));
    assert_eq!((tx2.try_push(3), tx.try_push(4)), (Ok(()), Ok(())));
    assert_eq!((rx.try_pop(), rx2.try_pop()), (Ok(1), Ok(2)));
    assert_eq!((rx2.try_pop(), rx.try_pop()), (Ok(3), Ok(4)));
    assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
    assert_eq!(rx2.try_pop(), Err(TryPopError::Empty));
}

#[test]
fn who_looks_whether_there_is_a_value_takes_none() {
    let (tx, mut rx) = ring(2);
    let mut rx2 = rx.clone();
    assert!(!rx.has_next());
    drop(tx.reserve(2).expect("empty"));
    assert!(!rx.has_next(), "given up");
    assert_eq!(tx.len(), 0, "stepped over");
    let grant = tx.reserve(1).expect("empty");
    assert_eq!(tx.try_push(2), Ok(()));
    assert!(!rx.has_next(), "the first is not written");
    drop(grant);
    assert!(rx.has_next() && rx2.has_next());
    // Another takes it, and its place is free at once.
    assert_eq!(rx2.try_pop(), Ok(2));
    assert!(!rx.has_next());
    assert_eq!((tx.try_push(3), tx.try_push(4)), (Ok(()), Ok(())));
    // What this one has claimed is its own.
    assert!(rx.drain(1).has_next() && rx.has_next());
    assert_eq!((rx2.try_pop(), rx.try_pop()), (Ok(4), Ok(3)));
    tx.close();
    assert!(!rx.has_next());
}

#[test]
fn h17_a_producer_stopped_in_mid_push_stops_nobody() {
    let (tx, mut rx) = ring(3);
    let mut rx2 = rx.clone();
    let mut grant = tx.reserve(1).expect("empty");
    assert_eq!((tx.try_push(2), tx.clone().try_push(3)), (Ok(()), Ok(())));
    for _ in 0..3 {
        assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
        assert_eq!(rx2.drain(3).next(), None);
        assert_eq!(tx.try_push(4), Err(TryPushError::Full(4)));
    }
    assert_eq!(grant.push(1), Ok(()));
    assert!(rx.drain(usize::MAX).eq([1, 2, 3]));
}

#[test]
fn a_consumer_stopped_in_mid_pop_stops_nobody_before_the_ring_comes_round() {
    let (tx, mut rx) = ring(4);
    let mut rx2 = rx.clone();
    assert_eq!(tx.try_push_iter(&mut (0..4)), Ok(4));
    let mut stopped = rx.drain(1);
    assert!(stopped.has_next(), "it has claimed 0 and not moved it out");
    assert!(rx2.drain(usize::MAX).eq(1..4));
    assert_eq!(rx2.try_pop(), Err(TryPopError::Empty));
    assert_eq!((tx.len(), tx.is_full()), (0, false));
    assert_eq!(
        tx.try_push(4),
        Err(TryPushError::Full(4)),
        "its slot is next"
    );
    assert_eq!(stopped.next(), Some(0));
    assert_eq!(tx.try_push_iter(&mut (4..9)), Ok(4));
    assert!(rx2.drain(usize::MAX).eq(4..8));
}

#[test]
fn a_capacity_that_is_no_power_of_two_is_kept_while_a_consumer_is_stopped() {
    let (tx, mut rx) = ring(3);
    let mut rx2 = rx.clone();
    let mut next = 0;
    for _lap in 0..9 {
        assert_eq!(tx.try_push_iter(&mut (next..next + 9)), Ok(3));
        assert_eq!(tx.try_push(0), Err(TryPushError::Full(0)));
        let mut stopped = rx.drain(1);
        assert!(stopped.has_next());
        assert_eq!(tx.try_push(next + 3), Ok(()), "there are four slots");
        assert_eq!(tx.try_push(0), Err(TryPushError::Full(0)));
        assert_eq!(rx2.try_pop(), Ok(next + 1));
        assert_eq!(
            tx.try_push(0),
            Err(TryPushError::Full(0)),
            "its slot is next"
        );
        assert_eq!(stopped.next(), Some(next));
        assert_eq!(tx.try_push(next + 4), Ok(()));
        drop(stopped);
        assert!(rx.drain(usize::MAX).eq(next + 2..next + 5));
        next += 5;
    }
}

#[test]
fn a_batch_is_claimed_at_once_and_only_what_is_written_in_a_row() {
    let (tx, mut rx) = ring(8);
    let mut rx2 = rx.clone();
    assert_eq!(tx.try_push_iter(&mut (0..3)), Ok(3));
    let mut grant = tx.reserve(1).expect("five are free");
    assert_eq!(tx.try_push(4), Ok(()));
    let mut drain = rx.drain(usize::MAX);
    assert_eq!(drain.next(), Some(0));
    assert_eq!(
        rx2.try_pop(),
        Err(TryPopError::Empty),
        "1 and 2 are claimed, 3 is not there"
    );
    assert_eq!(grant.push(3), Ok(()));
    assert_eq!((rx2.try_pop(), rx2.try_pop()), (Ok(3), Ok(4)));
    assert!(drain.eq([1, 2]));
}

#[test]
fn a_drain_goes_on_with_what_was_pushed_meanwhile() {
    let (tx, mut rx) = ring(4);
    assert_eq!(tx.try_push(0), Ok(()));
    let mut drain = rx.drain(3);
    assert_eq!(drain.next(), Some(0));
    assert_eq!(
        tx.try_push_iter(&mut (1..5)),
        Ok(4),
        "slots come back one by one"
    );
    assert!(drain.eq([1, 2]), "three at most");
    assert!(rx.drain(usize::MAX).eq([3, 4]));
}

#[test]
fn what_a_drain_leaves_comes_first_and_to_the_same_consumer() {
    for forget in [false, true] {
        let (tx, mut rx) = ring(8);
        assert_eq!(tx.try_push_iter(&mut (0..6)), Ok(6));
        let mut drain = rx.drain(4);
        assert_eq!((drain.next(), drain.next()), (Some(0), Some(1)));
        if forget {
            mem::forget(drain);
        } else {
            drop(drain);
        }
        let mut rx2 = rx.clone();
        assert_eq!(rx2.try_pop(), Ok(4));
        assert_eq!(rx.drain(1).next(), Some(2));
        assert_eq!((rx.try_pop(), rx.try_pop()), (Ok(3), Ok(5)));
        assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
        assert_eq!(tx.try_push_iter(&mut (0..9)), Ok(8), "no slot is lost");
    }
}

#[test]
fn a_drain_that_takes_nothing_claims_nothing() {
    let (tx, mut rx) = ring(4);
    let mut rx2 = rx.clone();
    assert_eq!(tx.try_push_iter(&mut (0..2)), Ok(2));
    drop(rx.drain(4));
    assert_eq!(rx.drain(0).next(), None);
    assert!(!rx.drain(0).has_next());
    assert_eq!((rx2.try_pop(), rx2.try_pop()), (Ok(0), Ok(1)));
}

#[test]
fn a_grant_comes_before_what_was_pushed_after_it_was_made() {
    let (tx, mut rx) = ring(4);
    let mut grant = tx.reserve(2).expect("empty");
    assert_eq!(tx.try_push(3), Ok(()));
    assert_eq!(grant.push(1), Ok(()));
    assert_eq!(rx.try_pop(), Ok(1), "each place is seen at once");
    assert_eq!(grant.push(2), Ok(()));
    assert_eq!((grant.push(9), grant.remaining()), (Err(9), 0));
    drop(grant);
    assert!(rx.drain(usize::MAX).eq([2, 3]));
}

#[test]
fn a_grant_gets_what_there_is() {
    for capacity in [3, 4] {
        let (tx, mut rx) = ring(capacity);
        assert_eq!(tx.try_push(0), Ok(()));
        let mut grant = tx.reserve(usize::MAX).expect("some are free");
        assert_eq!(grant.remaining(), capacity - 1);
        assert_eq!(tx.try_push(9), Err(TryPushError::Full(9)));
        assert_eq!(tx.reserve(1).err(), Some(TryReserveError::Full));
        (1..capacity).for_each(|i| assert_eq!(grant.push(i), Ok(())));
        assert!(rx.drain(usize::MAX).eq(0..capacity));
    }
}

#[test]
#[should_panic(expected = "a grant has at least one place")]
fn a_grant_of_no_place_is_a_mistake() {
    let (tx, _rx) = ring::<u8>(3);
    let _grant = tx.reserve(0);
}

#[test]
fn places_given_up_are_stepped_over_by_whoever_comes() {
    let (tx, mut rx) = ring(8);
    let mut rx2 = rx.clone();
    for lap in 0..9 {
        drop(tx.reserve(1).expect("free"));
        assert_eq!(tx.try_push(lap), Ok(()));
        drop(tx.reserve(2).expect("free"));
        assert_eq!(tx.try_push(lap + 100), Ok(()));
        drop(tx.reserve(1).expect("free"));
        assert!(rx.drain(usize::MAX).eq([lap, lap + 100]));
        assert_eq!(rx2.try_pop(), Err(TryPopError::Empty));
        assert_eq!(tx.len(), 0);
    }
}

#[test]
fn a_ring_full_of_gaps_does_not_stay_full() {
    for by_drain in [false, true] {
        let (tx, mut rx) = ring::<u8>(3);
        drop(tx.reserve(3).expect("empty"));
        assert_eq!(tx.try_push(0), Err(TryPushError::Full(0)));
        if by_drain {
            assert_eq!(rx.drain(1).next(), None);
        } else {
            assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
        }
        assert_eq!(tx.try_push_iter(&mut [1u8, 2, 3].into_iter()), Ok(3));
        assert!(rx.drain(usize::MAX).eq([1, 2, 3]));
    }
}

#[test]
fn a_forgotten_grant_blocks_what_comes_after_and_breaks_nothing() {
    let (tx, mut rx) = ring(4);
    assert!(tx.try_push("before".to_owned()).is_ok());
    let mut grant = tx.reserve(2).expect("three are free");
    assert!(grant.push("filled".to_owned()).is_ok());
    mem::forget(grant);
    assert!(tx.try_push("after".to_owned()).is_ok());
    let refused = tx.try_push("no".to_owned()).map_err(|e| e.is_full());
    assert_eq!(refused, Err(true));
    assert_eq!(rx.try_pop().as_deref(), Ok("before"));
    assert_eq!(rx.try_pop().as_deref(), Ok("filled"));
    drop(tx);
    assert_eq!(rx.try_pop(), Err(TryPopError::Empty), "a claim is open");
}

#[test]
fn the_wrap_of_positions_is_seen_by_nobody() {
    for capacity in 1..=5 {
        for back in 0..40usize {
            let start = back.wrapping_neg();
            let (tx, mut rx) = mpmc::with_capacity_at(capacity, start).expect("a small ring");
            for lap in 0..12 {
                assert_eq!(tx.try_push_iter(&mut (lap..lap + 9)), Ok(capacity));
                assert_eq!(tx.try_push(0), Err(TryPushError::Full(0)));
                assert_eq!((tx.len(), rx.len()), (capacity, capacity));
                assert!(rx.drain(usize::MAX).eq(lap..lap + capacity));
                assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
            }
        }
    }
}
