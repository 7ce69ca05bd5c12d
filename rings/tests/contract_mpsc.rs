//! What the docs promise of many producers: clones, grants, places given up.
#![cfg(all(feature = "alloc", not(loom)))]

use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
};

use shared_nothing_rings::{
    TryPopError, TryPushError, TryReserveError,
    mpsc::{self, Consumer, Producer},
};

fn ring<T>(capacity: usize) -> (Producer<'static, T>, Consumer<'static, T>) {
    mpsc::with_capacity(capacity).expect("a small ring")
}

/// Says that it has `says` values and gives those of `has`.
struct Liar {
    says: usize,
    has: std::ops::Range<u8>,
}

impl Iterator for Liar {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        self.has.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.says, Some(self.says))
    }
}

impl ExactSizeIterator for Liar {}

#[test]
fn a_ring_closes_when_its_last_producer_leaves() {
    let (tx, mut rx) = ring(4);
    let clone = tx.clone();
    let clone_of_clone = clone.clone();
    assert_eq!(tx.try_push(1), Ok(()));
    drop(tx);
    assert_eq!(clone.try_push(2), Ok(()));
    drop(clone);
    assert!(!rx.is_closed());
    assert_eq!(clone_of_clone.try_push(3), Ok(()));
    assert!(rx.drain(usize::MAX).eq([1, 2, 3]));
    assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
    drop(clone_of_clone);
    assert_eq!(rx.try_pop(), Err(TryPopError::Closed));
}

#[test]
fn one_producer_closes_for_all() {
    let (tx, mut rx) = ring(4);
    let clone = tx.clone();
    assert_eq!(tx.try_push(1), Ok(()));
    clone.close();
    clone.close();
    assert_eq!(tx.try_push(2), Err(TryPushError::Closed(2)));
    assert_eq!(tx.reserve(1).err(), Some(TryReserveError::Closed));
    assert!(tx.is_closed() && clone.is_closed() && rx.is_closed());
    assert_eq!(rx.try_pop(), Ok(1));
    assert_eq!(rx.try_pop(), Err(TryPopError::Closed));
    let late = tx.clone();
    assert_eq!(late.try_push(3), Err(TryPushError::Closed(3)));
}

#[test]
fn a_consumer_that_closed_is_told_closed_while_producers_live() {
    let (tx, mut rx) = ring(2);
    assert_eq!(tx.try_push(1), Ok(()));
    rx.close();
    assert_eq!(rx.try_pop(), Ok(1));
    assert_eq!(rx.try_pop(), Err(TryPopError::Closed));
    drop(tx);
}

#[test]
fn one_producer_can_be_shared_instead_of_cloned() {
    let (tx, mut rx) = ring(100);
    thread::scope(|threads| {
        for base in [0, 50] {
            let tx = &tx;
            threads
                .spawn(move || (base..base + 50).for_each(|i| assert_eq!(tx.try_push(i), Ok(()))));
        }
    });
    let mut got: Vec<u32> = rx.drain(usize::MAX).collect();
    got.sort_unstable();
    assert!(got.into_iter().eq(0..100));
}

#[test]
fn a_grant_comes_before_what_was_pushed_after_it_was_made() {
    let (tx, mut rx) = ring(4);
    let mut grant = tx.reserve(2).expect("empty");
    assert_eq!(tx.try_push(3), Ok(()));
    assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
    assert_eq!(grant.push(1), Ok(()));
    assert_eq!(rx.try_pop(), Ok(1), "each place is seen at once");
    assert_eq!(grant.push(2), Ok(()));
    assert_eq!((grant.push(9), grant.remaining()), (Err(9), 0));
    drop(grant);
    assert!(rx.drain(usize::MAX).eq([2, 3]));
}

#[test]
fn a_grant_gets_what_there_is() {
    let (tx, mut rx) = ring(3);
    assert_eq!(tx.try_push(0), Ok(()));
    let mut grant = tx.reserve(usize::MAX).expect("two are free");
    assert_eq!(grant.remaining(), 2);
    assert_eq!(tx.try_push(9), Err(TryPushError::Full(9)));
    assert_eq!(tx.reserve(1).err(), Some(TryReserveError::Full));
    assert_eq!((grant.push(1), grant.push(2)), (Ok(()), Ok(())));
    assert!(rx.drain(usize::MAX).eq([0, 1, 2]));
}

#[test]
#[should_panic(expected = "a grant has at least one place")]
fn a_grant_of_no_place_is_a_mistake() {
    let (tx, _rx) = ring::<u8>(3);
    let _grant = tx.reserve(0);
}

#[test]
fn places_given_up_are_stepped_over() {
    let (tx, mut rx) = ring(4);
    for lap in 0..9 {
        let mut grant = tx.reserve(3).expect("empty");
        assert_eq!(grant.push(lap), Ok(()));
        assert_eq!(tx.try_push(lap + 100), Ok(()));
        drop(grant);
        assert_eq!((rx.try_pop(), rx.try_pop()), (Ok(lap), Ok(lap + 100)));
        assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
    }
}

