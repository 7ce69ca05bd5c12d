//! The sending end.

use core::fmt;

use super::{
    Permit, SendError,
    bells::{BellsRef, MailOnDrop},
};
use crate::{
    TryPushError, TryReserveError,
    ends::{PushEnd, ReserveEnd},
    wait::Wait,
};

/// The sending end of a channel. Clone it if the ring's producer can be cloned.
///
/// Dropping it (the last one) closes the channel and wakes the receiver.
#[derive(Clone)]
pub struct Sender<P: PushEnd, B: BellsRef> {
    // The order matters: the end goes first, and then the bell rings.
    end: P,
    bells: MailOnDrop<B>,
}

impl<P: PushEnd, B: BellsRef> Sender<P, B> {
    pub(super) fn new(end: P, bells: B) -> Self {
        Self {
            end,
            bells: MailOnDrop(bells),
        }
    }

    pub(super) fn parts(&mut self) -> (&mut P, &B) {
        (&mut self.end, &self.bells.0)
    }

    /// Sends, or hands the value back at once.
    ///
    /// # Errors
    ///
    /// The channel is full or closed.
    #[inline]
    pub fn try_send(&mut self, value: P::Item) -> Result<(), TryPushError<P::Item>> {
        self.end.try_push(value)?;
        self.bells.0.mail.ring_for(1);
        Ok(())
    }

    /// Sends, waiting while the channel is full.
    ///
    /// # Errors
    ///
    /// The channel is closed: the value comes back.
    #[inline]
    pub fn send(&mut self, value: P::Item) -> Result<(), SendError<P::Item>> {
        match self.try_send(value) {
            Ok(()) => Ok(()),
            Err(TryPushError::Closed(value)) => Err(SendError(value)),
            Err(TryPushError::Full(value)) => self.send_slowly(value),
        }
    }

    #[cold]
    fn send_slowly(&mut self, value: P::Item) -> Result<(), SendError<P::Item>> {
        let (end, bells) = self.parts();
        let mut value = Some(value);
        bells
            .space
            .wait_again(|| push_again(end, &mut value))
            .map_err(SendError)?;
        bells.mail.ring_for(1);
        pass_space_on(end, bells);
        Ok(())
    }

    /// As [`send`](Self::send), but gives up after `timeout`; one too long for the clock is no limit.
    ///
    /// # Errors
    ///
    /// The channel was full all the time, or is closed: the value comes back.
    #[cfg(feature = "std")]
    pub fn send_timeout(
        &mut self,
        value: P::Item,
        timeout: core::time::Duration,
    ) -> Result<(), super::SendTimeoutError<P::Item>>
    where
        B::Wait: crate::wait::WaitUntil,
    {
        match crate::sync::now().checked_add(timeout) {
            Some(deadline) => self.send_deadline(value, deadline),
            None => self
                .send(value)
                .map_err(|error| super::SendTimeoutError::Closed(error.0)),
        }
    }

    /// As [`send`](Self::send), but gives up at `deadline`.
    ///
    /// # Errors
    ///
    /// The channel was full all the time, or is closed: the value comes back.
    #[cfg(feature = "std")]
    pub fn send_deadline(
        &mut self,
        value: P::Item,
        deadline: std::time::Instant,
    ) -> Result<(), super::SendTimeoutError<P::Item>>
    where
        B::Wait: crate::wait::WaitUntil,
    {
        use super::SendTimeoutError::{Closed, Timeout};
        use crate::wait::WaitUntil;

        let (end, bells) = self.parts();
        let mut value = Some(value);
        let sent = bells
            .space
            .wait_until(deadline, || push_again(end, &mut value));
        match (sent, value) {
            (Some(Ok(())), _) => {
                bells.mail.ring_for(1);
                pass_space_on(end, bells);
                Ok(())
            }
            (Some(Err(value)), _) => Err(Closed(value)),
            (None, Some(value)) => Err(Timeout(value)),
            (None, None) => unreachable!("a value is pushed or kept"),
        }
    }

    /// Waits until there is a place and keeps it: what is sent by the permit cannot be refused for want of space.
    ///
    /// # Errors
    ///
    /// The channel is closed.
    pub fn reserve(&mut self) -> Result<Permit<'_, P, B>, SendError<()>>
    where
        P: ReserveEnd,
    {
        let (end, bells) = self.parts();
        let claim = match claim_again(end) {
            Some(claim) => claim?,
            None => {
                let claim = bells.space.wait_again(|| claim_again(end))?;
                pass_space_on(end, bells);
                claim
            }
        };
        // SAFETY: claimed just now, by this end, which was only asked for its state since.
        Ok(unsafe { Permit::new(self, claim) })
    }

    /// How many values the channel holds at most.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.end.capacity()
    }

    /// How many values are in the channel, as this end sees it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.end.len()
    }

    /// Whether the channel seems empty to this end.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.end.is_empty()
    }

    /// Whether the channel is closed. Once `true`, it stays so.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.end.is_closed()
    }

    /// Closes the channel for all senders, and wakes everybody who waits for it.
    pub fn close(&mut self) {
        self.end.close();
        self.bells.0.mail.ring();
        self.bells.0.space.ring();
    }
}

/// One look of a sender that waits: `None` while the ring is full, an error with the value when it is closed.
pub(super) fn push_again<P: PushEnd>(
    end: &mut P,
    value: &mut Option<P::Item>,
) -> Option<Result<(), P::Item>> {
    match end.try_push(value.take()?) {
        Ok(()) => Some(Ok(())),
        Err(TryPushError::Closed(value)) => Some(Err(value)),
        Err(TryPushError::Full(refused)) => {
            *value = Some(refused);
            None
        }
    }
}

/// One look of a sender that wants a place: `None` while the ring is full, an error when it is closed.
pub(super) fn claim_again<P: ReserveEnd>(end: &mut P) -> Option<Result<P::Claim, SendError<()>>> {
    match end.try_claim() {
        Ok(claim) => Some(Ok(claim)),
        Err(TryReserveError::Full) => None,
        Err(TryReserveError::Closed) => Some(Err(SendError(()))),
    }
}

/// Wakes the next sender if there is space for it too. A sender that has waited does so when its wait is over.
///
/// A wake for a place comes to nothing when a place before it is still being emptied, and places that were given up come
/// free together with the one behind them. The wake that is not in vain then serves them all.
///
/// Who else waits comes first, as when mail is passed on.
pub(super) fn pass_space_on<P: PushEnd, B: BellsRef>(end: &P, bells: &B) {
    if bells.space.may_be_awaited() && end.len() < end.capacity() {
        bells.space.ring_for(1);
    }
}

impl<P: PushEnd, B: BellsRef> fmt::Debug for Sender<P, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("capacity", &self.capacity())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
