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
    by_owner: AtomicU64,
}

/// Adds without a read-modify-write: the caller is the only writer.
pub(super) fn add(counter: &AtomicU64, count: u64) {
    // RELAXED: a count; nothing is read by it.
    counter.store(counter.load(Relaxed).wrapping_add(count), Relaxed);
}

impl Counters {
    pub(crate) fn batch(&self, handled: u64) {
        add(&self.inner.handled, handled);
        add(&self.inner.batches, 1);
    }

    /// Messages that came by no shared ring: by a batcher's lane, or from the worker itself.
    pub(crate) fn by_owner(&self, messages: u64) {
        add(&self.inner.by_owner, messages);
    }

    pub(crate) fn failed(&self) {
        add(&self.inner.failed, 1);
    }

    pub(crate) fn panicked(&self, messages: u64) {
        add(&self.inner.panicked, messages);
    }

    /// `by_ring`: messages that the shared ring accepted.
    pub(crate) fn read(&self, by_ring: u64) -> Counts {
        let inner = &self.inner;
        // RELAXED: counts; each is exact, and together they are exact when the worker has stopped.
        Counts {
            sent: by_ring.wrapping_add(inner.by_owner.load(Relaxed)),
            handled: inner.handled.load(Relaxed),
            failed: inner.failed.load(Relaxed),
            panicked: inner.panicked.load(Relaxed),
            batches: inner.batches.load(Relaxed),
        }
    }
}

/// What a worker has counted.
///
/// When a worker has stopped, `sent = handled + panicked + returned`: nothing is lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
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
}