#[test]
fn a_single_place_is_filled_or_given_up() {
    let (tx, mut rx) = ring(2);
    for lap in 0..9 {
        let first = tx.reserve_one().expect("empty");
        let second = tx.reserve_one().expect("one is free");
        assert_eq!((first.pos(), second.pos()), (2 * lap, 2 * lap + 1));
        assert_eq!(tx.reserve_one().err(), Some(TryReserveError::Full));
        second.fill(lap);
        assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
        if lap % 2 == 0 {
            drop(first);
        } else {
            first.fill(lap + 100);
            assert_eq!(rx.try_pop(), Ok(lap + 100));
        }
        assert_eq!(rx.try_pop(), Ok(lap));
        assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
    }
    let last = tx.reserve_one().expect("empty");
    tx.close();
    assert_eq!(tx.reserve_one().err(), Some(TryReserveError::Closed));
    last.fill(7);
    assert_eq!(rx.try_pop(), Ok(7));
    assert_eq!(rx.try_pop(), Err(TryPopError::Closed));
}

#[test]
fn a_ring_full_of_given_up_places_is_free_again_after_one_look() {
    let (tx, mut rx) = ring(3);
    for lap in 0..6 {
        drop(tx.reserve(3).expect("empty"));
        assert_eq!(tx.try_push(1), Err(TryPushError::Full(1)));
        if lap % 2 == 0 {
            assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
        } else {
            assert_eq!(rx.drain(1).next(), None);
        }
        assert_eq!(tx.try_push_iter(&mut [1u8, 2, 3].into_iter()), Ok(3));
        assert!(rx.drain(usize::MAX).eq([1, 2, 3]));
    }
}

#[test]
fn closed_is_told_behind_places_given_up() {
    let (tx, mut rx) = ring::<u8>(4);
    drop(tx.reserve(2).expect("empty"));
    drop(tx);
    assert_eq!(rx.try_pop(), Err(TryPopError::Closed));
}

#[test]
fn a_grant_made_before_the_close_is_delivered() {
    let (tx, mut rx) = ring(4);
    let mut grant = tx.reserve(2).expect("empty");
    rx.close();
    assert_eq!(
        rx.try_pop(),
        Err(TryPopError::Empty),
        "claimed places may come yet"
    );
    assert_eq!((grant.push(1), grant.push(2)), (Ok(()), Ok(())));
    assert_eq!((rx.try_pop(), rx.try_pop()), (Ok(1), Ok(2)));
    assert_eq!(rx.try_pop(), Err(TryPopError::Closed));
}

#[test]
fn h17_an_unfilled_grant_stops_neither_pops_nor_pushes() {
    let (tx, mut rx) = ring(3);
    let mut grant = tx.reserve(1).expect("empty");
    assert_eq!((tx.try_push(2), tx.clone().try_push(3)), (Ok(()), Ok(())));
    for _ in 0..3 {
        assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
        assert_eq!(rx.drain(3).next(), None);
        assert_eq!(tx.try_push(4), Err(TryPushError::Full(4)));
    }
    assert_eq!(grant.push(1), Ok(()));
    assert!(rx.drain(usize::MAX).eq([1, 2, 3]));
}

#[test]
fn a_forgotten_grant_blocks_what_comes_after_and_breaks_nothing() {
    let (tx, mut rx) = ring(4);
    assert!(tx.try_push("before".to_owned()).is_ok());
    let mut grant = tx.reserve(2).expect("three are free");
    assert!(grant.push("filled".to_owned()).is_ok());
    mem::forget(grant);
    assert!(tx.try_push("after".to_owned()).is_ok());
    assert_eq!(
        tx.try_push("no".to_owned()).map_err(|e| e.is_full()),
        Err(true)
    );
    assert_eq!(rx.try_pop().as_deref(), Ok("before"));
    assert_eq!(rx.try_pop().as_deref(), Ok("filled"));
    assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
    drop(tx);
    assert_eq!(
        rx.try_pop(),
        Err(TryPopError::Empty),
        "never closed: a claim is open"
    );
}

#[test]
fn grants_and_drains_number_places_alike() {
    for start in [0, 2usize.wrapping_neg(), 6usize.wrapping_neg()] {
        let (tx, mut rx) = mpsc::with_capacity_at(3, start).expect("a small ring");
        for _ in 0..4 {
            let mut grant = tx.reserve(2).expect("empty");
            let first = grant.next_pos();
            assert_eq!(grant.push('a'), Ok(()));
            let second = grant.next_pos();
            assert_eq!(second, first.wrapping_add(1) & (usize::MAX / 4));
            drop(grant);
            let mut drain = rx.drain(usize::MAX);
            assert_eq!(drain.next_pos(), first);
            assert_eq!(drain.next(), Some('a'));
            assert_eq!(drain.next_pos(), second);
            assert_eq!(drain.next(), None);
        }
    }
}

