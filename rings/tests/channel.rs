//! Channels: tasks and threads that wait for each other, cancelled waits, what is given up, static parts, errors.
#![cfg(all(feature = "async", not(loom)))]

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
    thread,
    time::Duration,
};

use shared_nothing_rings::{
    TryPopError,
    channel::{self, Bells, MpscReceiver, MpscSender},
    mpsc, spsc,
    wait::Spin,
};

/// Wakes a thread that blocks on a future, and counts.
struct Unpark {
    thread: thread::Thread,
    wakes: AtomicUsize,
}

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.wakes.fetch_add(1, SeqCst);
        self.thread.unpark();
    }
}

fn unpark() -> (Arc<Unpark>, Waker) {
    let unpark = Arc::new(Unpark {
        thread: thread::current(),
        wakes: AtomicUsize::new(0),
    });
    (Arc::clone(&unpark), Waker::from(unpark))
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let (_, waker) = unpark();
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn the_last_sender_to_go_wakes_the_receiver() {
    let (tx, mut rx) = channel::mpsc::<u32>(4).unwrap();
    thread::scope(|threads| {
        let receiver = threads.spawn(|| rx.iter().count());
        for _ in 0..4 {
            let mut tx = tx.clone();
            threads.spawn(move || tx.send(1).unwrap());
        }
        drop(tx);
        assert_eq!(receiver.join().unwrap(), 4);
    });
}

#[test]
fn tasks_and_threads_wait_for_each_other() {
    let (mut tx, rx) = channel::spsc::<u32>(1).unwrap();
    let sender = thread::spawn(move || {
        block_on(async {
            for n in 0..500 {
                if n % 2 == 0 {
                    tx.send_async(n).await.unwrap();
                } else {
                    tx.reserve_async().await.unwrap().send(n);
                }
            }
        });
        for n in 500..1000 {
            tx.send(n).unwrap();
        }
    });
    let mut rx = rx;
    for n in 0..400 {
        assert_eq!(rx.recv(), Ok(n));
    }
    block_on(async {
        for n in 400..600 {
            assert_eq!(rx.recv_async().await, Ok(n));
        }
        let mut stream = pin!(rx.into_stream());
        for n in 600..1000 {
            let next =
                std::future::poll_fn(|task| futures_core::Stream::poll_next(stream.as_mut(), task));
            assert_eq!(next.await, Some(n));
        }
        let end =
            std::future::poll_fn(|task| futures_core::Stream::poll_next(stream.as_mut(), task));
        assert_eq!(end.await, None);
    });
    sender.join().unwrap();
}

#[test]
fn a_cancelled_send_hands_its_value_back() {
    let (mut tx, mut rx) = channel::spsc::<String>(1).unwrap();
    tx.send("first".to_owned()).unwrap();
    let (_, waker) = unpark();
    let mut send = tx.send_async("second".to_owned());
    assert!(
        pin!(&mut send)
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    assert_eq!(send.into_value().as_deref(), Some("second"));
    assert_eq!(rx.try_iter().collect::<Vec<_>>(), ["first"]);
}

/// A task that finds nothing stands in the queue at once, so that its wakes can be counted.
fn queues_at_once<T>(capacity: usize) -> (MpscSender<T>, MpscReceiver<T>) {
    channel::join(mpsc::with_capacity(capacity).unwrap(), Arc::default())
}

#[test]
fn h07_cancelled_waiter_passes_the_wake_on() {
    let (tx, mut rx) = queues_at_once::<usize>(1);
    let mut senders: Vec<_> = (0..1000).map(|_| tx.clone()).collect();
    let (unpark, waker) = unpark();
    let mut task = Context::from_waker(&waker);
    let mut waiting: Vec<_> = senders
        .iter_mut()
        .enumerate()
        .map(|(n, tx)| Some(tx.send_async(n)))
        .collect();
    for send in waiting.iter_mut().flatten() {
        let _first_is_ready = pin!(send).poll(&mut task);
    }
    // One value a pop, one wake a value. Every second waiter that is woken is dropped instead of polled.
    let mut got = 0;
    let mut dropped = 0;
    waiting[0] = None;
    let mut next = 1;
    while next < waiting.len() {
        let before = unpark.wakes.load(SeqCst);
        assert!(rx.try_recv().is_ok());
        got += 1;
        assert_eq!(
            unpark.wakes.load(SeqCst),
            before + 1,
            "one wake for one place"
        );
        if next % 2 == 1 {
            waiting[next] = None;
            dropped += 1;
            next += 1;
            if next < waiting.len() {
                assert_eq!(unpark.wakes.load(SeqCst), before + 2, "the wake went on");
            }
        }
        let Some(send) = waiting.get_mut(next) else {
            break;
        };
        let done = send.as_mut().map(|send| pin!(send).poll(&mut task));
        assert!(matches!(done, Some(Poll::Ready(Ok(())))), "{next}");
        *send = None;
        next += 1;
    }
    drop(waiting);
    got += rx.try_iter().count();
    assert_eq!((got, dropped), (1000 - dropped, 500));
}

#[test]
fn h06_a_place_given_up_wakes_who_waits_for_it() {
    let (mut tx, mut rx) = queues_at_once(1);
    let mut other = tx.clone();
    let permit = tx.reserve().unwrap();
    let (unpark, waker) = unpark();
    let mut task = Context::from_waker(&waker);
    let mut send = pin!(other.send_async(7));
    assert!(send.as_mut().poll(&mut task).is_pending());
    drop(permit);
    // The look finds no value, and frees the place.
    assert_eq!(rx.try_recv(), Err(TryPopError::Empty));
    assert_eq!(unpark.wakes.load(SeqCst), 1);
    assert!(send.poll(&mut task).is_ready());
    assert_eq!(rx.try_recv(), Ok(7));
}

#[test]
fn h06_places_that_come_free_together_wake_as_many() {
    let (mut tx, mut rx) = queues_at_once(2);
    let (mut third, mut fourth) = (tx.clone(), tx.clone());
    let mut other = tx.clone();
    let permit = tx.reserve().unwrap();
    other.try_send(2).unwrap();
    let (first, waker) = unpark();
    let mut task = Context::from_waker(&waker);
    let mut send = pin!(third.send_async(3));
    assert!(send.as_mut().poll(&mut task).is_pending());
    let (second, waker) = unpark();
    let mut other_task = Context::from_waker(&waker);
    let mut other_send = pin!(fourth.send_async(4));
    assert!(other_send.as_mut().poll(&mut other_task).is_pending());
    drop(permit);
    assert_eq!(rx.try_recv(), Ok(2));
    assert_eq!(first.wakes.load(SeqCst), 1);
    assert!(send.poll(&mut task).is_ready());
    assert_eq!(second.wakes.load(SeqCst), 1, "by the first");
    assert!(other_send.poll(&mut other_task).is_ready());
    assert!(rx.try_iter().eq([3, 4]));
}

#[test]
fn a_permit_that_is_dropped_lets_what_is_behind_it_through() {
    let (mut tx, mut rx) = channel::mpsc::<u32>(4).unwrap();
    let mut other = tx.clone();
    let permit = tx.reserve().unwrap();
    other.send(1).unwrap();
    assert_eq!(rx.try_recv(), Err(TryPopError::Empty));
    thread::scope(|threads| {
        let receiver = threads.spawn(|| rx.recv());
        drop(permit);
        assert_eq!(receiver.join().unwrap(), Ok(1));
    });
}

#[test]
fn a_static_channel_needs_no_allocator() {
    static RING: spsc::Ring<u32, 4> = spsc::Ring::new();
    static BELLS: Bells<Spin> = Bells::new(Spin, Spin);
    let (mut tx, mut rx) = channel::join(RING.split_static().unwrap(), &BELLS);
    let receiver = thread::spawn(move || rx.iter().sum::<u32>());
    for n in 0..100 {
        tx.send(n).unwrap();
    }
    drop(tx);
    assert_eq!(receiver.join().unwrap(), 4950);
}

#[test]
fn errors_print_without_their_values() {
    struct Opaque;
    let (mut tx, rx) = channel::spsc::<Opaque>(1).unwrap();
    drop(rx);
    let error = tx
        .send(Opaque)
        .map_err(|error| (format!("{error:?}"), error.to_string()));
    assert_eq!(
        error.unwrap_err(),
        ("SendError(..)".to_owned(), "channel is closed".to_owned())
    );
    let error = tx.send_timeout(Opaque, Duration::ZERO).unwrap_err();
    assert_eq!(
        (format!("{error:?}"), error.to_string()),
        ("Closed(..)".into(), "channel is closed".into())
    );
}
