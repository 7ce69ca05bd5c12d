//! What a worker may do beside handling: know itself, send, wait for a time, stop.
#![forbid(unsafe_code)]

use core::{fmt, time::Duration};
use std::{rc::Rc, sync::Arc};

use shared_nothing_affinity::CpuId;

use super::mail::Mail;
use crate::{
    executor::{self, Host},
    partition::StableHash,
    pool::{SendError, Sender, Shared, TrySendError, key_hash},
    stats::WorkerCounts,
};

/// A worker's place in its pool. Every function of a [`Worker`](super::Worker) is given it.
///
/// Nothing here waits: the shard has other work. What finds no room comes back.
pub struct Context<M> {
    id: usize,
    host: Host,
    mail: Rc<Mail<M>>,
    sender: Sender<M>,
}

impl<M> Context<M> {
    pub(crate) fn new(id: usize, host: Host, mail: Rc<Mail<M>>, shared: Arc<Shared<M>>) -> Self {
        Self {
            id,
            host,
            mail,
            sender: Sender::new(shared),
        }
    }

    pub(crate) const fn host(&self) -> &Host {
        &self.host
    }

    /// The worker's number in its pool, from 0.
    #[must_use]
    pub const fn id(&self) -> usize {
        self.id
    }

    /// How many workers the pool has.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.sender.workers()
    }

    /// The number of the shard that the worker lives on.
    #[must_use]
    pub fn shard(&self) -> usize {
        // A context does not leave its shard's thread, so one runs here.
        executor::shard_id().unwrap_or_default()
    }

    /// The CPU that the worker's thread is pinned to, or `None` if it is not pinned.
    #[must_use]
    pub fn cpu(&self) -> Option<CpuId> {
        self.host.cpu()
    }

    /// Sends to this worker itself. It needs no place in the mailbox, and so never fails for want of one: the messages
    /// lie in a list of the worker's own, which takes turns with the mailbox.
    ///
    /// # Errors
    ///
    /// The worker is stopping: the message comes back.
    pub fn send_to_self(&self, message: M) -> Result<(), SendError<M>> {
        self.mail.send_to_self(message).map_err(SendError::Closed)
    }

    /// Sends to this worker itself after a time, not earlier. What is not due when the worker stops is handed back in
    /// its report.
    ///
    /// # Errors
    ///
    /// The worker is stopping: the message comes back.
    pub fn send_after(&self, duration: Duration, message: M) -> Result<(), SendError<M>> {
        let wait_ns = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let due_ns = self.host.now_ns().saturating_add(wait_ns);
        let sent = self.mail.send_later(due_ns, message);
        sent.map_err(SendError::Closed)
    }

    /// Sends to a worker of the pool, or hands the message back at once. One for this worker is as
    /// [`send_to_self`](Self::send_to_self).
    ///
    /// # Errors
    ///
    /// The mailbox is full (try again [later](Self::send_after)), the worker has ended, or there is no such worker.
    pub fn send_to(&self, worker: usize, message: M) -> Result<(), TrySendError<M>> {
        if worker == self.id {
            return self
                .mail
                .send_to_self(message)
                .map_err(TrySendError::Closed);
        }
        self.sender.try_send_to(worker, message)
    }

    /// As [`send_to`](Self::send_to), to the worker that `key` belongs to.
    ///
    /// # Errors
    ///
    /// As [`send_to`](Self::send_to).
    pub fn send_partitioned<K>(&self, key: &K, message: M) -> Result<(), TrySendError<M>>
    where
        K: StableHash + ?Sized,
    {
        let target = self.sender.target_of(key_hash(key));
        // Own messages that are there when a move begins are handled before it ends.
        if target.worker() == self.id && !target.is_moving() {
            return self.send_to(self.id, message);
        }
        self.sender.try_send(target, message)
    }

    /// For sending from other threads. On this thread use the context: a send that waits for room would keep the shard
    /// from making it.
    #[must_use]
    pub const fn sender(&self) -> &Sender<M> {
        &self.sender
    }

    /// Stops this worker when what it has accepted is handled. It accepts no more from now on.
    pub fn stop(&self) {
        self.mail.end();
    }

    /// What this worker has counted so far, the batch at hand not included.
    #[must_use]
    pub fn counts(&self) -> WorkerCounts {
        self.mail.mailbox.counts()
    }
}

impl<M> fmt::Debug for Context<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("id", &self.id)
            .field("workers", &self.workers())
            .field("cpu", &self.cpu())
            .finish_non_exhaustive()
    }
}
