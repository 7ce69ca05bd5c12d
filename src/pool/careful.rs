//! A sender that does not give up at once: it tries again, by another worker if need be, and spares one that fails.
//!
//! ```
//! # use std::convert::Infallible;
//! # use shared_nothing::{pool::{PoolConfig, WorkerPool}, worker::{Context, Worker}};
//! # struct Drop;
//! # impl Worker for Drop {
//! #     type State = ();
//! #     type Message = u64;
//! #     type Error = Infallible;
//! #     fn init(&self, _: &Context<u64>) -> Result<(), Infallible> { Ok(()) }
//! #     fn handle_message(&self, _: &mut (), _: u64, _: &Context<u64>) -> Result<(), Infallible> { Ok(()) }
//! # }
//! use shared_nothing::pool::{CarefulSender, supervise::{BreakerPolicy, Retry}};
//!
//! let pool = WorkerPool::start(PoolConfig::new().with_workers(2), |_| Drop)?;
//! let mut sender = CarefulSender::new(pool.sender(), Retry::new().with_attempts(5))?
//!     .with_failover()
//!     .with_breakers(BreakerPolicy::default())?;
//! let _worker = sender.send("key", 7)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Only what was not delivered is tried again. What was delivered with an unknown outcome is told, and not repeated: the
//! caller knows whether that would be harmless.
//!
//! One attempt asks the key's own worker. If that has ended, or is between two lives and refuses, or its breaker is
//! open, a sender with failover asks the others in the order of [`failover`]; a full mailbox is waited for instead, by
//! the next attempt. Then messages of one key may overtake each other, and its state be two workers': failover is for
//! workers without state of their own for a key.
//!
//! It waits between attempts, and so is not for handlers.
#![forbid(unsafe_code)]

use core::{error::Error, fmt, time::Duration};

use super::{
    Call, CallError, Reply, Sender, call,
    sender::{Refused, Target, key_hash, put_one},
    supervise::{
        Breaker, BreakerPolicy, BreakerState, Permit, PolicyError, Retry, RetryVerdict, failover,
    },
};
use crate::{
    partition::{StableHash, hash_u64},
    sys::{self, Clock},
};

/// The time that a [`CarefulSender`] goes by.
pub trait Pace {
    /// Nanoseconds since a moment of its choice; they only grow.
    fn now_ns(&mut self) -> u64;

    /// Lets so much time pass.
    fn wait(&mut self, duration: Duration);
}

/// The time of the machine: a wait puts the thread to sleep.
#[derive(Debug, Clone)]
pub struct RealPace {
    clock: Clock,
}

impl Pace for RealPace {
    fn now_ns(&mut self) -> u64 {
        self.clock.now_ns()
    }

    fn wait(&mut self, duration: Duration) {
        if !duration.is_zero() {
            sys::sleep(duration);
        }
    }
}

/// Why a message was not sent at the last attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotSentReason {
    /// The mailbox was full.
    Full,
    /// The worker was between two lives, and nobody took over.
    Down,
    /// The worker has ended, and nobody took over; or the pool is stopping.
    Closed,
    /// The worker's breaker was open, and nobody took over.
    BreakerOpen {
        /// After how long a probe is let through.
        retry_after: Duration,
    },
}

/// A message was not delivered, after all attempts. It comes back.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotSent<M> {
    /// What was not sent.
    pub message: M,
    /// How many attempts were made.
    pub attempts: u32,
    /// What the last of them met.
    pub reason: NotSentReason,
}

impl<M> fmt::Debug for NotSent<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NotSent")
            .field("attempts", &self.attempts)
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}

impl<M> fmt::Display for NotSent<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = match self.reason {
            NotSentReason::Full => "mailbox is full",
            NotSentReason::Down => "worker is being restarted",
            NotSentReason::Closed => "worker has ended or the pool is stopping",
            NotSentReason::BreakerOpen { .. } => "breaker is open",
        };
        write!(f, "not sent in {} attempts: {reason}", self.attempts)
    }
}

impl<M> Error for NotSent<M> {}

