//! Who owns each map slot, for senders to look up and for a move to change under their hands.
//!
//! # Why a move overtakes no message
//!
//! | who | first | then |
//! |---|---|---|
//! | sender | CLAIM: takes a place in the owner's ring, or marks its lane | RECHECK: loads the slot's word again |
//! | mover | MARK: says in the slot's word that it moves | SURVEY: reads the owner's write position, and its lanes' marks |
//!
//! Each has a barrier between its two steps, the sender a light one and the mover a heavy one, and in the single order
//! of these barriers one comes first. If it is the sender's, the survey counts its place, and the owner handles it
//! before it gives the state away. If it is the mover's, the sender sees the mark, gives its place up, and waits for the
//! new owner. Both may happen, but never neither: no message goes to an owner that has given its slot away.
//!
//! A sender pays one more load for that. Only senders to slots that move wait, and only while they move.
//!
//! Models of both ways to send, and of the wait, are in `routes/models.rs`; `tests/planted` has the bugs that they notice:
//! no RECHECK, or of the first of a run alone, or one that takes a slot that moves for one that stays, a barrier left out on either side, MARK behind the barrier, and each ordering relaxed.
//!
//! | edge | release end | acquire end | carries |
//! |---|---|---|---|
//! | MOVED | the mover stores the new owner | a sender loads it | the new owner's mailbox, and that it has the state |
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Instant;

use shared_nothing_rings::wait::{Barrier, Doorbell};

use crate::{
    partition::{MAP_SLOTS, SlotTable},
    sync::{AtomicU16, Ordering},
};

/// The bit of a slot that moves.
const MOVING: u16 = 1 << 15;

/// What a map slot's word said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Route(u16);

impl Route {
    /// Of no slot, and so of none that moves.
    pub(crate) const NONE: Self = Self(0);

    #[inline]
    pub(crate) const fn is_moving(self) -> bool {
        self.0 & MOVING != 0
    }

    /// The owner, or who was it before the move.
    #[inline]
    pub(crate) const fn worker(self) -> usize {
        (self.0 & !MOVING) as usize
    }
}

/// The pool's map.
#[derive(Debug)]
pub(crate) struct Routes<const SLOTS: usize = MAP_SLOTS> {
    /// As many as there are map slots: a fixed number, so that a slot's number needs no check.
    words: Box<[AtomicU16; SLOTS]>,
    /// Messages sent to each slot, about: in steps of what one sample stands for.
    loads: Box<[AtomicU32]>,
    barrier: Barrier,
    /// Senders to slots that move wait here.
    moved: Doorbell,
}

impl Routes {
    pub(crate) fn new(table: &SlotTable) -> Self {
        Self::of(table.owners())
    }
}

impl<const SLOTS: usize> Routes<SLOTS> {
    /// A slot for each of `owners`: as many as `SLOTS`.
    fn of(owners: &[u16]) -> Self {
        let words: Box<[AtomicU16]> = owners.iter().map(|owner| AtomicU16::new(*owner)).collect();
        let Ok(words) = words.try_into() else {
            unreachable!("a table has an owner for each map slot")
        };
        Self {
            words,
            loads: owners.iter().map(|_| AtomicU32::new(0)).collect(),
            barrier: Barrier::new(),
            moved: Doorbell::new(),
        }
    }

    #[inline]
    pub(crate) fn route(&self, map_slot: usize) -> Route {
        // MOVED, acquire end: the owner's mailbox is there.
        Route(self.words[map_slot % SLOTS].load(Ordering::Acquire))
    }

    /// Between CLAIM and a later RECHECK that is another's.
    #[inline]
    pub(crate) fn after_claim(&self) {
        self.barrier.light();
    }

    /// After a place was claimed by `route`: whether that holds still, so that the place may be filled.
    #[inline]
    pub(crate) fn holds(&self, map_slot: usize, route: Route) -> bool {
        self.barrier.light();
        // RELAXED: RECHECK; the barrier orders it after CLAIM, and MOVED was met when the route was loaded.
        self.words[map_slot % SLOTS].load(Ordering::Relaxed) == route.0
    }

    /// As [`holds`](Self::holds), behind the barrier of a call of that; and that the slot did not move when it was looked up.
    #[inline]
    pub(crate) fn still_holds(&self, map_slot: usize, route: Route) -> bool {
        // RELAXED: RECHECK, as above.
        let word = self.words[map_slot % SLOTS].load(Ordering::Relaxed);
        !route.is_moving() && word == route.0
    }

    /// Parks until the slot does not move, and says where it is.
    #[cold]
    pub(crate) fn wait(&self, map_slot: usize) -> Route {
        self.moved.wait(|| self.settled(map_slot))
    }

    /// As [`wait`](Self::wait), but gives up at `deadline`.
    #[cold]
    pub(crate) fn wait_until(&self, map_slot: usize, deadline: Instant) -> Option<Route> {
        self.moved.wait_until(deadline, || self.settled(map_slot))
    }

    fn settled(&self, map_slot: usize) -> Option<Route> {
        let route = self.route(map_slot);
        (!route.is_moving()).then_some(route)
    }

    /// MARK: slots move from now on, and then the barrier that comes before SURVEY.
    pub(crate) fn mark(&self, map_slots: &[usize]) {
        for map_slot in map_slots {
            // RELAXED: a sender that sees it does nothing but wait.
            self.words[*map_slot].fetch_or(MOVING, Ordering::Relaxed);
        }
        self.barrier.heavy();
    }

    /// The slots are `worker`'s, and move no more.
    pub(crate) fn settle(&self, map_slots: &[usize], worker: usize) {
        for map_slot in map_slots {
            // MOVED, release end: the owner's mailbox, and its state.
            self.words[*map_slot].store(worker as u16, Ordering::Release);
        }
        self.moved.ring();
    }

    /// A sample of a slot's messages was sent: it stands for `messages`.
    #[cold]
    pub(crate) fn count(&self, map_slot: usize, messages: u32) {
        // RELAXED: a count; nothing is read by it.
        self.loads[map_slot].fetch_add(messages, Relaxed);
    }

    /// About how many messages were sent to each slot since they were read last; it begins anew.
    pub(crate) fn take_loads(&self) -> Vec<u32> {
        // RELAXED: counts.
        let loads = self.loads.iter().map(|load| load.swap(0, Relaxed));
        loads.collect()
    }
}

#[cfg(all(test, loom))]
mod models;
