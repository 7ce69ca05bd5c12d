//! What a shard runs at the moment, for a watchdog to read.

use core::panic::Location;

use super::core::Watch;
use crate::sync::{
    AtomicPtr, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};

/// Written by its shard, twice for each poll, and read by nobody else but a watchdog.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Beat {
    /// Odd while a user's code runs.
    count: AtomicUsize,
    place: AtomicPtr<Location<'static>>,
}

/// A user's code that runs: which, and since which beat.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Running {
    pub(crate) count: usize,
    pub(crate) place: &'static Location<'static>,
}

impl Beat {
    pub(crate) fn new() -> Self {
        Self {
            count: AtomicUsize::new(0),
            place: AtomicPtr::new(core::ptr::null_mut()),
        }
    }

    fn count_up(&self) {
        // RELAXED: its own last store.
        let count = self.count.load(Relaxed).wrapping_add(1);
        // BEAT, release end: the place that was written before.
        self.count.store(count, Release);
    }

    /// What runs now, if anything does. Its place may be that of code which has begun since.
    pub(crate) fn running(&self) -> Option<Running> {
        // BEAT, acquire end: the place of this beat or of a later one.
        let count = self.count.load(Acquire);
        // RELAXED: ordered by the line above.
        let place = self.place.load(Relaxed);
        if count % 2 == 0 || place.is_null() {
            return None;
        }
        // SAFETY: not null, so stored by `begin`, from a reference that lives for ever.
        let place = unsafe { &*place };
        Some(Running { count, place })
    }
}

impl Watch for Beat {
    #[inline]
    fn begin(&self, place: &'static Location<'static>) {
        // RELAXED: BEAT carries it.
        self.place
            .store(core::ptr::from_ref(place).cast_mut(), Relaxed);
        self.count_up();
    }

    #[inline]
    fn end(&self) {
        self.count_up();
    }
}
