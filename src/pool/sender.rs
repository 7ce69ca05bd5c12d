//! From a key to a worker's mailbox.
#![forbid(unsafe_code)]

use core::fmt;
use std::sync::Arc;

use shared_nothing_rings::{CapacityError, TryReserveError};

use super::{Batcher, SendError, Shared, TrySendError};
use crate::{
    partition::{Partitioner, StableHash},
    worker::mailbox::{Mailbox, Places},
};

/// Sends to the workers of a pool. Clone it for each thread, or share one.
///
/// It does not keep the pool alive: after a stop it hands every message back.
///
/// A send allocates nothing and takes no lock while there is space and the worker is awake: it hashes the key, loads a
/// map slot, claims a place in the ring by one exchange, and looks whether the worker is parked.
pub struct Sender<M> {
    pub(super) shared: Arc<Shared<M>>,
}

/// Every key of a pool is hashed with this seed.
const SEED: u64 = 0;

/// The hash by which a pool routes `key`: for [`Batcher::send_hashed`], when the hash is wanted for more than routing.
#[inline]
pub(crate) fn key_hash<K: StableHash + ?Sized>(key: &K) -> u64 {
    key.stable_hash(SEED)
}

impl<M> Sender<M> {
    pub(crate) fn new(shared: Arc<Shared<M>>) -> Self {
        Self { shared }
    }

    pub(crate) fn shared(&self) -> &Shared<M> {
        &self.shared
    }

    pub(crate) fn mailbox(&self, worker: usize) -> Option<&Mailbox<M>> {
        self.shared.mailboxes.get(worker).map(|mailbox| &**mailbox)
    }

    /// How many workers there are.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.shared.mailboxes.len()
    }

    /// The worker that `key` belongs to.
    #[must_use]
    pub fn worker_of<K: StableHash + ?Sized>(&self, key: &K) -> usize {
        self.worker_of_hash(key_hash(key))
    }

    /// The worker that a key with this stable hash belongs to. The hash is [`StableHash::stable_hash`] with seed 0.
    #[inline]
    #[must_use]
    pub fn worker_of_hash(&self, hash: u64) -> usize {
        self.shared.table.worker_of(hash)
    }

    /// Sends to the worker that `key` belongs to, parking while its mailbox is full.
    ///
    /// # Errors
    ///
    /// The worker has ended or the pool is stopping: the message comes back.
    pub fn send_partitioned<K>(&self, key: &K, message: M) -> Result<(), SendError<M>>
    where
        K: StableHash + ?Sized,
    {
        self.send_to(self.worker_of(key), message)
    }

    /// Sends to the worker that `key` belongs to, or hands the message back at once.
    ///
    /// # Errors
    ///
    /// The mailbox is full, or the worker has ended.
    pub fn try_send_partitioned<K>(&self, key: &K, message: M) -> Result<(), TrySendError<M>>
    where
        K: StableHash + ?Sized,
    {
        self.try_send_to(self.worker_of(key), message)
    }

    /// Sends to one worker, parking while its mailbox is full.
    ///
    /// A sender that has parked is woken when half of the mailbox is free, or a mailbox full of messages went by.
    ///
    /// # Errors
    ///
    /// There is no such worker, or it has ended: the message comes back.
    pub fn send_to(&self, worker: usize, message: M) -> Result<(), SendError<M>> {
        let Some(mailbox) = self.mailbox(worker) else {
            return Err(SendError::NoSuchWorker(message));
        };
        match mailbox.reserve(1) {
            Some(places) => put_one(places, message).map_err(SendError::Closed),
            None => Err(SendError::Closed(message)),
        }
    }

    /// Sends to one worker, or hands the message back at once.
    ///
    /// # Errors
    ///
    /// There is no such worker, its mailbox is full, or it has ended.
    pub fn try_send_to(&self, worker: usize, message: M) -> Result<(), TrySendError<M>> {
        let Some(mailbox) = self.mailbox(worker) else {
            return Err(TrySendError::NoSuchWorker(message));
        };
        match mailbox.try_reserve(1) {
            Ok(places) => put_one(places, message).map_err(TrySendError::Full),
            Err(TryReserveError::Full) => Err(TrySendError::Full(message)),
            Err(TryReserveError::Closed) => Err(TrySendError::Closed(message)),
        }
    }

    /// A sender with a lane of its own to each worker, which hands messages over by the batch.
    ///
    /// # Errors
    ///
    /// There is no memory for the lanes.
    pub fn batcher(&self) -> Result<Batcher<M>, CapacityError> {
        Batcher::new(self.clone())
    }
}

/// A reservation has at least one place, so this never hands the message back.
#[inline]
fn put_one<M>(mut places: Places<'_, M>, message: M) -> Result<(), M> {
    places.put(message)
}

impl<M> Clone for Sender<M> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<M> fmt::Debug for Sender<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("workers", &self.workers())
            .finish_non_exhaustive()
    }
}
