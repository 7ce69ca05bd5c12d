//! The sending end of a shard: a lane to each shard.
#![forbid(unsafe_code)]

use core::{
    cell::{Cell, RefCell},
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
};
use std::{collections::VecDeque, rc::Rc, sync::Arc};

use shared_nothing_rings::{TryPushError, lanes};

use super::{SendError, TrySendError};
use crate::executor::{
    core::Core,
    peer::Shared,
    post::Post,
    room::Wanting,
    task::{guarded, is_fine},
};

/// The writing end of a lane, and what its writer and its reader share beside it. Both travel from the shard that made
/// the lane to the one that writes.
pub(super) struct LaneEnd<T> {
    pub(super) producer: lanes::Producer<'static, T>,
    pub(super) wanting: Arc<Wanting>,
}

/// One lane, and the tasks that wait for room in it.
struct Lane<T> {
    producer: RefCell<lanes::Producer<'static, T>>,
    /// In the order in which they came, by a number that is never used twice. Only the first may push. Who was woken,
    /// and has not pushed yet, has no waker here.
    queue: RefCell<VecDeque<(u64, Option<Waker>)>>,
    wanting: Arc<Wanting>,
}

impl<T> Lane<T> {
    /// How many of those that wait can go on.
    fn room(&self) -> usize {
        let producer = self.producer.borrow();
        if producer.is_closed() {
            return usize::MAX;
        }
        producer.capacity() - producer.len()
    }

    fn is_closed(&self) -> bool {
        self.producer.borrow().is_closed()
    }
}

/// What the senders of a shard share, with each other and with the shard.
pub(super) struct Outlet<T> {
    lanes: Box<[Lane<T>]>,
    /// Tasks that wait, at all lanes.
    waiting: Cell<usize>,
    last_ticket: Cell<u64>,
    from: usize,
    shared: Arc<Shared>,
    core: Rc<Core>,
}

impl<T> Outlet<T> {
    pub(super) fn new(
        lanes: Vec<LaneEnd<T>>,
        from: usize,
        shared: Arc<Shared>,
        core: Rc<Core>,
    ) -> Self {
        let lanes = lanes.into_iter().map(|lane| Lane {
            producer: RefCell::new(lane.producer),
            queue: RefCell::new(VecDeque::new()),
            wanting: lane.wanting,
        });
        Self {
            lanes: lanes.collect(),
            waiting: Cell::new(0),
            last_ticket: Cell::new(0),
            from,
            shared,
            core,
        }
    }

    #[inline]
    fn push(&self, to: usize, message: T) -> Result<(), TryPushError<T>> {
        self.lanes[to].producer.borrow_mut().try_push(message)?;
        if to != self.from {
            self.shared.peers[to].bell.ring();
        }
        Ok(())
    }

    fn ring_all(&self) {
        self.shared.ring_all();
    }
}

impl<T> Post for Outlet<T> {
    fn has_news(&self) -> bool {
        let can_go_on = |lane: &Lane<T>| {
            let queue = lane.queue.borrow();
            queue.front().is_some_and(|first| first.1.is_some()) && lane.room() != 0
        };
        self.waiting.get() != 0 && self.lanes.iter().any(can_go_on)
    }

    fn next_waker(&self) -> Option<Waker> {
        if self.waiting.get() == 0 {
            return None;
        }
        self.lanes.iter().find_map(|lane| {
            let mut queue = lane.queue.borrow_mut();
            if queue.is_empty() {
                return None;
            }
            let mut able = queue.iter_mut().take(lane.room());
            able.find_map(|waiter| waiter.1.take())
        })
    }

    fn end_bursts(&self) {
        for lane in &self.lanes {
            lane.producer.borrow_mut().end_burst();
        }
    }

    fn want_room(&self) {
        if self.waiting.get() == 0 {
            return;
        }
        for lane in &self.lanes {
            if !lane.queue.borrow().is_empty() {
                lane.wanting.want(self.from);
            }
        }
    }
}

impl<T> Drop for Outlet<T> {
    fn drop(&mut self) {
        for lane in &mut self.lanes {
            lane.producer.get_mut().close();
        }
        // Whoever waits for a message that will never come.
        self.ring_all();
    }
}

/// Sends messages to all shards, this one included. A clone sends through the same lanes, so any number of tasks may
/// share them. It stays on its shard.
///
/// Dropping the last one of a shard closes its lanes: what was sent is still received.
pub struct Sender<T> {
    outlet: Rc<Outlet<T>>,
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        let outlet = Rc::clone(&self.outlet);
        Self { outlet }
    }
}

impl<T> Sender<T> {
    pub(super) fn new(outlet: Rc<Outlet<T>>) -> Self {
        Self { outlet }
    }

    /// Sends to shard `to`, or hands the message back at once.
    ///
    /// Cost: one publication, and one look at the peer's doorbell; a system call only if the peer is parked.
    ///
    /// # Errors
    ///
    /// The lane is full or has others waiting for room, its receiver is gone, or there is no such shard.
    pub fn try_send(&self, to: usize, message: T) -> Result<(), TrySendError<T>> {
        let Some(lane) = self.outlet.lanes.get(to) else {
            return Err(TrySendError::NoSuchShard(message));
        };
        if !lane.queue.borrow().is_empty() && !lane.is_closed() {
            return Err(TrySendError::Full(message));
        }
        self.outlet
            .push(to, message)
            .map_err(|refused| match refused {
                TryPushError::Full(message) => TrySendError::Full(message),
                TryPushError::Closed(message) => TrySendError::Closed(message),
            })
    }

