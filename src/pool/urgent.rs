//! Messages that go before others.
//!
//! Each mailbox of a pool that [has them](super::PoolConfig::with_urgent) has a second ring. The worker looks there
//! first, before each batch. After 8 urgent batches in a row one batch of the others has its turn, if any wait: they age
//! by batches, not by the clock, and at least one batch in nine is theirs.
//!
//! Urgent messages of one sender to one worker keep their order, and so do the others; between the two there is none.
//!
//! They go to a worker by its number, not by a key: a key's messages move with its state, in their order, and an urgent
//! one would not.
#![forbid(unsafe_code)]

use shared_nothing_rings::TryPushError;

use super::{SendError, Sender, TrySendError};

impl<M> Sender<M> {
    /// Sends to one worker, before all that is not urgent, or hands the message back at once. In a pool without urgent
    /// messages it is as [`try_send_to`](Self::try_send_to).
    ///
    /// # Errors
    ///
    /// There is no such worker, there are too many urgent messages already, or as for other messages.
    pub fn try_send_urgent_to(&self, worker: usize, message: M) -> Result<(), TrySendError<M>> {
        let Some(mailbox) = self.mailbox(worker) else {
            return Err(TrySendError::NoSuchWorker(message));
        };
        let Some(urgent) = mailbox.urgent() else {
            return self.try_send_to(worker, message);
        };
        if mailbox.is_gone() {
            return Err(TrySendError::Closed(message));
        }
        if mailbox.is_refusing() {
            return Err(TrySendError::Down(message));
        }
        urgent.try_push(message).map_err(|refused| match refused {
            TryPushError::Full(message) => TrySendError::Full(message),
            TryPushError::Closed(message) => TrySendError::Closed(message),
        })?;
        mailbox.mail.ring();
        Ok(())
    }

    /// As [`try_send_urgent_to`](Self::try_send_urgent_to), but parks while there are too many urgent messages, whatever
    /// the pool's policy. In a pool without urgent messages it is as [`send_to`](Self::send_to).
    ///
    /// # Errors
    ///
    /// There is no such worker, it has ended, or is between two lives and refuses: the message comes back.
    pub fn send_urgent_to(&self, worker: usize, message: M) -> Result<(), SendError<M>> {
        let Some(mailbox) = self.mailbox(worker) else {
            return Err(SendError::NoSuchWorker(message));
        };
        if mailbox.urgent().is_none() {
            return self.send_to(worker, message);
        }
        let mut at_hand = Some(message);
        mailbox.space.wait(|| {
            let sent = self.try_send_urgent_to(worker, at_hand.take()?);
            match sent {
                Ok(()) => Some(Ok(())),
                Err(TrySendError::Full(message)) => {
                    at_hand = Some(message);
                    None
                }
                Err(TrySendError::Closed(message)) => Some(Err(SendError::Closed(message))),
                Err(TrySendError::NoSuchWorker(message)) => {
                    Some(Err(SendError::NoSuchWorker(message)))
                }
                Err(TrySendError::Down(message)) => Some(Err(SendError::Down(message))),
            }
        })
    }
}
