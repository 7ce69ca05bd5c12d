//! The receiving end.

use core::fmt;

use super::{
    RecvError,
    bells::{BellsRef, SpaceOnDrop},
};
use crate::{TryPopError, ends::PopEnd, wait::Wait};

/// The receiving end of a channel. Clone it if the ring's consumer can be cloned.
///
/// Dropping it (the last one) closes the channel and wakes the senders.
#[derive(Clone)]
pub struct Receiver<C: PopEnd, B: BellsRef> {
    // The order matters: the end goes first, and then the bell rings.
    end: C,
    bells: SpaceOnDrop<B>,
    /// Whether this end has closed the channel. The ring may not say so before the sender knows.
    has_closed: bool,
}

impl<C: PopEnd, B: BellsRef> Receiver<C, B> {
    pub(super) fn new(end: C, bells: B) -> Self {
        Self {
            end,
            bells: SpaceOnDrop(bells),
            has_closed: false,
        }
    }

    pub(super) fn parts(&mut self) -> (&mut C, &B) {
        (&mut self.end, &self.bells.0)
    }

    /// Receives, or returns at once.
    ///
    /// # Errors
    ///
    /// The channel is empty, or closed and drained.
    #[inline]
    pub fn try_recv(&mut self) -> Result<C::Item, TryPopError> {
        let value = self.end.try_pop();
        if !matches!(value, Err(TryPopError::Closed)) {
            // Also when there was no value: the look frees places that were given up.
            self.bells.0.space.ring_for(1);
        }
        value
    }

    /// Receives, waiting while the channel is empty.
    ///
    /// # Errors
    ///
    /// The channel is closed and everything that was sent before was received.
    #[inline]
    pub fn recv(&mut self) -> Result<C::Item, RecvError> {
        match self.try_recv() {
            Ok(value) => Ok(value),
            Err(TryPopError::Closed) => Err(RecvError),
            Err(TryPopError::Empty) => self.recv_slowly(),
        }
    }

    #[cold]
    fn recv_slowly(&mut self) -> Result<C::Item, RecvError> {
        let (end, bells) = self.parts();
        let value = bells.mail.wait_again(|| pop_again(end, bells));
        pass_mail_on(end, bells);
        value
    }

    /// As [`recv`](Self::recv), but gives up after `timeout`; one too long for the clock is no limit.
    ///
    /// # Errors
    ///
    /// The channel was empty all the time, or is closed and drained.
    #[cfg(feature = "std")]
    pub fn recv_timeout(
        &mut self,
        timeout: core::time::Duration,
    ) -> Result<C::Item, super::RecvTimeoutError>
    where
        B::Wait: crate::wait::WaitUntil,
    {
        match crate::sync::now().checked_add(timeout) {
            Some(deadline) => self.recv_deadline(deadline),
            None => self
                .recv()
                .map_err(|RecvError| super::RecvTimeoutError::Closed),
        }
    }

    /// As [`recv`](Self::recv), but gives up at `deadline`.
    ///
    /// # Errors
    ///
    /// The channel was empty all the time, or is closed and drained.
    #[cfg(feature = "std")]
    pub fn recv_deadline(
        &mut self,
        deadline: std::time::Instant,
    ) -> Result<C::Item, super::RecvTimeoutError>
    where
        B::Wait: crate::wait::WaitUntil,
    {
        use super::RecvTimeoutError::{Closed, Timeout};
        use crate::wait::WaitUntil;

        let (end, bells) = self.parts();
        let found = bells.mail.wait_until(deadline, || pop_again(end, bells));
        let value = found.ok_or(Timeout)?;
        pass_mail_on(end, bells);
        value.map_err(|RecvError| Closed)
    }

    /// Values as they come, waiting for each; ends when the channel is closed and drained.
    pub fn iter(&mut self) -> Iter<'_, C, B> {
        Iter { receiver: self }
    }

    /// Values that are there, without waiting.
    pub fn try_iter(&mut self) -> TryIter<'_, C, B> {
        TryIter { receiver: self }
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

    /// Whether the channel is closed, by any end. Values may still be there, and come: [`recv`](Self::recv) says when
    /// none will.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.has_closed || self.end.is_closed()
    }

    /// Closes the channel for all senders, and wakes everybody who waits for it. What was sent before can still be
    /// received.
    ///
    /// Where the ring has one producer, [`recv`](Self::recv) tells of the end when that has tried to send once more, or
    /// has gone: until then a send may be under way.
    pub fn close(&mut self) {
        self.has_closed = true;
        self.end.close();
        self.bells.0.mail.ring();
        self.bells.0.space.ring();
    }
}

/// One look of a receiver that waits: `None` while the ring is empty, an error when it is closed and drained.
pub(super) fn pop_again<C: PopEnd, B: BellsRef>(
    end: &mut C,
    bells: &B,
) -> Option<Result<C::Item, RecvError>> {
    let found = match end.try_pop() {
        Ok(value) => Some(Ok(value)),
        Err(TryPopError::Empty) => None,
        Err(TryPopError::Closed) => return Some(Err(RecvError)),
    };
    // Also when there was no value: the look frees places that were given up.
    bells.space.ring_for(1);
    found
}

/// Wakes the next receiver if there is something for it too. A receiver that has waited does so when its wait is over.
///
/// A wake for a value comes to nothing when a value before it is not yet written. The wake for that one then serves all
/// that became reachable: values, and the close behind them.
///
/// Who else waits comes first: to ask the end what is left, reads the line that the sender writes, and takes it from it
/// once more for each value that was waited for.
pub(super) fn pass_mail_on<C: PopEnd, B: BellsRef>(end: &C, bells: &B) {
    if bells.mail.may_be_awaited() && (!end.is_empty() || end.is_closed()) {
        bells.mail.ring_for(1);
    }
}

/// Values as they come. Made by [`Receiver::iter`].
#[derive(Debug)]
#[must_use = "an iterator does nothing until it is asked for values"]
pub struct Iter<'r, C: PopEnd, B: BellsRef> {
    receiver: &'r mut Receiver<C, B>,
}

impl<C: PopEnd, B: BellsRef> Iterator for Iter<'_, C, B> {
    type Item = C::Item;

    fn next(&mut self) -> Option<C::Item> {
        self.receiver.recv().ok()
    }
}

/// Values that are there. Made by [`Receiver::try_iter`].
#[derive(Debug)]
#[must_use = "an iterator does nothing until it is asked for values"]
pub struct TryIter<'r, C: PopEnd, B: BellsRef> {
    receiver: &'r mut Receiver<C, B>,
}

impl<C: PopEnd, B: BellsRef> Iterator for TryIter<'_, C, B> {
    type Item = C::Item;

    fn next(&mut self) -> Option<C::Item> {
        self.receiver.try_recv().ok()
    }
}

impl<C: PopEnd, B: BellsRef> fmt::Debug for Receiver<C, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("capacity", &self.capacity())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