    /// Sends to shard `to`, when there is room in its lane. Tasks that wait for it go in the order in which they came.
    ///
    /// Each message uses up one unit of the task's budget, as with [`recv`](super::Receiver::recv).
    ///
    /// # Errors
    ///
    /// The future ends with an error, and the message in it, when the receiver is gone or was never there.
    ///
    /// # Cancellation
    ///
    /// Dropping the future sends nothing and drops the message; [`into_message`](Sending::into_message) hands it back
    /// instead.
    pub fn send(&self, to: usize, message: T) -> Sending<'_, T> {
        Sending {
            outlet: &self.outlet,
            to,
            message: Some(message),
            ticket: None,
        }
    }

    /// How many messages the lane from one shard to another holds. One more is taken out for a task that waits.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.outlet
            .lanes
            .first()
            .map_or(0, |lane| lane.producer.borrow().capacity())
    }

    /// How many shards there are.
    #[must_use]
    pub fn shards(&self) -> usize {
        self.outlet.lanes.len()
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("shards", &self.shards())
            .field("capacity", &self.capacity())
            .finish_non_exhaustive()
    }
}

/// Waits for room, and sends. Made by [`Sender::send`].
#[must_use = "a send does nothing unless it is awaited"]
pub struct Sending<'s, T> {
    outlet: &'s Outlet<T>,
    to: usize,
    message: Option<T>,
    ticket: Option<u64>,
}

// The message is moved, and never pinned.
impl<T> Unpin for Sending<'_, T> {}

impl<T> Sending<'_, T> {
    /// Takes the message back; `None` if it was sent.
    #[must_use]
    pub fn into_message(mut self) -> Option<T> {
        self.message.take()
    }

    /// Pushes if nobody has waited for longer.
    #[cold]
    fn push_in_turn(&mut self, lane: &Lane<T>, message: T) -> Result<(), TryPushError<T>> {
        if lane.is_closed() {
            return Err(TryPushError::Closed(message));
        }
        if !self.is_first(lane) {
            return Err(TryPushError::Full(message));
        }
        self.outlet.push(self.to, message)?;
        self.leave();
        Ok(())
    }

    #[cold]
    fn refused(
        &mut self,
        refused: TryPushError<T>,
        waker: &Waker,
    ) -> Poll<Result<(), SendError<T>>> {
        match refused {
            TryPushError::Full(message) => {
                self.message = Some(message);
                self.wait(waker);
                Poll::Pending
            }
            TryPushError::Closed(message) => {
                self.leave();
                Poll::Ready(Err(SendError::Closed(message)))
            }
        }
    }

    /// Whether nobody has waited for longer.
    fn is_first(&self, lane: &Lane<T>) -> bool {
        lane.queue.borrow().front().map(|first| first.0) == self.ticket
    }

    /// Enters the queue, or stays in it with the waker of now.
    fn wait(&mut self, waker: &Waker) {
        let Self { outlet, to, .. } = *self;
        let mut new = Some(waker.clone());
        let mut queue = outlet.lanes[to].queue.borrow_mut();
        match self.ticket {
            None => {
                let ticket = outlet.last_ticket.get() + 1;
                outlet.last_ticket.set(ticket);
                outlet.waiting.set(outlet.waiting.get() + 1);
                queue.push_back((ticket, new.take()));
                self.ticket = Some(ticket);
            }
            Some(ticket) => {
                if let Ok(at) = queue.binary_search_by_key(&ticket, |waiter| waiter.0) {
                    core::mem::swap(&mut queue[at].1, &mut new);
                }
            }
        }
        // A former waker is foreign code: it is dropped without a borrow.
        drop(queue);
        drop(new);
    }

    /// Leaves the queue. If others can go on now, the shard's next turn sees it: nobody's wake is lost with this.
    #[inline]
    fn leave(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.leave_queue(ticket);
        }
    }

    #[cold]
    fn leave_queue(&self, ticket: u64) {
        self.outlet.waiting.set(self.outlet.waiting.get() - 1);
        let mut queue = self.outlet.lanes[self.to].queue.borrow_mut();
        let at = queue.binary_search_by_key(&ticket, |waiter| waiter.0);
        let waiter = at.ok().and_then(|at| queue.remove(at));
        drop(queue);
        is_fine(guarded(|| drop(waiter)));
    }
}

impl<T> Future for Sending<'_, T> {
    type Output = Result<(), SendError<T>>;

    /// # Panics
    ///
    /// If it is polled after it was ready.
    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let outlet = this.outlet;
        let message = this.message.take().expect("a send is awaited once");
        let Some(lane) = outlet.lanes.get(this.to) else {
            return Poll::Ready(Err(SendError::NoSuchShard(message)));
        };
        if outlet.core.spend() {
            this.message = Some(message);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let sent = if this.ticket.is_none() && lane.queue.borrow().is_empty() {
            outlet.push(this.to, message)
        } else {
            this.push_in_turn(lane, message)
        };
        match sent {
            Ok(()) => Poll::Ready(Ok(())),
            Err(refused) => this.refused(refused, cx.waker()),
        }
    }
}

impl<T> Drop for Sending<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.leave();
    }
}

impl<T> fmt::Debug for Sending<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending")
            .field("to", &self.to)
            .finish_non_exhaustive()
    }
}
