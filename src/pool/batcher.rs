//! Gathers messages for each worker and hands them over together.
#![forbid(unsafe_code)]

use core::fmt;

use heapless::Deque;

use super::{SendError, Sender, sender::key_hash};
use crate::partition::StableHash;

/// How many messages a [`Batcher`] gathers for a worker before it hands them over.
pub const BATCH: usize = 64;

/// A sender that gathers up to [`BATCH`] messages for each worker.
///
/// A batch costs one claim, one look at whether the worker is parked, and one clock read, instead of one each a
/// message. The price is delay: a message is not sent before its batch is full or [`flush`](Self::flush) is called.
/// Order is kept: messages of one batcher to one worker arrive as they were given.
///
/// Dropping it flushes it, parking while mailboxes are full. What a stopped worker refuses then is dropped: call
/// [`flush`](Self::flush) to have it back.
pub struct Batcher<M> {
    sender: Sender<M>,
    gathered: Box<[Deque<M, BATCH>]>,
}

impl<M> Batcher<M> {
    pub(crate) fn new(sender: Sender<M>) -> Self {
        let gathered = (0..sender.workers()).map(|_| Deque::new()).collect();
        Self { sender, gathered }
    }

    /// Sends to the worker that `key` belongs to, with the rest of its batch.
    ///
    /// # Errors
    ///
    /// The worker has ended or the pool is stopping: this message comes back. Those gathered before it stay, and
    /// [`drain_unsent`](Self::drain_unsent) hands them back.
    #[inline]
    pub fn send_partitioned<K>(&mut self, key: &K, message: M) -> Result<(), SendError<M>>
    where
        K: StableHash + ?Sized,
    {
        self.send_hashed(key_hash(key), message)
    }

    /// As [`send_partitioned`](Self::send_partitioned), for a key whose stable hash is at hand: that of
    /// [`StableHash::stable_hash`] with seed 0.
    ///
    /// # Errors
    ///
    /// As [`send_partitioned`](Self::send_partitioned).
    #[inline]
    pub fn send_hashed(&mut self, hash: u64, message: M) -> Result<(), SendError<M>> {
        let worker = self.sender.worker_of_hash(hash);
        match self.gathered[worker].push_back(message) {
            Ok(()) => Ok(()),
            Err(message) => self.send_behind_batch(worker, message),
        }
    }

    /// The batch is full: hands it over, and begins the next with `message`.
    #[cold]
    fn send_behind_batch(&mut self, worker: usize, message: M) -> Result<(), SendError<M>> {
        if self.flush_worker(worker) {
            self.gathered[worker]
                .push_back(message)
                .map_err(SendError::Closed)
        } else {
            Err(SendError::Closed(message))
        }
    }

    /// Hands over everything gathered, parking while mailboxes are full.
    ///
    /// # Errors
    ///
    /// Some workers have ended: what was gathered for them comes back, in order for each worker.
    pub fn flush(&mut self) -> Result<(), SendError<Vec<M>>> {
        for worker in 0..self.gathered.len() {
            self.flush_worker(worker);
        }
        let unsent: Vec<M> = self.drain_unsent().collect();
        if unsent.is_empty() {
            Ok(())
        } else {
            Err(SendError::Closed(unsent))
        }
    }

    /// Takes back what was gathered and not sent.
    pub fn drain_unsent(&mut self) -> impl Iterator<Item = M> {
        self.gathered
            .iter_mut()
            .flat_map(|batch| core::iter::from_fn(|| batch.pop_front()))
    }

    /// `false`: the worker has ended, and the batch stays.
    fn flush_worker(&mut self, worker: usize) -> bool {
        let batch = &mut self.gathered[worker];
        let Some(mailbox) = self.sender.mailbox(worker) else {
            return batch.is_empty();
        };
        while !batch.is_empty() {
            let Some(mut places) = mailbox.reserve(batch.len()) else {
                return false;
            };
            while places.remaining() != 0 {
                let Some(message) = batch.pop_front() else {
                    break;
                };
                let _has_place = places.put(message);
            }
        }
        true
    }
}

impl<M> Drop for Batcher<M> {
    fn drop(&mut self) {
        let _unsent = self.flush();
    }
}

impl<M> fmt::Debug for Batcher<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gathered: usize = self.gathered.iter().map(|batch| batch.len()).sum();
        f.debug_struct("Batcher")
            .field("gathered", &gathered)
            .finish_non_exhaustive()
    }
}
