//! What senders and a worker share: a ring, a ring of lanes, the bell of the worker's shard, a doorbell of the senders,
//! and notes beside the ring.
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU8, Ordering};

use shared_nothing_affinity::NodeId;
use shared_nothing_rings::{
    CapacityError, TryPushError, TryReserveError, mpmc::Consumer, mpsc::Producer, wait::Doorbell,
};

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::{
    control::{Control, ControlLane},
    inbox::{DataRing, Inbox, Lane},
    lane::{LaneEnd, LaneMark, LeftOnDrop},
    memory::{Home, NoMailbox, mpmc, mpsc, spsc},
    places::{Places, Spot},
};
use crate::{
    executor::{Bell, MemoryShortfall},
    stats::{
        ChannelKind, ChannelStats, Counters, Drops, Meter, Probe, Way, WorkerCounts, WorkerStats,
    },
    sys::Clock,
};

/// The senders' side, and all that is read from outside. The worker has the [`Inbox`] to itself.
#[derive(Debug)]
pub(crate) struct Mailbox<M> {
    ring: Producer<'static, M>,
    new_lanes: Producer<'static, Lane<M>>,
    urgent: Option<Producer<'static, M>>,
    /// The worker's shard waits there for messages.
    pub(crate) mail: Bell,
    /// Senders wait here for space.
    pub(crate) space: Doorbell,
    pub(crate) probe: Probe,
    pub(crate) clock: Clock,
    pub(crate) counters: Counters,
    pub(crate) meter: Meter,
    pub(crate) control: ControlLane,
    pub(crate) drops: Drops,
    /// Takes out the oldest, where the policy is to drop it.
    oldest: Option<Mutex<Consumer<'static, M>>>,
    /// Those of the lanes that were ever opened.
    marks: Mutex<Vec<Weak<LaneMark>>>,
    /// The number of the worker's shard.
    shard: usize,
    home: Home,
    /// The node on which its rings lie, as the kernel says, if one was asked for.
    pub(crate) memory_node: Option<NodeId>,
    /// In what their memory falls short of the wish.
    pub(crate) memory_shortfalls: Vec<MemoryShortfall>,
    running: AtomicU8,
    /// Why it refuses, though its rings are open.
    refusal: AtomicU8,
    refuses_while_down: bool,
}

const STARTING: u8 = 0;
const RUNNING: u8 = 1;
/// Between two lives.
const DOWN: u8 = 2;
const ENDED: u8 = 3;
/// Nobody has the number: another worker may be given it.
const VACANT: u8 = 4;
const LEFT: u8 = 5;

/// Nothing is refused.
const NONE: u8 = 0;
/// Until the next life begins.
const WHILE_DOWN: u8 = 1;
/// Until another worker has the number.
const GONE: u8 = 2;

impl<M> Mailbox<M> {
    pub(crate) fn new(
        capacity: usize,
        mail: Bell,
        Terms {
            yields,
            drops_oldest,
            refuses_while_down,
            urgent,
            shard,
            home,
        }: Terms,
        clock: Clock,
    ) -> Result<(Self, Inbox<M>), NoMailbox> {
        /// Batchers that are made faster than this wait for the worker to take notice.
        const NEW_LANES: usize = 64;
        let rings = [
            mpsc::bytes::<M>(capacity)?,
            mpsc::bytes::<Lane<M>>(NEW_LANES)?,
            urgent.map_or(Ok(0), mpsc::bytes::<M>)?,
        ];
        let mut ground = home.find(rings.iter().sum()).map_err(NoMailbox::Memory)?;
        let (ring, consumer, oldest) = if drops_oldest {
            let (ring, consumer) = mpmc::ring(&mut ground, capacity)?;
            let oldest = Mutex::new(consumer.clone());
            (ring, DataRing::Many(consumer), Some(oldest))
        } else {
            let (ring, consumer) = mpsc::ring(&mut ground, capacity)?;
            (ring, DataRing::One(consumer), None)
        };
        let (new_lanes, hear_lanes) = mpsc::ring(&mut ground, NEW_LANES)?;
        let urgent = urgent.map(|capacity| mpsc::ring(&mut ground, capacity));
        let (urgent, hear_urgent) = urgent.transpose()?.unzip();
        let mailbox = Self {
            ring,
            new_lanes,
            urgent,
            mail,
            space: Doorbell::new().with_yields(yields),
            probe: Probe::new(capacity),
            clock,
            counters: Counters::default(),
            meter: Meter::default(),
            control: ControlLane::default(),
            drops: Drops::default(),
            oldest,
            marks: Mutex::default(),
            shard,
            home,
            memory_node: ground.node,
            memory_shortfalls: ground.shortfalls,
            running: AtomicU8::new(STARTING),
            refusal: AtomicU8::new(NONE),
            refuses_while_down,
        };
        Ok((mailbox, Inbox::new(consumer, hear_lanes, hear_urgent)))
    }

