//! Every value is dropped exactly once: by whoever took it, or with the ring.
#![cfg(all(feature = "alloc", not(loom)))]
#![allow(
    clippy::forget_non_drop,
    reason = "whether a drain has something to drop is its own affair"
)]

use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Mutex,
    thread,
};

use shared_nothing_rings::{TryPopError, lanes, mpmc, mpsc, spsc, stamped};

/// How often each number was dropped.
struct Ledger(Mutex<Vec<u32>>);

impl Ledger {
    fn new(values: usize) -> Self {
        Self(Mutex::new(vec![0; values]))
    }

    fn value(&self, number: usize) -> Tracked<'_> {
        Tracked {
            ledger: self,
            number,
            panics: false,
        }
    }

    /// A value that panics when it is dropped, after it was counted.
    fn bomb(&self, number: usize) -> Tracked<'_> {
        let mut bomb = self.value(number);
        bomb.panics = true;
        bomb
    }

    #[track_caller]
    fn assert_dropped(&self, numbers: std::ops::Range<usize>) {
        let counts = self.0.lock().expect("no panic under the lock");
        let want: Vec<u32> = (0..counts.len())
            .map(|number| u32::from(numbers.contains(&number)))
            .collect();
        assert_eq!(*counts, want);
    }
}

struct Tracked<'l> {
    ledger: &'l Ledger,
    number: usize,
    panics: bool,
}

impl Drop for Tracked<'_> {
    fn drop(&mut self) {
        self.ledger.0.lock().expect("no panic under the lock")[self.number] += 1;
        assert!(!self.panics, "planned");
    }
}

macro_rules! borrowed {
    ($ring:ident, $n:literal, $tx:ident, $rx:ident) => {
        let mut ring = $ring::Ring::<_, $n>::new();
        #[allow(unused_mut, reason = "some rings push through `&self`")]
        let (mut $tx, mut $rx) = ring.split();
    };
}

macro_rules! heap {
    ($ring:ident, $n:literal, $tx:ident, $rx:ident) => {
        #[allow(unused_mut, reason = "some rings push through `&self`")]
        let (mut $tx, mut $rx) = $ring::with_capacity($n).expect("a small ring");
    };
}

macro_rules! lane_borrowed {
    ($ring:ident, $n:literal, $tx:ident, $rx:ident) => {
        let mut ring = $ring::Ring::<_, 1, $n>::new();
        let ([mut $tx], mut $rx) = ring.split();
    };
}

macro_rules! lane_heap {
    ($ring:ident, $n:literal, $tx:ident, $rx:ident) => {
        let (producers, mut $rx) = $ring::with_capacity(1, $n).expect("a small ring");
        let mut $tx = producers.last().expect("one lane");
    };
}

macro_rules! suite {
    ($suite:ident, $ring:ident, $open:ident) => {
        mod $suite {
            use super::*;

            #[test]
            fn leftovers_go_with_the_ring_however_full_and_wherever_it_begins() {
                for before in 0..9 {
                    for left in 0..=4 {
                        let ledger = Ledger::new(before + left);
                        {
                            $open!($ring, 4, tx, rx);
                            for number in 0..before {
                                assert!(tx.try_push(ledger.value(number)).is_ok());
                                assert!(rx.try_pop().is_ok());
                            }
                            for number in before..before + left {
                                assert!(tx.try_push(ledger.value(number)).is_ok());
                            }
                            ledger.assert_dropped(0..before);
                        }
                        ledger.assert_dropped(0..before + left);
                    }
                }
            }

            #[test]
            fn leftovers_go_whichever_end_leaves_last_and_where() {
                for order in 0..4 {
                    let ledger = Ledger::new(4);
                    {
                        $open!($ring, 4, tx, rx);
                        for number in 0..4 {
                            assert!(tx.try_push(ledger.value(number)).is_ok());
                        }
                        drop(rx.try_pop());
                        thread::scope(|threads| match order {
                            0 => drop((rx, tx)),
                            1 => drop((tx, rx)),
                            2 => {
                                threads.spawn(|| drop(rx));
                                threads.spawn(|| drop(tx));
                            }
                            _ => {
                                threads.spawn(|| drop(tx));
                                drop(rx);
                            }
                        });
                    }
                    ledger.assert_dropped(0..4);
                }
            }

            #[test]
            fn a_refused_value_is_the_callers() {
                let ledger = Ledger::new(3);
                {
                    $open!($ring, 1, tx, rx);
                    assert!(tx.try_push(ledger.value(0)).is_ok());
                    let full = tx.try_push(ledger.value(1));
                    drop(rx.try_pop());
                    rx.close();
                    let closed = tx.try_push(ledger.value(2));
                    ledger.assert_dropped(0..1);
                    assert!(full.is_err_and(|e| e.into_inner().number == 1));
                    ledger.assert_dropped(0..2);
                    assert!(closed.is_err_and(|e| e.into_inner().number == 2));
                }
                ledger.assert_dropped(0..3);
            }

            #[test]
            fn a_drain_dropped_early_leaves_the_rest_to_the_ring() {
                let ledger = Ledger::new(4);
                {
                    $open!($ring, 4, tx, rx);
                    let mut values = Vec::from_iter((0..4).map(|i| ledger.value(i))).into_iter();
                    assert_eq!(tx.try_push_iter(&mut values), Ok(4));
                    drop(rx.drain(3).take(2).collect::<Vec<_>>());
                    ledger.assert_dropped(0..2);
                }
                ledger.assert_dropped(0..4);
            }

            #[test]
            fn a_forgotten_drain_drops_nothing_twice_and_leaks_nothing() {
                let ledger = Ledger::new(4);
                {
                    $open!($ring, 4, tx, rx);
                    let mut values = Vec::from_iter((0..4).map(|i| ledger.value(i))).into_iter();
                    assert_eq!(tx.try_push_iter(&mut values), Ok(4));
                    let mut drain = rx.drain(4);
                    drop((drain.next(), drain.next(), drain.next()));
                    mem::forget(drain);
                    ledger.assert_dropped(0..3);
                }
                ledger.assert_dropped(0..4);
            }

            #[test]
            fn a_panic_in_the_drop_of_one_value_spares_no_other() {
                for bomb in 0..4 {
                    let ledger = Ledger::new(6);
                    let burst = AssertUnwindSafe(|| {
                        $open!($ring, 4, tx, rx);
                        for number in 0..6 {
                            if number >= 4 {
                                drop(rx.try_pop());
                            }
                            let value = if number == bomb + 2 {
                                ledger.bomb(number)
                            } else {
                                ledger.value(number)
                            };
                            assert!(tx.try_push(value).is_ok());
                        }
                    });
                    assert!(catch_unwind(burst).is_err());
                    ledger.assert_dropped(0..6);
                }
            }

            #[test]
            fn a_source_that_panics_leaks_nothing() {
                let ledger = Ledger::new(4);
                {
                    $open!($ring, 4, tx, rx);
                    let mut values = Vec::from_iter((0..4).map(|i| ledger.value(i)))
                        .into_iter()
                        .inspect(|value| assert_ne!(value.number, 2, "planned"));
                    let push = AssertUnwindSafe(|| tx.try_push_iter(&mut values));
                    assert!(catch_unwind(push).is_err());
                    // The iterator held number 2 while it panicked, and still holds number 3.
                    ledger.assert_dropped(2..3);
                    drop(values);
                    drop(rx.try_pop());
                }
                ledger.assert_dropped(0..4);
            }

            #[test]
            fn zero_sized_values_are_dropped_too() {
                static DROPS: Mutex<u32> = Mutex::new(0);
                struct Nothing;
                impl Drop for Nothing {
                    fn drop(&mut self) {
                        *DROPS.lock().expect("no panic under the lock") += 1;
                    }
                }
                {
                    $open!($ring, 4, tx, rx);
                    for _ in 0..4 {
                        assert!(tx.try_push(Nothing).is_ok());
                    }
                    drop(rx.try_pop());
                    assert_eq!(*DROPS.lock().expect("no panic under the lock"), 1);
                }
                assert_eq!(*DROPS.lock().expect("no panic under the lock"), 4);
            }
        }
    };
}

