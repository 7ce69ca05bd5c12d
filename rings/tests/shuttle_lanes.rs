//! Scenes of the lanes that are too large for the models: four producers.
//!
//! Sequentially consistent, and a sample: see `schedules/mod.rs`. As in a model, a lease is 2 values at most, the
//! consumer lets a lane go after one look that found it empty, and a turn is 2 values. Positions begin at the wrap of
//! `usize`.
#![cfg(all(shuttle, feature = "std"))]

mod schedules;

use schedules::{assert_met, outcomes};
use shared_nothing_rings::{
    TryPopError, TryPushError,
    lanes::{self, Consumer, Producer},
};
use shuttle::thread;

const LANES: usize = 4;
const TURN: usize = 2;

fn ring(capacity: usize) -> (Vec<Producer<'static, usize>>, Consumer<'static, usize>) {
    let (producers, rx) =
        lanes::with_capacity_at(LANES, capacity, usize::MAX).expect("a small ring");
    (producers.collect(), rx)
}

/// Pushes `numbers` as values of its lane; says how many were accepted before the lane was closed.
fn push_all(tx: &mut Producer<'static, usize>, numbers: std::ops::Range<usize>) -> usize {
    let lane = tx.lane();
    for (accepted, number) in numbers.enumerate() {
        loop {
            match tx.try_push(lane * 100 + number) {
                Ok(()) => break,
                Err(TryPushError::Full(_)) => thread::yield_now(),
                Err(TryPushError::Closed(_)) => return accepted,
            }
        }
    }
    usize::MAX
}

/// Each lane's values come in order, none missing; says how many of each.
#[derive(Default)]
struct Inbox([usize; LANES]);

impl Inbox {
    fn take(&mut self, value: usize) {
        let next = &mut self.0[value / 100];
        assert_eq!(value % 100, *next, "of lane {}", value / 100);
        *next += 1;
    }
}

/// 5 threads, 4 lanes of capacity 2, 3 laps. The producers fall silent at any moment, with or without a lease, and every
/// value is found.
#[test]
fn four_producers_lose_nothing_and_keep_their_order() {
    let reached = outcomes(|| {
        let (producers, mut rx) = ring(2);
        let threads = producers.into_iter().map(|mut tx| {
            thread::spawn(move || {
                assert_eq!(push_all(&mut tx, 0..3), usize::MAX);
                tx.end_burst();
                assert_eq!(push_all(&mut tx, 3..5), usize::MAX);
            })
        });
        let threads: Vec<_> = threads.collect();
        let (mut inbox, mut idle) = (Inbox::default(), false);
        loop {
            rx.drain(3).for_each(|value| inbox.take(value));
            match rx.try_pop() {
                Ok(value) => inbox.take(value),
                Err(TryPopError::Empty) => {
                    idle = true;
                    thread::yield_now();
                }
                Err(TryPopError::Closed) => break,
            }
        }
        assert_eq!(inbox.0, [5; LANES]);
        for thread in threads {
            thread.join().expect("no panic");
        }
        idle
    });
    assert_met(&reached, [false, true]);
}

/// 5 threads, 4 lanes that hold a turn each and are filled on: while every lane has values, each has its turn.
#[test]
fn a_lane_with_values_waits_for_no_more_than_a_turn_of_each_other() {
    let reached = outcomes(|| {
        let (mut producers, mut rx) = ring(2 * TURN);
        for tx in &mut producers {
            assert_eq!(push_all(tx, 0..TURN), usize::MAX);
        }
        let threads = producers
            .into_iter()
            .map(|mut tx| thread::spawn(move || push_all(&mut tx, TURN..3 * TURN)));
        let threads: Vec<_> = threads.collect();
        let mut inbox = Inbox::default();
        for _ in 0..LANES * TURN {
            inbox.take(rx.try_pop().expect("filled before"));
        }
        assert_eq!(inbox.0, [TURN; LANES], "a turn of each lane");
        let mut idle = 0;
        while rx.try_pop().map(|value| inbox.take(value)) != Err(TryPopError::Closed) {
            idle += 1;
            thread::yield_now();
        }
        assert_eq!(inbox.0, [3 * TURN; LANES]);
        for thread in threads {
            thread.join().expect("no panic");
        }
        idle > LANES * 2 * TURN
    });
    assert_met(&reached, [false, true]);
}

/// 5 threads: the consumer closes the lanes in the middle, takes what is there, and is told when the producers are gone.
#[test]
fn a_close_in_the_middle_keeps_what_was_accepted() {
    let reached = outcomes(|| {
        let (producers, mut rx) = ring(2);
        let threads = producers
            .into_iter()
            .map(|mut tx| thread::spawn(move || push_all(&mut tx, 0..3).min(3)));
        let threads: Vec<_> = threads.collect();
        let mut inbox = Inbox::default();
        rx.drain(2).for_each(|value| inbox.take(value));
        rx.close();
        loop {
            match rx.try_pop() {
                Ok(value) => inbox.take(value),
                Err(TryPopError::Empty) => thread::yield_now(),
                Err(TryPopError::Closed) => break,
            }
        }
        let join = |thread: thread::JoinHandle<usize>| thread.join().expect("no panic");
        let sent: Vec<usize> = threads.into_iter().map(join).collect();
        assert_eq!(inbox.0[..], sent);
        sent.iter().sum::<usize>()
    });
    assert_met(&reached, 0..=8);
}
