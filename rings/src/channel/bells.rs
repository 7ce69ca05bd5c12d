//! What the ends of a channel share besides the ring.
#![forbid(unsafe_code)]

use core::ops::Deref;

use crate::{
    sync::{AtomicUsize, Ordering::Relaxed, const_constructor},
    wait::Wait,
};

/// Where receivers wait for mail, and senders for space.
#[derive(Debug)]
pub struct Bells<W> {
    pub(super) mail: W,
    pub(super) space: W,
    /// How many senders a receive wakes: one, or all from the first place on that was given up.
    woken: AtomicUsize,
}

const ONE: usize = 1;
const ALL: usize = usize::MAX;

impl<W> Bells<W> {
    const_constructor! {
        /// A pair of bells.
        pub fn new(mail: W, space: W) -> Self {
            Self { mail, space, woken: AtomicUsize::new(ONE) }
        }
    }
}

impl<W: Default> Default for Bells<W> {
    fn default() -> Self {
        Self::new(W::default(), W::default())
    }
}

/// A place that was given up may become free only when the receiver steps over it: beside a value, or in a look that
/// finds none. How many it stepped over the receiver cannot tell. So from the first such place on it rings for space
/// after every look, and for all.
impl<W: Wait> Bells<W> {
    /// A place is about to be given up. The ring for mail follows.
    pub(super) fn expect_gap(&self) {
        // RELAXED: stored once, so that a line that every receive reads stays as it is.
        if self.woken.load(Relaxed) != ALL {
            // RELAXED: a receiver that waits has the barrier of the ring for mail between this store and its load, and
            // one that does not wait looks again by itself.
            self.woken.store(ALL, Relaxed);
        }
    }

    /// The receiver looked and has a value.
    #[inline(always)]
    pub(super) fn found_value(&self) {
        // RELAXED: as in `expect_gap`.
        self.space.ring_for(self.woken.load(Relaxed));
    }

    /// The receiver looked and found nothing.
    #[inline]
    pub(super) fn found_nothing(&self) {
        // RELAXED: as in `expect_gap`.
        if self.woken.load(Relaxed) == ALL {
            self.space.ring();
        }
    }
}

/// A shared pair of bells: by reference, or by count.
pub trait BellsRef: Clone + Deref<Target = Bells<Self::Wait>> {
    /// How the ends wait.
    type Wait: Wait;
}

impl<W: Wait> BellsRef for &Bells<W> {
    type Wait = W;
}

#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
impl<W: Wait> BellsRef for alloc::sync::Arc<Bells<W>> {
    type Wait = W;
}

/// Rings for mail when it is dropped: declared behind the end, so that it rings when the end is gone.
#[derive(Debug, Clone)]
pub(super) struct MailOnDrop<B: BellsRef>(pub(super) B);

impl<B: BellsRef> Drop for MailOnDrop<B> {
    fn drop(&mut self) {
        self.0.mail.ring();
    }
}

/// Rings for space when it is dropped: declared behind the end, so that it rings when the end is gone.
#[derive(Debug, Clone)]
pub(super) struct SpaceOnDrop<B: BellsRef>(pub(super) B);

impl<B: BellsRef> Drop for SpaceOnDrop<B> {
    fn drop(&mut self) {
        self.0.space.ring();
    }
}
