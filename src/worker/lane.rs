//! A batcher's end of a lane to one worker.
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::Arc;

use shared_nothing_rings::{TryPushError, spsc};

use crate::{
    pool::BATCH_LEN,
    stats::{ChannelKind, ChannelStats, Probe, SAMPLE_EVERY, add, raise},
    sync::{AtomicBool, Ordering},
    sys::Clock,
};

/// Whether a lane holds what is not published, for whoever moves map slots away from its worker.
#[derive(Debug)]
pub(crate) struct LaneMark {
    is_set: AtomicBool,
    /// The worker's end is dropped.
    is_left: AtomicBool,
    counts: LaneCounts,
}

/// What went over a lane.
#[derive(Debug, Default)]
pub(crate) struct LaneCounts {
    /// By the batcher.
    sent: AtomicU64,
    refused: AtomicU64,
    /// By the worker.
    taken: AtomicU64,
    depth_max: AtomicU64,
}

impl LaneCounts {
    /// The worker has taken so many, and saw so many at a time.
    pub(crate) fn taken(&self, taken: u64, depth: u64) {
        // RELAXED: a count.
        self.taken.store(taken, Relaxed);
        raise(&self.depth_max, depth);
    }

    pub(crate) fn read(&self) -> ChannelStats {
        // RELAXED: counts. What was taken was sent.
        let taken = self.taken.load(Relaxed);
        // RELAXED: as above.
        let sent = self.sent.load(Relaxed);
        let mut stats = ChannelStats::new(ChannelKind::Lane, sent, taken);
        // RELAXED: as above.
        stats.refused = self.refused.load(Relaxed);
        // RELAXED: as above.
        stats.with_depth_max(self.depth_max.load(Relaxed))
    }
}

/// The last field of a worker's end: when it is dropped, the rest is.
#[derive(Debug)]
pub(super) struct LeftOnDrop(Arc<LaneMark>);

impl LeftOnDrop {
    pub(super) fn new(mark: &Arc<LaneMark>) -> Self {
        Self(Arc::clone(mark))
    }

    pub(super) fn counts(&self) -> &LaneCounts {
        &self.0.counts
    }
}

impl Drop for LeftOnDrop {
    fn drop(&mut self) {
        // GONE, release end: what the worker took out of the lane.
        self.0.is_left.store(true, Ordering::Release);
    }
}

impl Default for LaneMark {
    fn default() -> Self {
        Self {
            is_set: AtomicBool::new(false),
            is_left: AtomicBool::new(false),
            counts: LaneCounts::default(),
        }
    }
}

