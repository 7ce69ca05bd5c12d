//! A place kept for a value to come.

use core::fmt;

use super::{Sender, bells::BellsRef};
use crate::{ends::ReserveEnd, wait::Wait};

/// A place in the channel that is kept for one value. Made by [`Sender::reserve`].
///
/// Dropping it gives the place up. In a ring with one order for many producers, values sent later wait behind a permit:
/// use it soon; and a place that was given up is free again when the receiver, at its next look, steps over it.
#[must_use = "a permit that is dropped gives its place up"]
pub struct Permit<'s, P: ReserveEnd, B: BellsRef> {
    sender: &'s mut Sender<P, B>,
    /// Gone when it is used.
    claim: Option<P::Claim>,
}

impl<'s, P: ReserveEnd, B: BellsRef> Permit<'s, P, B> {
    /// # Safety
    ///
    /// 1. The sender's end returned `claim` and did nothing since.
    pub(super) unsafe fn new(sender: &'s mut Sender<P, B>, claim: P::Claim) -> Self {
        Self {
            sender,
            claim: Some(claim),
        }
    }

    /// Sends `value` into the place. It never waits.
    ///
    /// A receiver that has closed meanwhile still gets it if the place was claimed before the close, as every value;
    /// otherwise it is dropped with the ring.
    pub fn send(mut self, value: P::Item) {
        if let Some(claim) = self.claim.take() {
            let (end, bells) = self.sender.parts();
            // SAFETY: the permit borrows the sender, so its end did nothing since the claim (duty of `new`); the claim
            // is taken out, so it is used once.
            unsafe { end.fill(claim, value) };
            bells.mail.ring_for(1);
        }
    }
}

impl<P: ReserveEnd, B: BellsRef> Drop for Permit<'_, P, B> {
    fn drop(&mut self) {
        if let Some(claim) = self.claim.take() {
            let (end, bells) = self.sender.parts();
            bells.expect_gap();
            // SAFETY: as in `send`.
            unsafe { end.give_up(claim) };
            // What lies behind a place that was given up can be received now.
            bells.mail.ring_for(1);
        }
    }
}

impl<P: ReserveEnd, B: BellsRef> fmt::Debug for Permit<'_, P, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}
