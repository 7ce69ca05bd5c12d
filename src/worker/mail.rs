//! All that may come to one worker, on its own side: the inbox, what it sent itself, and what it sent itself for later.
//!
//! Sends to oneself go by a list of the worker's own: they need no place in the mailbox, so a worker with a full mailbox
//! can always send itself something. Own messages and the inbox take turns, so neither keeps the other waiting.
#![forbid(unsafe_code)]

use core::{
    cell::{Cell, RefCell, RefMut},
    cmp::{Ordering, Reverse},
    future::{Future, poll_fn},
    pin::pin,
    task::{Poll, Waker},
};
use std::{
    collections::{BinaryHeap, VecDeque},
    sync::Arc,
};

use super::{
    inbox::{Inbox, Look},
    mailbox::Mailbox,
};
use crate::{
    executor::{Host, Post},
    stats::Way,
};

/// What a wait has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// The worker was told something.
    Control,
    /// Messages of the worker's own.
    Own,
    /// Messages of others.
    Inbox,
    /// Nothing, and nothing will come.
    Closed,
    /// Nothing, and the deadline has come.
    Due,
}

/// A worker's mail. Used on its shard's thread alone.
pub(crate) struct Mail<M> {
    pub(crate) mailbox: Arc<Mailbox<M>>,
    inbox: RefCell<Inbox<M>>,
    own: RefCell<VecDeque<M>>,
    later: RefCell<BinaryHeap<Reverse<Later<M>>>>,
    /// Counts messages for later, so that those of one moment keep their order.
    last: Cell<u64>,
    /// Messages of the worker's own that were ever due.
    own_sent: Cell<u64>,
    is_own_turn: Cell<bool>,
    /// The worker's task, while it waits.
    waiting: RefCell<Option<Waker>>,
    /// Messages are left where they are: the worker is paused, or between two lives.
    is_held: Cell<bool>,
    /// The worker takes no more, though its mailbox is open: its number may be another's then.
    is_ending: Cell<bool>,
}

struct Later<M> {
    due_ns: u64,
    order: u64,
    message: M,
}

impl<M> Mail<M> {
    pub(crate) fn new(mailbox: Arc<Mailbox<M>>, inbox: Inbox<M>) -> Self {
        Self {
            mailbox,
            inbox: RefCell::new(inbox),
            own: RefCell::default(),
            later: RefCell::new(BinaryHeap::new()),
            last: Cell::new(0),
            own_sent: Cell::new(0),
            is_own_turn: Cell::new(false),
            waiting: RefCell::default(),
            is_held: Cell::new(false),
            is_ending: Cell::new(false),
        }
    }

    /// Puts a message of the worker's own at the end, or hands it back: the worker takes no more.
    pub(crate) fn send_to_self(&self, message: M) -> Result<(), M> {
        if self.takes_no_more() {
            return Err(message);
        }
        self.mailbox.counters.own_sent();
        let mut own = self.own.borrow_mut();
        own.push_back(message);
        let depth = own.len() as u64;
        self.mailbox.meter.depth_of(Way::Own, depth);
        self.own_sent.set(self.own_sent.get() + 1);
        Ok(())
    }

    /// As [`send_to_self`](Self::send_to_self), from `due_ns` on.
    pub(crate) fn send_later(&self, due_ns: u64, message: M) -> Result<(), M> {
        if self.takes_no_more() {
            return Err(message);
        }
        self.mailbox.counters.own_sent();
        let order = self.last.get();
        self.last.set(order + 1);
        self.later.borrow_mut().push(Reverse(Later {
            due_ns,
            order,
            message,
        }));
        Ok(())
    }

    pub(crate) fn next_due_ns(&self) -> Option<u64> {
        Some(self.later.borrow().peek()?.0.due_ns)
    }

    /// Puts what is due at `now_ns` at the end of the worker's own messages.
    pub(crate) fn take_due(&self, now_ns: u64) {
        let mut later = self.later.borrow_mut();
        while later.peek().is_some_and(|next| next.0.due_ns <= now_ns) {
            let next = later.pop();
            self.own_sent.set(self.own_sent.get() + 1);
            self.own
                .borrow_mut()
                .extend(next.map(|next| next.0.message));
        }
    }

