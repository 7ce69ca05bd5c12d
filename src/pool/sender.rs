//! From a key to a worker's mailbox.
#![forbid(unsafe_code)]

use core::{fmt, time::Duration};
use std::{sync::Arc, time::Instant};

use shared_nothing_rings::{CapacityError, TryReserveError};

use super::{Batcher, Overflow, SendError, Shared, TrySendError, routes::Route};
use crate::{
    partition::{MAP_SLOTS, SlotTable, StableHash},
    stats::SAMPLE_EVERY,
    sys,
    worker::mailbox::{Mailbox, Places, Spot},
};

/// Sends to the workers of a pool. Clone it for each thread, or share one.
///
/// It does not keep the pool alive: after a stop it hands every message back.
///
/// A send allocates nothing and takes no lock while there is space and the worker is awake: it hashes the key, loads a
/// map slot, claims a place in the ring by one exchange, loads the map slot again, and looks whether the worker's shard
/// is parked.
pub struct Sender<M> {
    pub(super) shared: Arc<Shared<M>>,
}

/// Every key of a pool is hashed with this seed.
const SEED: u64 = 0;

/// The hash by which a pool routes `key`: for [`Batcher::send_hashed`], when the hash is wanted for more than routing.
#[inline]
pub(crate) fn key_hash<K: StableHash + ?Sized>(key: &K) -> u64 {
    key.stable_hash(SEED)
}

/// Where a message goes, and by what that was decided: small enough for a register.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    worker: u32,
    /// [`NO_SLOT`](Self::NO_SLOT) for a worker by its number.
    map_slot: u16,
    route: Route,
}

const _: () = assert!(MAP_SLOTS <= Target::NO_SLOT as usize && size_of::<Target>() == 8);

impl Target {
    const NO_SLOT: u16 = u16::MAX;

    pub(super) fn of_worker(worker: usize) -> Self {
        Self {
            // A number so high is no worker's, and neither is the highest of these.
            worker: worker.try_into().unwrap_or(u32::MAX),
            map_slot: Self::NO_SLOT,
            route: Route::NONE,
        }
    }

    #[inline(always)]
    fn of_slot(map_slot: usize, route: Route) -> Self {
        Self {
            worker: route.worker() as u32,
            map_slot: map_slot as u16,
            route,
        }
    }

    #[inline(always)]
    pub(crate) const fn worker(&self) -> usize {
        self.worker as usize
    }

    /// None for a worker by its number.
    #[inline(always)]
    const fn by(&self) -> Option<(usize, Route)> {
        match self.map_slot {
            Self::NO_SLOT => None,
            map_slot => Some((map_slot as usize, self.route)),
        }
    }

    /// Whether the key's map slot moved when it was looked up.
    #[inline(always)]
    pub(crate) const fn is_moving(&self) -> bool {
        self.route.is_moving()
    }
}

/// Why a place was not had at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// No room, or the map slot moves.
    Full,
    Closed,
    Down,
    /// The map slot has another owner by now.
    Moved,
}

impl<M> Sender<M> {
    pub(crate) fn new(shared: Arc<Shared<M>>) -> Self {
        Self { shared }
    }

    pub(crate) fn shared(&self) -> &Shared<M> {
        &self.shared
    }

    pub(crate) fn mailbox(&self, worker: usize) -> Option<&Mailbox<M>> {
        self.shared.mailbox(worker).map(|mailbox| &**mailbox)
    }

