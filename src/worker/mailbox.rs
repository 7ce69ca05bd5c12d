//! What senders and a worker share: a ring, two doorbells, and notes beside the ring.
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU8, Ordering};

use shared_nothing_rings::{
    CapacityError, TryReserveError,
    mpsc::{self, Consumer, Grant, Producer},
    wait::Doorbell,
};

use crate::{
    stats::{Counters, Counts, Probe},
    sys::Clock,
};

/// The senders' side, and all that is read from outside. The worker has the [`Consumer`] to itself.
#[derive(Debug)]
pub(crate) struct Mailbox<M> {
    ring: Producer<'static, M>,
    /// The worker waits here for messages.
    pub(crate) mail: Doorbell,
    /// Senders wait here for space.
    pub(crate) space: Doorbell,
    pub(crate) probe: Probe,
    pub(crate) clock: Clock,
    pub(crate) counters: Counters,
    running: AtomicU8,
}

const STARTING: u8 = 0;
const RUNNING: u8 = 1;
const ENDED: u8 = 2;

impl<M> Mailbox<M> {
    pub(crate) fn new(
        capacity: usize,
        spins: u32,
        clock: Clock,
    ) -> Result<(Self, Consumer<'static, M>), CapacityError> {
        let (ring, consumer) = mpsc::with_capacity(capacity)?;
        let mailbox = Self {
            ring,
            mail: Doorbell::with_spins(spins),
            space: Doorbell::new(),
            probe: Probe::new(capacity),
            clock,
            counters: Counters::default(),
            running: AtomicU8::new(STARTING),
        };
        Ok((mailbox, consumer))
    }

    /// Claims up to `want` places, or says at once why not.
    #[inline]
    pub(crate) fn try_reserve(&self, want: usize) -> Result<Places<'_, M>, TryReserveError> {
        let grant = self.ring.reserve(want)?;
        Ok(Places {
            grant,
            mailbox: self,
        })
    }

    /// Claims up to `want` places, parking while there is none. `None`: the mailbox is closed.
    pub(crate) fn reserve(&self, want: usize) -> Option<Places<'_, M>> {
        self.space.wait(|| match self.try_reserve(want) {
            Ok(places) => Some(Some(places)),
            Err(TryReserveError::Full) => None,
            Err(TryReserveError::Closed) => Some(None),
        })
    }

    /// Refuses from now on. The worker handles what was accepted, and ends.
    pub(crate) fn close(&self) {
        self.ring.close();
        self.mail.ring();
        self.space.ring();
    }

    pub(crate) fn set_running(&self) {
        // RELAXED: a report; no data comes with it.
        self.running.store(RUNNING, Ordering::Relaxed);
    }

    /// The worker is gone: refuses from now on, and says so.
    pub(crate) fn end(&self) {
        // RELAXED: a report; no data comes with it.
        self.running.store(ENDED, Ordering::Relaxed);
        self.close();
    }

    pub(crate) fn is_running(&self) -> bool {
        // RELAXED: a report; no data comes with it.
        self.running.load(Ordering::Relaxed) == RUNNING
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counters.read(self.ring.position() as u64)
    }
}

/// Places in a mailbox, to be filled at once. The worker is told when they are dropped.
#[derive(Debug)]
pub(crate) struct Places<'m, M> {
    grant: Grant<'m, 'static, M>,
    mailbox: &'m Mailbox<M>,
}

impl<M> Places<'_, M> {
    pub(crate) fn remaining(&self) -> usize {
        self.grant.remaining()
    }

    /// Fills the next place; hands the message back if there is none.
    #[inline]
    pub(crate) fn put(&mut self, message: M) -> Result<(), M> {
        let position = self.grant.position();
        if Probe::is_sampled(position) && self.grant.remaining() != 0 {
            self.mailbox
                .probe
                .note(position, self.mailbox.clock.now_ns());
        }
        self.grant.push(message)
    }
}

impl<M> Drop for Places<'_, M> {
    fn drop(&mut self) {
        self.mailbox.mail.ring();
    }
}
