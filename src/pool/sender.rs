//! From a key to a worker's mailbox.
#![forbid(unsafe_code)]

mod claim;
mod send;
mod target;

use core::{fmt, time::Duration};
use std::sync::Arc;

use shared_nothing_rings::CapacityError;

use super::{Batcher, Overflow, SendError, Shared, TrySendError};
use crate::{
    partition::{SlotTable, StableHash},
    worker::mailbox::Mailbox,
};

use claim::wait;
pub(super) use claim::{Refused, put_one};
pub(crate) use target::Target;

/// Sends to the workers of a pool. Clone it for each thread, or share one.
///
/// It does not keep the pool alive: after a stop it hands every message back.
///
/// A send allocates nothing and takes no lock while there is space and the worker is awake: it hashes the key, loads a
/// map slot, claims a place in the ring by one exchange, loads the map slot again, and looks whether the worker's shard
/// is parked.
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
        self.shared.mailbox(worker).map(|mailbox| &**mailbox)
    }

    /// How many workers there are, those that have ended included: their numbers are less than this.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.shared.workers()
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
        let map_slot = SlotTable::map_slot_of(hash);
        self.shared.routes.route(map_slot).worker()
    }

    /// Sends to the worker that `key` belongs to. While its mailbox is full, it does as the pool's [`Overflow`] says: by
    /// default it parks.
    ///
    /// # Errors
    ///
    /// The worker has ended or the pool is stopping, or as [`Overflow`] says: the message comes back.
    #[inline]
    pub fn send_partitioned<K>(&self, key: &K, message: M) -> Result<(), SendError<M>>
    where
        K: StableHash + ?Sized,
    {
        self.send(self.target_of(key_hash(key)), message, self.shared.overflow)
    }

    /// As [`send_partitioned`](Self::send_partitioned), but parks for at most `timeout`, whatever the pool's policy.
    ///
    /// # Errors
    ///
    /// As [`send_partitioned`](Self::send_partitioned), and [`SendError::TimedOut`].
    pub fn send_partitioned_timeout<K>(
        &self,
        key: &K,
        message: M,
        timeout: Duration,
    ) -> Result<(), SendError<M>>
    where
        K: StableHash + ?Sized,
    {
        let target = self.target_of(key_hash(key));
        self.send(target, message, Overflow::Timeout(timeout))
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
        self.try_send(self.target_of(key_hash(key)), message)
    }

    /// Sends to one worker. While its mailbox is full, it does as the pool's [`Overflow`] says: by default it parks.
    ///
    /// A sender that has parked is woken when half of the mailbox is free, or a mailbox full of messages went by.
    ///
    /// # Errors
    ///
    /// There is no such worker, or it has ended, or as [`Overflow`] says: the message comes back.
    #[inline]
    pub fn send_to(&self, worker: usize, message: M) -> Result<(), SendError<M>> {
        self.send(Target::of_worker(worker), message, self.shared.overflow)
    }

    /// As [`send_to`](Self::send_to), but parks for at most `timeout`, whatever the pool's policy.
    ///
    /// # Errors
    ///
    /// As [`send_to`](Self::send_to), and [`SendError::TimedOut`].
    pub fn send_to_timeout(
        &self,
        worker: usize,
        message: M,
        timeout: Duration,
    ) -> Result<(), SendError<M>> {
        let target = Target::of_worker(worker);
        self.send(target, message, Overflow::Timeout(timeout))
    }

    /// Sends to one worker, or hands the message back at once.
    ///
    /// # Errors
    ///
    /// There is no such worker, its mailbox is full, or it has ended.
    pub fn try_send_to(&self, worker: usize, message: M) -> Result<(), TrySendError<M>> {
        self.try_send(Target::of_worker(worker), message)
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

#[cfg(all(test, not(loom)))]
mod tests;
