//! A send by a target: at once, or as the pool's policy says.
#![forbid(unsafe_code)]

use super::{Refused, Sender, Target, wait};
use crate::{
    pool::{Overflow, SendError, TrySendError},
    sys,
};

impl<M> Sender<M> {
    /// Parks while there is no room, whatever the pool's policy.
    pub(in crate::pool) fn send_parking(
        &self,
        target: Target,
        message: M,
    ) -> Result<(), SendError<M>> {
        self.send(target, message, Overflow::Block)
    }

    /// By the pool's policy.
    pub(in crate::pool) fn send_as_other(
        &self,
        target: Target,
        message: M,
    ) -> Result<(), SendError<M>> {
        self.send(target, message, self.shared.overflow)
    }

    #[inline(always)]
    pub(super) fn send(
        &self,
        target: Target,
        message: M,
        overflow: Overflow,
    ) -> Result<(), SendError<M>> {
        match self.claim_one(target) {
            Ok(spot) => {
                spot.fill(message);
                Ok(())
            }
            Err(refused) => self.send_slowly(target, message, overflow, refused),
        }
    }

    #[cold]
    #[inline(never)]
    fn send_slowly(
        &self,
        mut target: Target,
        message: M,
        overflow: Overflow,
        mut refused: Refused,
    ) -> Result<(), SendError<M>> {
        let Some(mut mailbox) = self.mailbox(target.worker()) else {
            return Err(SendError::NoSuchWorker(message));
        };
        let deadline = match overflow {
            Overflow::Timeout(timeout) => sys::now().checked_add(timeout),
            _ => None,
        };
        loop {
            match refused {
                Refused::Closed => {
                    mailbox.drops.refused(1);
                    return Err(SendError::Closed(message));
                }
                Refused::Down => {
                    mailbox.drops.refused(1);
                    return Err(SendError::Down(message));
                }
                // If it moves, this is to be refused as what is looked up then.
                Refused::Moved => target = self.target_now(target),
                Refused::Full if target.is_moving() && overflow != Overflow::Fail => {
                    let Some(settled) = self.target_within(target, deadline) else {
                        mailbox.drops.refused(1);
                        return Err(SendError::TimedOut(message));
                    };
                    target = settled;
                }
                Refused::Full => match overflow {
                    Overflow::Fail => {
                        mailbox.drops.refused(1);
                        return Err(SendError::Full(message));
                    }
                    Overflow::DropNewest => {
                        mailbox.drops.newest();
                        return Ok(());
                    }
                    Overflow::DropOldest => mailbox.drop_oldest(),
                    Overflow::Block | Overflow::Timeout(_) => {
                        let look = || match self.claim_one(target) {
                            Err(Refused::Full) => None,
                            other => Some(other),
                        };
                        match wait(mailbox, deadline, look) {
                            None => {
                                mailbox.drops.refused(1);
                                return Err(SendError::TimedOut(message));
                            }
                            Some(Ok(spot)) => {
                                spot.fill(message);
                                return Ok(());
                            }
                            Some(Err(why)) => {
                                refused = why;
                                continue;
                            }
                        }
                    }
                },
            }
            if let Some(other) = self.mailbox(target.worker()) {
                mailbox = other;
            }
            match self.claim_one(target) {
                Ok(spot) => {
                    spot.fill(message);
                    return Ok(());
                }
                Err(why) => refused = why,
            }
        }
    }

    #[inline]
    pub(crate) fn try_send(&self, target: Target, message: M) -> Result<(), TrySendError<M>> {
        match self.claim_one(target) {
            Ok(spot) => {
                spot.fill(message);
                Ok(())
            }
            Err(refused) => Err(self.hand_back(target, refused, message)),
        }
    }

    #[cold]
    fn hand_back(&self, target: Target, refused: Refused, message: M) -> TrySendError<M> {
        let Some(mailbox) = self.mailbox(target.worker()) else {
            return TrySendError::NoSuchWorker(message);
        };
        mailbox.drops.refused(1);
        match refused {
            // The next try finds the new owner.
            Refused::Full | Refused::Moved => TrySendError::Full(message),
            Refused::Down => TrySendError::Down(message),
            Refused::Closed => TrySendError::Closed(message),
        }
    }
}
