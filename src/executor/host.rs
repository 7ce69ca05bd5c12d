//! The shard of this thread, as the pool sees it.
#![forbid(unsafe_code)]

use std::{rc::Rc, sync::Arc};

use shared_nothing_affinity::CpuId;

use super::{context, peer::Peer, shard::Shard, source::Source, time::Sleep};

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
    pub(crate) fn pin_error(&self) -> Option<String> {
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

    /// Asks `source` from now on, until the guard is dropped.
    pub(crate) fn listen(&self, source: Rc<dyn Source>) -> Listening {
        self.shard.sources().borrow_mut().push(Rc::clone(&source));
        Listening {
            shard: Rc::clone(&self.shard),
            source,
        }
    }
}

/// A source is asked while this lives.
pub(crate) struct Listening {
    shard: Rc<Shard>,
    source: Rc<dyn Source>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut sources = self.shard.sources().borrow_mut();
        let own = |other: &Rc<dyn Source>| {
            core::ptr::addr_eq(&raw const **other, &raw const *self.source)
        };
        if let Some(at) = sources.iter().position(own) {
            sources.remove(at);
        }
    }
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
