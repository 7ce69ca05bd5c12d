//! How lanes come, close and go: their number and their ends.
#![cfg(all(feature = "alloc", not(loom)))]

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
};

use shared_nothing_rings::{
    CapacityError, TryPopError, TryPushError, TryReserveError,
    lanes::{self, Consumer, LANES_MAX, Producer},
};

fn ring<T>(lanes: usize, capacity: usize) -> (Vec<Producer<'static, T>>, Consumer<'static, T>) {
    let (producers, rx) = lanes::with_capacity(lanes, capacity).expect("a small ring");
    (producers.collect(), rx)
}

fn push_many(tx: &mut Producer<'_, usize>, count: usize) {
    (0..count).for_each(|number| assert_eq!(tx.try_push(number), Ok(())));
}

#[test]
fn as_many_lanes_as_there_can_be() {
    let (mut txs, mut rx) = ring(LANES_MAX, 2);
    for tx in txs.iter_mut().rev() {
        assert_eq!(
            (tx.try_push(tx.lane()), tx.try_push(tx.lane())),
            (Ok(()), Ok(()))
        );
    }
    assert_eq!(
        (rx.len(), rx.is_full(), rx.capacity()),
        (2 * LANES_MAX, true, 2 * LANES_MAX)
    );
    let mut got: Vec<usize> = rx.drain(usize::MAX).collect();
    got.sort_unstable();
    assert!(got.into_iter().eq((0..2 * LANES_MAX).map(|i| i / 2)));
    assert!(rx.is_empty());
}

#[test]
fn impossible_numbers_of_lanes_are_errors() {
    let refused = |lanes, capacity| lanes::with_capacity::<u64>(lanes, capacity).err();
    assert_eq!(refused(0, 1), Some(CapacityError::Zero));
    assert_eq!(refused(1, 0), Some(CapacityError::Zero));
    assert_eq!(refused(LANES_MAX + 1, 1), Some(CapacityError::TooLarge));
    assert_eq!(refused(usize::MAX, 1), Some(CapacityError::TooLarge));
    assert_eq!(refused(1, usize::MAX), Some(CapacityError::TooLarge));
    // Each lane fits, all of them do not.
    assert_eq!(
        refused(16, 1 << (usize::BITS - 8)),
        Some(CapacityError::TooLarge)
    );
}

#[test]
fn the_ring_closes_when_the_last_of_its_producers_leaves() {
    let (mut txs, mut rx) = ring(3, 4);
    txs.iter_mut().for_each(|tx| push_many(tx, 1));
    let mut last = txs.pop().expect("three");
    drop(txs);
    assert!(!rx.is_closed());
    assert_eq!(rx.drain(usize::MAX).count(), 3);
    assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
    assert_eq!(last.try_push(9), Ok(()));
    last.close();
    last.close();
    assert!(rx.is_closed() && last.is_closed());
    assert_eq!(last.try_push(10), Err(TryPushError::Closed(10)));
    assert_eq!(
        (rx.try_pop(), rx.try_pop()),
        (Ok(9), Err(TryPopError::Closed))
    );
}

#[test]
fn producers_that_nobody_takes_close_their_lanes() {
    let (mut producers, mut rx) = lanes::with_capacity::<u8>(3, 1).expect("a small ring");
    assert_eq!(producers.len(), 3);
    let mut tx = producers.next().expect("three");
    drop(producers);
    assert_eq!((tx.try_push(1), rx.try_pop()), (Ok(()), Ok(1)));
    drop(tx);
    assert_eq!(rx.try_pop(), Err(TryPopError::Closed));
}

#[test]
fn the_source_of_producers_may_outlive_all_ends() {
    let (mut producers, rx) = lanes::with_capacity::<u8>(1, 1).expect("a small ring");
    let tx = producers.next().expect("one");
    drop((tx, rx));
    assert_eq!((producers.len(), producers.next().is_none()), (0, true));
}

#[test]
fn the_consumer_closes_every_lane() {
    let (mut txs, mut rx) = ring(70, 2);
    txs.iter_mut().for_each(|tx| push_many(tx, 1));
    rx.close();
    for tx in &mut txs {
        assert!(tx.is_closed());
        assert_eq!(tx.try_push(1), Err(TryPushError::Closed(1)));
        assert_eq!(tx.reserve(1).err(), Some(TryReserveError::Closed));
    }
    assert_eq!(rx.drain(usize::MAX).count(), 70);
    drop(txs);
    assert_eq!(rx.try_pop(), Err(TryPopError::Closed));
}

#[test]
fn a_producer_takes_back_what_nobody_will_pop() {
    let (mut txs, mut rx) = ring(2, 4);
    txs.iter_mut().for_each(|tx| push_many(tx, 3));
    assert_eq!(rx.try_pop(), Ok(0));
    assert_eq!(txs[1].reclaim().next(), None);
    drop(rx);
    assert!(txs[0].reclaim().eq(1..3) && txs[1].reclaim().eq(0..3));
}

#[test]
fn a_static_ring_of_lanes_is_split_again_only_when_all_ends_are_gone() {
    static RING: lanes::Ring<u8, 2, 2> = lanes::Ring::new();
    for lap in 0..4 {
        let ([mut a, mut b], mut rx) = RING.split_static().expect("nobody holds an end");
        assert!(RING.split_static().is_none());
        assert_eq!((a.is_closed(), rx.is_closed()), (false, false));
        if lap > 0 {
            assert!(rx.drain(9).eq([lap - 1; 2]), "left by the ends before");
        }
        assert_eq!((a.try_push(lap), b.try_push(lap)), (Ok(()), Ok(())));
        drop((a, rx));
        assert!(RING.split_static().is_none());
    }
}

#[test]
fn a_panic_in_the_drop_of_one_value_spares_no_lane() {
    struct Value {
        _token: Rc<()>,
        panics: bool,
    }
    impl Drop for Value {
        fn drop(&mut self) {
            assert!(!self.panics, "planned");
        }
    }
    for bomb in 0..6 {
        let token = Rc::new(());
        let burst = AssertUnwindSafe(|| {
            let (mut txs, _rx) = ring(3, 2);
            for number in 0..6 {
                let value = Value {
                    _token: token.clone(),
                    panics: number == bomb,
                };
                assert!(txs[number / 2].try_push(value).is_ok());
            }
        });
        assert!(catch_unwind(burst).is_err());
        assert_eq!(Rc::strong_count(&token), 1);
    }
}
