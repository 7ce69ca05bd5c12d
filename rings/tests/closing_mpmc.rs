//! What the docs promise of many producers and many consumers when ends close or leave.
#![cfg(all(feature = "alloc", not(loom)))]

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
};

use shared_nothing_rings::{
    TryPopError, TryPushError, TryReserveError,
    mpmc::{self, Consumer, Producer},
};

fn ring<T>(capacity: usize) -> (Producer<'static, T>, Consumer<'static, T>) {
    mpmc::with_capacity(capacity).expect("a small ring")
}

#[test]
fn a_ring_closes_when_its_last_producer_leaves() {
    let (tx, mut rx) = ring(4);
    let mut rx2 = rx.clone();
    let clone = tx.clone();
    assert_eq!(tx.try_push(1), Ok(()));
    drop(tx);
    assert_eq!(clone.try_push(2), Ok(()));
    assert!(!rx.is_closed());
    drop(clone);
    assert!(rx.is_closed() && rx2.is_closed());
    assert_eq!((rx.try_pop(), rx2.try_pop()), (Ok(1), Ok(2)));
    assert_eq!(rx.try_pop(), Err(TryPopError::Closed));
    assert_eq!(rx2.try_pop(), Err(TryPopError::Closed));
    assert_eq!(rx2.clone().try_pop(), Err(TryPopError::Closed));
}

#[test]
fn pushes_are_refused_when_the_last_consumer_has_left() {
    let (tx, rx) = ring(4);
    let mut clone = rx.clone();
    assert_eq!(tx.try_push(1), Ok(()));
    drop(rx);
    assert_eq!(tx.try_push(2), Ok(()));
    assert_eq!(clone.try_pop(), Ok(1));
    drop(clone);
    assert!(tx.is_closed());
    assert_eq!(tx.try_push(3), Err(TryPushError::Closed(3)));
    assert_eq!(tx.reserve(1).err(), Some(TryReserveError::Closed));
}

#[test]
fn any_end_closes_for_all() {
    for by_consumer in [false, true] {
        let (tx, mut rx) = ring(4);
        let (tx2, mut rx2) = (tx.clone(), rx.clone());
        assert_eq!(tx.try_push(1), Ok(()));
        if by_consumer {
            rx2.close();
        } else {
            tx2.close();
        }
        tx2.close();
        assert!(tx.is_closed() && tx2.is_closed() && rx.is_closed() && rx2.is_closed());
        assert_eq!(tx.try_push(2), Err(TryPushError::Closed(2)));
        assert_eq!(tx2.clone().try_push(2), Err(TryPushError::Closed(2)));
        assert_eq!(rx.try_pop(), Ok(1));
        assert_eq!(rx.try_pop(), Err(TryPopError::Closed));
        assert_eq!(rx2.try_pop(), Err(TryPopError::Closed));
    }
}

#[test]
fn closed_is_told_when_every_claimed_place_was_filled_or_given_up() {
    let (tx, mut rx) = ring(4);
    let mut rx2 = rx.clone();
    let mut grant = tx.reserve(3).expect("empty");
    rx.close();
    assert_eq!(rx2.try_pop(), Err(TryPopError::Empty), "may come yet");
    assert_eq!((grant.push(1), grant.push(2)), (Ok(()), Ok(())));
    assert_eq!((rx.try_pop(), rx2.try_pop()), (Ok(1), Ok(2)));
    assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
    drop(grant);
    assert_eq!(rx.try_pop(), Err(TryPopError::Closed));
    assert_eq!(rx2.try_pop(), Err(TryPopError::Closed));
}

/// Counts drops; a bomb panics after it was counted.
struct Counted {
    drops: Rc<Cell<usize>>,
    bomb: bool,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.drops.set(self.drops.get() + 1);
        assert!(!self.bomb, "planned");
    }
}

#[test]
fn a_consumer_that_leaves_drops_what_it_has_claimed_whatever_panics() {
    for bomb in [None, Some(1), Some(2), Some(3)] {
        let drops = Rc::new(Cell::new(0));
        let (tx, mut rx) = ring(8);
        let rx2 = rx.clone();
        for number in 0..6 {
            let (drops, bomb) = (drops.clone(), bomb == Some(number));
            assert!(tx.try_push(Counted { drops, bomb }).is_ok());
        }
        let mut drain = rx.drain(4);
        drop(drain.next());
        drop(drain);
        assert_eq!(drops.get(), 1);
        let left = catch_unwind(AssertUnwindSafe(|| drop(rx)));
        assert_eq!(left.is_err(), bomb.is_some());
        assert_eq!((drops.get(), tx.len(), tx.is_closed()), (4, 2, false));
        for _ in 0..6 {
            let (drops, bomb) = (drops.clone(), false);
            assert!(
                tx.try_push(Counted { drops, bomb }).is_ok(),
                "no slot is lost"
            );
        }
        drop(rx2);
        assert!(tx.is_closed(), "the first one was counted out");
        drop(tx);
        assert_eq!(drops.get(), 12);
    }
}

#[test]
fn a_static_ring_waits_for_the_last_clone_on_either_side() {
    static RING: mpmc::Ring<u8, 2> = mpmc::Ring::new();
    for _lap in 0..3 {
        let (tx, rx) = RING.split_static().expect("nobody holds an end");
        assert!(!tx.is_closed() && !rx.is_closed());
        let (tx2, rx2) = (tx.clone(), rx.clone());
        drop((tx, rx, rx2));
        assert!(RING.split_static().is_none());
        drop(tx2);
        let (tx, rx) = RING.split_static().expect("all ends are gone");
        let rx2 = rx.clone();
        drop((rx, tx));
        assert!(RING.split_static().is_none());
        drop(rx2);
    }
}
