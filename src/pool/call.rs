//! A question to a worker, and the answer: once, whatever becomes of the worker.
//!
//! ```
//! use std::{convert::Infallible, time::Duration};
//! use shared_nothing::{pool::{PoolConfig, Reply, WorkerPool}, worker::{Context, Worker}};
//!
//! struct Counter;
//! enum Message {
//!     Add(u64),
//!     Get(Reply<u64>),
//! }
//!
//! impl Worker for Counter {
//!     type State = u64;
//!     type Message = Message;
//!     type Error = Infallible;
//!
//!     fn init(&self, _: &Context<Message>) -> Result<u64, Infallible> {
//!         Ok(0)
//!     }
//!
//!     fn handle_message(
//!         &self,
//!         sum: &mut u64,
//!         message: Message,
//!         _: &Context<Message>,
//!     ) -> Result<(), Infallible> {
//!         match message {
//!             Message::Add(n) => *sum += n,
//!             Message::Get(reply) => reply.send(*sum),
//!         }
//!         Ok(())
//!     }
//! }
//!
//! let pool = WorkerPool::start(PoolConfig::new().with_workers(2), |_| Counter)?;
//! pool.send_partitioned("key", Message::Add(7))?;
//! let sum = pool.sender().call("key", Message::Get)?.wait_within(Duration::from_secs(60))?;
//! assert_eq!(sum, 7);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Which of three holds
//!
//! | what came back | means |
//! |---|---|
//! | the send's error, with the message | not delivered: it may be sent again |
//! | [`CallError`] | delivered, with unknown outcome: it was handled, or will be, or was dropped |
//! | the answer | done |
//!
//! # Edges
//!
//! | edge | release end | acquire end | carries |
//! |---|---|---|---|
//! | ANSWER | the reply marks its cell answered | the caller sees the mark | what the worker did; the answer goes by the lock |
#![forbid(unsafe_code)]

use core::{
    fmt,
    future::Future,
    pin::Pin,
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Poll, Waker},
    time::Duration,
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shared_nothing_rings::wait::Doorbell;

use super::{Caller, SendError, Sender, TrySendError};
use crate::{partition::StableHash, sys};

/// An answer did not come. The message was delivered, and its outcome is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallError {
    /// Nobody owes the answer any more: the handler dropped its [`Reply`], or panicked, or the message was handed back.
    Cancelled,
    /// It did not come in time. The worker may still handle the message.
    TimedOut,
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cancelled => "call was cancelled",
            Self::TimedOut => "answer did not come in time",
        })
    }
}

impl core::error::Error for CallError {}

/// Looks of a caller before it lets others run: some microseconds.
const SPINS: u32 = 200;

/// Where the answer is put.
pub(super) struct Cell<R> {
    is_answered: AtomicBool,
    state: Mutex<State<R>>,
    bell: Doorbell,
}

struct State<R> {
    answer: Option<R>,
    waker: Option<Waker>,
}

impl<R> Cell<R> {
    pub(super) fn new(patience: Patience) -> Arc<Self> {
        Arc::new(Self {
            is_answered: AtomicBool::new(false),
            state: Mutex::new(State {
                answer: None,
                waker: None,
            }),
            bell: Doorbell::with_spins(patience.spins).with_yields(patience.yields),
        })
    }

    /// As new: for whoever holds it alone.
    pub(super) fn reset(&mut self) {
        *self.is_answered.get_mut() = false;
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        (state.answer, state.waker) = (None, None);
    }

    fn lock(&self) -> MutexGuard<'_, State<R>> {
        // No foreign code runs under it, so it is never really poisoned.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settle(&self, answer: Option<R>) {
        let mut state = self.lock();
        state.answer = answer;
        // ANSWER, release end: what the worker did. Under the lock, so that a task which finds no mark there leaves its
        // waker to whoever marks.
        self.is_answered.store(true, Ordering::Release);
        let waker = state.waker.take();
        drop(state);
        self.bell.ring();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// The outcome, if it has come: once.
    fn look(&self) -> Option<Result<R, CallError>> {
        // ANSWER, acquire end: what the worker did.
        if !self.is_answered.load(Ordering::Acquire) {
            return None;
        }
        Some(self.lock().answer.take().ok_or(CallError::Cancelled))
    }
}

/// How long a caller looks before it parks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    pub(crate) spins: u32,
    pub(crate) yields: u32,
}

impl Patience {
    pub(crate) const fn new(has_cpus: bool, yields: u32) -> Self {
        let spins = if has_cpus { SPINS } else { 0 };
        Self { spins, yields }
    }
}

/// The answer to one message is owed while this lives. Dropped, it says that there is none: whoever waits is told at
/// once.
#[must_use = "an answer is owed"]
pub struct Reply<R> {
    cell: Option<Arc<Cell<R>>>,
}

