//! The shard of this thread, as the pool sees it.
#![forbid(unsafe_code)]

use std::{rc::Rc, sync::Arc};

use shared_nothing_affinity::{CpuId, PinError};

use super::{context, peer::Peer, post::Post, shard::Shard, time::Sleep};

/// The shard that runs on this thread, as its tasks see it.
#[derive(Clone)]
pub(crate) struct Host {
    shard: Rc<Shard>,
}

impl Host {
    /// # Panics
    ///
    /// If no shard runs on this thread.
    #[track_caller]
    pub(crate) fn here() -> Self {
        Self {
            shard: context::shard(),
        }
    }

    pub(crate) fn bell(&self) -> Bell {
        Bell {
            peer: Arc::clone(&self.shard.shared().peers[self.shard.id()]),
        }
    }

    /// The CPU that the shard is pinned to.
    pub(crate) fn cpu(&self) -> Option<CpuId> {
        self.shard.pinned().cpu
    }

    /// Why it is not pinned as it should be.
    pub(crate) fn pin_error(&self) -> Option<PinError> {
        self.shard.pinned().error.clone()
    }

    pub(crate) fn now_ns(&self) -> u64 {
        self.shard.core().now_ns()
    }

    pub(crate) fn sleep_until(&self, deadline_ns: u64) -> Sleep {
        Sleep::until(Rc::clone(self.shard.core()), deadline_ns)
    }

    /// Whether another task of the shard is ready.
    pub(crate) fn has_ready(&self) -> bool {
        self.shard.core().has_ready()
    }

    /// Asks `post` from now on, until the guard is dropped.
    pub(crate) fn listen(&self, post: Rc<dyn Post>) -> Listening {
        self.shard.posts().add(Rc::downgrade(&post));
        Listening { _post: post }
    }
}

/// Keeps a post, and so has it asked.
pub(crate) struct Listening {
    _post: Rc<dyn Post>,
}

/// Ends the sleep of a shard. From any thread.
#[derive(Debug, Clone)]
pub(crate) struct Bell {
    peer: Arc<Peer>,
}

impl Bell {
    /// After what its sources look for was published.
    #[inline]
    pub(crate) fn ring(&self) {
        self.peer.bell.ring();
    }
}