    /// A lane to the worker, of the mailbox's own capacity.
    ///
    /// While nobody has the worker's number the lane is open all the same: what is published in it is handed back in the
    /// report, and it is closed before the next worker begins. Once the pool has ended, it is closed from the start.
    pub(crate) fn open_lane(&self) -> Result<LaneEnd<M>, CapacityError> {
        let capacity = self.ring.capacity();
        let ground = self.home.find(spsc::bytes::<M>(capacity)?);
        let mut ground = ground.map_err(|_| CapacityError::OutOfMemory)?;
        let (producer, consumer) = spsc::ring(&mut ground, capacity)?;
        let probe = Arc::new(Probe::new(capacity));
        let mark = Arc::new(LaneMark::default());
        let on_drop = LeftOnDrop::new(&mark);
        let mut marks = self.lock_marks();
        marks.retain(|mark| mark.strong_count() != 0);
        marks.push(Arc::downgrade(&mark));
        drop(marks);
        let mut lane = Some(Lane {
            ring: consumer,
            probe: Arc::clone(&probe),
            taken: 0,
            survey: 0,
            left: on_drop,
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
        Ok(LaneEnd::new(producer.batched(), probe, mark))
    }

    /// Whether no batcher has put anything into its lane that is not published. SURVEY, as `routes` says.
    pub(crate) fn are_lanes_quiet(&self) -> bool {
        let marks = self.lock_marks();
        marks
            .iter()
            .filter_map(Weak::upgrade)
            .all(|mark| mark.is_quiet())
    }

    fn lock_marks(&self) -> MutexGuard<'_, Vec<Weak<LaneMark>>> {
        // No foreign code runs under it, so it is never really poisoned.
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops the oldest message, for one that finds no room.
    pub(crate) fn drop_oldest(&self) {
        let Some(oldest) = &self.oldest else { return };
        let mut oldest = oldest.lock().unwrap_or_else(PoisonError::into_inner);
        let message = oldest.try_pop();
        drop(oldest);
        if message.is_ok() {
            self.drops.oldest();
        }
    }

    /// How many places of the ring were claimed ever, and of the urgent one.
    pub(crate) fn positions(&self) -> (usize, usize) {
        let urgent = self.urgent.as_ref().map_or(0, Producer::position);
        (self.ring.position(), urgent)
    }

    pub(crate) fn has_room(&self) -> bool {
        self.is_gone() || !self.ring.is_full()
    }

    /// Claims up to `want` places, or says at once why not.
    #[inline]
    pub(crate) fn try_reserve(&self, want: usize) -> Result<Places<'_, M>, TryReserveError> {
        let grant = self.ring.reserve(want)?;
        Ok(Places::new(grant, self))
    }

    /// Claims one place, or says at once why not.
    #[inline(always)]
    pub(crate) fn try_reserve_one(&self) -> Result<Spot<'_, M>, TryReserveError> {
        let single = self.ring.reserve_one()?;
        Ok(Spot::new(single, self))
    }

