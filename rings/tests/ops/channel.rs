//! A channel of many senders against a `VecDeque`. One thread takes all steps, so none may wait: what would is given a
//! deadline that has passed, or is polled.

use std::{
    collections::VecDeque,
    future::Future,
    pin::pin,
    rc::{Rc, Weak},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
    time::{Duration, Instant},
};

use shared_nothing_rings::{
    TryPopError, TryPushError,
    channel::{
        self, Bells, MpscReceiver, MpscSender, RecvError, RecvTimeoutError, SendTimeoutError,
    },
    mpsc,
    wait::Doorbell,
};

/// One step.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ChannelOp {
    TrySend,
    /// Sends with a deadline that has passed.
    SendNow,
    /// Keeps a place if there is one, and sends by it or gives it up.
    Permit {
        send: bool,
    },
    /// Polls a send so often, and takes its value back if it is not ready.
    PollSend {
        times: u8,
    },
    TryRecv,
    /// Receives with a time-out of nothing.
    RecvNow,
    /// Polls a receive so often, and drops it.
    PollRecv {
        times: u8,
    },
    CloseTx,
    CloseRx,
}

/// The channel to be used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChannelSetup {
    pub(crate) capacity: usize,
    /// Where positions begin.
    pub(crate) start: usize,
    /// How often a task wakes itself.
    pub(crate) polls: u8,
}

type Value = Rc<usize>;

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

struct Replay {
    tx: MpscSender<Value>,
    rx: MpscReceiver<Value>,
    setup: ChannelSetup,
    /// What was sent, and the places that were given up.
    places: VecDeque<Option<usize>>,
    is_closed: bool,
    next: usize,
    /// The tasks that waited, and how often each woke itself. Nobody else wakes one that is gone.
    tasks: Vec<(Arc<Wakes>, usize)>,
    /// Every value, to see that each is gone at the end.
    sent: Vec<Weak<usize>>,
}

/// Takes all steps, drops the ends and counts the values.
pub(crate) fn replay(setup: ChannelSetup, ops: &[ChannelOp]) {
    let ends = mpsc::with_capacity_at(setup.capacity, setup.start).expect("a small ring");
    let bell = || Doorbell::new().with_polls(u32::from(setup.polls));
    let (tx, rx) = channel::join(ends, Arc::new(Bells::new(bell(), bell())));
    let mut replay = Replay {
        tx,
        rx,
        setup,
        places: VecDeque::new(),
        is_closed: false,
        next: 0,
        tasks: Vec::new(),
        sent: Vec::new(),
    };
    for &op in ops {
        replay.step(op);
        assert_eq!(replay.tx.len(), replay.places.len());
        assert_eq!(replay.tx.is_closed(), replay.is_closed);
        assert_eq!(replay.rx.is_closed(), replay.is_closed);
    }
    let Replay {
        tx,
        rx,
        tasks,
        sent,
        ..
    } = replay;
    drop((tx, rx));
    for (wakes, expected) in tasks {
        assert_eq!(wakes.0.load(SeqCst), expected, "woken after it was gone");
    }
    assert!(sent.iter().all(|value| value.strong_count() == 0), "leaked");
}

impl Replay {
    fn coin(&mut self) -> (usize, Value) {
        self.next += 1;
        let value = Rc::new(self.next);
        self.sent.push(Rc::downgrade(&value));
        (self.next, value)
    }

    fn is_full(&self) -> bool {
        self.places.len() == self.setup.capacity
    }

    /// What a look of the receiver takes: it steps over places that were given up.
    fn pop(&mut self) -> Option<usize> {
        while let Some(place) = self.places.pop_front() {
            if place.is_some() {
                return place;
            }
        }
        None
    }

    /// A task's context, whose wakes are counted; `pending` polls come to nothing.
    fn task(&mut self, pending: usize) -> Waker {
        let wakes = Arc::new(Wakes::default());
        let expected = pending.min(usize::from(self.setup.polls));
        self.tasks.push((Arc::clone(&wakes), expected));
        Waker::from(wakes)
    }

