//! What the ends of a channel share besides the ring.
#![forbid(unsafe_code)]

use core::ops::Deref;

use crate::wait::Wait;

/// Where receivers wait for mail, and senders for space.
#[derive(Debug, Default)]
pub struct Bells<W> {
    pub(super) mail: W,
    pub(super) space: W,
}

impl<W> Bells<W> {
    /// A pair of bells.
    pub const fn new(mail: W, space: W) -> Self {
        Self { mail, space }
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
