//! CLAIM, and then RECHECK: see `routes`.
#![forbid(unsafe_code)]

use std::time::Instant;

use shared_nothing_rings::TryReserveError;

use super::{Sender, Target};
use crate::{
    partition::SlotTable,
    stats::SAMPLE_EVERY,
    worker::{
        mailbox::Mailbox,
        places::{Places, Spot},
    },
};

/// Why a place was not had at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pool) enum Refused {
    /// No room, or the map slot moves.
    Full,
    Closed,
    Down,
    /// The map slot has another owner by now.
    Moved,
}

impl<M> Sender<M> {
    #[inline(always)]
    pub(crate) fn target_of(&self, hash: u64) -> Target {
        let map_slot = SlotTable::map_slot_of(hash);
        let route = self.shared.routes.route(map_slot);
        Target::of_slot(map_slot, route)
    }

    /// The mailbox of a target that neither moves nor refuses, or why there is none.
    #[inline(always)]
    fn open_mailbox(&self, target: Target) -> Result<&Mailbox<M>, Refused> {
        // Who found the number has checked it, and an owner's mailbox is there.
        let Some(mailbox) = self.mailbox(target.worker()) else {
            return Err(Refused::Closed);
        };
        if target.is_moving() {
            return Err(Refused::Full);
        }
        if mailbox.is_refusing() {
            return Err(self.refused(target, mailbox));
        }
        Ok(mailbox)
    }

    /// Claims up to `want` places, or says why not. CLAIM, and then RECHECK: see `routes`.
    #[inline]
    pub(in crate::pool) fn claim(
        &self,
        target: Target,
        want: usize,
    ) -> Result<Places<'_, M>, Refused> {
        let places = match self.open_mailbox(target)?.try_reserve(want) {
            Ok(places) => places,
            Err(reason) => return Err(self.why_refused(target, reason)),
        };
        let Some((map_slot, route)) = target.by() else {
            return Ok(places);
        };
        if !self.shared.routes.holds(map_slot, route) {
            return Err(Refused::Moved);
        }
        if places.is_sample() {
            self.shared.routes.count(map_slot, SAMPLE_EVERY as u32);
        }
        Ok(places)
    }

    /// Claims one place, or says why not. As [`claim`](Self::claim), for the common case.
    #[inline(always)]
    pub(in crate::pool) fn claim_one(&self, target: Target) -> Result<Spot<'_, M>, Refused> {
        let spot = match self.open_mailbox(target)?.try_reserve_one() {
            Ok(spot) => spot,
            Err(reason) => return Err(self.why_refused(target, reason)),
        };
        let Some((map_slot, route)) = target.by() else {
            if spot.is_sample() {
                spot.note();
            }
            return Ok(spot);
        };
        if !self.shared.routes.holds(map_slot, route) {
            spot.give_up();
            return Err(Refused::Moved);
        }
        if spot.is_sample() {
            self.sampled(&spot, map_slot);
        }
        Ok(spot)
    }

    #[cold]
    #[inline(never)]
    fn sampled(&self, spot: &Spot<'_, M>, map_slot: usize) {
        self.shared.routes.count(map_slot, SAMPLE_EVERY as u32);
        spot.note();
    }

    #[cold]
    fn why_refused(&self, target: Target, reason: TryReserveError) -> Refused {
        match target.by() {
            // A worker that ends gives its map slots away first.
            Some((map_slot, route)) if !self.shared.routes.holds(map_slot, route) => Refused::Moved,
            _ => match reason {
                TryReserveError::Full => Refused::Full,
                TryReserveError::Closed => Refused::Closed,
            },
        }
    }

    /// Why a mailbox refuses that is open.
    #[cold]
    pub(in crate::pool) fn refused(&self, target: Target, mailbox: &Mailbox<M>) -> Refused {
        match mailbox.is_gone() {
            false => Refused::Down,
            true if self.holds(target) => Refused::Closed,
            // A worker that is removed gives its map slots away first.
            true => Refused::Moved,
        }
    }

    /// RECHECK: whether the map still says so. True for a worker by its number.
    pub(in crate::pool) fn holds(&self, target: Target) -> bool {
        let routes = &self.shared.routes;
        let holds = |(map_slot, route)| routes.holds(map_slot, route);
        target.by().is_none_or(holds)
    }

    /// RECHECK of many, after a claim and its own RECHECK, and so behind the same barrier.
    pub(in crate::pool) fn hold(&self, targets: &[Target]) -> bool {
        let routes = &self.shared.routes;
        let mut slots = targets.iter().filter_map(Target::by);
        slots.all(|(map_slot, route)| routes.still_holds(map_slot, route))
    }

    /// A sample of a target's messages is about to be sent.
    pub(in crate::pool) fn count(&self, target: Target) {
        if let Some((map_slot, _)) = target.by() {
            self.shared.routes.count(map_slot, SAMPLE_EVERY as u32);
        }
    }

    /// The same key's target of now; waits while its map slot moves.
    pub(in crate::pool) fn target_again(&self, target: Target) -> Target {
        let Some((map_slot, _)) = target.by() else {
            return target;
        };
        let route = self.shared.routes.wait(map_slot);
        Target::of_slot(map_slot, route)
    }

    /// As [`target_again`](Self::target_again), but `None` if it moves until `deadline` is over.
    pub(super) fn target_within(
        &self,
        target: Target,
        deadline: Option<Instant>,
    ) -> Option<Target> {
        let Some(deadline) = deadline else {
            return Some(self.target_again(target));
        };
        let Some((map_slot, _)) = target.by() else {
            return Some(target);
        };
        let route = self.shared.routes.wait_until(map_slot, deadline)?;
        Some(Target::of_slot(map_slot, route))
    }

    /// The same key's target of now, whether its map slot moves or not.
    pub(super) fn target_now(&self, target: Target) -> Target {
        let Some((map_slot, _)) = target.by() else {
            return target;
        };
        Target::of_slot(map_slot, self.shared.routes.route(map_slot))
    }
}

/// Parks at the doorbell of those who want space, until `look` finds something or the deadline is over.
pub(super) fn wait<M, R>(
    mailbox: &Mailbox<M>,
    deadline: Option<Instant>,
    look: impl FnMut() -> Option<R>,
) -> Option<R> {
    match deadline {
        None => Some(mailbox.space.wait(look)),
        Some(deadline) => mailbox.space.wait_until(deadline, look),
    }
}

/// A reservation has at least one place, so this never hands the message back.
#[inline]
pub(in crate::pool) fn put_one<M>(mut places: Places<'_, M>, message: M) -> Result<(), M> {
    places.put(message)
}