    /// The ring that goes before all others, if the pool has it. Whoever pushes rings `mail`.
    pub(crate) const fn urgent(&self) -> Option<&Producer<'static, M>> {
        self.urgent.as_ref()
    }

    /// Refuses from now on. The worker handles what was accepted, and ends.
    pub(crate) fn close(&self) {
        self.ring.close();
        self.new_lanes.close();
        if let Some(urgent) = &self.urgent {
            urgent.close();
        }
        self.mail.ring();
        self.space.ring();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.ring.is_closed()
    }

    pub(crate) fn capacity(&self) -> usize {
        self.ring.capacity()
    }

    /// The worker begins another life, or waits for it.
    pub(crate) fn set_down(&self) {
        // RELAXED: a report; no data comes with it.
        self.running.store(DOWN, Ordering::Relaxed);
        if self.refuses_while_down {
            self.change_refusal(NONE, WHILE_DOWN);
        }
    }

    /// One that is gone stays so.
    fn change_refusal(&self, old: u8, new: u8) {
        let refusal = &self.refusal;
        // RELAXED: a report; no data comes with it.
        let _is_old = refusal.compare_exchange(old, new, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Whether the worker is down or gone, and what is sent meanwhile is to come back.
    #[inline]
    pub(crate) fn is_refusing(&self) -> bool {
        // RELAXED: a report; no data comes with it. Who has looked before is drained.
        self.refusal.load(Ordering::Relaxed) != NONE
    }

    /// Whether the worker has ended, or is about to.
    pub(crate) fn is_gone(&self) -> bool {
        // RELAXED: as above.
        self.refusal.load(Ordering::Relaxed) == GONE || self.is_closed()
    }

    /// Refuses until another worker has the number. What was accepted stays.
    pub(crate) fn refuse(&self) {
        // RELAXED: as above.
        self.refusal.store(GONE, Ordering::Relaxed);
        self.mail.ring();
        self.space.ring();
    }

    /// The worker has ended, and its rings are empty. Another may be given its number.
    pub(crate) fn set_vacant(&self) {
        // RELAXED: a report; whoever adds a worker tells this one, and is answered.
        self.running.store(VACANT, Ordering::Relaxed);
        self.space.ring();
    }

    pub(crate) fn is_vacant(&self) -> bool {
        // RELAXED: a report.
        self.running.load(Ordering::Relaxed) == VACANT
    }

    /// Another worker has the number.
    pub(crate) fn reopen(&self) {
        // RELAXED: a report; no data comes with it.
        self.refusal.store(NONE, Ordering::Relaxed);
    }

    /// Tells the worker something.
    pub(crate) fn tell(&self, control: Control) {
        self.control.put(control);
        self.mail.ring();
    }

    pub(crate) fn set_running(&self) {
        // RELAXED: a report; no data comes with it.
        self.running.store(RUNNING, Ordering::Relaxed);
        self.change_refusal(WHILE_DOWN, NONE);
    }

    /// The worker has ended: refuses from now on, and says so.
    pub(crate) fn end(&self) {
        // RELAXED: a report; no data comes with it.
        self.running.store(ENDED, Ordering::Relaxed);
        self.refuse();
    }

    /// The worker's task ends, and nobody will have its number.
    pub(crate) fn leave(&self) {
        // RELAXED: a report; no data comes with it.
        self.running.store(LEFT, Ordering::Relaxed);
        self.space.ring();
    }

    /// No worker has begun here, and none will.
    pub(crate) fn abandon(&self) {
        self.end();
        self.close();
        self.leave();
        self.control.end();
    }

    pub(crate) fn is_left(&self) -> bool {
        // RELAXED: as above.
        self.running.load(Ordering::Relaxed) == LEFT
    }

    /// Whether nobody has a state here.
    pub(crate) fn is_empty_place(&self) -> bool {
        self.is_vacant() || self.is_left()
    }

    pub(crate) fn is_running(&self) -> bool {
        // RELAXED: a report; no data comes with it.
        self.running.load(Ordering::Relaxed) == RUNNING
    }

    /// A life begins.
    pub(crate) fn begun(&self) {
        let now_ns = self.clock.now_ns();
        self.meter.begun_at(now_ns);
        self.meter.alive_at(now_ns);
    }

    /// The worker says that it lives.
    pub(crate) fn alive(&self) {
        self.meter.alive_at(self.clock.now_ns());
    }

    pub(crate) fn stats(&self) -> WorkerStats {
        let mut stats = self.meter.read(&self.counts(), self.clock.now_ns());
        stats.shard = self.shard;
        stats.channels = self.channels();
        stats
    }

    /// Each way by which messages come.
    fn channels(&self) -> Vec<ChannelStats> {
        let meter = &self.meter;
        let mut channels = Vec::new();
        let rings = [(ChannelKind::Mailbox, Way::Mailbox, Some(&self.ring))];
        let urgent = (ChannelKind::Urgent, Way::Urgent, self.urgent.as_ref());
        let rings = rings.into_iter().chain([urgent]).zip(self.drops.by_ring());
        for ((kind, way, ring), (given_up, refused)) in rings {
            let Some(ring) = ring else { continue };
            // The length first: what comes in between counts as received rather than as there.
            let len = ring.len() as u64;
            let sent = (ring.position() as u64).saturating_sub(given_up);
            let mut stats = ChannelStats::new(kind, sent, sent.saturating_sub(len))
                .with_depth_max(meter.depth_max_of(way));
            (stats.refused, stats.capacity) = (refused, ring.capacity() as u64);
            channels.push(stats);
        }
        let lanes: Vec<_> = self
            .lock_marks()
            .iter()
            .filter_map(Weak::upgrade)
            .filter(|mark| !mark.is_left())
            .collect();
        channels.extend(lanes.iter().map(|mark| {
            let mut lane = mark.counts().read();
            lane.capacity = self.capacity() as u64;
            lane
        }));
        channels.extend(meter.former_lanes());
        let (sent, taken) = self.counters.own();
        let own = ChannelStats::new(ChannelKind::Own, sent, taken);
        channels.push(own.with_depth_max(meter.depth_max_of(Way::Own)));
        channels
    }

    pub(crate) fn counts(&self) -> WorkerCounts {
        let (ring, urgent) = self.positions();
        let by_ring = (ring as u64).wrapping_add(urgent as u64);
        self.counters.read(by_ring, &self.drops)
    }
}

/// What a mailbox does when it is full or its worker is down.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    pub(crate) yields: u32,
    pub(crate) drops_oldest: bool,
    pub(crate) urgent: Option<usize>,
    pub(crate) refuses_while_down: bool,
    pub(crate) shard: usize,
    pub(crate) home: Home,
}
