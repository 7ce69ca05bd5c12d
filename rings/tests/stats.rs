//! Ends that count: exactly on one thread, in sum on many, and each on a line of its own.
#![cfg(all(feature = "stats", feature = "std", not(loom)))]

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
};

use shared_nothing_rings::{
    TryPopError, TryReserveError,
    channel::{self, Bells},
    ends::{DrainEnd, PopEnd, PushEnd, PushIterEnd},
    lanes, mpmc, mpsc, spsc,
    stats::{self, Consumer, Counts, Producer, Stats},
    unbounded,
    wait::{Doorbell, Spin},
};
use static_assertions::{assert_impl_all, assert_not_impl_any};

type Shared = &'static Stats<2>;

assert_impl_all!(Producer<mpsc::Producer<'static, u8>, Shared>: Send, Clone);
assert_impl_all!(Consumer<mpmc::Consumer<'static, u8>, Shared>: Send, Clone);
assert_not_impl_any!(Producer<spsc::Producer<'static, u8>, Shared>: Clone, Copy, Sync);
assert_not_impl_any!(Consumer<mpsc::Consumer<'static, u8>, Shared>: Clone, Copy, Sync);
assert_impl_all!(Stats<2>: Send, Sync);

/// Sent, received, refused as full, refused as closed, high water.
fn numbers(counts: Counts) -> [usize; 5] {
    [
        counts.sent,
        counts.received,
        counts.refused_full,
        counts.refused_closed,
        counts.len_max,
    ]
}

#[test]
fn every_call_is_counted_once() {
    let stats = Stats::<2>::new();
    let ends = mpsc::with_capacity(4).expect("small");
    let (mut tx, mut rx) = stats::count(ends, &stats);
    assert_eq!(numbers(stats.read()), [0; 5]);
    for value in 0..3 {
        assert_eq!(tx.try_push(value), Ok(()));
    }
    assert_eq!(numbers(stats.read()), [3, 0, 0, 0, 3]);
    assert_eq!(tx.try_push_iter(&mut (3..9)), Ok(1));
    assert_eq!(numbers(stats.read()), [4, 0, 0, 0, 4]);
    assert!(tx.try_push(4).is_err());
    assert_eq!(
        tx.try_push_iter(&mut (4..9)),
        Err(TryReserveError::Full),
        "a batch is one try"
    );
    assert_eq!(numbers(stats.read()), [4, 0, 2, 0, 4]);
    assert_eq!((rx.try_pop(), rx.try_pop()), (Ok(0), Ok(1)));
    assert_eq!(rx.drain(1).next(), Some(2));
    assert_eq!(numbers(stats.read()), [4, 3, 2, 0, 4]);
    let mut drain = rx.drain(usize::MAX);
    assert_eq!(drain.next(), Some(3));
    std::mem::forget(drain);
    assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
    assert_eq!(tx.try_push_iter(&mut (0..0)), Ok(0));
    assert_eq!(numbers(stats.read()), [4, 4, 2, 0, 4]);
    rx.close();
    assert!(tx.try_push(9).is_err());
    assert_eq!(tx.try_push_iter(&mut (0..2)), Err(TryReserveError::Closed));
    assert_eq!(numbers(stats.read()), [4, 4, 2, 2, 4]);
    drop((tx, rx));
    assert_eq!(numbers(stats.read()), [4, 4, 2, 2, 4]);
}

#[test]
fn what_a_source_gave_before_it_panicked_is_counted() {
    let stats = Stats::<2>::new();
    let ends = spsc::with_capacity(8).expect("small");
    let (mut tx, mut rx) = stats::count(ends, &stats);
    let mut values = [0, 1, 2, 3].into_iter().inspect(|&i| assert_ne!(i, 3));
    let push = AssertUnwindSafe(|| tx.try_push_iter(&mut values));
    assert!(catch_unwind(push).is_err());
    assert_eq!(tx.try_push(7), Ok(()));
    assert_eq!(numbers(stats.read()), [4, 0, 0, 0, 4], "and looked at");
    assert!(rx.drain(usize::MAX).eq([0, 1, 2, 7]));
}

#[test]
fn permits_are_counted_when_they_are_used() {
    let stats = Arc::new(Stats::<3>::new());
    let ends = mpsc::with_capacity(1).expect("small");
    let ends = stats::count(ends, Arc::clone(&stats));
    let bells = Bells::new(Spin, Spin);
    let (mut tx, mut rx) = channel::join(ends, &bells);
    drop(tx.reserve().expect("open"));
    assert_eq!(stats.read().sent, 0);
    assert_eq!(rx.try_recv(), Err(TryPopError::Empty));
    tx.reserve().expect("open").send(1);
    assert_eq!(numbers(stats.read()), [1, 0, 0, 0, 1]);
    assert_eq!(rx.recv(), Ok(1));
    tx.close();
    assert!(tx.reserve().is_err());
    assert_eq!(numbers(stats.read()), [1, 1, 0, 1, 1]);
}

#[test]
fn the_end_inside_can_be_used_and_taken_out() {
    let stats = Stats::<2>::new();
    let ends = spsc::with_capacity::<u8>(8).expect("small");
    let (mut tx, mut rx) = stats::count(ends, &stats);
    assert_eq!(tx.end_mut().try_push_slice(&[1, 2, 3]), Ok(3));
    tx.add_sent(3);
    let mut into = [0; 2];
    assert_eq!(rx.end_mut().try_pop_slice(&mut into), Ok(2));
    rx.add_received(2);
    assert_eq!(numbers(stats.read()), [3, 2, 0, 0, 3]);
    assert_eq!((tx.end().len(), rx.end().len()), (1, 1));
    let (mut tx, mut rx) = (tx.into_end(), rx.into_end());
    assert!(!tx.is_closed() && !rx.is_closed());
    assert_eq!((tx.try_push(4), rx.try_pop()), (Ok(()), Ok(3)));
    assert_eq!(numbers(stats.read()), [3, 2, 0, 0, 3]);
}

/// The mark against the truth, over random runs of pushes and pops.
fn worst_miss(capacity: usize, seed: u64) -> usize {
    let stats = Stats::<2>::new();
    let ends = spsc::with_capacity(capacity).expect("small");
    let (mut tx, mut rx) = stats::count(ends, &stats);
    let (mut dice, mut highest, mut worst) = (seed, 0, 0);
    for _run in 0..400 {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let count = (dice >> 33) as usize % (capacity / 4 + 2);
        for value in 0..count {
            if dice >> 63 == 0 {
                let _full = tx.try_push(value);
            } else {
                let _empty = rx.try_pop();
            }
            highest = highest.max(rx.len());
            let mark = stats.read().len_max;
            assert!(mark <= highest, "nobody saw {mark}");
            worst = worst.max(highest - mark);
        }
    }
    assert!(highest > capacity / 4, "the runs are long enough");
    worst
}

#[test]
fn a_small_ring_is_measured_exactly() {
    for capacity in 1..16 {
        assert_eq!(worst_miss(capacity, 7), 0, "capacity {capacity}");
    }
}

#[test]
fn the_mark_of_one_producer_is_as_good_as_it_says() {
    for (capacity, miss_max) in [(16, 1), (100, 6), (1000, 62), (5000, 63)] {
        for seed in 0..3 {
            let worst = worst_miss(capacity, seed);
            assert!(worst <= miss_max, "capacity {capacity}: {worst}");
        }
    }
}

#[test]
fn several_producers_miss_as_much_each() {
    const PRODUCERS: usize = 3;
    for (capacity, miss_max) in [(8, 0), (160, 10), (5000, 63)] {
        let stats = Stats::<{ PRODUCERS + 1 }>::new();
        let ends = mpsc::with_capacity(capacity).expect("small");
        let (tx, mut rx) = stats::count(ends, &stats);
        let mut producers = vec![tx; PRODUCERS];
        let (mut dice, mut highest) = (7u64, 0);
        for _run in 0..2000 {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let count = (dice >> 33) as usize % (capacity / 8 + 2);
            let tx = &mut producers[(dice >> 60) as usize % PRODUCERS];
            for value in 0..count {
                if dice >> 63 == 0 {
                    let _full = tx.try_push(value);
                } else {
                    let _empty = rx.try_pop();
                }
                highest = highest.max(rx.len());
                let mark = stats.read().len_max;
                assert!(mark <= highest && highest - mark <= PRODUCERS * miss_max);
            }
        }
        assert!(highest > capacity / 4, "the runs are long enough");
    }
}

#[test]
fn a_ring_that_grows_has_a_mark_too() {
    let stats = Stats::<2>::new();
    let ends = unbounded::spsc::on_heap().expect("memory");
    let (mut tx, mut rx) = stats::count(ends, &stats);
    for value in 0..1000 {
        assert_eq!(tx.try_push(value), Ok(()));
    }
    assert!(rx.drain(usize::MAX).eq(0..1000));
    assert_eq!(tx.try_push(1000), Ok(()));
    let counts = stats.read();
    assert_eq!((counts.sent, counts.received), (1001, 1000));
    assert!((937..=1000).contains(&counts.len_max), "{counts:?}");
}

#[test]
fn each_lane_counts_and_the_fullest_is_the_mark() {
    let stats = Stats::<4>::new();
    let (txs, rx) = lanes::with_capacity(3, 8).expect("small");
    let mut txs: Vec<_> = txs.map(|tx| Producer::new(tx, &stats)).collect();
    let mut rx = Consumer::new(rx, &stats);
    for (tx, count) in txs.iter_mut().zip([1, 5, 2]) {
        assert_eq!(tx.try_push_iter(&mut (0..count)), Ok(count));
    }
    assert_eq!(rx.drain(usize::MAX).count(), 8);
    assert_eq!(numbers(stats.read()), [8, 8, 0, 0, 5]);
}

#[test]
fn ends_that_come_and_go_lose_no_count() {
    // More ends than lines at a time, and fewer.
    for ends in [1, 2, 3, 9] {
        let stats = Stats::<3>::new();
        let (tx, rx) = mpmc::with_capacity(64).expect("small");
        let (tx, mut rx) = stats::count((tx, rx), &stats);
        for _round in 0..4 {
            let mut clones = vec![tx.clone(); ends];
            let mut readers = vec![rx.clone(); ends];
            for tx in &mut clones {
                assert_eq!(tx.try_push(1), Ok(()));
            }
            for rx in &mut readers {
                assert_eq!(rx.try_pop(), Ok(1));
            }
        }
        let counts = stats.read();
        assert_eq!((counts.sent, counts.received), (4 * ends, 4 * ends));
        assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
    }
}

#[test]
fn the_sums_of_many_threads_are_exact() {
    const PRODUCERS: usize = 4;
    const VALUES: usize = 5_000;
    // All have a line; some share one.
    fn run<const ENDS: usize>() {
        let stats = Stats::<ENDS>::new();
        let ends = mpsc::with_capacity(16).expect("small");
        let (tx, mut rx) = stats::count(ends, &stats);
        let mut refused = 0;
        thread::scope(|threads| {
            let producers: Vec<_> = vec![tx; PRODUCERS]
                .into_iter()
                .map(|mut tx| {
                    threads.spawn(move || {
                        let mut refused = 0;
                        for value in 0..VALUES {
                            while tx.try_push(value).is_err() {
                                refused += 1;
                                thread::yield_now();
                            }
                        }
                        refused
                    })
                })
                .collect();
            let mut last = 0;
            loop {
                match rx.try_pop() {
                    Ok(_) => {}
                    Err(TryPopError::Empty) => thread::yield_now(),
                    Err(TryPopError::Closed) => break,
                }
                let sent = stats.read().sent;
                assert!(sent >= last, "a count never falls");
                last = sent;
            }
            for producer in producers {
                refused += producer.join().expect("no assertion failed there");
            }
        });
        let total = PRODUCERS * VALUES;
        let [sent, received, full, closed, len_max] = numbers(stats.read());
        assert_eq!([sent, received, full, closed], [total, total, refused, 0]);
        assert!((1..=16).contains(&len_max));
    }
    run::<{ PRODUCERS + 1 }>();
    run::<2>();
    run::<0>();
}

#[test]
fn a_send_that_waited_arrives_and_is_counted_once() {
    let stats = Arc::new(Stats::<2>::new());
    let ends = spsc::with_capacity(1).expect("small");
    let bells = Arc::new(Bells::new(Doorbell::new(), Doorbell::new()));
    let (mut tx, mut rx) = channel::join(stats::count(ends, Arc::clone(&stats)), bells);
    assert!(tx.send(0).is_ok());
    thread::scope(|threads| {
        threads.spawn(move || assert!(tx.send(1).is_ok()));
        // The other is on its way, or waits.
        while stats.read().refused_full == 0 {
            thread::yield_now();
        }
        assert!(rx.iter().eq([0, 1]));
    });
    let counts = stats.read();
    assert_eq!((counts.sent, counts.received), (2, 2));
    assert_eq!(counts.len_max, 1);
}

/// Two cache lines: processors of these kinds fetch lines in pairs.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[test]
fn no_two_ends_share_a_line() {
    const LINE: usize = 128;
    assert_eq!(align_of::<Stats<2>>(), LINE);
    // One for each end, one for the rest, one for what they share.
    assert_eq!(size_of::<Stats<0>>(), 2 * LINE);
    assert_eq!(size_of::<Stats<1>>(), 3 * LINE);
    assert_eq!(size_of::<Stats<9>>(), 11 * LINE);
}
