//! What a worker notes as it goes, beside its [`Counters`](super::Counters).
//!
//! | fields | who writes | who reads |
//! |---|---|---|
//! | returned, depths, former lanes, begun_ns, beats, beat_ns, queue wait, handle time | the worker's thread | anyone |
//! | stall | whoever watches the worker, one thread | anyone |
//!
//! All are counts and reports: no data is read by them, so that nothing is ordered and nobody waits.
#![forbid(unsafe_code)]

use core::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use crossbeam_utils::CachePadded;

use super::{
    ChannelKind, ChannelStats, DropReason, Dropped, Latency, WorkerCounts, WorkerStats,
    counters::add, live::LiveLatency,
};

/// The notes of one worker. It survives the worker's restarts.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    own: CachePadded<Own>,
    queue_wait: LiveLatency,
    handle_time: LiveLatency,
    stall: LiveLatency,
}

#[derive(Debug, Default)]
struct Own {
    returned: AtomicU64,
    depth_max: AtomicU64,
    /// Of the mailbox's ring, of the urgent one, and of what the worker sent itself.
    depths_max: [AtomicU64; 3],
    /// Of lanes whose batchers are gone: sent, taken, refused, and the deepest.
    former: [AtomicU64; 4],
    begun_ns: AtomicU64,
    /// Odd while a handler runs.
    beats: AtomicU64,
    beat_ns: AtomicU64,
}

impl Meter {
    /// Messages that the worker did not handle and handed back.
    pub(crate) fn returned(&self, messages: u64) {
        add(&self.own.returned, messages);
    }

    /// The worker saw so many messages in its mailbox, those that it took among them.
    #[inline]
    pub(crate) fn depth(&self, messages: u64) {
        raise(&self.own.depth_max, messages);
    }

    /// As [`depth`](Self::depth), of one way.
    #[inline]
    pub(crate) fn depth_of(&self, way: Way, messages: u64) {
        raise(&self.own.depths_max[way as usize], messages);
    }

    pub(crate) fn depth_max_of(&self, way: Way) -> u64 {
        // RELAXED: a report.
        self.own.depths_max[way as usize].load(Relaxed)
    }

    /// The lane of a batcher that is gone was dropped.
    pub(crate) fn former_lane(&self, lane: &ChannelStats) {
        let [sent, taken, refused, depth_max] = &self.own.former;
        add(sent, lane.received);
        add(taken, lane.received);
        add(refused, lane.refused);
        raise(depth_max, lane.depth_max);
    }

    /// All lanes of batchers that are gone, if there were any.
    pub(crate) fn former_lanes(&self) -> Option<ChannelStats> {
        // RELAXED: counts.
        let [sent, taken, refused, depth_max] =
            [0, 1, 2, 3].map(|place| self.own.former[place].load(Relaxed));
        let mut lanes = ChannelStats::new(ChannelKind::FormerLanes, sent, taken);
        lanes.refused = refused;
        (sent + refused != 0).then_some(lanes.with_depth_max(depth_max))
    }

    /// The first life begins.
    pub(crate) fn begun_at(&self, now_ns: u64) {
        // RELAXED: a report with one writer.
        if self.own.begun_ns.load(Relaxed) == 0 {
            // RELAXED: as above.
            self.own.begun_ns.store(now_ns.max(1), Relaxed);
        }
    }

    /// A handler begins; or ends, by return or by panic. It reads no clock.
    #[inline]
    pub(crate) fn beat(&self) {
        add(&self.own.beats, 1);
    }

    /// The worker lives at this time. For where the time is known anyway: at a sampled message, before it parks.
    #[inline]
    pub(crate) fn alive_at(&self, now_ns: u64) {
        // RELAXED: a report with one writer.
        self.own.beat_ns.store(now_ns, Relaxed);
    }

    /// The beat of the handler that runs now, if one does: for a watch.
    pub(crate) fn running_beat(&self) -> Option<u64> {
        // RELAXED: a report.
        let beats = self.own.beats.load(Relaxed);
        (beats % 2 == 1).then_some(beats)
    }

    /// How long a sampled message lay in the mailbox.
    pub(crate) fn queue_wait(&self, ns: u64) {
        self.queue_wait.record_ns(ns);
    }

    /// How long a sampled message was handled.
    pub(crate) fn handle_time(&self, ns: u64) {
        self.handle_time.record_ns(ns);
    }

    /// How long a handler held its thread that was seen to be slow. By one thread, that of the watch.
    pub(crate) fn stall(&self, ns: u64) {
        self.stall.record_ns(ns);
    }

    /// How long messages lay in the mailbox so far.
    pub(crate) fn queue_waits(&self) -> Latency {
        self.queue_wait.snapshot()
    }

