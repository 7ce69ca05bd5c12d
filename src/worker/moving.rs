//! What two workers do when map slots move from one to the other: see `pool::resize`.
//!
//! The giver goes on handling. When all is handled that came before the move, it exports the state, between two batches.
//! What came before is what it finds when it is told: messages below the position that the mover has surveyed, those in
//! its lanes, which the mover has seen quiet, and its own.
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicBool, Ordering};
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use super::{Exported, MapSlots, caught::let_go};
use crate::pool::Reply;

/// To the giver.
pub(crate) struct Export {
    pub(crate) slots: Arc<MapSlots>,
    /// Of the shared ring, and of the urgent one: everything below was sent by the old map.
    pub(crate) positions: (usize, usize),
    pub(crate) claim: Arc<Claim>,
    pub(crate) reply: Reply<Parcel>,
}

/// To the taker, and back to the giver if there is no taker any more.
pub(crate) struct Import {
    pub(crate) slots: Arc<MapSlots>,
    pub(crate) parcel: Arc<Parcel>,
    pub(crate) reply: Reply<()>,
}

/// Whoever claims first decides: the giver to export, or the mover to give up.
#[derive(Debug, Default)]
pub(crate) struct Claim(AtomicBool);

impl Claim {
    pub(crate) fn is_first(&self) -> bool {
        // RELAXED: it decides who goes on; what the giver exports goes by the reply.
        !self.0.swap(true, Ordering::Relaxed)
    }
}

/// State under way. It stays with the mover until somebody takes it out. If nobody does, it is dropped on whichever
/// thread is the last to have it, and a panic of that is nobody's.
#[derive(Default)]
pub(crate) struct Parcel(Mutex<Option<Exported>>);

impl Parcel {
    pub(crate) fn new(exported: Option<Exported>) -> Self {
        Self(Mutex::new(exported))
    }

    pub(crate) fn take(&self) -> Option<Exported> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        let _panic = let_go(self.take());
    }
}

impl fmt::Debug for Export {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Export")
            .field("slots", &self.slots.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Import")
            .field("slots", &self.slots.len())
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    struct Fragile;

    impl Drop for Fragile {
        fn drop(&mut self) {
            panic!("nobody took it");
        }
    }

    #[test]
    fn state_that_nobody_takes_panics_for_nobody() {
        drop(Parcel::new(Some(Box::new(Fragile))));
    }
}