    pub(crate) fn inbox(&self) -> RefMut<'_, Inbox<M>> {
        self.inbox.borrow_mut()
    }

    pub(crate) fn own(&self) -> &RefCell<VecDeque<M>> {
        &self.own
    }

    /// Finds no messages any more, or again. What the worker is told is found, and a close is.
    pub(crate) fn hold(&self, is_held: bool) {
        self.is_held.set(is_held);
    }

    pub(crate) fn is_held(&self) -> bool {
        self.is_held.get()
    }

    /// Takes no more, from others or from itself. What it has is found as before, also if it was held, and then that
    /// there is no more.
    pub(crate) fn end(&self) {
        self.mailbox.refuse();
        self.is_ending.set(true);
        self.hold(false);
    }

    /// Undoes [`end`](Self::end), for another worker.
    pub(crate) fn begin_anew(&self) {
        self.is_ending.set(false);
    }

    fn takes_no_more(&self) -> bool {
        self.is_ending.get() || self.mailbox.is_closed()
    }

    fn look(&self) -> Option<Look> {
        let (is_ending, meter) = (self.is_ending.get(), &self.mailbox.meter);
        self.inbox.borrow_mut().look(is_ending, meter)
    }

    /// Looks once. Own messages and others take turns.
    fn find(&self) -> Option<Found> {
        if self.mailbox.control.has_any() {
            return Some(Found::Control);
        }
        if self.is_held.get() {
            return self.mailbox.is_closed().then_some(Found::Closed);
        }
        let has_own = !self.own.borrow().is_empty();
        if has_own && self.is_own_turn.replace(false) {
            return Some(Found::Own);
        }
        match self.look() {
            Some(Look::Mail) => {
                self.is_own_turn.set(true);
                Some(Found::Inbox)
            }
            _ if has_own => Some(Found::Own),
            Some(Look::Closed) => Some(Found::Closed),
            None => None,
        }
    }

    /// Waits for something, or for `deadline_ns`. Whoever waits must be listened to.
    pub(crate) async fn wait(&self, host: &Host, deadline_ns: Option<u64>) -> Found {
        if let Some(found) = self.find() {
            return found;
        }
        self.mailbox.alive();
        let _waiting = Waiting(&self.waiting);
        let Some(deadline_ns) = deadline_ns else {
            return poll_fn(|cx| self.poll(cx.waker())).await;
        };
        let mut sleep = pin!(host.sleep_until(deadline_ns));
        poll_fn(|cx| match self.poll(cx.waker()) {
            Poll::Pending => sleep.as_mut().poll(cx).map(|()| Found::Due),
            found => found,
        })
        .await
    }

    fn poll(&self, waker: &Waker) -> Poll<Found> {
        if let Some(found) = self.find() {
            return Poll::Ready(found);
        }
        *self.waiting.borrow_mut() = Some(waker.clone());
        self.nothing_found();
        Poll::Pending
    }

    /// The ring is empty. Places that were given up count as taken by then, and no batch tells of their space.
    fn nothing_found(&self) {
        if !self.is_held.get() {
            self.mailbox.space.ring();
        }
    }

    /// Notes what is there of the worker's own and in lanes. Returns the number of the former.
    pub(crate) fn survey(&self) -> u64 {
        self.inbox.borrow_mut().survey();
        self.own_sent.get()
    }

    /// Whether all was taken that was there then, and in the two rings below `positions`.
    pub(crate) fn has_taken(&self, own: u64, positions: (usize, usize)) -> bool {
        let own_taken = self.own_sent.get() - self.own.borrow().len() as u64;
        let claimed = self.mailbox.positions();
        own_taken >= own && self.inbox.borrow_mut().has_taken(positions, claimed)
    }

    /// Takes everything that is there, for a worker that handles no more. `true`: nothing more will come.
    pub(crate) fn drain_into(&self, returned: &mut Vec<M>) -> bool {
        let before = returned.len();
        returned.extend(self.own.borrow_mut().drain(..));
        let later = core::mem::take(&mut *self.later.borrow_mut());
        let in_order = later.into_sorted_vec().into_iter().rev();
        returned.extend(in_order.map(|next| next.0.message));
        let counters = &self.mailbox.counters;
        counters.own_taken((returned.len() - before) as u64);
        let is_ending = self.is_ending.get();
        let mut inbox = self.inbox.borrow_mut();
        inbox.drain_into(is_ending, returned, counters, &self.mailbox.meter)
    }
}

impl<M> Post for Mail<M> {
    fn has_news(&self) -> bool {
        if self.waiting.borrow().is_none() {
            return false;
        }
        let found = self.find().is_some();
        if !found {
            self.nothing_found();
        }
        found
    }

    fn next_waker(&self) -> Option<Waker> {
        self.has_news().then(|| self.waiting.take())?
    }
}

/// The worker's task waits while this lives.
struct Waiting<'m>(&'m RefCell<Option<Waker>>);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.take();
    }
}

impl<M> Later<M> {
    const fn key(&self) -> (u64, u64) {
        (self.due_ns, self.order)
    }
}

impl<M> PartialEq for Later<M> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<M> Eq for Later<M> {}

impl<M> PartialOrd for Later<M> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<M> Ord for Later<M> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}
