//! What the docs promise of one producer: slices, slots written and read in place.
#![cfg(all(feature = "alloc", not(loom)))]
// Grants and peeks have no drop today; the test holds if they get one.
#![allow(clippy::forget_non_drop, clippy::drop_non_drop)]

use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
};

use shared_nothing_rings::{
    TryPopError, TryPushError, TryReserveError,
    spsc::{self, Consumer, Producer},
};

fn ring<T>(capacity: usize) -> (Producer<'static, T>, Consumer<'static, T>) {
    spsc::with_capacity_at(capacity, usize::MAX - 4).expect("a small ring")
}

/// Writes `values` to the first slots of a grant of `want`, and commits them.
fn commit<T>(tx: &mut Producer<'_, T>, want: usize, values: impl ExactSizeIterator<Item = T>) {
    let mut grant = tx.reserve(want).expect("there is room");
    let count = values.len();
    let (first, second) = grant.as_uninit();
    let mut slots = first.iter_mut().chain(second);
    for value in values {
        slots.next().expect("there is room").write(value);
    }
    // SAFETY: the loop wrote as many.
    unsafe { grant.commit(count) };
}

#[test]
fn a_closed_producer_gets_its_values_back_and_the_consumer_the_rest() {
    let (mut tx, mut rx) = ring(4);
    assert_eq!(tx.try_push(1), Ok(()));
    tx.close();
    tx.close();
    assert!(tx.is_closed() && rx.is_closed());
    assert_eq!(tx.try_push(2), Err(TryPushError::Closed(2)));
    assert_eq!(
        tx.try_push_iter(&mut [2].into_iter()),
        Err(TryReserveError::Closed)
    );
    assert_eq!(tx.try_push_slice(&[2]), Err(TryReserveError::Closed));
    assert_eq!(tx.reserve(1).err(), Some(TryReserveError::Closed));
    assert_eq!(
        (rx.try_pop(), rx.try_pop()),
        (Ok(1), Err(TryPopError::Closed))
    );
}

#[test]
fn what_was_taken_back_is_not_there_for_the_next_ends() {
    let mut ring = spsc::Ring::<u32, 4>::new();
    let (mut tx, rx) = ring.split();
    assert_eq!(tx.try_push_slice(&[1, 2, 3]), Ok(3));
    drop(rx);
    assert!(tx.reclaim().take(2).eq([1, 2]));
    drop(tx);
    let (mut tx, mut rx) = ring.split();
    assert_eq!(rx.try_pop(), Ok(3));
    assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
    assert_eq!(tx.try_push(4), Ok(()));
    assert_eq!(
        (rx.try_pop(), rx.try_pop()),
        (Ok(4), Err(TryPopError::Empty))
    );
}

/// One slot has no bit to mask: what is left of a position is then the same, open or closed.
#[test]
fn a_ring_of_one_slot_is_open_until_it_is_closed() {
    let (mut tx, mut rx) = ring(1);
    for value in 0..10 {
        assert!(!tx.is_closed());
        assert_eq!(tx.try_push(value), Ok(()));
        assert_eq!(tx.try_push(value), Err(TryPushError::Full(value)));
        assert_eq!(rx.try_pop(), Ok(value));
    }
    rx.close();
    assert!(tx.is_closed());
    assert_eq!(tx.try_push(10), Err(TryPushError::Closed(10)));
}

#[test]
fn slices_go_through_piece_by_piece_on_every_lap() {
    let (mut tx, mut rx) = ring(5);
    let (mut next_in, mut next_out) = (0u32, 0);
    for round in 0..40 {
        let values: Vec<u32> = (next_in..next_in + 1 + round % 7).collect();
        let pushed = tx.try_push_slice(&values).unwrap_or(0);
        assert_eq!(pushed, values.len().min(5 - (next_in - next_out) as usize));
        next_in += pushed as u32;
        let mut into = vec![u32::MAX; 1 + round as usize % 4];
        let popped = rx.try_pop_slice(&mut into).expect("not empty");
        assert_eq!(popped, into.len().min((next_in - next_out) as usize));
        assert!(
            into[..popped]
                .iter()
                .copied()
                .eq(next_out..next_out + popped as u32)
        );
        assert!(
            into[popped..]
                .iter()
                .all(|&untouched| untouched == u32::MAX)
        );
        next_out += popped as u32;
    }
}

#[test]
fn slices_tell_full_empty_and_closed_apart_and_nothing_is_no_error() {
    let (mut tx, mut rx) = ring(2);
    assert_eq!(rx.try_pop_slice(&mut [0]), Err(TryPopError::Empty));
    assert_eq!(rx.try_pop_slice(&mut []), Ok(0));
    assert_eq!(tx.try_push_slice(&[1, 2, 3]), Ok(2));
    assert_eq!(tx.try_push_slice(&[3]), Err(TryReserveError::Full));
    assert_eq!(tx.try_push_slice(&[]), Ok(0));
    drop(tx);
    assert_eq!(rx.try_pop_slice(&mut [0; 9]), Ok(2));
    assert_eq!(rx.try_pop_slice(&mut [0]), Err(TryPopError::Closed));
    assert_eq!(rx.try_pop_slice(&mut []), Ok(0));
}

