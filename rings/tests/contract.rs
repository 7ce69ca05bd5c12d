//! What the docs promise of every ring, asked of every ring in every storage.
#![cfg(all(feature = "alloc", not(loom)))]
#![allow(
    clippy::forget_non_drop,
    reason = "whether a drain has something to drop is its own affair"
)]

use std::{
    mem::MaybeUninit,
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
};

use shared_nothing_rings::{
    TryPopError, TryPushError, TryReserveError, lanes, mpmc, mpsc, spsc, stamped,
};
#[cfg(feature = "stats")]
use shared_nothing_rings::{
    ends::{DrainEnd, PopEnd, PushEnd, PushIterEnd},
    stats::{self, Stats},
};

/// Opens the ends `$tx` and `$rx` of a ring of `$n` values that lies on the stack.
macro_rules! borrowed {
    ($ring:ident, $t:ty, $n:literal, $tx:ident, $rx:ident) => {
        let mut ring = $ring::Ring::<$t, $n>::new();
        #[allow(unused_mut, reason = "some rings push through `&self`")]
        let (mut $tx, mut $rx) = ring.split();
    };
}

/// As `borrowed`, in a `static`.
macro_rules! fixed {
    ($ring:ident, $t:ty, $n:literal, $tx:ident, $rx:ident) => {
        static RING: $ring::Ring<$t, $n> = $ring::Ring::new();
        #[allow(unused_mut, reason = "some rings push through `&self`")]
        let (mut $tx, mut $rx) = RING.split_static().expect("split once");
    };
}

/// As `borrowed`, on the heap.
macro_rules! heap {
    ($ring:ident, $t:ty, $n:literal, $tx:ident, $rx:ident) => {
        #[allow(unused_mut, reason = "some rings push through `&self`")]
        let (mut $tx, mut $rx) = $ring::with_capacity::<$t>($n).expect("a small ring");
    };
}

/// As `borrowed`, in memory of the caller that begins at an odd address.
macro_rules! mapped {
    ($ring:ident, $t:ty, $n:literal, $tx:ident, $rx:ident) => {
        let layout = $ring::layout::<$t>($n).expect("a small ring");
        let mut memory = vec![MaybeUninit::uninit(); layout.size() + 2 * layout.align()];
        let odd = 1 - memory.as_ptr().addr() % 2;
        #[allow(unused_mut, reason = "some rings push through `&self`")]
        let (mut $tx, mut $rx) =
            $ring::in_memory::<$t>(&mut memory[odd..], $n).expect("memory enough");
    };
}

/// As `borrowed`, of one lane.
macro_rules! lane_borrowed {
    ($ring:ident, $t:ty, $n:literal, $tx:ident, $rx:ident) => {
        let mut ring = $ring::Ring::<$t, 1, $n>::new();
        #[allow(unused_mut, reason = "not every test uses both ends")]
        let ([mut $tx], mut $rx) = ring.split();
    };
}

/// As `fixed`, of one lane.
macro_rules! lane_fixed {
    ($ring:ident, $t:ty, $n:literal, $tx:ident, $rx:ident) => {
        static RING: $ring::Ring<$t, 1, $n> = $ring::Ring::new();
        #[allow(unused_mut, reason = "not every test uses both ends")]
        let ([mut $tx], mut $rx) = RING.split_static().expect("split once");
    };
}

/// As `heap`, of one lane.
macro_rules! lane_heap {
    ($ring:ident, $t:ty, $n:literal, $tx:ident, $rx:ident) => {
        #[allow(unused_mut, reason = "not every test uses both ends")]
        let (producers, mut $rx) = $ring::with_capacity::<$t>(1, $n).expect("a small ring");
        #[allow(unused_mut, reason = "not every test uses both ends")]
        let mut $tx = producers.last().expect("one lane");
    };
}

/// As `borrowed`, by ends that count.
#[cfg(feature = "stats")]
macro_rules! counted {
    ($ring:ident, $t:ty, $n:literal, $tx:ident, $rx:ident) => {
        let stats = Stats::<2>::new();
        let mut ring = $ring::Ring::<$t, $n>::new();
        #[allow(unused_mut, reason = "not every test uses both ends")]
        let (mut $tx, mut $rx) = stats::count(ring.split(), &stats);
    };
}

/// Three times round: exactly `$n` values fit.
macro_rules! fill_and_empty {
    ($ring:ident, $open:ident, $n:literal) => {{
        $open!($ring, usize, $n, tx, rx);
        assert_eq!((tx.capacity(), rx.capacity()), ($n, $n));
        for lap in 0..3 {
            for i in 0..$n {
                assert_eq!(tx.try_push(lap + i), Ok(()));
            }
            assert_eq!(tx.try_push(0), Err(TryPushError::Full(0)));
            for i in 0..$n {
                assert_eq!(rx.try_pop(), Ok(lap + i));
            }
            assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
        }
    }};
}

