//! Many messages at a time: a batch to one worker by one claim, and one message to all workers in one order.
#![forbid(unsafe_code)]

use std::{sync::PoisonError, vec::IntoIter};

use super::{
    BatchError, SendError, Sender, WorkerPool,
    sender::{Refused, Target, key_hash, put_one},
};
use crate::{
    partition::StableHash,
    worker::{mailbox::Mailbox, places::Places},
};

/// Messages beside each other of one worker that are worth a claim of their own.
const RUN_MIN: usize = 32;

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
        let targets = vec![Target::of_worker(worker); messages.len()];
        self.send_run(&targets, &mut messages.into_iter(), targets.len())
    }

    /// Sends each of `messages` to the worker that its key belongs to. Many beside each other of one worker go by one
    /// claim; the others as by [`send_partitioned`](Self::send_partitioned), but that it parks whatever the pool's policy.
    ///
    /// Cost: two allocations. Where all are one worker's, about half of sends one by one; where they change from worker to
    /// worker, up to a half more. A [`Batcher`](super::Batcher) is quicker in both cases.
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
        let (targets, messages): (Vec<Target>, Vec<M>) = messages
            .into_iter()
            .map(|(key, message)| (self.target_of(key_hash(&key)), message))
            .unzip();
        let mut messages = messages.into_iter();
        for run in targets.chunk_by(|one, other| one.worker() == other.worker()) {
            self.send_run(run, &mut messages, targets.len())?;
        }
        Ok(())
    }

    /// Sends as many of `messages` as there are targets, which are one worker's. They are the last of `all`.
    fn send_run(
        &self,
        mut targets: &[Target],
        messages: &mut IntoIter<M>,
        all: usize,
    ) -> Result<(), BatchError<M>> {
        loop {
            if targets.len() >= RUN_MIN {
                targets = &targets[self.try_send_run(targets, messages)..];
            }
            // There is no room for more, or a map slot moves, or the worker refuses: it waits, or says why.
            let Some((target, behind)) = targets.split_first() else {
                return Ok(());
            };
            let sent = all - messages.len();
            let Some(message) = messages.next() else {
                return Ok(());
            };
            if let Err(refused) = self.send_parking(*target, message) {
                return Err(self.back(*target, refused, sent, messages));
            }
            targets = behind;
        }
    }

    /// Sends to one worker as many as there is room for, by claims, and says how many.
    pub(super) fn try_send_run(&self, targets: &[Target], messages: &mut IntoIter<M>) -> usize {
        let mut left = targets;
        while let Some(first) = left.first() {
            // CLAIM.
            let Ok(mut places) = self.claim(*first, left.len()) else {
                break;
            };
            let (filled, behind) = left.split_at(places.remaining());
            // RECHECK, of all: if one map slot moves, none of these is sent, so that none is overtaken.
            if !self.hold(filled) {
                break;
            }
            // The claim has counted the first.
            for place in places.samples().filter(|place| *place != 0) {
                self.count(filled[place]);
            }
            places.put_all(messages);
            left = behind;
        }
        targets.len() - left.len()
    }

    /// The message that was refused and those behind it.
    #[cold]
    fn back(
        &self,
        target: Target,
        refused: SendError<M>,
        sent: usize,
        messages: &mut IntoIter<M>,
    ) -> BatchError<M> {
        if let Some(mailbox) = self.mailbox(target.worker()) {
            mailbox.drops.refused(messages.len() as u64);
        }
        let (message, reason) = refused.split();
        BatchError {
            sent,
            rest: core::iter::once(message).chain(messages).collect(),
            reason,
        }
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
