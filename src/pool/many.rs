//! Many messages at a time: a batch to one worker by one claim, and one message to all workers in one order.
#![forbid(unsafe_code)]

use std::sync::PoisonError;

use super::{
    BatchError, SendError, Sender, WorkerPool,
    sender::{Refused, Target, key_hash, put_one, wait},
};
use crate::{
    partition::{SlotTable, StableHash},
    worker::mailbox::{Mailbox, Places},
};

impl<M> Sender<M> {
    /// Sends all of `messages` to one worker, in their order, by as few claims as there is room for; parks while its
    /// mailbox is full. Messages of others may come between.
    ///
    /// # Errors
    ///
    /// [`BatchError`] says how many were sent, and hands back the rest.
    pub fn send_batch_to(
        &self,
        worker: usize,
        messages: impl IntoIterator<Item = M>,
    ) -> Result<(), BatchError<M>> {
        let messages: Vec<M> = messages.into_iter().collect();
        self.send_run(
            Target::of_worker(worker),
            &mut messages.into_iter(),
            usize::MAX,
            0,
        )
    }

    /// Sends each of `messages` to the worker that its key belongs to. Messages beside each other of one map slot go by
    /// one claim.
    ///
    /// # Errors
    ///
    /// [`BatchError`] says how many were sent, and hands back the rest, from the first that was refused.
    pub fn send_batch<K>(
        &self,
        messages: impl IntoIterator<Item = (K, M)>,
    ) -> Result<(), BatchError<M>>
    where
        K: StableHash,
    {
        let (hashes, messages): (Vec<u64>, Vec<M>) = messages
            .into_iter()
            .map(|(key, message)| (key_hash(&key), message))
            .unzip();
        let mut messages = messages.into_iter();
        let mut sent = 0;
        let map_slot = |hash: &u64| SlotTable::map_slot_of(*hash);
        for run in hashes.chunk_by(|one, other| map_slot(one) == map_slot(other)) {
            self.send_run(self.target_of(run[0]), &mut messages, run.len(), sent)?;
            sent += run.len();
        }
        Ok(())
    }

    /// Sends the first `count` of `messages`, or all.
    fn send_run(
        &self,
        mut target: Target,
        messages: &mut std::vec::IntoIter<M>,
        count: usize,
        sent: usize,
    ) -> Result<(), BatchError<M>> {
        let mut left = count.min(messages.len());
        let first = left;
        while left != 0 {
            let Some(mailbox) = self.mailbox(target.worker()) else {
                return Err(BatchError::new(sent, messages, SendError::NoSuchWorker));
            };
            let look = || match self.claim(target, left) {
                Err(Refused::Full) if !target.is_moving() => None,
                other => Some(other),
            };
            let why = match wait(mailbox, None, look) {
                Some(Ok(mut places)) => {
                    while places.remaining() != 0 {
                        let Some(message) = messages.next() else {
                            break;
                        };
                        let _has_place = places.put(message);
                        left -= 1;
                    }
                    continue;
                }
                Some(Err(why)) => why,
                None => Refused::Full,
            };
            let sent = sent + first - left;
            let why = match why {
                Refused::Full | Refused::Moved => {
                    target = self.target_again(target);
                    continue;
                }
                Refused::Down => SendError::Down,
                Refused::Closed => SendError::Closed,
            };
            mailbox.drops.refused(messages.len() as u64);
            return Err(BatchError::new(sent, messages, why));
        }
        Ok(())
    }

    /// Sends a copy of `message` to every worker that runs; parks while a mailbox is full. Returns how many got one.
    ///
    /// All broadcasts of a pool have one order, the same at every worker. None is claimed in part: a broadcast takes its
    /// place in every mailbox, or in none, and waits with none taken.
    ///
    /// # Errors
    ///
    /// No worker runs: the message comes back.
    pub fn broadcast(&self, message: M) -> Result<usize, SendError<M>>
    where
        M: Clone,
    {
        let shared = self.shared();
        loop {
            let order = shared.broadcasts.lock();
            let order = order.unwrap_or_else(PoisonError::into_inner);
            let mut all: Vec<Places<'_, M>> = Vec::with_capacity(shared.workers());
            let mut full: Option<&Mailbox<M>> = None;
            for (worker, mailbox) in shared.mailboxes().enumerate() {
                match self.claim(Target::of_worker(worker), 1) {
                    Ok(places) => all.push(places),
                    Err(Refused::Full) => {
                        full = Some(mailbox);
                        break;
                    }
                    Err(_) => {}
                }
            }
            let Some(full) = full else {
                // What is claimed has its order; the copies are made without the lock.
                drop(order);
                return broadcast_to(all, message);
            };
            drop(all);
            drop(order);
            full.space.wait(|| full.has_room().then_some(()));
        }
    }
}

/// Fills the places, and so tells the workers one after another.
fn broadcast_to<M: Clone>(mut all: Vec<Places<'_, M>>, message: M) -> Result<usize, SendError<M>> {
    let workers = all.len();
    let Some(last) = all.pop() else {
        return Err(SendError::Closed(message));
    };
    for places in all {
        put_one(places, message.clone()).map_err(SendError::Closed)?;
    }
    put_one(last, message).map_err(SendError::Closed)?;
    Ok(workers)
}

impl<M: Send + 'static> WorkerPool<M> {
    /// As [`Sender::broadcast`].
    ///
    /// # Errors
    ///
    /// As [`Sender::broadcast`].
    pub fn broadcast(&self, message: M) -> Result<usize, SendError<M>>
    where
        M: Clone,
    {
        self.sender.broadcast(message)
    }

    /// As [`Sender::send_batch`].
    ///
    /// # Errors
    ///
    /// As [`Sender::send_batch`].
    pub fn send_batch<K>(
        &self,
        messages: impl IntoIterator<Item = (K, M)>,
    ) -> Result<(), BatchError<M>>
    where
        K: StableHash,
    {
        self.sender.send_batch(messages)
    }
}
