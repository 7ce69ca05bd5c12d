//! What each storage promises: capacities of the heap, second splits of rings that stay.
#![cfg(all(feature = "alloc", not(loom)))]
#![allow(
    clippy::forget_non_drop,
    reason = "whether a drain has something to drop is its own affair"
)]

use std::{mem, thread};

use shared_nothing_rings::{CapacityError, TryPopError, TryPushError, mpmc, mpsc, spsc, stamped};

/// Runs `test` on a thread with `kib` KiB of stack.
fn on_a_stack_of(kib: usize, test: fn()) {
    let there = thread::Builder::new().stack_size(kib << 10).spawn(test);
    there
        .expect("one more thread")
        .join()
        .expect("no assertion failed there");
}

macro_rules! suite {
    ($suite:ident, $ring:ident) => {
        mod $suite {
            use super::*;

            #[test]
            fn a_heap_ring_holds_exactly_what_was_asked_for() {
                for capacity in [1, 2, 3, 5, 1000] {
                    #[allow(unused_mut, reason = "some rings push through `&self`")]
                    let (mut tx, mut rx) = $ring::with_capacity(capacity).expect("a small ring");
                    assert_eq!((tx.capacity(), rx.capacity()), (capacity, capacity));
                    for lap in 0..3 {
                        let mut values = lap..lap + capacity + 9;
                        assert_eq!(tx.try_push_iter(&mut values), Ok(capacity));
                        assert!(tx.is_full() && rx.is_full());
                        assert_eq!(tx.try_push(0), Err(TryPushError::Full(0)));
                        assert!(rx.drain(usize::MAX).eq(lap..lap + capacity));
                    }
                }
            }

            #[test]
            fn impossible_capacities_are_errors() {
                let refused = |capacity| $ring::with_capacity::<u64>(capacity).err();
                assert_eq!(refused(0), Some(CapacityError::Zero));
                for capacity in [
                    usize::MAX,
                    usize::MAX / 2,
                    isize::MAX as usize / 8,
                    usize::MAX / 16 + 1,
                ] {
                    assert_eq!(
                        refused(capacity),
                        Some(CapacityError::TooLarge),
                        "{capacity}"
                    );
                }
                let no_size = $ring::with_capacity::<()>(usize::MAX).err();
                assert_eq!(no_size, Some(CapacityError::TooLarge));
                let zero = CapacityError::Zero.to_string();
                let too_large = CapacityError::TooLarge.to_string();
                assert_ne!(zero, too_large);
            }

            #[test]
            #[cfg(target_pointer_width = "64")]
            fn more_than_the_machine_has_is_an_error_too() {
                let refused = $ring::with_capacity::<u64>(1 << 58).err();
                assert_eq!(refused, Some(CapacityError::OutOfMemory));
            }

            #[test]
            fn a_heap_ring_outlives_the_scope_it_was_made_in() {
                #[allow(unused_mut, reason = "some rings push through `&self`")]
                let (mut tx, mut rx) = $ring::with_capacity(2).expect("a small ring");
                let there = thread::spawn(move || tx.try_push("hello".to_owned()));
                assert_eq!(there.join().expect("no panic"), Ok(()));
                assert_eq!(rx.try_pop().as_deref(), Ok("hello"));
            }

            #[test]
            fn a_slot_may_be_larger_than_the_stack() {
                on_a_stack_of(256, || {
                    let (tx, rx) = $ring::with_capacity::<[u8; 1 << 20]>(2).expect("2 MiB");
                    assert!(tx.is_empty() && rx.is_empty());
                });
            }

            #[test]
            fn values_of_a_mebibyte_pass_through() {
                // A debug build copies such a value several times on the way.
                on_a_stack_of(64 << 10, || {
                    #[allow(unused_mut, reason = "some rings push through `&self`")]
                    let (mut tx, mut rx) = $ring::with_capacity(2).expect("2 MiB");
                    for i in 1..=3 {
                        assert!(tx.try_push([i; 1 << 20]).is_ok());
                        let value = rx.try_pop().expect("just pushed");
                        assert!(value.iter().all(|&byte| byte == i));
                    }
                });
            }

            #[test]
            fn a_second_split_finds_what_the_first_ends_left() {
                let mut ring = $ring::Ring::<String, 4>::new();
                for lap in 0..9 {
                    #[allow(unused_mut, reason = "some rings push through `&self`")]
                    let (mut tx, mut rx) = ring.split();
                    assert!(!tx.is_closed() && !rx.is_closed());
                    if lap > 0 {
                        assert_eq!(rx.try_pop(), Ok(format!("{}b", lap - 1)));
                    }
                    assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
                    for letter in ["a", "b"] {
                        assert!(tx.try_push(format!("{lap}{letter}")).is_ok());
                    }
                    assert_eq!(rx.try_pop(), Ok(format!("{lap}a")));
                    rx.close();
                }
            }

            #[test]
            fn a_ring_that_is_moved_between_splits_keeps_its_values() {
                let mut ring = Box::new($ring::Ring::<String, 2>::new());
                assert!(ring.split().0.try_push("kept".to_owned()).is_ok());
                let mut moved = *ring;
                assert_eq!(moved.split().1.try_pop().as_deref(), Ok("kept"));
                assert_eq!(moved.split().1.try_pop(), Err(TryPopError::Empty));
            }

            #[test]
            fn a_borrowed_ring_can_be_split_after_its_ends_were_forgotten() {
                let mut ring = $ring::Ring::<u8, 2>::new();
                #[allow(unused_mut, reason = "some rings push through `&self`")]
                let (mut tx, rx) = ring.split();
                assert_eq!(tx.try_push(1), Ok(()));
                mem::forget((tx, rx));
                #[allow(unused_mut, reason = "some rings push through `&self`")]
                let (mut tx, mut rx) = ring.split();
                assert_eq!(tx.try_push(2), Ok(()));
                assert_eq!(tx.try_push(3), Err(TryPushError::Full(3)));
                drop(tx);
                assert!(rx.drain(usize::MAX).eq([1, 2]));
                assert_eq!(rx.try_pop(), Err(TryPopError::Closed));
            }

            #[test]
            fn a_forgotten_drain_is_made_good_by_the_next_consumer() {
                let mut ring = $ring::Ring::<u8, 2>::new();
                #[allow(unused_mut, reason = "some rings push through `&self`")]
                let (mut tx, mut rx) = ring.split();
                assert_eq!(tx.try_push_iter(&mut [1u8, 2].into_iter()), Ok(2));
                let mut drain = rx.drain(2);
                assert_eq!((drain.next(), drain.next()), (Some(1), Some(2)));
                mem::forget(drain);
                drop((tx, rx));
                #[allow(unused_mut, reason = "some rings push through `&self`")]
                let (mut tx, mut rx) = ring.split();
                assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
                assert_eq!(tx.try_push_iter(&mut [3u8, 4].into_iter()), Ok(2));
                assert!(rx.drain(usize::MAX).eq([3, 4]));
            }

            #[test]
            fn a_static_ring_is_split_again_only_when_all_ends_are_gone() {
                static RING: $ring::Ring<u8, 2> = $ring::Ring::new();
                for lap in 0..5 {
                    #[allow(unused_mut, reason = "some rings push through `&self`")]
                    let (mut tx, mut rx) = RING.split_static().expect("nobody holds an end");
                    assert!(!tx.is_closed() && !rx.is_closed());
                    if lap > 0 {
                        assert_eq!(rx.try_pop(), Ok(lap - 1), "left by the ends before");
                    }
                    assert!(RING.split_static().is_none());
                    assert_eq!(tx.try_push(lap), Ok(()));
                    if lap % 2 == 0 {
                        drop(tx);
                        assert!(RING.split_static().is_none());
                        drop(rx);
                    } else {
                        drop(rx);
                        assert!(RING.split_static().is_none());
                        drop(tx);
                    }
                }
            }

            #[test]
            fn a_static_ring_whose_end_was_forgotten_stays_taken() {
                static RING: $ring::Ring<u8, 2> = $ring::Ring::new();
                let (tx, rx) = RING.split_static().expect("nobody has split it before");
                mem::forget(tx);
                drop(rx);
                assert!(RING.split_static().is_none());
            }

            #[test]
            fn only_one_of_many_threads_splits_a_static_ring() {
                static RING: $ring::Ring<u8, 2> = $ring::Ring::new();
                let split = thread::scope(|threads| {
                    let there = [(); 4].map(|()| threads.spawn(|| RING.split_static()));
                    there.map(|thread| thread.join().expect("no panic"))
                });
                assert_eq!(split.iter().flatten().count(), 1);
            }
        }
    };
}

suite!(spsc_ring, spsc);
suite!(stamped_ring, stamped);
suite!(mpsc_ring, mpsc);
suite!(mpmc_ring, mpmc);

#[test]
fn a_huge_ring_of_zero_sized_values_is_made_at_once() {
    // No time is measured: a ring that looks at each of these slots does not come back.
    let (mut tx, mut rx) =
        spsc::with_capacity::<()>(usize::MAX / 16 + 1).expect("it takes one header");
    assert_eq!(
        (tx.try_push(()), tx.capacity()),
        (Ok(()), usize::MAX / 16 + 1)
    );
    assert_eq!(
        (rx.try_pop(), rx.try_pop()),
        (Ok(()), Err(TryPopError::Empty))
    );
}

#[test]
fn a_static_ring_waits_for_the_last_clone_of_a_producer() {
    static RING: mpsc::Ring<u8, 2> = mpsc::Ring::new();
    let (tx, rx) = RING.split_static().expect("nobody has split it before");
    let clone = tx.clone();
    drop((tx, rx));
    assert!(RING.split_static().is_none());
    drop(clone);
    assert!(RING.split_static().is_some());
}
