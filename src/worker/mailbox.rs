//! What senders and a worker share: a ring, a ring of lanes, the bell of the worker's shard, a doorbell of the senders,
//! and notes beside the ring.
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU8, Ordering};

use shared_nothing_rings::{
    CapacityError, TryPushError, TryReserveError,
    mpsc::{self, Grant, Producer},
    spsc,
    wait::Doorbell,
};

use std::sync::Arc;

use super::inbox::{Inbox, Lane};
use crate::{
    executor::Bell,
    stats::{Counters, Counts, Probe},
    sys::Clock,
};

/// The senders' side, and all that is read from outside. The worker has the [`Inbox`] to itself.
#[derive(Debug)]
pub(crate) struct Mailbox<M> {
    ring: Producer<'static, M>,
    new_lanes: Producer<'static, Lane<M>>,
    /// The worker's shard waits there for messages.
    pub(crate) mail: Bell,
    /// Senders wait here for space.
    pub(crate) space: Doorbell,
    pub(crate) probe: Probe,
    pub(crate) clock: Clock,
    pub(crate) counters: Counters,
    running: AtomicU8,
}

const STARTING: u8 = 0;
const RUNNING: u8 = 1;
const ENDED: u8 = 2;
const LEFT: u8 = 3;

impl<M> Mailbox<M> {
    pub(crate) fn new(
        capacity: usize,
        mail: Bell,
        yields: u32,
        clock: Clock,
    ) -> Result<(Self, Inbox<M>), CapacityError> {
        /// Batchers that are made faster than this wait for the worker to take notice.
        const NEW_LANES: usize = 64;
        let (ring, consumer) = mpsc::with_capacity(capacity)?;
        let (new_lanes, hear_lanes) = mpsc::with_capacity(NEW_LANES)?;
        let mailbox = Self {
            ring,
            new_lanes,
            mail,
            space: Doorbell::new().with_yields(yields),
            probe: Probe::new(capacity),
            clock,
            counters: Counters::default(),
            running: AtomicU8::new(STARTING),
        };
        Ok((mailbox, Inbox::new(consumer, hear_lanes)))
    }

    /// A lane to the worker, of the mailbox's own capacity. If the worker is gone, the lane is closed.
    pub(crate) fn open_lane(&self) -> Result<LaneEnd<M>, CapacityError> {
        let capacity = self.ring.capacity();
        let (producer, consumer) = spsc::with_capacity(capacity)?;
        let probe = Arc::new(Probe::new(capacity));
        let mut lane = Some(Lane {
            ring: consumer,
            probe: Arc::clone(&probe),
            taken: 0,
        });
        self.space
            .wait(|| match self.new_lanes.try_push(lane.take()?) {
                // A refused lane is dropped here, and so closed.
                Ok(()) | Err(TryPushError::Closed(_)) => Some(()),
                Err(TryPushError::Full(refused)) => {
                    lane = Some(refused);
                    None
                }
            });
        self.mail.ring();
        Ok(LaneEnd {
            ring: producer.batched(),
            probe,
            sent: 0,
            untold: 0,
        })
    }

    /// Claims up to `want` places, or says at once why not.
    #[inline]
    pub(crate) fn try_reserve(&self, want: usize) -> Result<Places<'_, M>, TryReserveError> {
        let grant = self.ring.reserve(want)?;
        Ok(Places {
            grant,
            mailbox: self,
        })
    }

    /// Claims up to `want` places, parking while there is none. `None`: the mailbox is closed.
    pub(crate) fn reserve(&self, want: usize) -> Option<Places<'_, M>> {
        self.space.wait(|| match self.try_reserve(want) {
            Ok(places) => Some(Some(places)),
            Err(TryReserveError::Full) => None,
            Err(TryReserveError::Closed) => Some(None),
        })
    }

    /// Refuses from now on. The worker handles what was accepted, and ends.
    pub(crate) fn close(&self) {
        self.ring.close();
        self.new_lanes.close();
        self.mail.ring();
        self.space.ring();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.ring.is_closed()
    }

    pub(crate) fn capacity(&self) -> usize {
        self.ring.capacity()
    }

    pub(crate) fn set_running(&self) {
        // RELAXED: a report; no data comes with it.
        self.running.store(RUNNING, Ordering::Relaxed);
    }

    /// The worker is gone: refuses from now on, and says so.
    pub(crate) fn end(&self) {
        // RELAXED: a report; no data comes with it.
        self.running.store(ENDED, Ordering::Relaxed);
        self.close();
    }

    /// The worker has dropped its inbox: what is in lanes now is their batchers'.
    pub(crate) fn leave(&self) {
        // GONE, release end: whoever sees it also sees that the lanes were left.
        self.running.store(LEFT, Ordering::Release);
        self.space.ring();
    }

    pub(crate) fn is_left(&self) -> bool {
        // GONE, acquire end: the lanes were left before.
        self.running.load(Ordering::Acquire) == LEFT
    }

    pub(crate) fn is_running(&self) -> bool {
        // RELAXED: a report; no data comes with it.
        self.running.load(Ordering::Relaxed) == RUNNING
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counters.read(self.ring.position() as u64)
    }
}

/// Places in a mailbox, to be filled at once. The worker is told when they are dropped.
#[derive(Debug)]
pub(crate) struct Places<'m, M> {
    grant: Grant<'m, 'static, M>,
    mailbox: &'m Mailbox<M>,
}

impl<M> Places<'_, M> {
    /// Fills the next place; hands the message back if there is none.
    #[inline]
    pub(crate) fn put(&mut self, message: M) -> Result<(), M> {
        let position = self.grant.next_pos();
        if Probe::is_sampled(position) && self.grant.remaining() != 0 {
            self.mailbox
                .probe
                .note(position, self.mailbox.clock.now_ns());
        }
        self.grant.push(message)
    }
}

impl<M> Drop for Places<'_, M> {
    fn drop(&mut self) {
        self.mailbox.mail.ring();
    }
}

/// A batcher's end of a lane.
#[derive(Debug)]
pub(crate) struct LaneEnd<M> {
    ring: spsc::BatchedProducer<'static, M>,
    probe: Arc<Probe>,
    /// Messages put in it; the position of the next.
    sent: usize,
    /// Messages published since the worker was last told.
    untold: usize,
}

impl<M> LaneEnd<M> {
    /// Puts a message in, unpublished, or hands it back at once.
    #[inline]
    pub(crate) fn try_put(&mut self, message: M, clock: Clock) -> Result<(), TryPushError<M>> {
        if Probe::is_sampled(self.sent) {
            self.note(clock);
        }
        self.ring.try_push(message)?;
        self.sent = self.sent.wrapping_add(1);
        Ok(())
    }

    #[cold]
    fn note(&self, clock: Clock) {
        self.probe.note(self.sent, clock.now_ns());
    }

    /// How many messages are put in and not published.
    #[inline]
    pub(crate) fn staged(&self) -> usize {
        self.ring.staged()
    }

    /// Publishes what is put in. Returns how many messages the worker was not told of.
    pub(crate) fn publish(&mut self) -> usize {
        self.untold += self.ring.staged();
        self.ring.publish();
        self.untold
    }

    /// The worker is being told.
    pub(crate) fn told(&mut self) {
        self.untold = 0;
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.ring.is_closed()
    }

    /// What a worker that is gone has left.
    pub(crate) fn reclaim(&mut self) -> impl Iterator<Item = M> {
        self.ring.reclaim()
    }
}