suite!(spsc_borrowed, spsc, borrowed);
suite!(spsc_heap, spsc, heap);
suite!(stamped_borrowed, stamped, borrowed);
suite!(stamped_heap, stamped, heap);
suite!(mpsc_borrowed, mpsc, borrowed);
suite!(mpsc_heap, mpsc, heap);
suite!(lanes_borrowed, lanes, lane_borrowed);
suite!(lanes_heap, lanes, lane_heap);
suite!(mpmc_borrowed, mpmc, borrowed);
suite!(mpmc_heap, mpmc, heap);

#[test]
fn a_dropped_grant_leaves_no_rubbish_among_the_leftovers() {
    let ledger = Ledger::new(3);
    {
        heap!(mpsc, 5, tx, rx);
        assert!(tx.try_push(ledger.value(0)).is_ok());
        let mut grant = tx.reserve(3).expect("four are free");
        assert!(grant.push(ledger.value(1)).is_ok());
        assert!(tx.try_push(ledger.value(2)).is_ok());
        drop(grant);
        drop(rx.try_pop());
        ledger.assert_dropped(0..1);
    }
    ledger.assert_dropped(0..3);
}

#[test]
fn a_forgotten_grant_leaves_no_rubbish_among_the_leftovers() {
    for laps in (0..4).rev() {
        let ledger = Ledger::new(4 * laps + 2);
        {
            borrowed!(mpsc, 4, tx, rx);
            for number in 0..4 * laps {
                assert!(tx.try_push(ledger.value(number)).is_ok());
                drop(rx.try_pop());
            }
            let mut grant = tx.reserve(3).expect("empty");
            assert!(grant.push(ledger.value(4 * laps)).is_ok());
            mem::forget(grant);
            assert!(tx.try_push(ledger.value(4 * laps + 1)).is_ok());
        }
        ledger.assert_dropped(0..4 * laps + 2);
    }
}

#[test]
fn a_static_ring_keeps_its_leftovers_for_the_next_ends() {
    static LEDGER: Mutex<Vec<u32>> = Mutex::new(Vec::new());
    struct Logged(u32);
    impl Drop for Logged {
        fn drop(&mut self) {
            LEDGER.lock().expect("no panic under the lock").push(self.0);
        }
    }
    static RING: spsc::Ring<Logged, 2> = spsc::Ring::new();
    let (mut tx, rx) = RING.split_static().expect("nobody has split it before");
    assert!(tx.try_push(Logged(1)).is_ok() && tx.try_push(Logged(2)).is_ok());
    drop((tx, rx));
    assert!(LEDGER.lock().expect("no panic under the lock").is_empty());
    let (_tx, mut rx) = RING.split_static().expect("all ends are gone");
    assert!(rx.try_pop().is_ok_and(|value| value.0 == 1));
    assert!(rx.try_pop().is_ok_and(|value| value.0 == 2));
    assert!(rx.try_pop().is_err_and(|e| e == TryPopError::Empty));
    assert_eq!(*LEDGER.lock().expect("no panic under the lock"), [1, 2]);
}