#[test]
fn slices_of_zero_sized_values_are_counted() {
    let (mut tx, mut rx) = ring(3);
    assert_eq!(tx.try_push_slice(&[(); 9]), Ok(3));
    assert_eq!(
        (rx.peek(9).len(), rx.try_pop_slice(&mut [(); 2])),
        (3, Ok(2))
    );
    assert_eq!(tx.try_push_slice(&[(); 9]), Ok(2));
}

#[test]
fn a_grant_publishes_what_was_committed_and_nothing_else() {
    let (mut tx, mut rx) = ring(4);
    for lap in 0..9 {
        commit(&mut tx, 4, [lap, lap + 1].into_iter());
        assert_eq!((tx.len(), rx.len()), (2, 2));
        commit(&mut tx, usize::MAX, [].into_iter());
        assert_eq!(tx.len(), 2, "a commit of none publishes none");
        drop(tx.reserve(2));
        mem::forget(tx.reserve(2));
        assert_eq!(
            tx.len(),
            2,
            "nor does a grant that was dropped or forgotten"
        );
        assert!(rx.drain(usize::MAX).eq([lap, lap + 1]));
    }
}

#[test]
fn a_grant_gets_what_there_is() {
    let (mut tx, mut rx) = ring(3);
    assert_eq!(tx.try_push(1), Ok(()));
    assert_eq!(tx.reserve(usize::MAX).map(|grant| grant.len()), Ok(2));
    assert_eq!(tx.reserve(1).map(|grant| grant.len()), Ok(1));
    assert_eq!(tx.try_push_slice(&[2, 3]), Ok(2));
    assert_eq!(tx.reserve(1).err(), Some(TryReserveError::Full));
    assert_eq!(rx.try_pop(), Ok(1));
    assert_eq!(tx.reserve(9).map(|grant| grant.len()), Ok(1));
    drop(rx);
    assert_eq!(tx.reserve(1).err(), Some(TryReserveError::Closed));
}

#[test]
#[should_panic(expected = "a grant has at least one slot")]
fn a_grant_of_no_slot_is_a_mistake() {
    let (mut tx, _rx) = ring::<u8>(3);
    let _grant = tx.reserve(0);
}

#[test]
fn more_than_was_reserved_cannot_be_committed() {
    let (mut tx, mut rx) = ring::<u8>(4);
    let commit = AssertUnwindSafe(|| {
        let grant = tx.reserve(2).expect("empty");
        // SAFETY: none: it panics before it publishes.
        unsafe { grant.commit(3) };
    });
    assert!(catch_unwind(commit).is_err());
    assert_eq!((tx.len(), rx.try_pop()), (0, Err(TryPopError::Empty)));
}

#[test]
fn a_peek_takes_only_what_it_consumes() {
    let (mut tx, mut rx) = ring(4);
    for lap in 0..9 {
        commit(&mut tx, 4, (lap..lap + 4).map(|i| i.to_string()));
        let mut peek = rx.peek(3);
        assert_eq!((peek.len(), peek.is_empty()), (3, false));
        let (first, second) = peek.as_mut_slices();
        first
            .iter_mut()
            .chain(second)
            .for_each(|value| value.push('!'));
        peek.consume(1);
        drop(rx.peek(9));
        mem::forget(rx.peek(9));
        rx.peek(0).consume(0);
        assert_eq!(rx.len(), 3);
        let seen: Vec<String> = rx.drain(9).collect();
        assert_eq!(
            seen,
            [
                format!("{}!", lap + 1),
                format!("{}!", lap + 2),
                format!("{}", lap + 3)
            ]
        );
    }
    assert!(rx.peek(9).is_empty());
}

#[test]
fn more_than_was_peeked_at_cannot_be_consumed() {
    let (mut tx, mut rx) = ring(4);
    assert_eq!(tx.try_push_slice(&[1, 2]), Ok(2));
    assert!(catch_unwind(AssertUnwindSafe(|| rx.peek(1).consume(2))).is_err());
    assert!(rx.drain(9).eq([1, 2]), "nothing was taken");
}

/// Panics when it is dropped, if told so.
struct Bomb {
    _alive: Rc<()>,
    panics: bool,
}

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(!self.panics, "planned");
    }
}

#[test]
fn a_panic_while_values_are_consumed_spares_no_other_and_frees_the_slots() {
    for (before, bomb) in (0..4).flat_map(|before| (0..4).map(move |bomb| (before, bomb))) {
        let alive = Rc::new(());
        let bomb_if = |panics| Bomb {
            _alive: Rc::clone(&alive),
            panics,
        };
        let (mut tx, mut rx) = ring(4);
        for _ in 0..before {
            assert!(tx.try_push(bomb_if(false)).is_ok());
            assert!(rx.try_pop().is_ok());
        }
        commit(&mut tx, 4, (0..4).map(|i| bomb_if(i == bomb)));
        let consume = AssertUnwindSafe(|| rx.peek(4).consume(4));
        assert!(catch_unwind(consume).is_err());
        assert_eq!(Rc::strong_count(&alive), 1);
        assert_eq!(
            (rx.len(), tx.reserve(9).map(|grant| grant.len())),
            (0, Ok(4))
        );
    }
}

#[test]
fn positions_may_wrap_between_two_values() {
    let (mut tx, mut rx) = ring(3);
    for first in 0..9 {
        assert_eq!(
            (tx.try_push(first), tx.try_push(first + 1)),
            (Ok(()), Ok(()))
        );
        assert_eq!((rx.try_pop(), rx.try_pop()), (Ok(first), Ok(first + 1)));
    }
}
