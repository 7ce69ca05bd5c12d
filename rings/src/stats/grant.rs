//! Places kept for values to come, counted when they are filled.

use super::{Producer, StatsRef};
use crate::{TryReserveError, ends::ReserveEnd};

// SAFETY: claims are those of the end inside, and nothing but this producer reaches it between.
unsafe impl<P: ReserveEnd, S: StatsRef> ReserveEnd for Producer<P, S> {
    type Claim = P::Claim;

    fn try_claim(&mut self) -> Result<P::Claim, TryReserveError> {
        self.end
            .try_claim()
            .inspect_err(|why| self.was_refused(*why))
    }

    unsafe fn fill(&mut self, claim: P::Claim, value: P::Item) {
        // SAFETY: the same duty.
        unsafe { self.end.fill(claim, value) };
        self.add_sent(1);
    }

    unsafe fn give_up(&mut self, claim: P::Claim) {
        // SAFETY: the same duty.
        unsafe { self.end.give_up(claim) };
    }
}
