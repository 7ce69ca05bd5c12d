//! Real threads. Short by default; `RINGS_STRESS=100` does a hundred times as much.
//!
//! Threads are joined by hand where the end of their scope would do: ThreadSanitizer sees a join, and not what a
//! standard library that it has not compiled does at the end of a scope.
#![cfg(all(feature = "std", not(loom)))]

use std::{
    env,
    sync::{
        Barrier,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

use shared_nothing_rings::{TryPopError, TryPushError, mpsc, spsc, wait::Doorbell};

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

/// Sees that each producer's values come in order, none missing.
struct Inbox(Vec<usize>);

impl Inbox {
    #[expect(clippy::boxed_local, reason = "the sanitizers shall see who frees it")]
    fn take(&mut self, mail: Mail) {
        let (producer, number) = *mail;
        assert_eq!(self.0[producer], number, "of producer {producer}");
        self.0[producer] += 1;
    }
}

#[test]
fn one_producers_values_arrive_in_order() {
    for (capacity, start) in [(1, 9usize.wrapping_neg()), (3, usize::MAX), (64, 0)] {
        let total = times(10_000);
        let (mut tx, mut rx) = spsc::with_capacity_at(capacity, start).expect("a small ring");
        thread::scope(|threads| {
            let producer = threads.spawn(move || {
                let (mut dice, mut next) = (Dice(1), 0);
                while next < total {
                    let pushed = if dice.roll(2) == 0 {
                        usize::from(tx.try_push(Box::new((0, next))).is_ok())
                    } else {
                        let end = total.min(next + 1 + dice.roll(7));
                        let mut mail = (next..end).map(|number| Box::new((0, number)));
                        tx.try_push_iter(&mut mail).unwrap_or(0)
                    };
                    next += pushed;
                    if pushed == 0 {
                        thread::yield_now();
                    }
                }
            });
            let (mut dice, mut inbox) = (Dice(2), Inbox(vec![0]));
            loop {
                if dice.roll(2) == 0 {
                    rx.drain(1 + dice.roll(7)).for_each(|mail| inbox.take(mail));
                }
                match rx.try_pop() {
                    Ok(mail) => inbox.take(mail),
                    Err(TryPopError::Empty) => thread::yield_now(),
                    Err(TryPopError::Closed) => break,
                }
            }
            assert_eq!(inbox.0, [total]);
            producer.join().expect("no panic");
        });
    }
}

/// Pushes `total` values, one by one, in batches, by grants that are not always filled.
fn push_in_all_ways(tx: &mpsc::Producer<'_, Mail>, me: usize, total: usize) {
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

#[test]
fn each_of_many_producers_values_arrive_in_order() {
    const PRODUCERS: usize = 3;
    for (capacity, start) in [(1, 9usize.wrapping_neg()), (5, usize::MAX), (64, 0)] {
        let total = times(3_000);
        let (tx, mut rx) = mpsc::with_capacity_at(capacity, start).expect("a small ring");
        thread::scope(|threads| {
            let txs = vec![tx; PRODUCERS].into_iter().enumerate();
            let push = |(me, tx)| threads.spawn(move || push_in_all_ways(&tx, me, total));
            let producers: Vec<_> = txs.map(push).collect();
            let (mut dice, mut inbox) = (Dice(3), Inbox(vec![0; PRODUCERS]));
            loop {
                if dice.roll(2) == 0 {
                    rx.drain(1 + dice.roll(9)).for_each(|mail| inbox.take(mail));
                }
                match rx.try_pop() {
                    Ok(mail) => inbox.take(mail),
                    Err(TryPopError::Empty) => thread::yield_now(),
                    Err(TryPopError::Closed) => break,
                }
            }
            assert_eq!(inbox.0, [total; PRODUCERS]);
            for thread in producers {
                thread.join().expect("no panic");
            }
        });
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
        let (mut one, mut one_rx) = spsc::with_capacity(3).expect("a small ring");
        let (many, mut many_rx) = mpsc::with_capacity(3).expect("a small ring");
        let lives = [(); 5].map(|()| dice.roll(12));
        thread::scope(|threads| {
            let make = &make;
            let mut all = vec![
                threads.spawn(move || (0..lives[0]).for_each(|_| drop(one.try_push(make())))),
                threads.spawn(move || (0..lives[1]).for_each(|_| drop(one_rx.try_pop()))),
                threads.spawn(move || (0..lives[2]).for_each(|_| drop(many_rx.try_pop()))),
            ];
            for (life, many) in [(lives[3], many.clone()), (lives[4], many)] {
                all.push(
                    threads.spawn(move || (0..life).for_each(|_| drop(many.try_push(make())))),
                );
            }
            for thread in all {
                thread.join().expect("no panic");
            }
        });
        assert_eq!(made.into_inner(), dropped.into_inner());
    }
}

#[test]
fn a_static_ring_passes_its_values_from_ends_to_ends() {
    static RING: mpsc::Ring<Mail, 4> = mpsc::Ring::new();
    let total = times(1_000);
    let (pushed, popped) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|threads| {
        let (pushed, popped) = (&pushed, &popped);
        let play = |me: u64| {
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
            })
        };
        let players = [1, 2, 3].map(play);
        for thread in players {
            thread.join().expect("no panic");
        }
    });
    let (_, mut rx) = RING.split_static().expect("all ends are gone");
    let left = rx.drain(usize::MAX).count();
    assert_eq!(popped.into_inner() + left, pushed.into_inner());
}

