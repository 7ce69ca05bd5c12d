//! The producer that publishes when it is told: nothing is seen before, everything after, and nothing is lost.
#![cfg(all(feature = "alloc", not(any(loom, shuttle))))]

use std::{collections::VecDeque, rc::Rc};

use proptest::prelude::*;
use shared_nothing_rings::{TryPopError, TryPushError, spsc};

proptest! {
    #[test]
    fn agrees_with_a_queue_and_a_stage(
        start in prop_oneof![Just(0), Just(usize::MAX - 2)],
        capacity in 1_usize..6,
        steps in proptest::collection::vec(0_u8..4, 0..60),
    ) {
        let (tx, mut rx) = spsc::with_capacity_at(capacity, start).unwrap();
        let mut tx = tx.batched();
        let (mut staged, mut seen) = (VecDeque::new(), VecDeque::new());
        for (n, step) in steps.into_iter().enumerate() {
            match step {
                // Twice as often as the rest.
                0 | 1 if staged.len() + seen.len() < tx.capacity() => {
                    prop_assert_eq!(tx.try_push(n), Ok(()));
                    staged.push_back(n);
                }
                0 | 1 => {
                    prop_assert_eq!(tx.try_push(n), Err(TryPushError::Full(n)));
                    seen.append(&mut staged);
                }
                2 => {
                    // Whatever is asked for, nothing changes.
                    tx.prefetch(n);
                    tx.publish();
                    seen.append(&mut staged);
                }
                _ => prop_assert_eq!(rx.try_pop(), seen.pop_front().ok_or(TryPopError::Empty)),
            }
            prop_assert_eq!(tx.staged(), staged.len());
            prop_assert_eq!(tx.len(), staged.len() + seen.len());
            prop_assert_eq!(tx.is_empty(), staged.is_empty() && seen.is_empty());
            prop_assert_eq!(rx.len(), seen.len());
        }
        drop(tx);
        seen.append(&mut staged);
        prop_assert!(rx.drain(usize::MAX).eq(seen));
        prop_assert_eq!(rx.try_pop(), Err(TryPopError::Closed));
    }
}

#[test]
fn closing_publishes_what_is_staged() {
    let (tx, mut rx) = spsc::with_capacity::<u32>(4).unwrap();
    let mut tx = tx.batched();
    assert_eq!(
        format!("{tx:?}"),
        "BatchedProducer { capacity: 4, len: 0, .. }"
    );
    assert_eq!(tx.try_push(1), Ok(()));
    assert!(!tx.is_closed());
    tx.close();
    assert!(tx.is_closed());
    assert_eq!(tx.try_push(2), Err(TryPushError::Closed(2)));
    assert_eq!(rx.try_pop(), Ok(1));
    assert_eq!(rx.try_pop(), Err(TryPopError::Closed));
}

#[test]
fn what_was_staged_for_a_consumer_that_is_gone_is_taken_back_or_dropped_once() {
    let value = Rc::new(());
    for takes_back in [true, false] {
        let (tx, rx) = spsc::with_capacity(4).unwrap();
        let mut tx = tx.batched();
        for _ in 0..3 {
            assert_eq!(tx.try_push(value.clone()), Ok(()));
        }
        drop(rx);
        if takes_back {
            assert_eq!(tx.reclaim().count(), 3);
            assert_eq!(Rc::strong_count(&value), 1);
        }
        drop(tx);
        assert_eq!(Rc::strong_count(&value), 1);
    }
}
