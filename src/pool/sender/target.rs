//! Where a message goes, and by what that was decided.
#![forbid(unsafe_code)]

use crate::{partition::MAP_SLOTS, pool::routes::Route};

/// Where a message goes: small enough for a register.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    worker: u32,
    /// [`NO_SLOT`](Self::NO_SLOT) for a worker by its number.
    map_slot: u16,
    route: Route,
}

const _: () = assert!(MAP_SLOTS <= Target::NO_SLOT as usize && size_of::<Target>() == 8);

impl Target {
    const NO_SLOT: u16 = u16::MAX;

    pub(in crate::pool) fn of_worker(worker: usize) -> Self {
        Self {
            // A number so high is no worker's, and neither is the highest of these.
            worker: worker.try_into().unwrap_or(u32::MAX),
            map_slot: Self::NO_SLOT,
            route: Route::NONE,
        }
    }

    #[inline(always)]
    pub(super) fn of_slot(map_slot: usize, route: Route) -> Self {
        Self {
            worker: route.worker() as u32,
            map_slot: map_slot as u16,
            route,
        }
    }

    #[inline(always)]
    pub(crate) const fn worker(&self) -> usize {
        self.worker as usize
    }

    /// None for a worker by its number.
    #[inline(always)]
    pub(super) const fn by(&self) -> Option<(usize, Route)> {
        match self.map_slot {
            Self::NO_SLOT => None,
            map_slot => Some((map_slot as usize, self.route)),
        }
    }

    /// Whether the key's map slot moved when it was looked up.
    #[inline(always)]
    pub(crate) const fn is_moving(&self) -> bool {
        self.route.is_moving()
    }
}