    fn step(&mut self, op: ChannelOp) {
        match op {
            ChannelOp::TrySend => {
                let (number, value) = self.coin();
                let expected = match (self.is_closed, self.is_full()) {
                    (true, _) => Err(TryPushError::Closed(Rc::clone(&value))),
                    (_, true) => Err(TryPushError::Full(Rc::clone(&value))),
                    _ => {
                        self.places.push_back(Some(number));
                        Ok(())
                    }
                };
                assert_eq!(self.tx.try_send(value), expected);
            }
            ChannelOp::SendNow => {
                let (number, value) = self.coin();
                let expected = match (self.is_closed, self.is_full()) {
                    (true, _) => Err(SendTimeoutError::Closed(Rc::clone(&value))),
                    (_, true) => Err(SendTimeoutError::Timeout(Rc::clone(&value))),
                    _ => {
                        self.places.push_back(Some(number));
                        Ok(())
                    }
                };
                assert_eq!(self.tx.send_deadline(value, Instant::now()), expected);
            }
            ChannelOp::Permit { send } if self.is_closed || !self.is_full() => {
                let (number, value) = self.coin();
                match self.tx.reserve() {
                    Err(_) => assert!(self.is_closed),
                    Ok(permit) if send => {
                        permit.send(value);
                        self.places.push_back(Some(number));
                    }
                    Ok(permit) => {
                        drop(permit);
                        self.places.push_back(None);
                    }
                }
            }
            // It would wait.
            ChannelOp::Permit { .. } => {}
            ChannelOp::PollSend { times } => self.poll_send(usize::from(times)),
            ChannelOp::TryRecv => {
                let expected = self.pop().ok_or(if self.is_closed {
                    TryPopError::Closed
                } else {
                    TryPopError::Empty
                });
                assert_eq!(self.rx.try_recv().map(|value| *value), expected);
            }
            ChannelOp::RecvNow => {
                let expected = self.pop().ok_or(if self.is_closed {
                    RecvTimeoutError::Closed
                } else {
                    RecvTimeoutError::Timeout
                });
                let got = self.rx.recv_timeout(Duration::ZERO);
                assert_eq!(got.map(|value| *value), expected);
            }
            ChannelOp::PollRecv { times } => self.poll_recv(usize::from(times)),
            ChannelOp::CloseTx => {
                self.tx.close();
                self.is_closed = true;
            }
            ChannelOp::CloseRx => {
                self.rx.close();
                self.is_closed = true;
            }
        }
    }

    fn poll_send(&mut self, times: usize) {
        let (number, value) = self.coin();
        let waits = !self.is_closed && self.is_full();
        let waker = self.task(if waits { times } else { 0 });
        let mut task = Context::from_waker(&waker);
        let mut send = self.tx.send_async(Rc::clone(&value));
        for _ in 0..times {
            match pin!(&mut send).poll(&mut task) {
                Poll::Pending => assert!(waits),
                Poll::Ready(Ok(())) => {
                    assert!(!waits && !self.is_closed);
                    self.places.push_back(Some(number));
                    return;
                }
                Poll::Ready(Err(refused)) => {
                    assert!(self.is_closed && *refused.0 == number);
                    return;
                }
            }
        }
        assert_eq!(send.into_value(), Some(value));
    }

    fn poll_recv(&mut self, times: usize) {
        if times == 0 {
            drop(self.rx.recv_async());
            return;
        }
        let expected = match self.pop() {
            Some(number) => Poll::Ready(Ok(number)),
            None if self.is_closed => Poll::Ready(Err(RecvError)),
            None => Poll::Pending,
        };
        let waker = self.task(if expected.is_pending() { times } else { 0 });
        let mut task = Context::from_waker(&waker);
        let mut recv = pin!(self.rx.recv_async());
        for _ in 0..times {
            let got = recv.as_mut().poll(&mut task);
            assert_eq!(got.map(|got| got.map(|value| *value)), expected);
            if expected.is_ready() {
                break;
            }
        }
    }
}
