//! A batcher's end of a lane to one worker.
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use shared_nothing_rings::{TryPushError, spsc};

use crate::{pool::BATCH, stats::Probe, sys::Clock};

/// Whether a lane holds what is not published, for whoever moves map slots away from its worker.
#[derive(Debug, Default)]
pub(super) struct LaneMark {
    is_set: AtomicBool,
}

impl LaneMark {
    #[inline]
    fn set(&self) {
        // RELAXED: CLAIM of `routes`; the barrier between it and RECHECK orders it.
        self.is_set.store(true, Ordering::Relaxed);
    }

    #[inline]
    fn set_quiet(&self) {
        // QUIET, release end: all that was put in is published.
        self.is_set.store(false, Ordering::Release);
    }

    pub(super) fn is_quiet(&self) -> bool {
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
    /// Messages put in it; the position of the next.
    sent: usize,
    /// Messages published since the worker was last told.
    untold: usize,
}

impl<M> LaneEnd<M> {
    pub(super) const fn new(
        ring: spsc::BatchedProducer<'static, M>,
        probe: Arc<Probe>,
        mark: Arc<LaneMark>,
    ) -> Self {
        Self {
            ring,
            probe,
            mark,
            sent: 0,
            untold: 0,
        }
    }

    /// Puts a message in, unpublished, or hands it back at once.
    #[inline]
    pub(crate) fn try_put(&mut self, message: M, clock: Clock) -> Result<(), TryPushError<M>> {
        if Probe::is_sampled(self.sent) {
            self.note(clock);
        }
        self.put(message)
    }

    /// Whether the next message is neither the first nor the last of its batch, nor one that is measured.
    #[inline(always)]
    pub(crate) fn is_amid_batch(&self) -> bool {
        let is_inside = self.ring.staged().wrapping_sub(1) < BATCH - 2;
        is_inside && !Probe::is_sampled(self.sent)
    }

    /// As [`try_put`](Self::try_put), for a message that is not measured.
    #[inline(always)]
    pub(crate) fn put(&mut self, message: M) -> Result<(), TryPushError<M>> {
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
        self.untold += self.ring.staged();
        self.ring.publish();
        self.mark.set_quiet();
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
