//! What a worker is told, beside its messages: a lane that never waits behind them.
//!
//! It is looked at before each batch: a load, while nothing is there. Whoever tells never waits, so a worker may tell
//! another; what is told is little, and a lock around a list is fast enough.
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicUsize, Ordering};
use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::moving::{Export, Import};
use crate::pool::Reply;

/// One thing that a worker is told.
#[derive(Debug)]
pub(crate) enum Control {
    /// Handles no message until it is told to go on.
    Pause,
    /// Goes on.
    Resume,
    /// Answers that it is there.
    Ping(Reply<()>),
    /// Ends this life, and waits for the next to begin.
    Restart,
    /// Begins its next life, not before this time.
    Begin(u64),
    /// Takes no more, handles what it has, and ends: its number may be another's then.
    Retire,
    /// Another worker begins under the number of one that has ended. The answer says why if it does not.
    Occupy(Reply<Result<(), String>>),
    /// Gives the state of map slots away, when what was sent for them is handled.
    Export(Export),
    /// Takes the state of map slots.
    Import(Import),
}

/// From anybody to one worker.
#[derive(Debug, Default)]
pub(crate) struct ControlLane {
    len: AtomicUsize,
    list: Mutex<List>,
}

#[derive(Debug, Default)]
struct List {
    told: VecDeque<Control>,
    /// Nobody listens any more.
    is_over: bool,
}

impl ControlLane {
    /// Whoever tells rings the worker's bell after this. What nobody hears is dropped, and so who waits for its answer is
    /// told.
    pub(crate) fn put(&self, control: Control) {
        let mut list = self.lock();
        if list.is_over {
            // It may ring a bell: not under the lock.
            drop(list);
            return drop(control);
        }
        list.told.push_back(control);
        self.count(&list);
    }

    /// The worker listens no more. By the lock, since a look at the count alone may come before what is told at the same
    /// time by one who does not know it yet: then both would go, and leave it there.
    pub(crate) fn end(&self) {
        let mut list = self.lock();
        list.is_over = true;
        let unheard = core::mem::take(&mut list.told);
        self.count(&list);
        drop(list);
        drop(unheard);
    }

    /// What was told first.
    #[inline]
    pub(crate) fn take(&self) -> Option<Control> {
        self.has_any().then(|| self.take_first()).flatten()
    }

    #[inline]
    pub(crate) fn has_any(&self) -> bool {
        // RELAXED: a hint; the lock carries what is told, and the bell orders it before the shard's last look.
        self.len.load(Ordering::Relaxed) != 0
    }

    #[cold]
    fn take_first(&self) -> Option<Control> {
        let mut list = self.lock();
        let first = list.told.pop_front();
        self.count(&list);
        first
    }

    fn count(&self, list: &List) {
        // RELAXED: written under the lock, and a hint outside of it.
        self.len.store(list.told.len(), Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, List> {
        // No foreign code runs under it, so it is never really poisoned.
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