    /// How many workers there are, those that have ended included: their numbers are less than this.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.shared.workers()
    }

    /// The worker that `key` belongs to.
    #[must_use]
    pub fn worker_of<K: StableHash + ?Sized>(&self, key: &K) -> usize {
        self.worker_of_hash(key_hash(key))
    }

    /// The worker that a key with this stable hash belongs to. The hash is [`StableHash::stable_hash`] with seed 0.
    #[inline]
    #[must_use]
    pub fn worker_of_hash(&self, hash: u64) -> usize {
        let map_slot = SlotTable::map_slot_of(hash);
        self.shared.routes.route(map_slot).worker()
    }

    /// Sends to the worker that `key` belongs to. While its mailbox is full, it does as the pool's [`Overflow`] says: by
    /// default it parks.
    ///
    /// # Errors
    ///
    /// The worker has ended or the pool is stopping, or as [`Overflow`] says: the message comes back.
    #[inline]
    pub fn send_partitioned<K>(&self, key: &K, message: M) -> Result<(), SendError<M>>
    where
        K: StableHash + ?Sized,
    {
        self.send(self.target_of(key_hash(key)), message, self.shared.overflow)
    }

    /// As [`send_partitioned`](Self::send_partitioned), but parks for at most `timeout`, whatever the pool's policy.
    ///
    /// # Errors
    ///
    /// As [`send_partitioned`](Self::send_partitioned), and [`SendError::TimedOut`].
    pub fn send_partitioned_within<K>(
        &self,
        key: &K,
        message: M,
        timeout: Duration,
    ) -> Result<(), SendError<M>>
    where
        K: StableHash + ?Sized,
    {
        let target = self.target_of(key_hash(key));
        self.send(target, message, Overflow::Timeout(timeout))
    }

    /// Sends to the worker that `key` belongs to, or hands the message back at once.
    ///
    /// # Errors
    ///
    /// The mailbox is full, or the worker has ended.
    pub fn try_send_partitioned<K>(&self, key: &K, message: M) -> Result<(), TrySendError<M>>
    where
        K: StableHash + ?Sized,
    {
        self.try_send(self.target_of(key_hash(key)), message)
    }

    /// Sends to one worker. While its mailbox is full, it does as the pool's [`Overflow`] says: by default it parks.
    ///
    /// A sender that has parked is woken when half of the mailbox is free, or a mailbox full of messages went by.
    ///
    /// # Errors
    ///
    /// There is no such worker, or it has ended, or as [`Overflow`] says: the message comes back.
    #[inline]
    pub fn send_to(&self, worker: usize, message: M) -> Result<(), SendError<M>> {
        self.send(Target::of_worker(worker), message, self.shared.overflow)
    }

    /// As [`send_to`](Self::send_to), but parks for at most `timeout`, whatever the pool's policy.
    ///
    /// # Errors
    ///
    /// As [`send_to`](Self::send_to), and [`SendError::TimedOut`].
    pub fn send_to_within(
        &self,
        worker: usize,
        message: M,
        timeout: Duration,
    ) -> Result<(), SendError<M>> {
        let target = Target::of_worker(worker);
        self.send(target, message, Overflow::Timeout(timeout))
    }

    /// Sends to one worker, or hands the message back at once.
    ///
    /// # Errors
    ///
    /// There is no such worker, its mailbox is full, or it has ended.
    pub fn try_send_to(&self, worker: usize, message: M) -> Result<(), TrySendError<M>> {
        self.try_send(Target::of_worker(worker), message)
    }

    /// A sender with a lane of its own to each worker, which hands messages over by the batch.
    ///
    /// # Errors
    ///
    /// There is no memory for the lanes.
    pub fn batcher(&self) -> Result<Batcher<M>, CapacityError> {
        Batcher::new(self.clone())
    }

    #[inline(always)]
    pub(crate) fn target_of(&self, hash: u64) -> Target {
        let map_slot = SlotTable::map_slot_of(hash);
        let route = self.shared.routes.route(map_slot);
        Target::of_slot(map_slot, route)
    }

    /// Claims up to `want` places, or says why not. CLAIM, and then RECHECK: see `routes`.
    #[inline]
    pub(super) fn claim(&self, target: Target, want: usize) -> Result<Places<'_, M>, Refused> {
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
        let refused = match mailbox.try_reserve(want) {
            Ok(places) => {
                let Some((map_slot, route)) = target.by() else {
                    return Ok(places);
                };
                if self.shared.routes.holds(map_slot, route) {
                    if places.is_sample() {
                        self.shared.routes.count(map_slot, SAMPLE_EVERY as u32);
                    }
                    return Ok(places);
                }
                return Err(Refused::Moved);
            }
            Err(reason) => self.why_refused(target, reason),
        };
        Err(refused)
    }

    /// Claims one place, or says why not. As [`claim`](Self::claim), for the common case.
    #[inline(always)]
    pub(super) fn claim_one(&self, target: Target) -> Result<Spot<'_, M>, Refused> {
        let Some(mailbox) = self.mailbox(target.worker()) else {
            return Err(Refused::Closed);
        };
        if target.is_moving() {
            return Err(Refused::Full);
        }
        if mailbox.is_refusing() {
            return Err(self.refused(target, mailbox));
        }
        let spot = match mailbox.try_reserve_one() {
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
    pub(super) fn refused(&self, target: Target, mailbox: &Mailbox<M>) -> Refused {
        match mailbox.is_gone() {
            false => Refused::Down,
            true if self.holds(target) => Refused::Closed,
            // A worker that is removed gives its map slots away first.
            true => Refused::Moved,
        }
    }

    /// RECHECK: whether the map still says so. True for a worker by its number.
    pub(super) fn holds(&self, target: Target) -> bool {
        let routes = &self.shared.routes;
        let holds = |(map_slot, route)| routes.holds(map_slot, route);
        target.by().is_none_or(holds)
    }

    /// A sample of a target's messages is about to be sent.
    pub(super) fn count(&self, target: Target) {
        if let Some((map_slot, _)) = target.by() {
            self.shared.routes.count(map_slot, SAMPLE_EVERY as u32);
        }
    }

    /// The same key's target of now; waits while its map slot moves.
    pub(super) fn target_again(&self, target: Target) -> Target {
        let Some((map_slot, _)) = target.by() else {
            return target;
        };
        let route = self.shared.routes.wait(map_slot);
        Target::of_slot(map_slot, route)
    }

    /// As [`target_again`](Self::target_again), but `None` if it moves until `deadline` is over.
    fn target_within(&self, target: Target, deadline: Option<Instant>) -> Option<Target> {
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
    fn target_now(&self, target: Target) -> Target {
        let Some((map_slot, _)) = target.by() else {
            return target;
        };
        Target::of_slot(map_slot, self.shared.routes.route(map_slot))
    }

    /// By the pool's policy.
    pub(super) fn send_as_other(&self, target: Target, message: M) -> Result<(), SendError<M>> {
        self.send(target, message, self.shared.overflow)
    }

    #[inline(always)]
    fn send(&self, target: Target, message: M, overflow: Overflow) -> Result<(), SendError<M>> {
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
pub(super) fn put_one<M>(mut places: Places<'_, M>, message: M) -> Result<(), M> {
    places.put(message)
}

impl<M> Clone for Sender<M> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<M> fmt::Debug for Sender<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("workers", &self.workers())
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