struct Opaque;

#[repr(align(128))]
struct Line(u8);

#[repr(align(4096))]
struct Page(u8);

#[repr(align(4096))]
struct NoPage;

macro_rules! suite {
    ($suite:ident, $ring:ident, $open:ident) => {
        mod $suite {
            use super::*;

            #[test]
            fn values_come_out_in_the_order_they_went_in() {
                $open!($ring, u32, 4, tx, rx);
                for round in 0..10 {
                    for i in 0..3 {
                        assert_eq!(tx.try_push(round * 3 + i), Ok(()));
                    }
                    for i in 0..3 {
                        assert_eq!(rx.try_pop(), Ok(round * 3 + i));
                    }
                }
            }

            #[test]
            fn every_slot_can_be_used_and_no_more() {
                fill_and_empty!($ring, $open, 1);
                fill_and_empty!($ring, $open, 2);
                fill_and_empty!($ring, $open, 1024);
            }

            #[test]
            fn a_full_ring_hands_the_value_back() {
                $open!($ring, String, 2, tx, rx);
                assert!(tx.try_push("a".to_owned()).is_ok());
                assert!(tx.try_push("b".to_owned()).is_ok());
                let refused = tx.try_push("c".to_owned()).expect_err("it is full");
                assert!(refused.is_full() && !refused.is_closed());
                assert_eq!(refused.into_inner(), "c");
                assert_eq!(rx.try_pop().as_deref(), Ok("a"));
                assert!(tx.try_push("c".to_owned()).is_ok());
            }

            #[test]
            fn a_ring_is_empty_and_not_closed_while_its_producer_lives() {
                $open!($ring, u8, 1, tx, rx);
                assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
                assert!(!rx.is_closed() && !tx.is_closed());
                assert_eq!(tx.try_push(1), Ok(()));
                assert_eq!(rx.try_pop(), Ok(1));
                assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
            }

            #[test]
            fn what_was_sent_is_received_after_the_producer_left() {
                $open!($ring, u8, 4, tx, rx);
                thread::scope(|threads| {
                    threads.spawn(move || {
                        for value in 0..3 {
                            assert_eq!(tx.try_push(value), Ok(()));
                        }
                    });
                });
                assert!(rx.is_closed());
                for value in 0..3 {
                    assert_eq!(rx.try_pop(), Ok(value));
                }
                for _ in 0..3 {
                    assert_eq!(rx.try_pop(), Err(TryPopError::Closed));
                }
                assert_eq!(rx.drain(usize::MAX).next(), None);
            }

            #[test]
            fn a_consumer_that_closes_gets_what_was_sent_before() {
                $open!($ring, u8, 4, tx, rx);
                assert_eq!(tx.try_push(1), Ok(()));
                assert_eq!(tx.try_push(2), Ok(()));
                rx.close();
                rx.close();
                assert!(tx.is_closed());
                assert_eq!(tx.try_push(3), Err(TryPushError::Closed(3)));
                assert_eq!(rx.try_pop(), Ok(1));
                assert_eq!(rx.try_pop(), Ok(2));
                drop(tx);
                assert_eq!(rx.try_pop(), Err(TryPopError::Closed));
            }

            #[test]
            fn a_dropped_consumer_closes_the_ring_also_when_it_is_full() {
                $open!($ring, u8, 2, tx, rx);
                assert_eq!(tx.try_push(1), Ok(()));
                assert_eq!(tx.try_push(2), Ok(()));
                drop(rx);
                let refused = tx.try_push(3).expect_err("nobody is there");
                assert!(refused.is_closed() && !refused.is_full());
                let mut values = [4u8, 5].into_iter();
                assert_eq!(tx.try_push_iter(&mut values), Err(TryReserveError::Closed));
                assert_eq!(values.as_slice(), [4, 5]);
            }

            #[test]
            fn a_batch_takes_from_its_source_only_what_fits() {
                $open!($ring, u8, 4, tx, rx);
                let mut values = [0u8, 1, 2, 3, 4, 5, 6].into_iter();
                assert_eq!(tx.try_push_iter(&mut values), Ok(4));
                assert_eq!(tx.try_push_iter(&mut values), Err(TryReserveError::Full));
                assert_eq!(values.as_slice(), [4, 5, 6]);
                assert!(rx.drain(2).eq([0, 1]));
                assert_eq!(tx.try_push_iter(&mut values), Ok(2));
                assert_eq!(values.as_slice(), [6]);
                assert_eq!(rx.try_pop(), Ok(2));
                assert_eq!(tx.try_push_iter(&mut values), Ok(1));
                assert!(rx.drain(usize::MAX).eq([3, 4, 5, 6]));
                assert_eq!(tx.try_push_iter(&mut values), Ok(0));
                assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
            }

            #[test]
            fn a_source_with_nothing_is_never_refused() {
                $open!($ring, u8, 1, tx, rx);
                assert_eq!(tx.try_push(1), Ok(()));
                assert_eq!(tx.try_push_iter(&mut [].into_iter()), Ok(0));
                rx.close();
                assert_eq!(tx.try_push_iter(&mut [].into_iter()), Ok(0));
                drop(rx);
                assert_eq!(tx.try_push_iter(&mut [].into_iter()), Ok(0));
            }

            #[test]
            fn a_drain_takes_at_most_max_and_leaves_the_rest() {
                $open!($ring, u8, 4, tx, rx);
                assert_eq!(tx.try_push_iter(&mut [0u8, 1, 2, 3].into_iter()), Ok(4));
                assert_eq!(rx.drain(0).next(), None);
                assert!(rx.drain(1).eq([0]));
                assert_eq!(rx.drain(3).next(), Some(1));
                assert!(rx.drain(usize::MAX).eq([2, 3]));
                let mut drain = rx.drain(2);
                assert_eq!((drain.next(), drain.next()), (None, None));
            }

            #[test]
            fn a_drain_gives_its_slots_back_when_it_is_dropped() {
                $open!($ring, u8, 2, tx, rx);
                assert_eq!(tx.try_push_iter(&mut [0u8, 1].into_iter()), Ok(2));
                let mut drain = rx.drain(2);
                assert_eq!((drain.next(), drain.next()), (Some(0), Some(1)));
                // Where slots are stamped, each comes back by itself.
                if ["spsc", "lanes"].contains(&stringify!($ring)) {
                    assert_eq!(tx.try_push(2), Err(TryPushError::Full(2)));
                }
                drop(drain);
                assert_eq!(tx.try_push_iter(&mut [2u8, 3, 4].into_iter()), Ok(2));
            }

            #[test]
            fn a_forgotten_drain_takes_nothing_twice_and_its_slots_come_back() {
                $open!($ring, u8, 4, tx, rx);
                for next_use in 0..3 {
                    assert_eq!(tx.try_push_iter(&mut [0u8, 1, 2, 3].into_iter()), Ok(4));
                    let mut drain = rx.drain(4);
                    let taken = if next_use == 0 { 2 } else { 4 };
                    for value in 0..taken {
                        assert_eq!(drain.next(), Some(value));
                    }
                    std::mem::forget(drain);
                    match next_use {
                        0 => assert_eq!((rx.try_pop(), rx.try_pop()), (Ok(2), Ok(3))),
                        1 => assert_eq!(rx.try_pop(), Err(TryPopError::Empty)),
                        _ => assert_eq!(rx.drain(4).next(), None),
                    }
                }
                assert_eq!(tx.try_push_iter(&mut [4u8; 5].into_iter()), Ok(4));
            }

            #[test]
            fn a_source_that_panics_loses_only_what_it_did_not_give() {
                $open!($ring, u8, 4, tx, rx);
                for _lap in 0..5 {
                    let mut values = [0u8, 1, 2]
                        .into_iter()
                        .inspect(|&i| assert_ne!(i, 2, "planned"));
                    let push = AssertUnwindSafe(|| tx.try_push_iter(&mut values));
                    assert!(catch_unwind(push).is_err());
                    assert!(rx.drain(usize::MAX).eq([0, 1]));
                    assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
                }
            }

            #[test]
            fn zero_sized_values_are_counted() {
                $open!($ring, NoPage, 2, tx, rx);
                for _lap in 0..3 {
                    assert!(tx.try_push(NoPage).is_ok() && tx.try_push(NoPage).is_ok());
                    assert_eq!((tx.len(), rx.len()), (2, 2));
                    assert!(tx.try_push(NoPage).is_err_and(|refused| refused.is_full()));
                    assert_eq!(rx.drain(usize::MAX).count(), 2);
                    assert!(rx.try_pop().is_err());
                }
            }

            #[test]
            fn values_of_a_line_lie_where_they_should() {
                // A debug build checks the alignment of every write and read.
                $open!($ring, Line, 4, tx, rx);
                for i in 0..9 {
                    assert!(tx.try_push(Line(i)).is_ok() && tx.try_push(Line(i)).is_ok());
                    assert!(rx.try_pop().is_ok_and(|line| line.0 == i));
                    assert!(rx.drain(1).all(|line| line.0 == i));
                }
            }

            #[test]
            fn values_of_a_page_lie_where_they_should() {
                $open!($ring, Page, 2, tx, rx);
                for i in 0..9 {
                    assert!(tx.try_push(Page(i)).is_ok() && tx.try_push(Page(i)).is_ok());
                    assert!(rx.try_pop().is_ok_and(|page| page.0 == i));
                    assert!(rx.drain(1).all(|page| page.0 == i));
                }
            }

            #[test]
            fn counts_are_exact_while_nobody_else_acts() {
                $open!($ring, u8, 2, tx, rx);
                assert!(tx.is_empty() && rx.is_empty() && !tx.is_full() && !rx.is_full());
                assert_eq!(tx.try_push(1), Ok(()));
                assert_eq!((tx.len(), rx.len()), (1, 1));
                assert!(!tx.is_empty() && !rx.is_empty() && !tx.is_full() && !rx.is_full());
                assert_eq!(tx.try_push(2), Ok(()));
                assert!(tx.is_full() && rx.is_full());
                rx.close();
                assert_eq!(
                    (tx.len(), rx.len()),
                    (2, 2),
                    "a closed ring counts the same"
                );
                assert!(rx.drain(usize::MAX).eq([1, 2]));
                assert!(tx.is_empty() && rx.is_empty());
            }

            #[test]
            fn ends_move_between_threads_in_mid_stream() {
                $open!($ring, u8, 4, tx, rx);
                assert_eq!(tx.try_push(0), Ok(()));
                let mut rx = thread::scope(|threads| {
                    let there = threads.spawn(move || {
                        assert_eq!(rx.try_pop(), Ok(0));
                        assert_eq!((tx.try_push(1), tx.try_push(2)), (Ok(()), Ok(())));
                        assert_eq!(rx.try_pop(), Ok(1));
                        rx
                    });
                    there.join().expect("no assertion failed there")
                });
                assert_eq!(rx.try_pop(), Ok(2));
                assert_eq!(rx.try_pop(), Err(TryPopError::Closed));
            }

            #[test]
            fn ends_leave_in_any_order_on_any_thread() {
                for order in 0..4 {
                    $open!($ring, Box<u8>, 4, tx, rx);
                    assert!(tx.try_push(Box::new(1)).is_ok());
                    thread::scope(|threads| match order {
                        0 => drop((tx, rx)),
                        1 => drop((rx, tx)),
                        2 => {
                            threads.spawn(move || drop(tx));
                            drop(rx);
                        }
                        _ => {
                            threads.spawn(move || drop(rx));
                            threads.spawn(move || drop(tx));
                        }
                    });
                }
            }

            #[test]
            fn ends_and_errors_print_without_their_values() {
                $open!($ring, Opaque, 1, tx, rx);
                assert!(format!("{tx:?} {rx:?}").contains("capacity: 1"));
                assert!(tx.try_push(Opaque).is_ok());
                let full = tx.try_push(Opaque).expect_err("it is full");
                assert_eq!(format!("{full} {full:?}"), "ring is full Full(..)");
                drop(rx);
                let closed = tx.try_push(Opaque).expect_err("it is closed");
                assert_eq!(format!("{closed} {closed:?}"), "ring is closed Closed(..)");
            }
        }
    };
}

