//! Scenes of channels: threads that wait, threads that give up, and tasks that are dropped while they wait.
//!
//! A wake that is lost is a deadlock, which the scheduler reports. The clock goes on by a microsecond at every look, so
//! that a deadline may be met at any moment, before, after and while a wake comes. Sequentially consistent, and a
//! sample: see `schedules/mod.rs`.
#![cfg(all(shuttle, feature = "async"))]

mod schedules;

use std::{
    collections::BTreeSet,
    future::{Future, poll_fn},
    pin::Pin,
    sync::{Arc, Mutex},
    task::Poll,
    time::Duration,
};

use schedules::{assert_met, outcomes};
use shared_nothing_rings::{
    channel::{self, Bells, Receiver, RecvError, RecvTimeoutError, SendTimeoutError, Sender},
    mpmc, mpsc,
    wait::Doorbell,
};
use shuttle::{future::block_on, thread};

type Parked = Arc<Bells<Doorbell>>;
type Tx = Sender<mpmc::Producer<'static, usize>, Parked>;
type Rx = Receiver<mpmc::Consumer<'static, usize>, Parked>;

/// A channel with many ends on both sides, whose waiters park at once.
fn channel(capacity: usize) -> (Tx, Rx) {
    let bells = Arc::new(Bells::new(Doorbell::new(), Doorbell::new()));
    let ends = mpmc::with_capacity_at(capacity, usize::MAX).expect("a small ring");
    channel::join(ends, bells)
}

/// Values that came or went, by any thread. No part of the scene.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<usize>>>);

impl Log {
    fn add(&self, value: usize) {
        self.0.lock().expect("no panic under the lock").push(value);
    }

    fn sorted(&self) -> Vec<usize> {
        let mut values = self.0.lock().expect("no panic under the lock").clone();
        values.sort_unstable();
        values
    }
}

/// 4 threads, capacity 1: a sender and a receiver that wait without limit, and one of each that gives up after a while.
/// Nobody who stays is left asleep, and a value that was not sent comes back.
#[test]
fn h07_waiters_that_give_up_take_no_wake_and_no_value() {
    const EACH: usize = 3;
    let reached = outcomes(|| {
        let (mut patient_tx, mut patient_rx) = channel(1);
        let (mut hasty_tx, mut hasty_rx) = (patient_tx.clone(), patient_rx.clone());
        let (sent, got) = (Log::default(), Log::default());
        let (sent2, got2) = (sent.clone(), got.clone());
        let hasty_sender = thread::spawn(move || {
            let mut timeouts = 0;
            for value in 0..EACH {
                match hasty_tx.send_timeout(value, Duration::from_micros(3)) {
                    Ok(()) => sent2.add(value),
                    Err(SendTimeoutError::Timeout(back)) => {
                        assert_eq!(back, value);
                        timeouts += 1;
                    }
                    Err(SendTimeoutError::Closed(_)) => unreachable!("a receiver stays"),
                }
            }
            timeouts
        });
        let hasty_receiver = thread::spawn(move || {
            let mut timeouts = 0;
            for _ in 0..EACH {
                match hasty_rx.recv_timeout(Duration::from_micros(3)) {
                    Ok(value) => got2.add(value),
                    Err(RecvTimeoutError::Timeout) => timeouts += 1,
                    Err(RecvTimeoutError::Closed) => break,
                }
            }
            timeouts
        });
        let sent2 = sent.clone();
        let patient_sender = thread::spawn(move || {
            for value in EACH..2 * EACH {
                assert!(patient_tx.send(value).is_ok());
                sent2.add(value);
            }
        });
        while let Ok(value) = patient_rx.recv() {
            got.add(value);
        }
        patient_sender.join().expect("no panic");
        let senders = hasty_sender.join().expect("no panic");
        let receivers = hasty_receiver.join().expect("no panic");
        assert_eq!(sent.sorted(), got.sorted());
        (senders != 0, receivers != 0)
    });
    let all = [(false, false), (false, true), (true, false), (true, true)];
    assert_met(&reached, all);
}

/// Polls up to `polls` times, then gives the future back.
fn poll_up_to<F: Future + Unpin>(polls: usize, mut future: F) -> Result<F::Output, F> {
    let mut left = polls;
    let output = block_on(poll_fn(|task| match Pin::new(&mut future).poll(task) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            // Polled again although nobody has rung.
            task.waker().wake_by_ref();
            Poll::Pending
        }
    }));
    output.ok_or(future)
}

/// 4 threads, capacity 1: tasks that are dropped while they wait to send or to receive, among a task and a thread that
/// go on waiting.
#[test]
fn h07_dropped_futures_take_no_wake_and_no_value() {
    const EACH: usize = 3;
    let reached = outcomes(|| {
        let (mut patient_tx, mut patient_rx) = channel(1);
        let (mut fickle_tx, mut fickle_rx) = (patient_tx.clone(), patient_rx.clone());
        let (sent, got) = (Log::default(), Log::default());
        let (sent2, got2) = (sent.clone(), got.clone());
        let fickle_sender = thread::spawn(move || {
            let mut dropped = 0;
            for value in 0..EACH {
                match poll_up_to(value, fickle_tx.send_async(value)) {
                    Ok(result) => {
                        assert!(result.is_ok(), "a receiver stays");
                        sent2.add(value);
                    }
                    Err(send) => {
                        assert_eq!(send.into_value(), Some(value));
                        dropped += 1;
                    }
                }
            }
            dropped
        });
        let fickle_receiver = thread::spawn(move || {
            let mut dropped = 0;
            for polls in 0..EACH {
                match poll_up_to(polls, fickle_rx.recv_async()) {
                    Ok(Ok(value)) => got2.add(value),
                    Ok(Err(RecvError)) => break,
                    Err(recv) => {
                        drop(recv);
                        dropped += 1;
                    }
                }
            }
            dropped
        });
        let sent2 = sent.clone();
        let patient_sender = thread::spawn(move || {
            for value in EACH..2 * EACH {
                assert!(block_on(patient_tx.send_async(value)).is_ok());
                sent2.add(value);
            }
        });
        while let Ok(value) = patient_rx.recv() {
            got.add(value);
        }
        patient_sender.join().expect("no panic");
        let senders = fickle_sender.join().expect("no panic");
        let receivers = fickle_receiver.join().expect("no panic");
        assert_eq!(sent.sorted(), got.sorted());
        (senders != 0, receivers != 0)
    });
    let all = [(false, false), (false, true), (true, false), (true, true)];
    assert_met(&reached, all);
}

