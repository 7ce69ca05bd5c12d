//! What a worker knows of itself.
#![forbid(unsafe_code)]

use shared_nothing_affinity::CpuId;

/// Where a worker stands.
#[derive(Debug, Clone)]
pub struct Context {
    pub(crate) id: usize,
    pub(crate) workers: usize,
    pub(crate) cpu: Option<CpuId>,
}

impl Context {
    /// The worker's number in its pool, from 0.
    #[must_use]
    pub const fn id(&self) -> usize {
        self.id
    }

    /// How many workers the pool has.
    #[must_use]
    pub const fn workers(&self) -> usize {
        self.workers
    }

    /// The CPU that the thread is pinned to, or `None` if it is not pinned.
    #[must_use]
    pub const fn cpu(&self) -> Option<CpuId> {
        self.cpu
    }
}