#[test]
fn a_source_that_promises_too_much_leaves_gaps_and_no_rubbish() {
    let (tx, mut rx) = ring(4);
    for _lap in 0..5 {
        let mut source = Liar { says: 4, has: 0..2 };
        assert_eq!(tx.try_push_iter(&mut source), Ok(2));
        assert!(rx.drain(usize::MAX).eq([0, 1]));
        let mut source = Liar {
            says: usize::MAX,
            has: 0..0,
        };
        assert_eq!(tx.try_push_iter(&mut source), Ok(0));
        assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
    }
}

#[test]
fn a_source_that_promises_too_little_keeps_the_rest() {
    let (tx, mut rx) = ring(4);
    let mut source = Liar { says: 1, has: 0..3 };
    assert_eq!(tx.try_push_iter(&mut source), Ok(1));
    source.says = 0;
    assert_eq!(tx.try_push_iter(&mut source), Ok(0));
    assert_eq!(source.has, 1..3);
    assert!(rx.drain(usize::MAX).eq([0]));
}

#[test]
fn a_source_may_use_the_ring_it_feeds() {
    let (tx, mut rx) = ring(4);
    let mut seen = Vec::new();
    let mut source = [1, 2].into_iter().inspect(|&i| {
        assert_eq!(tx.try_push(i + 10), Ok(()));
        seen.push(rx.try_pop());
    });
    assert_eq!(tx.try_push_iter(&mut source), Ok(2));
    assert_eq!(seen, [Err(TryPopError::Empty), Ok(1)]);
    assert!(rx.drain(usize::MAX).eq([2, 11, 12]));
}

#[test]
fn a_panic_while_a_grant_is_open_gives_its_places_up() {
    let (tx, mut rx) = ring(4);
    let fill = AssertUnwindSafe(|| {
        let mut grant = tx.reserve(4).expect("empty");
        assert_eq!(grant.push(1), Ok(()));
        panic!("planned");
    });
    assert!(catch_unwind(fill).is_err());
    assert_eq!(
        (rx.try_pop(), rx.try_pop()),
        (Ok(1), Err(TryPopError::Empty))
    );
    assert_eq!(tx.try_push_iter(&mut [2, 3, 4, 5].into_iter()), Ok(4));
}

#[test]
fn a_drain_knows_whether_a_value_is_there() {
    let (tx, mut rx) = ring(4);
    assert!(!rx.drain(4).has_next());
    assert_eq!((tx.try_push(1), tx.try_push(2)), (Ok(()), Ok(())));
    let mut drain = rx.drain(1);
    assert!(drain.has_next() && drain.has_next());
    assert_eq!(drain.next(), Some(1));
    assert!(!drain.has_next(), "it takes one at most");
    drop(drain);
    drop(tx.reserve(2).expect("three are free"));
    assert_eq!(tx.try_push(3), Ok(()));
    let mut drain = rx.drain(4);
    assert_eq!(drain.next(), Some(2));
    assert!(drain.has_next(), "behind places given up");
    assert_eq!((drain.next(), drain.has_next()), (Some(3), false));
}

#[test]
fn positions_count_what_was_claimed() {
    let (tx, rx) = ring(4);
    assert_eq!((tx.position(), tx.try_push(1)), (0, Ok(())));
    drop(tx.reserve(2).expect("three are free"));
    assert_eq!(tx.position(), 3);
    drop(rx);
    assert_eq!(tx.position(), 3, "a closed ring counts the same");
}

#[test]
fn what_is_pushed_together_is_seen_together_in_its_order() {
    let (tx, mut rx) = ring::<u8>(4);
    for lap in 0..3 {
        let mut grant = tx.reserve(3).expect("empty");
        let mut values = lap * 10..;
        // One more would be taken if there were a place for it.
        assert_eq!(grant.push_all(&mut values), 3);
        assert_eq!((grant.remaining(), grant.push(9)), (0, Err(9)));
        assert_eq!(values.next(), Some(lap * 10 + 3), "it is not lost");
        drop(grant);
        assert!(rx.drain(4).eq(lap * 10..lap * 10 + 3));
    }
}

#[test]
fn what_is_not_there_to_be_pushed_together_is_given_up() {
    let (tx, mut rx) = ring::<u8>(4);
    let mut grant = tx.reserve(4).expect("empty");
    assert_eq!(grant.push_all(&mut core::iter::empty()), 0);
    assert_eq!(grant.push_all(&mut (1..3)), 2);
    let values = (3..).inspect(|value| assert_ne!(*value, 4, "it panics"));
    let panicked = catch_unwind(AssertUnwindSafe(|| grant.push_all(&mut { values })));
    assert!(panicked.is_err());
    assert_eq!(grant.remaining(), 1);
    drop(grant);
    assert!(rx.drain(4).eq([1, 2, 3]), "and what was written is seen");
    assert_eq!(tx.try_push(5), Ok(()), "the last place was given up");
    assert_eq!(rx.try_pop(), Ok(5));
}
