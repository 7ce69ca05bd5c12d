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
//! let sum = pool.sender().call("key", Message::Get)?.wait_timeout(Duration::from_secs(60))?;
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
#![forbid(unsafe_code)]

use core::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use super::{
    Caller, SendError, Sender, TrySendError,
    cell::{self, CallEnd, ReplyEnd},
};
use crate::partition::StableHash;

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
    /// Dropped, it says that there is no answer.
    end: ReplyEnd<R>,
}

impl<R> Reply<R> {
    /// Answers. If nobody waits any more, the answer is dropped.
    #[inline]
    pub fn send(self, answer: R) {
        self.end.send(answer);
    }

    /// Whether the caller has given up: an answer would be dropped.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.end.is_abandoned()
    }
}

impl<R> fmt::Debug for Reply<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reply")
    }
}

/// An answer that is to come. Await it, or wait for it.
///
/// A worker that ends hands back what it has not handled in the report of the pool. A call among it is cancelled when that
/// report is dropped, and not before: where workers may end and the pool goes on, wait [with a limit](Self::wait_timeout).
///
/// # Cancellation
///
/// Dropped, the message is handled all the same, and the answer is dropped.
#[must_use = "an answer is to come"]
pub struct Call<R> {
    end: CallEnd<R>,
}

impl<R> Call<R> {
    /// Parks this thread until the answer is there. Not for a shard's thread.
    ///
    /// # Errors
    ///
    /// [`CallError::Cancelled`].
    #[inline]
    pub fn wait(self) -> Result<R, CallError> {
        self.end.wait()
    }

    /// Parks this thread for at most `timeout`.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub fn wait_timeout(self, timeout: Duration) -> Result<R, CallError> {
        self.end.wait_timeout(timeout)
    }
}

impl<R> Future for Call<R> {
    type Output = Result<R, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.end.poll(cx.waker()).map_or(Poll::Pending, Poll::Ready)
    }
}

impl<R> fmt::Debug for Call<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Call")
    }
}

#[inline]
pub(super) fn of_ends<R>((reply, call): (ReplyEnd<R>, CallEnd<R>)) -> (Reply<R>, Call<R>) {
    (Reply { end: reply }, Call { end: call })
}

/// Both ends of a new cell.
pub(crate) fn pair<R>(patience: Patience) -> (Reply<R>, Call<R>) {
    of_ends(cell::pair(patience))
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
        self.asked(message, |message| self.send_partitioned(key, message))
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
        self.asked(message, |message| self.try_send_partitioned(key, message))
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
        self.asked(message, |message| self.send_to(worker, message))
    }

    /// Sends a message with a new [`Reply`] in it, by `send`.
    #[inline]
    pub(super) fn asked<R, E>(
        &self,
        message: impl FnOnce(Reply<R>) -> M,
        send: impl FnOnce(M) -> Result<(), E>,
    ) -> Result<Call<R>, E> {
        let (reply, call) = pair(self.shared().patience);
        send(message(reply))?;
        Ok(call)
    }

    /// Makes calls without an allocation.
    #[must_use]
    pub fn caller<R>(&self) -> Caller<M, R> {
        Caller::new(self.clone())
    }
}
