//! Counters that one thread writes and any thread reads.
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crossbeam_utils::CachePadded;

/// A worker's counters: one writer, the worker.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    inner: CachePadded<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    handled: AtomicU64,
    failed: AtomicU64,
    panicked: AtomicU64,
    batches: AtomicU64,
    own_sent: AtomicU64,
    own_taken: AtomicU64,
    by_lane: AtomicU64,
    cancelled: AtomicU64,
    restarts: AtomicU64,
}

/// Adds without a read-modify-write: the caller is the only writer.
pub(crate) fn add(counter: &AtomicU64, count: u64) {
    // RELAXED: a count; nothing is read by it.
    counter.store(counter.load(Relaxed).wrapping_add(count), Relaxed);
}

impl Counters {
    pub(crate) fn batch(&self, handled: u64) {
        add(&self.inner.handled, handled);
        add(&self.inner.batches, 1);
    }

    /// Messages that were taken out of a batcher's lane.
    pub(crate) fn by_lane(&self, messages: u64) {
        add(&self.inner.by_lane, messages);
    }

    /// A message that the worker sends itself.
    pub(crate) fn own_sent(&self) {
        add(&self.inner.own_sent, 1);
    }

    /// Messages of the worker's own that it has taken.
    pub(crate) fn own_taken(&self, messages: u64) {
        add(&self.inner.own_taken, messages);
    }

    /// What the worker sent itself, and what it has taken of it.
    pub(crate) fn own(&self) -> (u64, u64) {
        let inner = &self.inner;
        // RELAXED: counts.
        let taken = inner.own_taken.load(Relaxed);
        // RELAXED: as above.
        (inner.own_sent.load(Relaxed), taken)
    }

    pub(crate) fn failed(&self) {
        add(&self.inner.failed, 1);
    }

    pub(crate) fn panicked(&self, messages: u64) {
        add(&self.inner.panicked, messages);
    }

    /// The message that was handled when its worker was cancelled.
    pub(crate) fn cancelled(&self) {
        add(&self.inner.cancelled, 1);
    }

    pub(crate) fn restarted(&self) {
        add(&self.inner.restarts, 1);
    }

    /// `by_ring`: places of the shared ring that were claimed.
    pub(crate) fn read(&self, by_ring: u64, drops: &Drops) -> WorkerCounts {
        let inner = &self.inner;
        // RELAXED: as below.
        let given_up = drops.given_up.load(Relaxed) + drops.urgent_given_up.load(Relaxed);
        // RELAXED: as below.
        let (newest, oldest) = (drops.newest.load(Relaxed), drops.oldest.load(Relaxed));
        let by_ring = by_ring.wrapping_sub(given_up).wrapping_add(newest);
        // RELAXED: counts; each is exact, and together they are exact when the worker has stopped.
        WorkerCounts {
            sent: by_ring
                .wrapping_add(inner.by_lane.load(Relaxed))
                .wrapping_add(inner.own_sent.load(Relaxed)),
            handled: inner.handled.load(Relaxed),
            failed: inner.failed.load(Relaxed),
            panicked: inner.panicked.load(Relaxed),
            batches: inner.batches.load(Relaxed),
            cancelled: inner.cancelled.load(Relaxed),
            dropped_newest: newest,
            dropped_oldest: oldest,
            restarts: inner.restarts.load(Relaxed),
        }
    }
}

/// What senders count, any of them: rare events.
#[derive(Debug, Default)]
pub(crate) struct Drops {
    given_up: AtomicU64,
    urgent_given_up: AtomicU64,
    refused: AtomicU64,
    urgent_refused: AtomicU64,
    newest: AtomicU64,
    oldest: AtomicU64,
}

impl Drops {
    /// Places that were claimed and not filled.
    pub(crate) fn given_up(&self, places: u64) {
        // RELAXED: a count; nothing is read by it.
        self.given_up.fetch_add(places, Relaxed);
    }

    /// As [`given_up`](Self::given_up), a place for an urgent message.
    pub(crate) fn urgent_given_up(&self) {
        // RELAXED: as above.
        self.urgent_given_up.fetch_add(1, Relaxed);
    }

    /// Messages that were handed back.
    #[cold]
    pub(crate) fn refused(&self, messages: u64) {
        // RELAXED: as above.
        self.refused.fetch_add(messages, Relaxed);
    }

    /// An urgent message that was handed back.
    #[cold]
    pub(crate) fn urgent_refused(&self) {
        // RELAXED: as above.
        self.urgent_refused.fetch_add(1, Relaxed);
    }

    /// Places given up and messages refused, of the mailbox, and of the urgent ring.
    pub(crate) fn by_ring(&self) -> [(u64, u64); 2] {
        // RELAXED: counts.
        let read = |count: &AtomicU64| count.load(Relaxed);
        [
            (read(&self.given_up), read(&self.refused)),
            (read(&self.urgent_given_up), read(&self.urgent_refused)),
        ]
    }

    /// A message that found no room.
    pub(crate) fn newest(&self) {
        // RELAXED: as above.
        self.newest.fetch_add(1, Relaxed);
    }

    /// A message that made room for another.
    pub(crate) fn oldest(&self) {
        // RELAXED: as above.
        self.oldest.fetch_add(1, Relaxed);
    }
}

/// What a worker has counted.
///
/// When a worker has stopped, `sent = handled + panicked + returned + dropped()`: nothing is lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerCounts {
    /// Messages that its mailbox accepted; those of a batcher count when the worker takes them.
    pub sent: u64,
    /// Messages that a handler took and returned from, with success or with an error.
    pub handled: u64,
    /// Errors that handlers returned.
    pub failed: u64,
    /// Messages that a handler took and panicked over.
    pub panicked: u64,
    /// Batches handed to a handler.
    pub batches: u64,
    /// Messages whose asynchronous handler was cut off, because its executor was stopped.
    pub cancelled: u64,
    /// Messages that were dropped because there was no room for them.
    pub dropped_newest: u64,
    /// Messages that were dropped to make room for others.
    pub dropped_oldest: u64,
    /// How often the worker began another life.
    pub restarts: u64,
}

impl WorkerCounts {
    /// Messages that were dropped, whatever the reason.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.cancelled + self.dropped_newest + self.dropped_oldest
    }
}
