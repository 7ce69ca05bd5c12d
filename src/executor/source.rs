//! Mail for a task that is told by the shard's doorbell alone.
//!
//! A waker costs its sender two read-modify-writes for each message. Mail of a [`Source`] costs a look at the shard's
//! doorbell: the shard itself asks each source, once a turn and in every look before it parks, whether there is
//! something for a task that waits. So whoever publishes something and then rings the shard's bell is heard, by the
//! same proof as all else that gives a shard work (see `idle`).
#![forbid(unsafe_code)]

use std::sync::Arc;

use super::{context, peer::Shared};

/// Has mail for one task, which it wakes by itself. Used on its shard's thread alone.
pub(crate) trait Source {
    /// Wakes its task if that waits and there is something for it. Returns whether it did. Runs no code of users.
    fn look(&self) -> bool;
}

/// Whether the shard that runs on this thread is one of `shared`.
pub(super) fn is_within(shared: &Arc<Shared>) -> bool {
    context::try_shard().is_some_and(|shard| Arc::ptr_eq(shard.shared(), shared))
}