/// 3 threads, capacity 2: permits that are used and permits that are given up, and a receiver that waits behind them.
#[test]
fn a_permit_given_up_wakes_who_waits_behind_it() {
    const EACH: usize = 3;
    let reached = outcomes(|| {
        let bells = Arc::new(Bells::new(Doorbell::new(), Doorbell::new()));
        let ends = mpsc::with_capacity_at(2, usize::MAX).expect("a small ring");
        let (tx, mut rx) = channel::join(ends, bells);
        let senders = [(0, tx.clone()), (1, tx)].map(|(me, mut tx)| {
            thread::spawn(move || {
                for round in 0..2 * EACH {
                    let permit = tx.reserve().expect("the receiver stays");
                    if round % 2 == me {
                        permit.send(me * 100 + round / 2);
                    }
                }
            })
        });
        let got: Vec<usize> = rx.iter().collect();
        for thread in senders {
            thread.join().expect("no panic");
        }
        let mut sorted = got.clone();
        sorted.sort_unstable();
        assert!(sorted.into_iter().eq((0..EACH).chain(100..100 + EACH)));
        got.iter().take_while(|value| **value < 100).count()
    });
    assert_met(&reached, 0..=EACH);
}

/// 4 threads, capacity 2: as many values as receivers want. The one that is published last was claimed first, so that the
/// wake of the other came to nothing; and nobody sends or receives any more.
#[test]
fn two_values_serve_two_receivers_in_whatever_order_they_are_published() {
    let reached = outcomes(|| {
        let (tx, rx) = channel(2);
        let senders = [(0, tx.clone()), (1, tx)].map(|(value, mut tx)| {
            thread::spawn(move || {
                assert!(tx.send(value).is_ok());
                tx
            })
        });
        let receivers = [rx.clone(), rx].map(|mut rx| {
            thread::spawn(move || {
                let value = rx.recv().expect("a sender stays");
                (value, rx)
            })
        });
        let got = receivers.map(|thread| thread.join().expect("no panic").0);
        for thread in senders {
            drop(thread.join().expect("no panic"));
        }
        got
    });
    assert_eq!(reached, BTreeSet::from([[0, 1], [1, 0]]));
}

/// 4 threads, capacity 2, full: as many places come free as senders want, in whatever order.
#[test]
fn two_places_serve_two_senders_in_whatever_order_they_are_vacated() {
    let reached = outcomes(|| {
        let (mut tx, rx) = channel(2);
        assert_eq!((tx.try_send(0), tx.try_send(1)), (Ok(()), Ok(())));
        let receivers = [rx.clone(), rx].map(|mut rx| {
            thread::spawn(move || {
                let value = rx.recv().expect("a sender stays");
                (value, rx)
            })
        });
        let senders = [(2, tx.clone()), (3, tx)].map(|(value, mut tx)| {
            thread::spawn(move || {
                assert!(tx.send(value).is_ok());
                tx
            })
        });
        for thread in senders {
            drop(thread.join().expect("no panic"));
        }
        receivers.map(|thread| thread.join().expect("no panic").0)
    });
    assert_met(&reached, [[0, 1], [1, 0]]);
}

/// 5 threads, capacity 1: senders and receivers wait, and one of them closes the channel. All of them return, with what
/// was accepted on the one side and the rest on the other.
#[test]
fn a_close_wakes_everybody_and_loses_nothing() {
    const EACH: usize = 2;
    for who in [0, 1] {
        let reached = outcomes(move || {
            let (mut tx, mut rx) = channel(1);
            let sent = Log::default();
            let senders = [0, 100].map(|first| {
                let (mut tx, sent) = (tx.clone(), sent.clone());
                thread::spawn(move || {
                    for value in first..first + EACH {
                        match tx.send(value) {
                            Ok(()) => sent.add(value),
                            Err(back) => assert_eq!(back.0, value),
                        }
                    }
                    // Kept until all have returned: its leaving would wake everybody.
                    tx
                })
            });
            let receivers = [(); 2].map(|()| {
                let mut rx = rx.clone();
                thread::spawn(move || rx.iter().collect::<Vec<usize>>())
            });
            if who == 0 {
                tx.close()
            } else {
                rx.close()
            }
            let mut got = receivers
                .map(|thread| thread.join().expect("no panic"))
                .concat();
            for thread in senders {
                drop(thread.join().expect("no panic"));
            }
            got.sort_unstable();
            assert_eq!(got, sent.sorted());
            got.len()
        });
        assert_met(&reached, 0..=EACH);
    }
}