/// `rounds` values there and back, both threads parked in between: two parks and wakes a round.
fn ping_pong(rounds: usize) {
    let (mut ping_tx, mut ping_rx) = spsc::with_capacity(1).expect("a small ring");
    let (pong_tx, mut pong_rx) = mpsc::with_capacity(1).expect("a small ring");
    let (ping, pong) = (Doorbell::new(), Doorbell::new());
    thread::scope(|threads| {
        let other = threads.spawn(|| {
            let pong_tx = pong_tx;
            for round in 0..rounds {
                assert_eq!(ping.wait(|| ping_rx.try_pop().ok()), round);
                assert_eq!(pong_tx.try_push(round), Ok(()));
                pong.ring();
            }
        });
        for round in 0..rounds {
            assert_eq!(ping_tx.try_push(round), Ok(()));
            ping.ring();
            assert_eq!(pong.wait(|| pong_rx.try_pop().ok()), round);
        }
        other.join().expect("no panic");
    });
}

#[test]
fn h06_no_wake_is_lost() {
    ping_pong(times(50_000));
}

#[test]
#[ignore = "ten million parks and wakes take minutes"]
fn h06_no_wake_is_lost_in_ten_million() {
    ping_pong(5_000_000);
}

#[test]
fn h06_neither_a_full_ring_nor_a_close_loses_a_wake() {
    for round in 0..times(200) {
        let (tx, mut rx) = mpsc::with_capacity(1).expect("a small ring");
        let (filled, emptied) = (Doorbell::with_spins(round as u32 % 3), Doorbell::new());
        thread::scope(|threads| {
            let (filled, emptied) = (&filled, &emptied);
            let push = |(me, tx): (usize, mpsc::Producer<'static, _>)| {
                threads.spawn(move || {
                    for number in 0..10 {
                        emptied.wait(|| tx.try_push((me, number)).ok());
                        filled.ring();
                    }
                    drop(tx);
                    filled.ring();
                })
            };
            let producers = [(0, tx.clone()), (1, tx)].map(push);
            let mut next = [0; 2];
            while let Ok((me, number)) = filled.wait(|| match rx.try_pop() {
                Err(TryPopError::Empty) => None,
                done => Some(done),
            }) {
                assert_eq!(number, next[me]);
                next[me] += 1;
                emptied.ring();
            }
            assert_eq!(next, [10, 10]);
            for thread in producers {
                thread.join().expect("no panic");
            }
        });
    }
}

#[test]
fn h17_a_producer_stopped_in_mid_push_stops_nobody() {
    let (tx, mut rx) = mpsc::with_capacity(4).expect("a small ring");
    let (claimed, go_on) = (Barrier::new(2), Barrier::new(2));
    let stopped = tx.clone();
    thread::scope(|threads| {
        let producer = threads.spawn(|| {
            let stopped = stopped;
            let mut grant = stopped.reserve(1).expect("empty");
            claimed.wait();
            go_on.wait();
            assert_eq!(grant.push(0), Ok(()));
        });
        claimed.wait();
        for value in 1..4 {
            assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
            assert_eq!(tx.try_push(value), Ok(()));
        }
        assert_eq!(tx.try_push(4), Err(TryPushError::Full(4)));
        assert_eq!(rx.drain(usize::MAX).next(), None);
        go_on.wait();
        producer.join().expect("no panic");
    });
    assert!(rx.drain(usize::MAX).eq([0, 1, 2, 3]));
}