    /// All of it, with what the counters say. Stops nobody.
    ///
    /// What is sent and not accounted for lies in the mailbox or is at hand. The counts are read one after the other, so
    /// that a message which is sent and handled in between may be seen at its end only: it counts as sent, too.
    pub(crate) fn read(&self, counts: &WorkerCounts, now_ns: u64) -> WorkerStats {
        let own = &*self.own;
        // RELAXED: counts and reports; each is exact, and together they are exact when the worker has stopped.
        let (returned, beat_ns) = (own.returned.load(Relaxed), own.beat_ns.load(Relaxed));
        // RELAXED: as above.
        let begun_ns = own.begun_ns.load(Relaxed);
        let mut dropped = Dropped::default();
        dropped.add(DropReason::Newest, counts.dropped_newest);
        dropped.add(DropReason::Oldest, counts.dropped_oldest);
        dropped.add(DropReason::Stopped, counts.cancelled);
        let accounted = counts.handled + counts.panicked + returned + dropped.total();
        let sent = counts.sent.max(accounted);
        let queue_depth = sent - accounted;
        WorkerStats {
            sent,
            received: accounted - counts.dropped_newest,
            handled: counts.handled,
            failed: counts.failed,
            panicked: counts.panicked,
            returned,
            dropped,
            batches: counts.batches,
            restarts: counts.restarts,
            queue_depth,
            // RELAXED: as above. What lies there now is no less than what was seen.
            queue_depth_max: own.depth_max.load(Relaxed).max(queue_depth),
            is_busy: self.running_beat().is_some(),
            heartbeat_age: Duration::from_nanos(now_ns.saturating_sub(beat_ns)),
            queue_wait: self.queue_wait.snapshot(),
            handle_time: self.handle_time.snapshot(),
            stall: self.stall.snapshot(),
            age: match begun_ns {
                0 => Duration::ZERO,
                begun_ns => Duration::from_nanos(now_ns.saturating_sub(begun_ns)),
            },
            shard: 0,
            channels: Vec::new(),
        }
    }
}

/// A way to a worker whose depth it notes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    Mailbox,
    Urgent,
    Own,
}

/// The caller is the only writer.
#[inline]
pub(crate) fn raise(most: &AtomicU64, to: u64) {
    // RELAXED: a report with one writer.
    if to > most.load(Relaxed) {
        // RELAXED: as above.
        most.store(to, Relaxed);
    }
}

/// Times the handling of sampled messages: from when one is handed out until the next one is asked for, or none.
///
/// A message that is not sampled costs a comparison; one that is costs the clock read of its queue wait, and one more.
#[derive(Debug, Default)]
pub(crate) struct HandleTimer {
    since_ns: Option<u64>,
}

impl HandleTimer {
    /// A sampled message is handed out.
    pub(crate) fn begin(&mut self, now_ns: u64) {
        self.since_ns = Some(now_ns);
    }

    /// Whatever was handed out is done. `now_ns` is asked only if it was sampled.
    #[inline]
    pub(crate) fn end(&mut self, meter: &Meter, now_ns: impl FnOnce() -> u64) {
        if let Some(since_ns) = self.since_ns.take() {
            let now_ns = now_ns();
            meter.handle_time(now_ns.saturating_sub(since_ns));
            meter.alive_at(now_ns);
        }
    }
}

#[cfg(test)]
mod cost;
#[cfg(test)]
mod tests {
    use core::cell::Cell;

    use super::*;
    use crate::stats::{Counters, Drops, Probe};

    #[test]
    fn what_is_noted_is_read_and_adds_up() {
        let (meter, counters, drops) = (Meter::default(), Counters::default(), Drops::default());
        counters.batch(5);
        counters.panicked(1);
        counters.restarted();
        meter.returned(2);
        (0..4).for_each(|_| drops.newest());
        (0..3).for_each(|_| drops.oldest());
        meter.depth(7);
        meter.depth(6);
        meter.alive_at(90);
        meter.queue_wait(10);
        meter.handle_time(20);
        meter.stall(30);
        let stats = meter.read(&counters.read(13, &drops), 100);
        assert_eq!((stats.sent, stats.received), (17, 11));
        assert_eq!((stats.handled, stats.panicked, stats.returned), (5, 1, 2));
        assert_eq!(
            (stats.dropped.total(), stats.dropped.of(DropReason::Oldest)),
            (7, 3)
        );
        assert_eq!(
            (stats.queue_depth, stats.queue_depth_max, stats.restarts),
            (2, 7, 1)
        );
        assert_eq!((stats.is_busy, stats.heartbeat_age.as_nanos()), (false, 10));
        let durations = [&stats.queue_wait, &stats.handle_time, &stats.stall];
        assert_eq!(durations.map(|one| one.max().as_nanos()), [10, 20, 30]);
        assert_eq!(stats.sent, stats.accounted() + stats.queue_depth);
    }

    #[test]
    fn what_was_handled_was_sent() {
        let (meter, counters) = (Meter::default(), Counters::default());
        counters.batch(5);
        let stats = meter.read(&counters.read(3, &Drops::default()), 0);
        assert_eq!((stats.sent, stats.queue_depth), (5, 0));
    }

    #[test]
    fn a_beat_is_odd_while_a_handler_runs() {
        let meter = Meter::default();
        assert_eq!(meter.running_beat(), None);
        meter.beat();
        assert_eq!(meter.running_beat(), Some(1));
        meter.beat();
        assert_eq!(meter.running_beat(), None);
        meter.beat();
        assert_eq!(meter.running_beat(), Some(3));
    }

    /// What a batch does for each message.
    fn take(meter: &Meter, timer: &mut HandleTimer, position: usize, clock: impl Fn() -> u64) {
        timer.end(meter, &clock);
        if Probe::is_sampled(position) {
            let now_ns = clock();
            meter.queue_wait(now_ns);
            timer.begin(now_ns);
        }
    }

    #[test]
    fn the_clock_is_read_twice_in_64_messages() {
        let (meter, mut timer, reads) = (Meter::default(), HandleTimer::default(), Cell::new(0));
        let clock = || {
            reads.set(reads.get() + 1);
            1000 * reads.get()
        };
        for position in 0..6400 {
            take(&meter, &mut timer, position, clock);
        }
        timer.end(&meter, clock);
        assert_eq!(reads.get(), 2 * 6400 / 64);
        let stats = meter.read(&WorkerCounts::default(), 0);
        assert_eq!(
            (stats.queue_wait.count(), stats.handle_time.count()),
            (100, 100)
        );
        // From one read to the next, to two digits.
        assert!((1000..1010).contains(&stats.handle_time.max().as_nanos()));
    }
}
