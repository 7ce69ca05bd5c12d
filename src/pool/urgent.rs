//! Messages that go before others.
//!
//! Each mailbox of a pool that [has them](super::PoolConfig::with_urgent) has a second ring. The worker looks there
//! first, before each batch. After 8 urgent batches in a row one batch of the others has its turn, if any wait: they age
//! by batches, not by the clock, and at least one batch in nine is theirs.
//!
//! Urgent messages of one sender to one worker keep their order, and so do those of one sender for one key, also when the
//! key moves; and so do the others. Between urgent ones and others there is no order.
#![forbid(unsafe_code)]

use shared_nothing_rings::TryReserveError;

use super::{
    Call, Reply, SendError, Sender, TrySendError,
    sender::{Refused, Target, key_hash},
};
use crate::{partition::StableHash, stats::Probe};

impl<M> Sender<M> {
    /// Sends to one worker, before all that is not urgent, or hands the message back at once. In a pool without urgent
    /// messages it is as [`try_send_to`](Self::try_send_to).
    ///
    /// # Errors
    ///
    /// There is no such worker, there are too many urgent messages already, or as for other messages.
    pub fn try_send_urgent_to(&self, worker: usize, message: M) -> Result<(), TrySendError<M>> {
        self.try_send_urgent(Target::of_worker(worker), message)
    }

    /// As [`try_send_urgent_to`](Self::try_send_urgent_to), to the worker that `key` belongs to.
    ///
    /// # Errors
    ///
    /// As [`try_send_urgent_to`](Self::try_send_urgent_to); while the key moves to another worker, it is
    /// [`Full`](TrySendError::Full).
    pub fn try_send_urgent_partitioned<K>(&self, key: &K, message: M) -> Result<(), TrySendError<M>>
    where
        K: StableHash + ?Sized,
    {
        self.try_send_urgent(self.target_of(key_hash(key)), message)
    }

    /// As [`try_send_urgent_to`](Self::try_send_urgent_to), but parks while there are too many urgent messages, whatever
    /// the pool's policy. In a pool without urgent messages it is as [`send_to`](Self::send_to).
    ///
    /// # Errors
    ///
    /// There is no such worker, it has ended, or is between two lives and refuses: the message comes back.
    pub fn send_urgent_to(&self, worker: usize, message: M) -> Result<(), SendError<M>> {
        self.send_urgent(Target::of_worker(worker), message)
    }

    /// As [`send_urgent_to`](Self::send_urgent_to), to the worker that `key` belongs to; while the key moves to another
    /// worker, it parks, too.
    ///
    /// # Errors
    ///
    /// As [`send_urgent_to`](Self::send_urgent_to).
    pub fn send_urgent_partitioned<K>(&self, key: &K, message: M) -> Result<(), SendError<M>>
    where
        K: StableHash + ?Sized,
    {
        self.send_urgent(self.target_of(key_hash(key)), message)
    }

    /// As [`call`](Self::call), with a message that goes before all that is not urgent.
    ///
    /// # Errors
    ///
    /// As [`send_urgent_partitioned`](Self::send_urgent_partitioned).
    pub fn call_urgent<K, R>(
        &self,
        key: &K,
        message: impl FnOnce(Reply<R>) -> M,
    ) -> Result<Call<R>, SendError<M>>
    where
        K: StableHash + ?Sized,
    {
        self.asked(message, |message| {
            self.send_urgent_partitioned(key, message)
        })
    }

    /// As [`call_to`](Self::call_to), with a message that goes before all that is not urgent.
    ///
    /// # Errors
    ///
    /// As [`send_urgent_to`](Self::send_urgent_to).
    pub fn call_urgent_to<R>(
        &self,
        worker: usize,
        message: impl FnOnce(Reply<R>) -> M,
    ) -> Result<Call<R>, SendError<M>> {
        self.asked(message, |message| self.send_urgent_to(worker, message))
    }

    fn try_send_urgent(&self, target: Target, message: M) -> Result<(), TrySendError<M>> {
        if self
            .mailbox(target.worker())
            .is_some_and(|one| one.urgent().is_none())
        {
            return self.try_send(target, message);
        }
        self.put_urgent(target, message)
            .map_err(|(message, refused)| {
                self.count_urgent_refused(target);
                match refused {
                    // The next try finds the new owner.
                    Refused::Full | Refused::Moved => TrySendError::Full(message),
                    Refused::Down => TrySendError::Down(message),
                    Refused::Closed if self.mailbox(target.worker()).is_none() => {
                        TrySendError::NoSuchWorker(message)
                    }
                    Refused::Closed => TrySendError::Closed(message),
                }
            })
    }

    #[cold]
    fn count_urgent_refused(&self, target: Target) {
        if let Some(mailbox) = self.mailbox(target.worker()) {
            mailbox.drops.urgent_refused();
        }
    }

    fn send_urgent(&self, mut target: Target, message: M) -> Result<(), SendError<M>> {
        let mut message = message;
        loop {
            if target.is_moving() {
                target = self.target_again(target);
            }
            let Some(mailbox) = self.mailbox(target.worker()) else {
                return Err(SendError::NoSuchWorker(message));
            };
            if mailbox.urgent().is_none() {
                return self.send_as_other(target, message);
            }
            let mut at_hand = Some(message);
            let sent = mailbox
                .space
                .wait(|| match self.put_urgent(target, at_hand.take()?) {
                    Err((refused, Refused::Full)) => {
                        at_hand = Some(refused);
                        None
                    }
                    sent => Some(sent),
                });
            match sent {
                Ok(()) => return Ok(()),
                Err((refused, why @ (Refused::Closed | Refused::Down))) => {
                    self.count_urgent_refused(target);
                    return Err(match why {
                        Refused::Down => SendError::Down(refused),
                        _ => SendError::Closed(refused),
                    });
                }
                Err((refused, Refused::Full | Refused::Moved)) => {
                    target = self.target_again(target);
                    message = refused;
                }
            }
        }
    }

    /// CLAIM, RECHECK, and the message: see `routes`. Or hands the message back at once, and says why.
    fn put_urgent(&self, target: Target, message: M) -> Result<(), (M, Refused)> {
        let Some((mailbox, urgent)) = self
            .mailbox(target.worker())
            .and_then(|mailbox| Some((mailbox, mailbox.urgent()?)))
        else {
            return Err((message, Refused::Closed));
        };
        if target.is_moving() {
            return Err((message, Refused::Moved));
        }
        if mailbox.is_gone() || mailbox.is_refusing() {
            return Err((message, self.refused(target, mailbox)));
        }
        let mut place = match urgent.reserve(1) {
            Ok(place) => place,
            Err(_) if !self.holds(target) => return Err((message, Refused::Moved)),
            Err(TryReserveError::Full) => return Err((message, Refused::Full)),
            Err(TryReserveError::Closed) => return Err((message, Refused::Closed)),
        };
        let is_sample = Probe::is_sampled(place.next_pos());
        if !self.holds(target) {
            drop(place);
            mailbox.drops.urgent_given_up();
            mailbox.mail.ring();
            return Err((message, Refused::Moved));
        }
        // One place was claimed, so there is one.
        let sent = place.push(message).map_err(|back| (back, Refused::Full));
        drop(place);
        mailbox.mail.ring();
        if is_sample {
            self.count(target);
        }
        sent
    }
}
