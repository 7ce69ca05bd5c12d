//! One contract for every channel: each ring, in each storage, by each wait, ends with the value, with a deadline, or with
//! the close.
#![cfg(all(feature = "std", not(any(loom, shuttle))))]

use std::{
    mem::MaybeUninit,
    thread,
    time::{Duration, Instant},
};

use shared_nothing_rings::{
    TryPopError, TryPushError,
    channel::{
        self, Bells, BellsRef, Receiver, RecvError, RecvTimeoutError, SendTimeoutError, Sender,
    },
    ends::{PopEnd, PushEnd, ReserveEnd},
    lanes, mpmc, mpsc, spsc, stamped,
    wait::{Doorbell, Spin, WaitUntil, Yield},
};

/// What holds for every ring, wherever it lies, and every wait.
fn contract<P, C, B>(mut tx: Sender<P, B>, mut rx: Receiver<C, B>)
where
    P: PushEnd<Item = u32> + ReserveEnd + Send,
    C: PopEnd<Item = u32> + Send,
    B: BellsRef + Send,
    B::Wait: WaitUntil,
{
    assert_eq!((tx.capacity(), rx.capacity()), (2, 2));
    assert_eq!(rx.try_recv(), Err(TryPopError::Empty));
    assert_eq!(
        rx.recv_timeout(Duration::from_millis(1)),
        Err(RecvTimeoutError::Timeout)
    );
    assert_eq!((tx.try_send(1), tx.try_send(2)), (Ok(()), Ok(())));
    assert_eq!(tx.try_send(3), Err(TryPushError::Full(3)));
    assert_eq!(
        tx.send_timeout(4, Duration::from_millis(1)),
        Err(SendTimeoutError::Timeout(4))
    );
    assert_eq!(
        tx.send_deadline(5, Instant::now()),
        Err(SendTimeoutError::Timeout(5))
    );
    assert_eq!((rx.len(), tx.len(), rx.is_empty()), (2, 2, false));
    assert_eq!(rx.try_iter().collect::<Vec<_>>(), [1, 2]);

    // Both ends wait for each other over and over; no timeout is as good as none.
    thread::scope(|threads| {
        let sender = threads.spawn(|| {
            for n in 0..40 {
                match n % 4 {
                    0 => tx.send(n).unwrap(),
                    1 => tx.send_timeout(n, Duration::MAX).unwrap(),
                    2 => tx.reserve().unwrap().send(n),
                    _ => tx
                        .send_deadline(n, Instant::now() + Duration::from_secs(600))
                        .unwrap(),
                }
                drop(tx.reserve());
            }
        });
        for n in 0..40 {
            let got = if n % 2 == 0 {
                rx.recv().ok()
            } else {
                rx.recv_timeout(Duration::MAX).ok()
            };
            assert_eq!(got, Some(n));
        }
        sender.join().unwrap();
    });

    // The close is seen by an end that waits, after everything that was sent before.
    thread::scope(|threads| {
        let receiver = threads.spawn(|| {
            let got: Vec<_> = rx.iter().collect();
            (got, rx.recv(), rx.recv_timeout(Duration::MAX))
        });
        tx.send(7).unwrap();
        tx.close();
        assert_eq!(tx.try_send(8), Err(TryPushError::Closed(8)));
        assert_eq!(tx.send(8).unwrap_err().0, 8);
        assert_eq!(
            tx.send_timeout(8, Duration::MAX),
            Err(SendTimeoutError::Closed(8))
        );
        assert!(tx.reserve().is_err() && tx.is_closed());
        let closed = (vec![7], Err(RecvError), Err(RecvTimeoutError::Closed));
        assert_eq!(receiver.join().unwrap(), closed);
    });
}

fn receiver_goes<P, C, B>(mut tx: Sender<P, B>, mut rx: Receiver<C, B>)
where
    P: PushEnd<Item = u32> + Send,
    C: PopEnd<Item = u32> + Send,
    B: BellsRef + Send,
{
    // A sender that waits for space gets its value back.
    let refused = thread::scope(|threads| {
        let sender = threads.spawn(|| (0..).find_map(|n| tx.send(n).err()).unwrap().0);
        assert_eq!(rx.recv(), Ok(0));
        drop(rx);
        sender.join().unwrap()
    });
    assert!(refused >= 1);
    assert!(tx.is_closed());
}

/// What a receiver that closes the channel says of it, and gets.
fn receiver_closes<P, C, B>(mut tx: Sender<P, B>, mut rx: Receiver<C, B>)
where
    P: PushEnd<Item = u32>,
    C: PopEnd<Item = u32>,
    B: BellsRef,
{
    assert!(!tx.is_closed() && !rx.is_closed());
    tx.send(1).unwrap();
    rx.close();
    assert!(rx.is_closed() && tx.is_closed());
    assert_eq!(tx.send(2).unwrap_err().0, 2);
    assert_eq!(rx.recv(), Ok(1));
    assert!(rx.is_closed());
    drop(tx);
    assert_eq!(rx.recv(), Err(RecvError));
}

/// Runs the contract three times, each time on new ends of a ring and new bells.
macro_rules! run {
    ($wait:expr, |$ends:ident| $make:expr) => {{
        macro_rules! on {
            ($check:ident) => {{
                let bells = Bells::new($wait, $wait);
                let $ends = |(tx, rx)| {
                    let (tx, rx) = channel::join((tx, rx), &bells);
                    $check(tx, rx);
                };
                $make
            }};
        }
        on!(contract);
        on!(receiver_goes);
        on!(receiver_closes);
    }};
}

/// The storages of one ring, by one wait.
macro_rules! storages {
    ($ring:ident, $wait:expr) => {
        #[test]
        fn heap() {
            run!($wait, |ends| ends($ring::with_capacity(2).unwrap()));
        }

        #[test]
        fn inline() {
            run!($wait, |ends| ends($ring::Ring::<u32, 2>::new().split()));
        }

        #[test]
        fn memory() {
            run!($wait, |ends| {
                let mut memory = [const { MaybeUninit::uninit() }; 2048];
                ends($ring::in_memory(&mut memory, 2).unwrap());
            });
        }
    };
    (lanes of one, $wait:expr) => {
        #[test]
        fn heap() {
            run!($wait, |ends| {
                let (txs, rx) = lanes::with_capacity(1, 2).unwrap();
                ends((txs.last().unwrap(), rx));
            });
        }

        #[test]
        fn inline() {
            run!($wait, |ends| {
                let mut ring = lanes::Ring::<u32, 1, 2>::new();
                let ([tx], rx) = ring.split();
                ends((tx, rx));
            });
        }
    };
}

macro_rules! waits {
    ($name:ident, $($ring:ident)+) => {
        mod $name {
            use super::*;

            mod spins {
                use super::*;
                storages!($($ring)+, Spin);
            }
            mod yields {
                use super::*;
                storages!($($ring)+, Yield);
            }
            mod parks {
                use super::*;
                storages!($($ring)+, Doorbell::new());
            }
            mod spins_and_parks {
                use super::*;
                storages!($($ring)+, Doorbell::with_spins(50).with_yields(2));
            }
            mod pauses_and_parks {
                use super::*;
                storages!($($ring)+, Doorbell::with_spins(6).with_pauses(64));
            }
        }
    };
}

waits!(of_spsc, spsc);
waits!(of_stamped, stamped);
waits!(of_mpsc, mpsc);
waits!(of_mpmc, mpmc);
waits!(of_lanes, lanes of one);
