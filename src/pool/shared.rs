//! What every sender of a pool shares, and every worker.
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use super::{
    Overflow,
    call::Patience,
    ends::Ends,
    keeper::{Keeper, Tell},
    routes::Routes,
};
use crate::{sys::Clock, worker::mailbox::Mailbox};

#[derive(Debug)]
pub(crate) struct Shared<M> {
    /// By worker; those behind [`workers`](Self::workers) are not there yet.
    mailboxes: Box<[OnceLock<Arc<Mailbox<M>>>]>,
    workers: AtomicUsize,
    pub(crate) routes: Routes,
    pub(crate) overflow: Overflow,
    pub(crate) patience: Patience,
    pub(crate) clock: Clock,
    pub(crate) ends: Ends<M>,
    pub(crate) keeper: Keeper,
    /// Held while a broadcast claims its places, and while a worker is added: so broadcasts have one order.
    pub(crate) broadcasts: Mutex<()>,
}

/// What a pool is made with.
pub(crate) struct Settings {
    pub(crate) workers_max: usize,
    pub(crate) routes: Routes,
    pub(crate) overflow: Overflow,
    pub(crate) patience: Patience,
    pub(crate) clock: Clock,
    pub(crate) keeper: Keeper,
}

impl<M> Shared<M> {
    pub(crate) fn new(settings: Settings, mailboxes: Vec<Mailbox<M>>) -> Self {
        let shared = Self {
            mailboxes: (0..settings.workers_max).map(|_| OnceLock::new()).collect(),
            workers: AtomicUsize::new(0),
            routes: settings.routes,
            overflow: settings.overflow,
            patience: settings.patience,
            clock: settings.clock,
            ends: Ends::new(),
            keeper: settings.keeper,
            broadcasts: Mutex::new(()),
        };
        for mailbox in mailboxes {
            let _fits = shared.add(mailbox);
        }
        shared
    }

    /// One more worker; `None` if there is no room for it. One adds at a time.
    pub(crate) fn add(&self, mailbox: Mailbox<M>) -> Option<usize> {
        // RELAXED: its own last store.
        let worker = self.workers.load(Ordering::Relaxed);
        self.mailboxes.get(worker)?.set(Arc::new(mailbox)).ok()?;
        self.ends.begin();
        // ADDED, release end: the mailbox.
        self.workers.store(worker + 1, Ordering::Release);
        Some(worker)
    }

    #[inline]
    pub(crate) fn mailbox(&self, worker: usize) -> Option<&Arc<Mailbox<M>>> {
        self.mailboxes.get(worker)?.get()
    }

    pub(crate) fn mailboxes(&self) -> impl Iterator<Item = &Arc<Mailbox<M>>> {
        self.mailboxes.iter().map_while(OnceLock::get)
    }

    /// Tells workers what the keeper wants of them.
    pub(crate) fn tell(&self, tell: Tell) {
        for (worker, control) in tell {
            if let Some(mailbox) = self.mailbox(worker) {
                mailbox.tell(control);
            }
        }
    }

    /// How many workers there were ever.
    pub(crate) fn workers(&self) -> usize {
        // ADDED, acquire end: their mailboxes.
        self.workers.load(Ordering::Acquire)
    }

    pub(crate) fn workers_max(&self) -> usize {
        self.mailboxes.len()
    }

    /// Accepts nothing from now on.
    pub(crate) fn close(&self) {
        self.keeper.close();
        self.mailboxes().for_each(|mailbox| mailbox.close());
    }
}
