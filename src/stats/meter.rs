//! What a worker notes as it goes, beside its [`Counters`](super::Counters).
//!
//! | fields | who writes | who reads |
//! |---|---|---|
//! | returned, dropped, depth_max, restarts, beats, beat_ns, queue wait, handle time | the worker's thread | anyone |
//! | dropped by senders | any sender, by adding | anyone |
//! | stall | whoever watches the worker, one thread | anyone |
//!
//! All are counts and reports: no data is read by them, so that nothing is ordered and nobody waits.
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crossbeam_utils::CachePadded;

use super::{
    Counts, DropReason, Dropped, WorkerStats, counters::add, dropped::REASONS, live::LiveLatency,
};

/// The notes of one worker. It survives the worker's restarts.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    own: CachePadded<Own>,
    /// On a line of its own: what senders write would otherwise slow the worker.
    dropped_by_senders: CachePadded<[AtomicU64; REASONS]>,
    queue_wait: LiveLatency,
    handle_time: LiveLatency,
    stall: LiveLatency,
}

#[derive(Debug, Default)]
struct Own {
    returned: AtomicU64,
    dropped: [AtomicU64; REASONS],
    depth_max: AtomicU64,
    restarts: AtomicU64,
    /// Odd while a handler runs.
    beats: AtomicU64,
    beat_ns: AtomicU64,
}

fn load(counts: &[AtomicU64; REASONS]) -> Dropped {
    Dropped {
        // RELAXED: counts; each is exact.
        counts: core::array::from_fn(|reason| counts[reason].load(Relaxed)),
    }
}

impl Meter {
    /// Messages that the worker did not handle and handed back.
    pub(crate) fn returned(&self, messages: u64) {
        add(&self.own.returned, messages);
    }

    /// Messages that the worker dropped.
    pub(crate) fn dropped(&self, reason: DropReason, messages: u64) {
        add(&self.own.dropped[reason.index()], messages);
    }

    /// Messages that a sender dropped: its mailbox never had them.
    pub(crate) fn dropped_by_sender(&self, reason: DropReason, messages: u64) {
        // RELAXED: a count with many writers; nothing is read by it.
        self.dropped_by_senders[reason.index()].fetch_add(messages, Relaxed);
    }

    /// The worker sees so many messages in its mailbox, those that it is about to take among them.
    #[inline]
    pub(crate) fn depth(&self, messages: u64) {
        // RELAXED: a report with one writer.
        if messages > self.own.depth_max.load(Relaxed) {
            self.own.depth_max.store(messages, Relaxed);
        }
    }

    /// The worker was started again.
    pub(crate) fn restarted(&self) {
        add(&self.own.restarts, 1);
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

    /// All of it, with what the counters say and what lies in the mailbox. Stops nobody.
    pub(crate) fn read(&self, counts: &Counts, queue_depth: u64, now_ns: u64) -> WorkerStats {
        let own = &*self.own;
        let by_senders = load(&self.dropped_by_senders);
        let mut dropped = load(&own.dropped);
        // RELAXED: counts and reports; each is exact, and together they are exact when the worker has stopped.
        let (returned, beat_ns) = (own.returned.load(Relaxed), own.beat_ns.load(Relaxed));
        let received = counts.handled + counts.panicked + returned + dropped.total();
        dropped += by_senders;
        WorkerStats {
            sent: counts.sent + by_senders.total(),
            received,
            handled: counts.handled,
            failed: counts.failed,
            panicked: counts.panicked,
            returned,
            dropped,
            batches: counts.batches,
            // RELAXED: as above.
            restarts: own.restarts.load(Relaxed),
            queue_depth,
            // RELAXED: as above. What lies there now is no less than what was seen.
            queue_depth_max: own.depth_max.load(Relaxed).max(queue_depth),
            is_busy: self.running_beat().is_some(),
            heartbeat_age_ns: now_ns.saturating_sub(beat_ns),
            queue_wait: self.queue_wait.snapshot(),
            handle_time: self.handle_time.snapshot(),
            stall: self.stall.snapshot(),
        }
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
    use crate::stats::{Counters, Probe};

    #[test]
    fn what_is_noted_is_read_and_adds_up() {
        let (meter, counters) = (Meter::default(), Counters::default());
        counters.batch(5);
        counters.panicked(1);
        meter.returned(2);
        meter.dropped(DropReason::Poison, 3);
        meter.dropped_by_sender(DropReason::Newest, 4);
        meter.restarted();
        meter.depth(7);
        meter.depth(6);
        meter.alive_at(90);
        meter.queue_wait(10);
        meter.handle_time(20);
        meter.stall(30);
        let stats = meter.read(&counters.read(13), 2, 100);
        assert_eq!((stats.sent, stats.received), (17, 11));
        assert_eq!((stats.handled, stats.panicked, stats.returned), (5, 1, 2));
        assert_eq!(
            (stats.dropped.total(), stats.dropped.of(DropReason::Poison)),
            (7, 3)
        );
        assert_eq!(
            (stats.queue_depth, stats.queue_depth_max, stats.restarts),
            (2, 7, 1)
        );
        assert_eq!((stats.is_busy, stats.heartbeat_age_ns), (false, 10));
        let durations = [&stats.queue_wait, &stats.handle_time, &stats.stall];
        assert_eq!(durations.map(|one| one.max().as_nanos()), [10, 20, 30]);
        assert_eq!(stats.sent, stats.accounted() + stats.queue_depth);
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
        let stats = meter.read(&Counts::default(), 0, 0);
        assert_eq!(
            (stats.queue_wait.count(), stats.handle_time.count()),
            (100, 100)
        );
        // From one read to the next, to two digits.
        assert!((1000..1010).contains(&stats.handle_time.max().as_nanos()));
    }

    #[test]
    fn senders_write_no_line_of_the_worker() {
        let meter = Meter::default();
        let line_of = |counter: &AtomicU64| core::ptr::from_ref(counter) as usize / 128;
        let theirs = meter.dropped_by_senders.each_ref().map(line_of);
        for own in [
            &meter.own.returned,
            &meter.own.beat_ns,
            &meter.own.depth_max,
        ] {
            assert!(!theirs.contains(&line_of(own)));
        }
    }
}