suite!(spsc_borrowed, spsc, borrowed);
suite!(spsc_static, spsc, fixed);
suite!(spsc_heap, spsc, heap);
suite!(spsc_mapped, spsc, mapped);
suite!(stamped_borrowed, stamped, borrowed);
suite!(stamped_static, stamped, fixed);
suite!(stamped_heap, stamped, heap);
suite!(stamped_mapped, stamped, mapped);
suite!(mpsc_borrowed, mpsc, borrowed);
suite!(mpsc_static, mpsc, fixed);
suite!(mpsc_heap, mpsc, heap);
suite!(mpsc_mapped, mpsc, mapped);
suite!(mpmc_borrowed, mpmc, borrowed);
suite!(mpmc_static, mpmc, fixed);
suite!(mpmc_heap, mpmc, heap);
suite!(mpmc_mapped, mpmc, mapped);
suite!(lanes_borrowed, lanes, lane_borrowed);
suite!(lanes_static, lanes, lane_fixed);
suite!(lanes_heap, lanes, lane_heap);
#[cfg(feature = "stats")]
suite!(spsc_counted, spsc, counted);
#[cfg(feature = "stats")]
suite!(mpsc_counted, mpsc, counted);
#[cfg(feature = "stats")]
suite!(mpmc_counted, mpmc, counted);
