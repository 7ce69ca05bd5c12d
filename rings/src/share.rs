//! Who keeps a ring alive for its ends, and who cleans up when the last end goes.

#[cfg(target_has_atomic = "ptr")]
use crate::sync::{AtomicUsize, Ordering};

/// How an end holds its ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Home {
    /// By a borrow: the ring outlives the end and is never told that it is gone.
    Borrowed,
    /// In a `static`: ends are counted, so that the ring can be split again when all are gone.
    #[cfg(target_has_atomic = "ptr")]
    Static,
    /// In memory of the caller: ends are counted, and the last one drops what is left.
    #[cfg(target_has_atomic = "ptr")]
    Mapped,
    /// On the heap: ends are counted, and the last one frees it.
    #[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
    Heap,
}

/// Counts the ends of a ring that is not borrowed.
#[cfg(target_has_atomic = "ptr")]
#[derive(Debug)]
pub(crate) struct Ends {
    count: AtomicUsize,
}

#[cfg(target_has_atomic = "ptr")]
impl Ends {
    crate::sync::const_constructor! {
        pub(crate) fn none() -> Self {
            Self { count: AtomicUsize::new(0) }
        }
    }

    /// Takes the right to make the first `count` ends; `false` while any end lives.
    #[must_use]
    pub(crate) fn claim(&self, count: usize) -> bool {
        // LEAVE, acquire end: whatever the former ends did with the ring is done.
        self.count
            .compare_exchange(0, count, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
    }

    /// Starts anew with `count` ends, when a borrow shows that no other is alive.
    pub(crate) fn restart(&self, count: usize) {
        // RELAXED: what brings the new ends to their threads orders this too.
        self.count.store(count, Ordering::Relaxed);
    }

    /// One more end beside a living one.
    ///
    /// # Panics
    ///
    /// At `isize::MAX` ends, which only a program that forgets them (`mem::forget`) can reach.
    pub(crate) fn join(&self) {
        // RELAXED: the caller holds an end, so the ring cannot vanish meanwhile; nothing is handed over.
        let before = self.count.fetch_add(1, Ordering::Relaxed);
        if before > isize::MAX as usize {
            // RELAXED: takes back the line above.
            self.count.fetch_sub(1, Ordering::Relaxed);
            panic!("too many ends on one ring");
        }
    }

    /// Gives one end back. `true` for the last, which may then treat the ring as its own.
    #[must_use]
    pub(crate) fn leave(&self) -> bool {
        // LEAVE, both ends: what this end did happens before what the last one does to the ring.
        self.count.fetch_sub(1, Ordering::AcqRel) == 1
    }
}
