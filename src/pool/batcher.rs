//! Sends by the batch, each worker by a lane of its own.
#![forbid(unsafe_code)]

use core::fmt;
use std::sync::Arc;

use shared_nothing_rings::{CapacityError, TryPushError};

use super::{SendError, Sender, sender::key_hash};
use crate::{
    partition::{SlotTable, StableHash, hash_u64},
    stats::SAMPLE_EVERY,
    worker::{lane::LaneEnd, mailbox::Mailbox},
};

/// How many messages a [`Batcher`] puts into a lane before it publishes them.
pub const BATCH_LEN: usize = 64;

/// A sender with a ring of its own to each worker, which publishes [`BATCH_LEN`] messages at a time.
///
/// A message is written once, into the ring, and a batch costs one store and one clock read. The price is delay: a
/// message is not seen before its batch is full, and a worker that is parked is not woken before half of its lane is full
/// or [`flush`](Self::flush) is called. Flush before you wait for anything.
/// Order is kept: messages of one batcher to one worker arrive as they were given. It is not kept between a batcher and
/// other senders.
///
/// Each lane holds as many messages as the pool's mailboxes do.
///
/// Dropping it flushes it. What a stopped worker has not taken is dropped then: call [`flush`](Self::flush) to have it
/// back.
pub struct Batcher<M> {
    sender: Sender<M>,
    /// By worker; those that were added later get theirs when they are first sent to.
    lanes: Vec<LaneEnd<M>>,
    /// What workers left whose numbers others have by now, for the next flush.
    unsent: Vec<M>,
    ring_after: usize,
    /// Draws the messages by which the load of their map slots is measured.
    draws: u64,
}

impl<M> Batcher<M> {
    pub(crate) fn new(sender: Sender<M>) -> Result<Self, CapacityError> {
        let mut batcher = Self {
            sender,
            lanes: Vec::new(),
            unsent: Vec::new(),
            ring_after: 1,
            draws: 0,
        };
        batcher.open_lanes()?;
        Ok(batcher)
    }

    /// A lane to each worker that has none yet.
    fn open_lanes(&mut self) -> Result<(), CapacityError> {
        let shared = Arc::clone(&self.sender.shared);
        for mailbox in shared.mailboxes().skip(self.lanes.len()) {
            self.ring_after = mailbox.capacity().div_ceil(2);
            self.lanes.push(mailbox.open_lane()?);
        }
        Ok(())
    }

    /// Sends to the worker that `key` belongs to, with the rest of its batch, parking while its lane is full.
    ///
    /// # Errors
    ///
    /// The worker has ended or the pool is stopping: this message comes back. [`flush`](Self::flush) hands back those
    /// given before.
    #[inline]
    pub fn send_partitioned<K>(&mut self, key: &K, message: M) -> Result<(), SendError<M>>
    where
        K: StableHash + ?Sized,
    {
        self.send_hashed(key_hash(key), message)
    }

    /// As [`send_partitioned`](Self::send_partitioned), for a key whose stable hash is at hand: that of
    /// [`StableHash::stable_hash`] with seed 0.
    ///
    /// # Errors
    ///
    /// As [`send_partitioned`](Self::send_partitioned).
    #[inline]
    pub fn send_hashed(&mut self, hash: u64, message: M) -> Result<(), SendError<M>> {
        self.send_slot(SlotTable::map_slot_of(hash), message)
    }

    #[inline(always)]
    fn send_slot(&mut self, map_slot: usize, message: M) -> Result<(), SendError<M>> {
        let route = self.sender.shared.routes.route(map_slot);
        match self.lanes.get_mut(route.worker()) {
            // In the middle of a batch nothing is to be said, asked or noted.
            Some(lane) if !route.is_moving() && lane.is_amid_batch() => match lane.put(message) {
                Ok(()) => Ok(()),
                Err(refused) => self.send_slowly(route.worker(), refused),
            },
            _ => self.send_at_edge(map_slot, message),
        }
    }

