//! What is known about one worker, as plain data.
#![forbid(unsafe_code)]

use core::time::Duration;

use super::{ChannelKind, ChannelStats, Dropped, Latency};

/// What a worker has done so far, read without stopping it.
///
/// Each number is exact. As they are read one after the other while the worker goes on, they may differ by what happened
/// in between; when the worker has stopped, `sent = handled + panicked + returned + dropped + queue_depth`.
///
/// Restarts do not begin the numbers anew.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WorkerStats {
    /// Messages that were sent to it and not refused: accepted by its mailbox, or dropped by the overflow policy.
    pub sent: u64,
    /// Messages that it took from its mailbox.
    pub received: u64,
    /// Messages that a handler took and returned from, with success or with an error.
    pub handled: u64,
    /// Errors that handlers returned.
    pub failed: u64,
    /// Messages that a handler took and panicked over.
    pub panicked: u64,
    /// Messages that it handed back, unhandled.
    pub returned: u64,
    /// Messages that were dropped, by reason.
    pub dropped: Dropped,
    /// Batches handed to a handler.
    pub batches: u64,
    /// How often it was started again.
    pub restarts: u64,
    /// Messages that it accepted and that nothing has become of yet: in its mailbox, or at hand.
    pub queue_depth: u64,
    /// The most messages that it ever saw in its mailbox.
    pub queue_depth_max: u64,
    /// Whether a handler runs.
    pub is_busy: bool,
    /// How long ago it last said that it lives. A worker that is busy and old hangs; one that is not busy waits
    /// for messages.
    pub heartbeat_age: Duration,
    /// How long messages lay in its mailbox, measured on every 64th.
    pub queue_wait: Latency,
    /// How long messages were handled, measured on every 64th.
    pub handle_time: Latency,
    /// How long those handlers ran that were seen to hold the thread.
    pub stall: Latency,
    /// For how long it has been there, since its first life began; of several workers, all of theirs together.
    pub age: Duration,
    /// The number of its shard.
    pub shard: usize,
    /// Each way by which messages come to it.
    pub channels: Vec<ChannelStats>,
}

impl WorkerStats {
    /// Messages whose fate is known: handled, panicked over, handed back, or dropped.
    #[must_use]
    pub fn accounted(&self) -> u64 {
        self.handled + self.panicked + self.returned + self.dropped.total()
    }

    /// For how long it has handled messages, about: as long for each as those that were measured took on average, one in 64.
    /// Of a few hundred messages it says little. An asynchronous handler counts while it waits, too.
    #[must_use]
    pub fn busy_time(&self) -> Duration {
        let messages = self.handled + self.panicked;
        let busy_ns = self.handle_time.mean().as_nanos() * u128::from(messages);
        Duration::from_nanos(busy_ns.min(self.age.as_nanos()) as u64)
    }

    /// The share of its time in which it handled messages, 0.0 to 1.0: see [`busy_time`](Self::busy_time). The rest is idle.
    #[must_use]
    pub fn busy_share(&self) -> f64 {
        match self.age {
            Duration::ZERO => 0.0,
            age => self.busy_time().div_duration_f64(age),
        }
    }

    /// What went over all ways of a kind together; `None` if there is none.
    #[must_use]
    pub fn channel(&self, kind: ChannelKind) -> Option<ChannelStats> {
        let mut of_kind = self.channels.iter().filter(|one| one.kind == kind);
        let mut all = *of_kind.next()?;
        of_kind.for_each(|one| all.merge(one));
        Some(all)
    }

    /// Adds what another has counted, and ways of a kind to those of that kind. Of depths' maxima and heartbeats' ages it
    /// keeps the larger, and its own shard.
    pub fn merge(&mut self, other: &Self) {
        self.sent += other.sent;
        self.received += other.received;
        self.handled += other.handled;
        self.failed += other.failed;
        self.panicked += other.panicked;
        self.returned += other.returned;
        self.dropped += other.dropped;
        self.batches += other.batches;
        self.restarts += other.restarts;
        self.queue_depth += other.queue_depth;
        self.queue_depth_max = self.queue_depth_max.max(other.queue_depth_max);
        self.is_busy |= other.is_busy;
        self.heartbeat_age = self.heartbeat_age.max(other.heartbeat_age);
        self.queue_wait.merge(&other.queue_wait);
        self.handle_time.merge(&other.handle_time);
        self.stall.merge(&other.stall);
        self.age += other.age;
        for channel in &other.channels {
            let mut own = self.channels.iter_mut();
            match own.find(|own| own.kind == channel.kind) {
                Some(own) => own.merge(channel),
                None => self.channels.push(*channel),
            }
        }
    }
}

impl Default for WorkerStats {
    /// Of a worker that has done nothing.
    fn default() -> Self {
        Self {
            sent: 0,
            received: 0,
            handled: 0,
            failed: 0,
            panicked: 0,
            returned: 0,
            dropped: Dropped::default(),
            batches: 0,
            restarts: 0,
            queue_depth: 0,
            queue_depth_max: 0,
            is_busy: false,
            heartbeat_age: Duration::ZERO,
            queue_wait: Latency::new(),
            handle_time: Latency::new(),
            stall: Latency::new(),
            age: Duration::ZERO,
            shard: 0,
            channels: Vec::new(),
        }
    }
}