/// A call has no answer.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CarefulCallError<M> {
    /// The message was not delivered. It comes back.
    NotSent(NotSent<M>),
    /// The message was delivered, and its outcome is unknown.
    Unknown(CallError),
}

impl<M> fmt::Debug for CarefulCallError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSent(error) => error.fmt(f),
            Self::Unknown(error) => f.debug_tuple("Unknown").field(error).finish(),
        }
    }
}

impl<M> fmt::Display for CarefulCallError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSent(error) => error.fmt(f),
            Self::Unknown(error) => write!(f, "outcome is unknown: {error}"),
        }
    }
}

impl<M> Error for CarefulCallError<M> {}

/// Sends with retries, and, if wished, failover and a breaker for each worker. One for each thread.
pub struct CarefulSender<M, P = RealPace> {
    sender: Sender<M>,
    retry: Retry,
    fails_over: bool,
    policy: Option<BreakerPolicy>,
    /// By worker, those that were ever asked.
    breakers: Vec<Breaker>,
    pace: P,
    seed: u64,
    draws: u64,
}

impl<M> CarefulSender<M> {
    /// Tries as `retry` says, by the clock of the machine.
    ///
    /// # Errors
    ///
    /// The policy cannot be followed.
    pub fn new(sender: Sender<M>, retry: Retry) -> Result<Self, PolicyError> {
        let pace = RealPace {
            clock: Clock::start(),
        };
        Self::with_pace(sender, retry, pace)
    }
}

/// A worker took a message, and its breaker waits for the result.
struct Sent {
    worker: usize,
    permit: Option<Permit>,
}

impl<M, P: Pace> CarefulSender<M, P> {
    /// As [`new`](CarefulSender::new), by a time of the caller's.
    ///
    /// # Errors
    ///
    /// The policy cannot be followed.
    pub fn with_pace(sender: Sender<M>, retry: Retry, pace: P) -> Result<Self, PolicyError> {
        retry.check()?;
        Ok(Self {
            sender,
            retry,
            fails_over: false,
            policy: None,
            breakers: Vec::new(),
            pace,
            seed: 0,
            draws: 0,
        })
    }

    /// Asks other workers where a key's own is down, has ended, or is spared.
    #[must_use]
    pub fn with_failover(mut self) -> Self {
        self.fails_over = true;
        self
    }

    /// Spares a worker that mostly fails. A full mailbox is a failure, and so is an answer that did not come.
    ///
    /// # Errors
    ///
    /// The policy cannot be followed.
    pub fn with_breakers(mut self, policy: BreakerPolicy) -> Result<Self, PolicyError> {
        policy.check()?;
        self.policy = Some(policy);
        self.breakers.clear();
        Ok(self)
    }

    /// What jitter is drawn from: the same seed, the same waits. Give each sender one of its own, so that they do not
    /// come back together.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The time that it goes by.
    pub fn pace(&mut self) -> &mut P {
        &mut self.pace
    }

    /// The state of a worker's breaker; `None` if it has none, or was not asked yet.
    #[must_use]
    pub fn breaker(&self, worker: usize) -> Option<BreakerState> {
        self.breakers.get(worker).map(Breaker::state)
    }

    /// Sends to the worker that `key` belongs to, or to who takes over, and says to whom. Waits between attempts.
    ///
    /// Cost: that of a send that never waits, and with breakers a read of the clock.
    ///
    /// # Errors
    ///
    /// It was not delivered by any attempt: the message comes back. When all who were asked have ended, there is but one.
    pub fn send<K>(&mut self, key: &K, message: M) -> Result<usize, NotSent<M>>
    where
        K: StableHash + ?Sized,
    {
        let sent = self.deliver(key_hash(key), message)?;
        let worker = sent.worker;
        self.settle(sent, true);
        Ok(worker)
    }

