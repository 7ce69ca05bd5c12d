//! The producer's half of the rule by which the consumer learns of a lane: raise its bit, or hold a lease.

use core::ptr::NonNull;

use super::raw::{Beside, Header};
use crate::{
    pos::{advance, distance},
    sync::Ordering::{Relaxed, Release},
};

/// The longest lease, in values.
///
/// A long one makes the read-modify-write at its end cheaper for each value, and keeps a lane whose producer fell
/// silent in the middle of it dirty for longer.
pub(super) const LEASE_MAX: usize = if cfg!(any(loom, shuttle)) { 2 } else { 256 };

/// What one producer announces its pushes by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lease {
    pub(super) header: NonNull<Header>,
    pub(super) beside: NonNull<Beside>,
    pub(super) lane: usize,
}

// SAFETY: the pointers are to the header, which all ends share, and to a line whose numbers are the producer's: they go
// where the producer goes, or the grant that borrows it. What others read there is atomic.
unsafe impl Send for Lease {}

impl Lease {
    /// Makes sure that the consumer will look at what was pushed before `end`, the producer's position.
    ///
    /// # Safety
    ///
    /// 1. The lane is alive, and the caller is its producer.
    /// 2. Everything before `end` is published.
    #[inline(always)]
    pub(super) unsafe fn announce(&self, end: usize) {
        // SAFETY: duty 1.
        let leased_until = unsafe { self.beside.as_ref().producer.leased_until.own() };
        // A batch may end beyond the lease, hence the sign.
        if (distance(leased_until, end) as isize) < 0 {
            // SAFETY: as above.
            unsafe { self.renew(end) };
        }
    }

    /// Takes a new lease that begins at `end`, and raises the bit.
    ///
    /// # Safety
    ///
    /// Those of [`announce`](Self::announce).
    #[cold]
    unsafe fn renew(&self, end: usize) {
        // SAFETY: duty 1.
        let line = unsafe { &self.beside.as_ref().producer };
        // SAFETY: the producer's own number, and this is the producer.
        let length = unsafe { line.lease.get() };
        // RELAXED: RAISE carries it.
        // SAFETY: the producer's own position, and this is the producer.
        unsafe { line.leased_until.store(advance(end, length), Relaxed) };
        // SAFETY: the header lives as long as the lane.
        let was_set = unsafe { self.header.as_ref() }.news.dirty.raise(self.lane);
        // A consumer that has not let the lane go meanwhile is busy with it: the next lease may be twice as long. One
        // that has keeps up easily, and gets a bit for each value.
        let next = if was_set {
            LEASE_MAX.min(2 * length + 1)
        } else {
            0
        };
        // SAFETY: the producer's own number, and this is the producer.
        unsafe { line.lease.set(next) };
    }

    /// Ends a lease at `end`, the producer's position.
    ///
    /// # Safety
    ///
    /// Those of [`announce`](Self::announce).
    pub(super) unsafe fn end(self, end: usize) {
        // SAFETY: duty 1.
        let line = unsafe { &self.beside.as_ref().producer };
        // SAFETY: the producer's own position and number, and this is the producer.
        unsafe {
            if line.leased_until.own() != end {
                line.lease.set(0);
                self.renew(end);
                line.lease.set(0);
            }
        }
    }

    /// No more values will come from this producer.
    pub(super) fn close(self) {
        // SAFETY: the header lives as long as the producer that holds this.
        let news = unsafe { &self.header.as_ref().news };
        // CLOSE, release end: whoever counts this producer as gone also sees all that it pushed.
        news.open.fetch_sub(1, Release);
    }
}
