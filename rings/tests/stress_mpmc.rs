//! Real threads at both ends of one ring. Short by default; `RINGS_STRESS=100` does a hundred times as much.
#![cfg(all(feature = "std", not(loom)))]

use std::{
    env,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    thread,
};

use shared_nothing_rings::{
    TryPopError,
    mpmc::{self, Consumer, Producer},
};

const PRODUCERS: usize = 3;
const CONSUMERS: usize = 3;

fn times(short: usize) -> usize {
    let factor = env::var("RINGS_STRESS").map_or(1, |factor| factor.parse().expect("a number"));
    short * factor
}

/// A xorshift generator: the same numbers in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }
}

/// A value with its producer and number in memory of its own.
type Mail = Box<(usize, usize)>;

/// Pushes `total` values, one by one, in batches, by grants that are not always filled.
fn push_in_all_ways(tx: &Producer<'_, Mail>, me: usize, total: usize) {
    let (mut dice, mut next) = (Dice(me as u64 + 7), 0);
    while next < total {
        let end = total.min(next + 1 + dice.roll(5));
        let pushed = match dice.roll(3) {
            0 => usize::from(tx.try_push(Box::new((me, next))).is_ok()),
            1 => {
                let mut mail = (next..end).map(|number| Box::new((me, number)));
                tx.try_push_iter(&mut mail).unwrap_or(0)
            }
            _ => tx.reserve(end - next).map_or(0, |mut grant| {
                let fill = dice.roll(grant.remaining() + 1);
                for number in next..next + fill {
                    assert!(grant.push(Box::new((me, number))).is_ok());
                }
                fill
            }),
        };
        next += pushed;
        if pushed == 0 {
            thread::yield_now();
        }
    }
}

/// Pops until the ring is closed, one by one and in batches that are not always finished.
fn pop_in_all_ways(mut rx: Consumer<'_, Mail>, me: usize) -> Vec<(usize, usize)> {
    let mut dice = Dice(me as u64 + 70);
    let mut got = Vec::new();
    loop {
        if dice.roll(2) == 0 {
            let (max, take) = (1 + dice.roll(9), 1 + dice.roll(9));
            got.extend(rx.drain(max).take(take).map(|mail| *mail));
        }
        match rx.try_pop() {
            Ok(mail) => got.push(*mail),
            Err(TryPopError::Empty) => thread::yield_now(),
            Err(TryPopError::Closed) => return got,
        }
    }
}

#[test]
fn each_value_goes_to_one_consumer_who_gets_each_producers_in_order() {
    for (capacity, start) in [(1, 9usize.wrapping_neg()), (5, usize::MAX), (64, 0)] {
        let total = times(3_000);
        let (tx, rx) = mpmc::with_capacity_at(capacity, start).expect("a small ring");
        let got = thread::scope(|threads| {
            for (me, tx) in vec![tx; PRODUCERS].into_iter().enumerate() {
                threads.spawn(move || push_in_all_ways(&tx, me, total));
            }
            let consumers: Vec<_> = vec![rx; CONSUMERS].into_iter().enumerate().collect();
            let consumers: Vec<_> = consumers
                .into_iter()
                .map(|(me, rx)| threads.spawn(move || pop_in_all_ways(rx, me)))
                .collect();
            let got = consumers.into_iter().map(|thread| thread.join());
            got.map(|got| got.expect("no assertion failed there"))
                .collect::<Vec<_>>()
        });
        let mut numbers = vec![vec![]; PRODUCERS];
        for one in &got {
            let mut last = [None; PRODUCERS];
            for &(producer, number) in one {
                assert!(last[producer] < Some(number), "of producer {producer}");
                last[producer] = Some(number);
                numbers[producer].push(number);
            }
        }
        for mut all in numbers {
            all.sort_unstable();
            assert!(all.into_iter().eq(0..total), "each once");
        }
    }
}

/// Two threads at one end only, which collide more often than when the other end is at work, too.
#[test]
fn two_ends_of_one_side_never_get_the_same_place() {
    const VALUES: usize = 1 << 14;
    for _round in 0..times(40) {
        let (tx, rx) = mpmc::with_capacity(VALUES).expect("a small ring");
        let came = AtomicUsize::new(0);
        // So that both go on at once.
        let meet = |count| {
            came.fetch_add(1, SeqCst);
            while came.load(SeqCst) < count {
                thread::yield_now();
            }
        };
        let mut got: Vec<usize> = thread::scope(|threads| {
            let meet = &meet;
            for (me, tx) in [tx.clone(), tx].into_iter().enumerate() {
                threads.spawn(move || {
                    meet(2);
                    (0..VALUES / 2).for_each(|i| assert_eq!(tx.try_push(2 * i + me), Ok(())));
                    meet(6);
                });
            }
            let consumers = [rx.clone(), rx].map(|mut rx| {
                threads.spawn(move || {
                    meet(6);
                    std::iter::from_fn(|| rx.try_pop().ok()).collect::<Vec<_>>()
                })
            });
            let got = consumers.map(|thread| thread.join().expect("no assertion failed there"));
            got.concat()
        });
        got.sort_unstable();
        assert!(got.into_iter().eq(0..VALUES), "each once");
    }
}

struct Counted<'c>(&'c AtomicUsize);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[test]
fn ends_that_leave_at_any_moment_drop_each_value_once() {
    let mut dice = Dice(4);
    for _round in 0..times(150) {
        let (made, dropped) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let make = || {
            made.fetch_add(1, SeqCst);
            Counted(&dropped)
        };
        let (tx, rx) = mpmc::with_capacity(3).expect("a small ring");
        let lives = [(); 4].map(|()| dice.roll(12));
        thread::scope(|threads| {
            for life in [lives[0], lives[1]] {
                let (tx, make) = (tx.clone(), &make);
                threads.spawn(move || (0..life).for_each(|_| drop(tx.try_push(make()))));
            }
            for life in [lives[2], lives[3]] {
                let mut rx = rx.clone();
                threads.spawn(move || {
                    (0..life).for_each(|i| {
                        if i % 2 == 0 {
                            drop(rx.try_pop());
                        } else {
                            // Claims more than it takes.
                            drop(rx.drain(3).next());
                        }
                    });
                });
            }
            drop((tx, rx));
        });
        assert_eq!(made.into_inner(), dropped.into_inner());
    }
}

#[test]
fn a_static_ring_passes_its_values_from_ends_to_ends() {
    static RING: mpmc::Ring<Mail, 4> = mpmc::Ring::new();
    let total = times(1_000);
    let (pushed, popped) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|threads| {
        for me in 0..3 {
            let (pushed, popped) = (&pushed, &popped);
            threads.spawn(move || {
                let mut dice = Dice(me + 20);
                while pushed.load(SeqCst) < total {
                    let Some((tx, mut rx)) = RING.split_static() else {
                        thread::yield_now();
                        continue;
                    };
                    // Whoever holds the ends is alone, so the numbers go on from thread to thread.
                    for _ in 0..dice.roll(4) {
                        let number = pushed.load(SeqCst);
                        if tx.try_push(Box::new((0, number))).is_ok() {
                            pushed.store(number + 1, SeqCst);
                        }
                    }
                    for mail in rx.drain(dice.roll(4)) {
                        assert_eq!(mail.1, popped.fetch_add(1, SeqCst));
                    }
                }
            });
        }
    });
    let (_, mut rx) = RING.split_static().expect("all ends are gone");
    let left = rx.drain(usize::MAX).count();
    assert_eq!(popped.into_inner() + left, pushed.into_inner());
}