    /// As [`send`](Self::send), with a [`Reply`] in the message, and waits for the answer for at most `timeout`, which is
    /// real time. What was delivered is not sent again.
    ///
    /// # Errors
    ///
    /// It was not delivered by any attempt; or it was, and no answer came.
    pub fn call<K, R>(
        &mut self,
        key: &K,
        timeout: Duration,
        message: impl FnOnce(Reply<R>) -> M,
    ) -> Result<R, CarefulCallError<M>>
    where
        K: StableHash + ?Sized,
    {
        let (reply, call): (_, Call<R>) = call::pair(self.sender.shared().patience);
        let sent = self.deliver(key_hash(key), message(reply));
        let sent = sent.map_err(CarefulCallError::NotSent)?;
        let answer = call.wait_timeout(timeout);
        self.settle(sent, answer.is_ok());
        answer.map_err(CarefulCallError::Unknown)
    }

    fn deliver(&mut self, hash: u64, mut message: M) -> Result<Sent, NotSent<M>> {
        let mut first_ns = None;
        let mut attempts = 0;
        loop {
            attempts += 1;
            let (refused, reason) = match self.attempt(hash, message) {
                Ok(sent) => return Ok(sent),
                Err(refused) => refused,
            };
            let now_ns = self.pace.now_ns();
            let first_ns = *first_ns.get_or_insert(now_ns);
            self.draws += 1;
            let random = hash_u64(self.draws, self.seed);
            let verdict = self.retry.after_failure(attempts, first_ns, now_ns, random);
            match verdict {
                RetryVerdict::Again { after } if reason != NotSentReason::Closed => {
                    self.pace.wait(after);
                    message = refused;
                }
                _ => {
                    return Err(NotSent {
                        message: refused,
                        attempts,
                        reason,
                    });
                }
            }
        }
    }

    /// One attempt. It is refused for the reason of the worker that is likely to be there again first: a full mailbox
    /// before a breaker, a life to come, and the end.
    fn attempt(&mut self, hash: u64, mut message: M) -> Result<Sent, (M, NotSentReason)> {
        let own = self.sender.target_of(hash);
        let others = match self.fails_over {
            true => self.sender.workers(),
            false => 0,
        };
        let mut worst = NotSentReason::Closed;
        let targets = failover(hash, own.worker(), others).map(Target::of_worker);
        for target in core::iter::once(own).chain(targets) {
            let worker = target.worker();
            let permit = match self.permit(worker) {
                Ok(permit) => permit,
                Err(retry_after) => {
                    worst = NotSentReason::BreakerOpen { retry_after };
                    continue;
                }
            };
            let refused = match self.sender.claim(target, 1) {
                Ok(places) => match put_one(places, message) {
                    Ok(()) => return Ok(Sent { worker, permit }),
                    // A claim has a place, so this does not come.
                    Err(back) => {
                        message = back;
                        Refused::Full
                    }
                },
                Err(refused) => refused,
            };
            self.settle(Sent { worker, permit }, false);
            match refused {
                // Its own worker is there, and will have room.
                Refused::Full | Refused::Moved => return Err((message, NotSentReason::Full)),
                Refused::Down => worst = NotSentReason::Down,
                Refused::Closed => {}
            }
        }
        Err((message, worst))
    }

    /// Asks a worker's breaker. The error says after how long it lets a probe through.
    fn permit(&mut self, worker: usize) -> Result<Option<Permit>, Duration> {
        let Some(policy) = self.policy else {
            return Ok(None);
        };
        while self.breakers.len() <= worker {
            match Breaker::new(policy) {
                Ok(breaker) => self.breakers.push(breaker),
                Err(_) => unreachable!("the policy was checked"),
            }
        }
        let now_ns = self.pace.now_ns();
        let permit = self.breakers[worker].try_call(now_ns);
        permit.map(Some).map_err(|open| open.retry_after)
    }

    fn settle(&mut self, sent: Sent, succeeded: bool) {
        if let Some(permit) = sent.permit {
            let now_ns = self.pace.now_ns();
            self.breakers[sent.worker].on_result(permit, succeeded, now_ns);
        }
    }
}

impl<M, P> fmt::Debug for CarefulSender<M, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CarefulSender")
            .field("retry", &self.retry)
            .field("fails_over", &self.fails_over)
            .finish_non_exhaustive()
    }
}
