//! What is known about one worker, as plain data.
#![forbid(unsafe_code)]

use core::time::Duration;

use super::{Dropped, Latency};

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
}

impl WorkerStats {
    /// Messages whose fate is known: handled, panicked over, handed back, or dropped.
    #[must_use]
    pub fn accounted(&self) -> u64 {
        self.handled + self.panicked + self.returned + self.dropped.total()
    }

    /// Adds what another has counted. Of depths' maxima and heartbeats' ages it keeps the larger.
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
        }
    }
}
