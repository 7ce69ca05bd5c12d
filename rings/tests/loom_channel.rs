//! Models of the channel's futures: what they await, what wakes them, and what is left when they are dropped.
//!
//! A lost wake is a deadlock, which loom reports. At most 3 preemptions, 2 threads each: futures that wait at one end
//! are polled in turn by one thread. Wakers unpark a thread of the model; what an executor does with them is not shown.
#![cfg(all(loom, feature = "async"))]

mod reached;

use std::{
    cell::Cell,
    collections::BTreeSet,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures_core::Stream;
use loom::thread;
use reached::outcomes;
use shared_nothing_rings::{
    TryPopError,
    channel::{
        self, Bells, MpscReceiver, MpscSender, ParkBells, Receiver, RecvError, SendError, Sender,
        SpscReceiver, SpscSender,
    },
    mpmc,
    wait::Doorbell,
};

/// Unparks the thread that made it, and counts. The count is of the test, not of the model: loom need not see it.
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

/// A task that this thread runs.
struct Task {
    unpark: Arc<Unpark>,
    waker: Waker,
    /// Wakes that a poll has followed.
    spent: Cell<usize>,
}

impl Task {
    fn new() -> Self {
        let unpark = Arc::new(Unpark {
            thread: thread::current(),
            wakes: AtomicUsize::new(0),
        });
        Self {
            waker: Waker::from(Arc::clone(&unpark)),
            unpark,
            spent: Cell::new(0),
        }
    }

    fn poll<F: Future + Unpin>(&self, future: &mut F) -> Poll<F::Output> {
        Pin::new(future).poll(&mut Context::from_waker(&self.waker))
    }

    fn poll_next<S: Stream + Unpin>(&self, stream: &mut S) -> Poll<Option<S::Item>> {
        Pin::new(stream).poll_next(&mut Context::from_waker(&self.waker))
    }

    fn wakes(&self) -> usize {
        self.unpark.wakes.load(SeqCst)
    }

    /// Polls when it was woken since the last time and not before, as an executor does.
    fn poll_woken<F: Future + Unpin>(&self, future: &mut F) -> Poll<F::Output> {
        while self.wakes() == self.spent.get() {
            thread::park();
        }
        self.spent.set(self.wakes());
        self.poll(future)
    }
}

/// Polls until it is ready, again after each wake; also says how often.
fn block_on<F: Future + Unpin>(mut future: F) -> (F::Output, u32) {
    let task = Task::new();
    let (mut polled, mut polls) = (task.poll(&mut future), 1);
    loop {
        match polled {
            Poll::Ready(output) => return (output, polls),
            Poll::Pending => polled = task.poll_woken(&mut future),
        }
        polls += 1;
    }
}

fn spsc_of_one() -> (SpscSender<u32>, SpscReceiver<u32>) {
    channel::spsc(1).expect("a small ring")
}

/// Full: it holds a 0.
fn full_mpsc() -> (MpscSender<u32>, MpscSender<u32>, MpscReceiver<u32>) {
    let (mut tx, rx) = channel::mpsc(1).expect("a small ring");
    assert_eq!(tx.try_send(0), Ok(()));
    (tx.clone(), tx, rx)
}

type MpmcSender = Sender<mpmc::Producer<'static, u32>, ParkBells>;
type MpmcReceiver = Receiver<mpmc::Consumer<'static, u32>, ParkBells>;

fn mpmc_of_two() -> (MpmcSender, MpmcReceiver, MpmcReceiver) {
    let bells = Arc::new(Bells::new(Doorbell::new(), Doorbell::new()));
    let (tx, rx) = channel::join(mpmc::with_capacity(2).expect("a small ring"), bells);
    (tx, rx.clone(), rx)
}

/// Capacity 1, 2 laps: both ends await each other. Whether one ever waited: it was polled more often than it had to be.
#[test]
fn a_send_future_meets_a_recv_future() {
    let reached = outcomes(|| {
        let (mut tx, mut rx) = spsc_of_one();
        let there = thread::spawn(move || {
            let mut polls = 0;
            for value in [1, 2] {
                let (sent, more) = block_on(tx.send_async(value));
                assert_eq!(sent, Ok(()));
                polls += more;
            }
            polls > 2
        });
        let mut polls = 0;
        for value in [1, 2] {
            let (got, more) = block_on(rx.recv_async());
            assert_eq!(got, Ok(value));
            polls += more;
        }
        (there.join().unwrap(), polls > 2)
    });
    let all = [(false, false), (false, true), (true, false), (true, true)];
    assert_eq!(reached, BTreeSet::from(all));
}

/// Two futures wait for one value, and the first is dropped while the value comes: whether it was woken before.
#[test]
fn h07_a_recv_future_that_is_dropped_passes_the_wake_on() {
    let reached = outcomes(|| {
        let (mut tx, mut rx, mut other) = mpmc_of_two();
        let (one, two) = (Task::new(), Task::new());
        let (mut first, mut second) = (rx.recv_async(), other.recv_async());
        assert!(one.poll(&mut first).is_pending());
        assert!(two.poll(&mut second).is_pending());
        // An end that goes wakes all, so it comes back to be dropped at the very end.
        let there = thread::spawn(move || {
            assert_eq!(tx.try_send(7), Ok(()));
            tx
        });
        drop(first);
        assert_eq!(two.poll_woken(&mut second), Poll::Ready(Ok(7)));
        drop(there.join().unwrap());
        one.wakes()
    });
    assert_eq!(reached, BTreeSet::from([0, 1]));
}

/// As above, with a stream for the first.
#[test]
fn h07_a_stream_that_is_dropped_passes_the_wake_on() {
    let reached = outcomes(|| {
        let (mut tx, rx, mut other) = mpmc_of_two();
        let (one, two) = (Task::new(), Task::new());
        let (mut first, mut second) = (rx.into_stream(), other.recv_async());
        assert!(one.poll_next(&mut first).is_pending());
        assert!(two.poll(&mut second).is_pending());
        let there = thread::spawn(move || {
            assert_eq!(tx.try_send(7), Ok(()));
            tx
        });
        drop(first);
        assert_eq!(two.poll_woken(&mut second), Poll::Ready(Ok(7)));
        drop(there.join().unwrap());
        one.wakes()
    });
    assert_eq!(reached, BTreeSet::from([0, 1]));
}

/// Capacity 1, full: two sends wait for one place, and the first is cancelled while the place comes. Its value comes
/// back and is not sent; the second's is.
#[test]
fn h07_a_send_future_that_is_cancelled_passes_the_wake_on() {
    let reached = outcomes(|| {
        let (mut tx, mut other, mut rx) = full_mpsc();
        let (one, two) = (Task::new(), Task::new());
        let (mut first, mut second) = (tx.send_async(1), other.send_async(2));
        assert!(one.poll(&mut first).is_pending());
        assert!(two.poll(&mut second).is_pending());
        let there = thread::spawn(move || {
            assert_eq!(rx.try_recv(), Ok(0));
            rx
        });
        assert_eq!(first.into_value(), Some(1));
        assert_eq!(two.poll_woken(&mut second), Poll::Ready(Ok(())));
        let mut rx = there.join().unwrap();
        assert_eq!(rx.try_recv(), Ok(2));
        assert_eq!(rx.try_recv(), Err(TryPopError::Empty));
        one.wakes()
    });
    assert_eq!(reached, BTreeSet::from([0, 1]));
}

/// As above, with a reservation for the first: it keeps no place.
#[test]
fn h07_a_reserve_future_that_is_cancelled_passes_the_wake_on() {
    let reached = outcomes(|| {
        let (mut tx, mut other, mut rx) = full_mpsc();
        let (one, two) = (Task::new(), Task::new());
        let (mut first, mut second) = (tx.reserve_async(), other.send_async(2));
        assert!(one.poll(&mut first).is_pending());
        assert!(two.poll(&mut second).is_pending());
        let there = thread::spawn(move || {
            assert_eq!(rx.try_recv(), Ok(0));
            rx
        });
        drop(first);
        assert_eq!(two.poll_woken(&mut second), Poll::Ready(Ok(())));
        let mut rx = there.join().unwrap();
        assert_eq!(rx.try_recv(), Ok(2));
        assert_eq!(rx.try_recv(), Err(TryPopError::Empty));
        one.wakes()
    });
    assert_eq!(reached, BTreeSet::from([0, 1]));
}

/// A future that has waited for one task is polled by another while a value comes: the other is woken, unless that
/// poll has the value. Whether it has it, and whether the old task was woken.
#[test]
fn a_future_wakes_the_task_that_polled_it_last() {
    let reached = outcomes(|| {
        let (mut tx, mut rx) = spsc_of_one();
        let (old, new) = (Task::new(), Task::new());
        let mut future = rx.recv_async();
        assert!(old.poll(&mut future).is_pending());
        let there = thread::spawn(move || {
            assert_eq!(tx.try_send(7), Ok(()));
            tx
        });
        let polled = new.poll(&mut future);
        let had_it = polled.is_ready();
        let got = match polled {
            Poll::Pending => new.poll_woken(&mut future),
            ready => ready,
        };
        assert_eq!(got, Poll::Ready(Ok(7)));
        drop(there.join().unwrap());
        (had_it, old.wakes())
    });
    let all = [(false, 0), (true, 0), (true, 1)];
    assert_eq!(reached, BTreeSet::from(all));
}

/// How an end leaves. One that only closes comes back, or its drop would wake the other in its place.
type Leave<E> = fn(E) -> Option<E>;

/// Capacity 1, 1 lap: a value, then the sender leaves. How often the two receives were polled.
fn sender_leaves(leave: Leave<SpscSender<u32>>) -> BTreeSet<u32> {
    outcomes(move || {
        let (mut tx, mut rx) = spsc_of_one();
        let there = thread::spawn(move || {
            assert_eq!(tx.try_send(7), Ok(()));
            leave(tx)
        });
        let (got, polls) = block_on(rx.recv_async());
        assert_eq!(got, Ok(7));
        let (end, more) = block_on(rx.recv_async());
        assert_eq!(end, Err(RecvError));
        drop(there.join().unwrap());
        polls + more
    })
}

#[test]
fn a_close_by_the_sender_meets_a_recv_future() {
    let reached = sender_leaves(|mut tx| {
        tx.close();
        Some(tx)
    });
    assert_eq!(reached, BTreeSet::from([2, 3, 4]));
}

#[test]
fn a_drop_of_the_sender_meets_a_recv_future() {
    let reached = sender_leaves(|tx| {
        drop(tx);
        None
    });
    assert_eq!(reached, BTreeSet::from([2, 3, 4]));
}

/// Capacity 1, full: the receiver leaves. How often the send was polled; its value comes back.
fn receiver_leaves(leave: Leave<SpscReceiver<u32>>) -> BTreeSet<u32> {
    outcomes(move || {
        let (mut tx, rx) = spsc_of_one();
        assert_eq!(tx.try_send(1), Ok(()));
        let there = thread::spawn(move || leave(rx));
        let (refused, polls) = block_on(tx.send_async(2));
        assert_eq!(refused, Err(SendError(2)));
        drop(there.join().unwrap());
        polls
    })
}

#[test]
fn a_close_by_the_receiver_meets_a_send_future() {
    let reached = receiver_leaves(|mut rx| {
        rx.close();
        Some(rx)
    });
    assert_eq!(reached, BTreeSet::from([1, 2]));
}

#[test]
fn a_drop_of_the_receiver_meets_a_send_future() {
    let reached = receiver_leaves(|rx| {
        drop(rx);
        None
    });
    assert_eq!(reached, BTreeSet::from([1, 2]));
}

/// Capacity 1, full: one sender closes while another waits for a place, and gets its value back. How often it was
/// polled.
#[test]
fn a_close_by_one_sender_meets_the_send_future_of_another() {
    let reached = outcomes(|| {
        let (mut tx, mut other, rx) = full_mpsc();
        let there = thread::spawn(move || {
            tx.close();
            tx
        });
        let (refused, polls) = block_on(other.send_async(2));
        assert_eq!(refused, Err(SendError(2)));
        drop((there.join().unwrap(), rx));
        polls
    });
    assert_eq!(reached, BTreeSet::from([1, 2]));
}

/// Two receives are polled while the sender closes: which had to wait. Each is woken.
#[test]
fn a_close_wakes_every_recv_future() {
    let reached = outcomes(|| {
        let (mut tx, mut rx, mut other) = mpmc_of_two();
        let there = thread::spawn(move || {
            tx.close();
            tx
        });
        let (one, two) = (Task::new(), Task::new());
        let (mut first, mut second) = (rx.recv_async(), other.recv_async());
        let waited = (
            one.poll(&mut first).is_pending(),
            two.poll(&mut second).is_pending(),
        );
        if waited.0 {
            assert_eq!(one.poll_woken(&mut first), Poll::Ready(Err(RecvError)));
        }
        if waited.1 {
            assert_eq!(two.poll_woken(&mut second), Poll::Ready(Err(RecvError)));
        }
        drop((first, second, there.join().unwrap()));
        waited
    });
    let all = [(false, false), (true, false), (true, true)];
    assert_eq!(reached, BTreeSet::from(all));
}

/// Capacity 2: a value is sent behind a permit, which is then used or given up. How often the receives were polled, and
/// what they got.
fn permit_ends(is_used: bool, expected: &'static [u32]) -> BTreeSet<bool> {
    outcomes(move || {
        let (mut tx, mut rx) = channel::mpsc(2).expect("a small ring");
        let mut other = tx.clone();
        let there = thread::spawn(move || {
            let permit = tx.reserve().expect("nobody has closed");
            assert_eq!(other.try_send(2), Ok(()));
            if is_used {
                permit.send(1);
            } else {
                drop(permit);
            }
            (tx, other)
        });
        let mut waited = false;
        for value in expected {
            let (got, polls) = block_on(rx.recv_async());
            assert_eq!(got, Ok(*value));
            waited |= polls > 1;
        }
        drop(there.join().unwrap());
        waited
    })
}

#[test]
fn a_permit_that_is_used_meets_a_recv_future() {
    assert_eq!(permit_ends(true, &[1, 2]), BTreeSet::from([false, true]));
}

#[test]
fn a_permit_that_is_given_up_meets_a_recv_future() {
    assert_eq!(permit_ends(false, &[2]), BTreeSet::from([false, true]));
}

/// Capacity 1: a permit holds the place for which a send waits, and is given up while the receiver waits. Whether the
/// receiver was polled again.
#[test]
fn a_permit_that_is_given_up_meets_a_send_future() {
    let reached = outcomes(|| {
        let (mut tx, mut rx) = channel::mpsc(1).expect("a small ring");
        let early = tx.clone();
        let permit = tx.reserve().expect("nobody has closed");
        // Begins behind the permit: one that begins before it looks at the place twice, and what comes between two
        // looks of one thread is what the checker does not try.
        let mut other = early.clone();
        drop(early);
        let there = thread::spawn(move || {
            let (got, polls) = block_on(rx.recv_async());
            assert_eq!(got, Ok(2));
            (rx, polls > 1)
        });
        let task = Task::new();
        let mut send = other.send_async(2);
        assert!(task.poll(&mut send).is_pending());
        drop(permit);
        // A receiver that looks just before the place is free wakes the sender too early, and again behind it.
        let sent = loop {
            if let Poll::Ready(sent) = task.poll_woken(&mut send) {
                break sent;
            }
        };
        assert_eq!(sent, Ok(()));
        let (rx, waited) = there.join().unwrap();
        drop(rx);
        waited
    });
    assert_eq!(reached, BTreeSet::from([false, true]));
}
