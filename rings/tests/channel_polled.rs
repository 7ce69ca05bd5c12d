//! A task that is polled without a wake keeps its place in the queue, with the waker of its last poll; and what both ends
//! of a channel say of it.
#![cfg(all(feature = "async", not(any(loom, shuttle))))]

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures_core::Stream;
use shared_nothing_rings::{
    TryPopError,
    channel::{self, Bells, MpscReceiver, MpscSender},
    mpsc,
    wait::Doorbell,
};

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// A waker, and how often it was called.
fn counted() -> (Waker, Arc<Count>) {
    let count = Arc::new(Count::default());
    (Waker::from(count.clone()), count)
}

/// A channel of one place, whose tasks wake themselves so often before they stand in the queue.
fn of_one(polls: u32) -> (MpscSender<u32>, MpscReceiver<u32>) {
    let bell = || Doorbell::new().with_polls(polls);
    let ends = mpsc::with_capacity(1).unwrap();
    channel::join(ends, Arc::new(Bells::new(bell(), bell())))
}

#[test]
fn a_task_wakes_itself_a_few_times_and_then_stands_in_the_queue() {
    for polls in [0, 1, 5] {
        let (mut tx, mut rx) = of_one(polls);
        let mut wait = |round| {
            let (waker, wakes) = counted();
            let mut task = Context::from_waker(&waker);
            let mut recv = pin!(rx.recv_async());
            for poll in 1..=polls as usize {
                assert!(recv.as_mut().poll(&mut task).is_pending());
                assert_eq!(wakes.0.load(SeqCst), poll);
            }
            // Now nobody but a sender wakes it.
            for _ in 0..2 {
                assert!(recv.as_mut().poll(&mut task).is_pending());
                assert_eq!(wakes.0.load(SeqCst), polls as usize);
            }
            assert_eq!(tx.try_send(round), Ok(()));
            assert_eq!(wakes.0.load(SeqCst), polls as usize + 1);
            assert_eq!(recv.poll(&mut task), Poll::Ready(Ok(round)));
        };
        wait(1);
        wait(2);
    }
}

#[test]
fn what_comes_while_a_task_wakes_itself_wakes_nobody_else() {
    let (mut tx, mut rx) = of_one(2);
    let (waker, wakes) = counted();
    let mut task = Context::from_waker(&waker);
    let mut recv = pin!(rx.recv_async());
    assert!(recv.as_mut().poll(&mut task).is_pending());
    assert_eq!(tx.try_send(7), Ok(()));
    assert_eq!(wakes.0.load(SeqCst), 1, "by itself");
    assert_eq!(recv.poll(&mut task), Poll::Ready(Ok(7)));
}

#[test]
fn a_stream_wakes_itself_as_often_for_each_value() {
    let (mut tx, rx) = of_one(1);
    let mut values = rx.into_stream();
    for round in 1..4 {
        let (waker, wakes) = counted();
        let mut task = Context::from_waker(&waker);
        for _ in 0..2 {
            assert!(Pin::new(&mut values).poll_next(&mut task).is_pending());
        }
        assert_eq!(wakes.0.load(SeqCst), 1);
        assert_eq!(tx.try_send(round), Ok(()));
        assert_eq!(wakes.0.load(SeqCst), 2);
        let value = Pin::new(&mut values).poll_next(&mut task);
        assert_eq!(value, Poll::Ready(Some(round)));
    }
}

#[test]
fn the_waker_of_the_last_poll_is_the_one_that_is_called() {
    let (mut tx, mut rx) = of_one(0);
    let ((first, old), (second, new)) = (counted(), counted());
    let mut recv = pin!(rx.recv_async());
    for waker in [&first, &second] {
        let polled = recv.as_mut().poll(&mut Context::from_waker(waker));
        assert_eq!(polled, Poll::Pending);
    }
    assert_eq!(tx.try_send(7), Ok(()));
    assert_eq!((old.0.load(SeqCst), new.0.load(SeqCst)), (0, 1));
    let polled = recv.as_mut().poll(&mut Context::from_waker(&second));
    assert_eq!(polled, Poll::Ready(Ok(7)));
}

#[test]
fn a_sender_that_is_polled_again_is_woken_by_its_last_waker() {
    let (mut tx, mut rx) = of_one(0);
    tx.send(1).unwrap();
    let ((first, old), (second, new)) = (counted(), counted());
    let mut send = pin!(tx.send_async(2));
    for waker in [&first, &second] {
        let polled = send.as_mut().poll(&mut Context::from_waker(waker));
        assert!(polled.is_pending());
    }
    assert_eq!(rx.recv(), Ok(1));
    assert_eq!((old.0.load(SeqCst), new.0.load(SeqCst)), (0, 1));
    let polled = send.as_mut().poll(&mut Context::from_waker(&second));
    assert!(matches!(polled, Poll::Ready(Ok(()))));
    assert_eq!(rx.recv(), Ok(2));
}

#[test]
fn both_ends_say_how_full_the_channel_is() {
    let (mut tx, mut rx) = channel::spsc::<u32>(2).unwrap();
    assert!(tx.is_empty() && rx.is_empty());
    for n in [1, 2] {
        tx.send(n).unwrap();
    }
    assert_eq!((tx.capacity(), tx.len()), (2, 2));
    assert_eq!((rx.capacity(), rx.len()), (2, 2));
    assert_eq!(format!("{tx:?}"), "Sender { capacity: 2, len: 2, .. }");
    assert_eq!(format!("{rx:?}"), "Receiver { capacity: 2, len: 2, .. }");
    assert!(rx.try_iter().eq([1, 2]));
    assert_eq!(rx.try_recv(), Err(TryPopError::Empty));
    assert_eq!(format!("{:?}", tx.reserve().unwrap()), "Permit { .. }");

    rx.close();
    assert!(tx.is_closed());
    assert_eq!(tx.send(3).unwrap_err().0, 3);
    assert!(rx.is_closed(), "it has closed the channel itself");
    drop(tx);
    assert!(rx.is_closed());
    assert_eq!(rx.try_recv(), Err(TryPopError::Closed));
}
