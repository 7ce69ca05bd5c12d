//! Places in a mailbox: claimed, and then filled or given up at once.
#![forbid(unsafe_code)]

use shared_nothing_rings::mpsc::{Grant, Single};

use super::mailbox::Mailbox;
use crate::stats::{Probe, SAMPLE_EVERY};

/// Places in a mailbox, to be filled at once. The worker is told when they are dropped.
#[derive(Debug)]
pub(crate) struct Places<'m, M> {
    /// Dropped first: what is not filled is given up before the worker is told.
    grant: Grant<'m, 'static, M>,
    told: Told<'m, M>,
}

/// The worker is told when this is dropped.
#[derive(Debug)]
struct Told<'m, M>(&'m Mailbox<M>);

impl<M> Drop for Told<'_, M> {
    #[inline]
    fn drop(&mut self) {
        self.0.mail.ring();
    }
}

impl<'m, M> Places<'m, M> {
    #[inline]
    pub(super) const fn new(grant: Grant<'m, 'static, M>, mailbox: &'m Mailbox<M>) -> Self {
        Self {
            grant,
            told: Told(mailbox),
        }
    }

    /// Fills the next place; hands the message back if there is none.
    #[inline]
    pub(crate) fn put(&mut self, message: M) -> Result<(), M> {
        let position = self.grant.next_pos();
        if Probe::is_sampled(position) && self.grant.remaining() != 0 {
            self.note(position);
        }
        self.grant.push(message)
    }

    /// Fills the next places, as many as there are messages or places, so that the worker sees them together.
    pub(crate) fn put_all(&mut self, messages: &mut impl Iterator<Item = M>) {
        let first = self.grant.next_pos();
        for sample in self.samples() {
            self.note(first + sample);
        }
        self.grant.push_all(messages);
    }

    /// Which of the next places are measured.
    pub(crate) fn samples(&self) -> impl Iterator<Item = usize> + use<M> {
        let first = self.grant.next_pos().wrapping_neg() % SAMPLE_EVERY;
        (first..self.grant.remaining()).step_by(SAMPLE_EVERY)
    }

    #[cold]
    fn note(&self, position: usize) {
        let mailbox = self.told.0;
        mailbox.probe.note(position, mailbox.clock.now_ns());
    }

    /// Whether the next place is one of those that are measured.
    #[inline]
    pub(crate) fn is_sample(&self) -> bool {
        Probe::is_sampled(self.grant.next_pos())
    }

    pub(crate) fn remaining(&self) -> usize {
        self.grant.remaining()
    }
}

impl<M> Drop for Places<'_, M> {
    fn drop(&mut self) {
        let unused = self.grant.remaining();
        if unused != 0 {
            self.told.0.drops.given_up(unused as u64);
        }
    }
}

/// One place in a mailbox, to be filled at once or given up: what [`Places`] are, for the common case.
#[derive(Debug)]
pub(crate) struct Spot<'m, M> {
    single: Single<'m, M>,
    mailbox: &'m Mailbox<M>,
}

impl<'m, M> Spot<'m, M> {
    #[inline(always)]
    pub(super) const fn new(single: Single<'m, M>, mailbox: &'m Mailbox<M>) -> Self {
        Self { single, mailbox }
    }

    /// Whether the message is one of those that are measured: [`note`](Self::note) it then.
    #[inline(always)]
    pub(crate) fn is_sample(&self) -> bool {
        Probe::is_sampled(self.single.pos())
    }

    /// Before the message is put in.
    pub(crate) fn note(&self) {
        let now_ns = self.mailbox.clock.now_ns();
        self.mailbox.probe.note(self.single.pos(), now_ns);
    }

    /// Puts the message in, and tells the worker.
    #[inline(always)]
    pub(crate) fn fill(self, message: M) {
        self.single.fill(message);
        self.mailbox.mail.ring();
    }

    /// Leaves the place empty; the worker steps over it.
    #[cold]
    pub(crate) fn give_up(self) {
        let mailbox = self.mailbox;
        drop(self.single);
        mailbox.drops.given_up(1);
        mailbox.mail.ring();
    }
}