impl<R> Reply<R> {
    /// Answers. If nobody waits any more, the answer is dropped.
    pub fn send(mut self, answer: R) {
        if let Some(cell) = self.cell.take() {
            cell.settle(Some(answer));
        }
    }

    /// Whether the caller has given up: an answer would be dropped.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.cell
            .as_ref()
            .is_none_or(|cell| Arc::strong_count(cell) == 1)
    }
}

impl<R> Drop for Reply<R> {
    fn drop(&mut self) {
        if let Some(cell) = self.cell.take() {
            cell.settle(None);
        }
    }
}

impl<R> fmt::Debug for Reply<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reply")
    }
}

/// An answer that is to come. Await it, or wait for it.
///
/// # Cancellation
///
/// Dropped, the message is handled all the same, and the answer is dropped.
#[must_use = "an answer is to come"]
pub struct Call<R> {
    cell: Arc<Cell<R>>,
}

impl<R> Call<R> {
    /// Parks this thread until the answer is there. Not for a shard's thread.
    ///
    /// # Errors
    ///
    /// [`CallError::Cancelled`].
    pub fn wait(self) -> Result<R, CallError> {
        self.cell.bell.wait(|| self.cell.look())
    }

    /// Parks this thread for at most `timeout`.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub fn wait_within(self, timeout: Duration) -> Result<R, CallError> {
        let Some(deadline) = sys::now().checked_add(timeout) else {
            return self.wait();
        };
        let cell = &self.cell;
        let in_time = cell.bell.wait_until(deadline, || cell.look());
        in_time.unwrap_or(Err(CallError::TimedOut))
    }
}

impl<R> Future for Call<R> {
    type Output = Result<R, CallError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // Cloned and dropped outside of the lock: wakers are foreign code.
        let new = cx.waker().clone();
        let mut state = self.cell.lock();
        // ANSWER, acquire end: what the worker did.
        if self.cell.is_answered.load(Ordering::Acquire) {
            return Poll::Ready(state.answer.take().ok_or(CallError::Cancelled));
        }
        let old = state.waker.replace(new);
        drop(state);
        drop(old);
        Poll::Pending
    }
}

impl<R> fmt::Debug for Call<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Call")
    }
}

pub(super) fn ends_of<R>(cell: &Arc<Cell<R>>) -> (Reply<R>, Call<R>) {
    let reply = Reply {
        cell: Some(Arc::clone(cell)),
    };
    let call = Call {
        cell: Arc::clone(cell),
    };
    (reply, call)
}

/// Both ends of a new cell.
pub(crate) fn pair<R>(patience: Patience) -> (Reply<R>, Call<R>) {
    ends_of(&Cell::new(patience))
}

impl<M> Sender<M> {
    /// Sends the message that `message` makes to the worker that `key` belongs to, with a [`Reply`] in it. Parks while
    /// the mailbox is full; await what is returned, or wait for it.
    ///
    /// Cost: that of a send, and one allocation; none with a [`Caller`].
    ///
    /// # Errors
    ///
    /// As [`send_partitioned`](Self::send_partitioned).
    pub fn call<K, R>(
        &self,
        key: &K,
        message: impl FnOnce(Reply<R>) -> M,
    ) -> Result<Call<R>, SendError<M>>
    where
        K: StableHash + ?Sized,
    {
        let (reply, call) = pair(self.shared().patience);
        self.send_partitioned(key, message(reply))?;
        Ok(call)
    }

    /// As [`call`](Self::call), but hands the message back at once where that would wait: for handlers and tasks.
    ///
    /// # Errors
    ///
    /// As [`try_send_partitioned`](Self::try_send_partitioned).
    pub fn try_call<K, R>(
        &self,
        key: &K,
        message: impl FnOnce(Reply<R>) -> M,
    ) -> Result<Call<R>, TrySendError<M>>
    where
        K: StableHash + ?Sized,
    {
        let (reply, call) = pair(self.shared().patience);
        self.try_send_partitioned(key, message(reply))?;
        Ok(call)
    }

    /// As [`call`](Self::call), to one worker.
    ///
    /// # Errors
    ///
    /// As [`send_to`](Self::send_to).
    pub fn call_to<R>(
        &self,
        worker: usize,
        message: impl FnOnce(Reply<R>) -> M,
    ) -> Result<Call<R>, SendError<M>> {
        let (reply, call) = pair(self.shared().patience);
        self.send_to(worker, message(reply))?;
        Ok(call)
    }

    /// Makes calls without an allocation.
    #[must_use]
    pub fn caller<R>(&self) -> Caller<M, R> {
        Caller::new(self.clone())
    }
}