    /// The first of a batch, or the last, or one that is measured; or the map slot moves, or is a new worker's.
    #[inline(never)]
    fn send_at_edge(&mut self, map_slot: usize, message: M) -> Result<(), SendError<M>> {
        let routes = &self.sender.shared.routes;
        let route = routes.route(map_slot);
        let Some(lane) = self.lanes.get(route.worker()) else {
            return self.send_to_new(map_slot, message);
        };
        // CLAIM, and then RECHECK, for the first of a batch: see `routes`. The others are published with it.
        if route.is_moving() || (lane.mark() && !(routes.holds(map_slot, route) && lane.is_open()))
        {
            return self.send_moved(map_slot, message);
        }
        if lane.is_due() {
            self.count(map_slot, route.worker());
        }
        self.put(route.worker(), message)
    }

    /// The map slot moves. What was put in is published, so that nobody waits for it; then this waits for the new owner.
    /// Or the lane leads to a worker that has ended: then another may have its number.
    #[cold]
    fn send_moved(&mut self, map_slot: usize, message: M) -> Result<(), SendError<M>> {
        (0..self.lanes.len()).for_each(|worker| self.publish(worker));
        let worker = self.sender.shared.routes.wait(map_slot).worker();
        if self.lanes.get(worker).is_some_and(|lane| !lane.is_open()) {
            match self.open_lane_again(worker) {
                Ok(true) => {}
                Ok(false) if self.sender.shared.routes.route(map_slot).worker() == worker => {
                    return Err(SendError::Closed(message));
                }
                // It has moved away meanwhile.
                Ok(false) => {}
                Err(_) => return Err(SendError::Full(message)),
            }
        }
        self.send_slot(map_slot, message)
    }

    /// A lane to whoever has the number of a worker that has closed its own. `false`: nobody has.
    #[cold]
    fn open_lane_again(&mut self, worker: usize) -> Result<bool, CapacityError> {
        self.publish(worker);
        let Self {
            sender,
            lanes,
            unsent,
            ..
        } = self;
        let Some(mailbox) = sender.mailbox(worker).filter(|mailbox| !mailbox.is_gone()) else {
            return Ok(false);
        };
        let lane = &mut lanes[worker];
        mailbox.space.wait(|| lane.is_left().then_some(()));
        unsent.extend(lane.reclaim());
        *lane = mailbox.open_lane()?;
        Ok(true)
    }

    /// One message in about [`SAMPLE_EVERY`] stands for so many, and which one is drawn: keys that come in turns would else
    /// be seen each time, or never.
    #[cold]
    fn count(&mut self, map_slot: usize, worker: usize) {
        self.draws = self.draws.wrapping_add(1);
        let next = hash_u64(self.draws, worker as u64) as usize % (2 * SAMPLE_EVERY - 1) + 1;
        self.lanes[worker].due_after(next);
        let routes = &self.sender.shared.routes;
        routes.count(map_slot, SAMPLE_EVERY as u32);
    }

    /// The owner was added after this batcher was made.
    #[cold]
    fn send_to_new(&mut self, map_slot: usize, message: M) -> Result<(), SendError<M>> {
        if self.open_lanes().is_err() || self.lanes.len() < self.sender.workers() {
            return Err(SendError::Full(message));
        }
        self.send_slot(map_slot, message)
    }

    /// Sends to one worker, with the rest of its batch, parking while its lane is full.
    ///
    /// # Errors
    ///
    /// There is no such worker, or as [`send_partitioned`](Self::send_partitioned).
    #[inline]
    pub fn send_to(&mut self, worker: usize, message: M) -> Result<(), SendError<M>> {
        if worker >= self.lanes.len() {
            if worker >= self.sender.workers() {
                return Err(SendError::NoSuchWorker(message));
            }
            if self.open_lanes().is_err() {
                return Err(SendError::Full(message));
            }
        }
        if self.lanes[worker].mark() {
            // What is put in behind it by its key is not looked up before.
            self.sender.shared.routes.after_claim();
            if !self.lanes[worker].is_open() {
                match self.open_lane_again(worker) {
                    Ok(true) => return self.send_to(worker, message),
                    Ok(false) => return Err(SendError::Closed(message)),
                    Err(_) => return Err(SendError::Full(message)),
                }
            }
            if self.sender.mailbox(worker).is_some_and(Mailbox::is_gone) {
                self.publish(worker);
                return Err(SendError::Closed(message));
            }
        }
        self.put(worker, message)
    }