impl LaneMark {
    #[inline]
    pub(crate) fn set(&self) {
        // RELAXED: CLAIM of `routes`; the barrier between it and RECHECK orders it.
        self.is_set.store(true, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn set_quiet(&self) {
        // QUIET, release end: all that was put in is published.
        self.is_set.store(false, Ordering::Release);
    }

    pub(super) const fn counts(&self) -> &LaneCounts {
        &self.counts
    }

    pub(super) fn is_left(&self) -> bool {
        // GONE, acquire end: what is in the lane now is the batcher's.
        self.is_left.load(Ordering::Acquire)
    }

    pub(crate) fn is_quiet(&self) -> bool {
        // QUIET, acquire end: what was put in before is in the lane.
        !self.is_set.load(Ordering::Acquire)
    }
}

/// A batcher's end of a lane.
#[derive(Debug)]
pub(crate) struct LaneEnd<M> {
    ring: spsc::BatchedProducer<'static, M>,
    probe: Arc<Probe>,
    mark: Arc<LaneMark>,
    /// Messages put in it and published. What is not published comes on top: see [`sent`](Self::sent).
    published: usize,
    /// Messages published since the worker was last told.
    untold: usize,
    /// The message by which the load of its map slot is measured next.
    due: usize,
    /// In the middle of a batch, fewer than this are put in behind its first one: see
    /// [`is_amid_batch`](Self::is_amid_batch).
    calm: usize,
}

impl<M> LaneEnd<M> {
    pub(crate) const fn new(
        ring: spsc::BatchedProducer<'static, M>,
        probe: Arc<Probe>,
        mark: Arc<LaneMark>,
    ) -> Self {
        Self {
            ring,
            probe,
            mark,
            published: 0,
            untold: 0,
            due: 0,
            calm: 0,
        }
    }

    /// Messages put in it; the position of the next.
    #[inline]
    fn sent(&self) -> usize {
        self.published.wrapping_add(self.ring.staged())
    }

    /// Whether the next message is one of those by which loads are measured.
    #[inline]
    pub(crate) fn is_due(&self) -> bool {
        self.to_due() <= 0
    }

    /// Messages until then. Those that go to the worker by its number may pass it.
    fn to_due(&self) -> isize {
        self.due.wrapping_sub(self.sent()) as isize
    }

    /// The next one is so many messages behind this.
    pub(crate) fn due_after(&mut self, messages: usize) {
        self.due = self.sent().wrapping_add(messages);
    }

    /// Puts a message in, unpublished, or hands it back at once.
    #[inline]
    pub(crate) fn try_put(&mut self, message: M, clock: Clock) -> Result<(), TryPushError<M>> {
        if Probe::is_sampled(self.sent()) {
            self.note(clock);
        }
        self.put(message)?;
        let to_time = self.sent().wrapping_neg() % SAMPLE_EVERY;
        let to_due = self.to_due().max(0) as usize;
        let behind_first = self.ring.staged().wrapping_sub(1);
        let calm = behind_first.wrapping_add(to_time.min(to_due));
        self.calm = calm.min(BATCH_LEN - 2);
        Ok(())
    }

    /// Whether the next message is neither the first nor the last of its batch, nor one that is measured.
    #[inline(always)]
    pub(crate) fn is_amid_batch(&self) -> bool {
        self.ring.staged().wrapping_sub(1) < self.calm
    }

    /// As [`try_put`](Self::try_put), for a message that is not measured.
    #[inline(always)]
    pub(crate) fn put(&mut self, message: M) -> Result<(), TryPushError<M>> {
        let staged = self.ring.staged();
        let refused = self.ring.try_push(message);
        if let Err(TryPushError::Full(_)) = refused {
            // What was there is published now.
            self.untold += staged;
            self.published = self.published.wrapping_add(staged);
        }
        refused
    }

    #[cold]
    fn note(&self, clock: Clock) {
        self.probe.note(self.sent(), clock.now_ns());
    }

    /// How many messages are put in and not published.
    #[inline]
    pub(crate) fn staged(&self) -> usize {
        self.ring.staged()
    }

    /// CLAIM: says that something is about to be put in and not published. RECHECK comes after it, if this is the first.
    #[inline]
    pub(crate) fn mark(&self) -> bool {
        let is_first = self.ring.staged() == 0;
        if is_first {
            self.mark.set();
        }
        is_first
    }

    /// Publishes what is put in. Returns how many messages the worker was not told of.
    pub(crate) fn publish(&mut self) -> usize {
        let staged = self.ring.staged();
        self.untold += staged;
        self.published = self.published.wrapping_add(staged);
        self.ring.publish();
        self.mark.set_quiet();
        let sent = &self.mark.counts.sent;
        // RELAXED: a count.
        sent.store(self.published as u64, Relaxed);
        if staged == BATCH_LEN {
            self.ring.prefetch(BATCH_LEN);
        }
        self.untold
    }

    /// There was no room at once.
    pub(crate) fn refused(&self) {
        add(&self.mark.counts.refused, 1);
    }

    /// The worker is being told.
    pub(crate) fn told(&mut self) {
        self.untold = 0;
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.ring.is_closed()
    }

    /// Whether somebody reads at the other end, and takes more.
    pub(crate) fn is_open(&self) -> bool {
        !self.ring.is_closed()
    }

    /// Whether the worker takes nothing out any more.
    pub(crate) fn is_left(&self) -> bool {
        self.mark.is_left()
    }

    /// What a worker that is gone has left.
    pub(crate) fn reclaim(&mut self) -> impl Iterator<Item = M> {
        self.ring.reclaim()
    }
}