    #[inline]
    fn put(&mut self, worker: usize, message: M) -> Result<(), SendError<M>> {
        let clock = self.sender.shared().clock;
        let lane = &mut self.lanes[worker];
        match lane.try_put(message, clock) {
            Ok(()) => {
                if lane.staged() >= BATCH_LEN {
                    self.publish_batch(worker);
                }
                Ok(())
            }
            Err(refused) => self.send_slowly(worker, refused),
        }
    }

    #[cold]
    fn send_slowly(&mut self, worker: usize, refused: TryPushError<M>) -> Result<(), SendError<M>> {
        let mut message = match refused {
            TryPushError::Closed(message) => return Err(SendError::Closed(message)),
            TryPushError::Full(message) => Some(message),
        };
        self.lanes[worker].refused();
        let Self { sender, lanes, .. } = self;
        let Some(mailbox) = sender.mailbox(worker) else {
            unreachable!("a lane leads to a mailbox")
        };
        let lane = &mut lanes[worker];
        // The refusal has published what was there; the worker must hear of it before this end parks.
        lane.told();
        mailbox.mail.ring();
        mailbox
            .space
            .wait(|| match lane.try_put(message.take()?, mailbox.clock) {
                Ok(()) => Some(Ok(())),
                Err(TryPushError::Closed(message)) => Some(Err(SendError::Closed(message))),
                Err(TryPushError::Full(refused)) => {
                    message = Some(refused);
                    None
                }
            })
    }

    /// Publishes what was given, and looks whether every worker is still there.
    ///
    /// It does not wait until the messages are handled.
    ///
    /// # Errors
    ///
    /// Some workers have ended: what they left of this batcher's messages comes back, in order for each worker. If a
    /// worker is about to end, this waits for it.
    pub fn flush(&mut self) -> Result<(), SendError<Vec<M>>> {
        let mut unsent = core::mem::take(&mut self.unsent);
        for worker in 0..self.lanes.len() {
            self.publish(worker);
            let lane = &mut self.lanes[worker];
            if lane.is_closed() {
                let Some(mailbox) = self.sender.mailbox(worker) else {
                    continue;
                };
                // The worker has closed the lane; it will take what it handles, and then go.
                mailbox.space.wait(|| lane.is_left().then_some(()));
                unsent.extend(lane.reclaim());
            }
        }
        if unsent.is_empty() {
            Ok(())
        } else {
            Err(SendError::Closed(unsent))
        }
    }

    /// Publishes a full batch. A worker that is parked is woken when half of its lane waits for it, and not for every
    /// batch: a wake costs as much as some hundred messages.
    #[cold]
    fn publish_batch(&mut self, worker: usize) {
        let lane = &mut self.lanes[worker];
        if lane.publish() >= self.ring_after {
            lane.told();
            self.ring(worker);
        }
    }

    fn ring(&self, worker: usize) {
        if let Some(mailbox) = self.sender.mailbox(worker) {
            mailbox.mail.ring();
        }
    }

    /// Publishes everything, and wakes the worker if it is parked.
    fn publish(&mut self, worker: usize) {
        let lane = &mut self.lanes[worker];
        if lane.publish() != 0 {
            lane.told();
            self.ring(worker);
        }
    }
}

impl<M> Drop for Batcher<M> {
    fn drop(&mut self) {
        (0..self.lanes.len()).for_each(|worker| self.publish(worker));
    }
}

impl<M> fmt::Debug for Batcher<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batcher")
            .field("workers", &self.lanes.len())
            .finish_non_exhaustive()
    }
}
