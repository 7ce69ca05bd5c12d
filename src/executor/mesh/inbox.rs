//! The receiving end of a shard.
#![forbid(unsafe_code)]

use core::{
    cell::{Cell, RefCell},
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
};
use std::{rc::Rc, sync::Arc};

use shared_nothing_rings::{TryPopError, channel::RecvError, lanes};

use crate::executor::{
    core::Core,
    peer::Shared,
    post::Post,
    room::Wanting,
    task::{guarded, is_fine},
};

/// Pauses before a receiver looks again that is as fast as its senders: each look takes a line from one who writes there,
/// and after some pauses it brings several messages.
const PAUSES: u32 = 16;

/// A wait was short if it ended by so many looks.
const SHORT: u32 = 2;

/// What a receiver and its shard share.
pub(super) struct Inbox<T> {
    lanes: RefCell<lanes::Consumer<'static, T>>,
    /// Taken out for a task that waits.
    next: Cell<Option<T>>,
    is_over: Cell<bool>,
    waiting: RefCell<Option<Waker>>,
    /// Looks since a task began to wait; of the last wait, if none does.
    looks: Cell<u32>,
    /// Messages taken since senders that wait for room were looked for.
    popped: Cell<usize>,
    lane_capacity: usize,
    wanting: Arc<Wanting>,
    shared: Arc<Shared>,
    core: Rc<Core>,
}

impl<T> Inbox<T> {
    pub(super) fn new(
        lanes: lanes::Consumer<'static, T>,
        lane_capacity: usize,
        wanting: Arc<Wanting>,
        shared: Arc<Shared>,
        core: Rc<Core>,
    ) -> Self {
        Self {
            lanes: RefCell::new(lanes),
            next: Cell::new(None),
            is_over: Cell::new(false),
            waiting: RefCell::new(None),
            looks: Cell::new(u32::MAX),
            popped: Cell::new(0),
            lane_capacity,
            wanting,
            shared,
            core,
        }
    }

    #[inline]
    fn take(&self) -> Result<T, TryPopError> {
        if let Some(message) = self.next.take() {
            return Ok(message);
        }
        let message = self.lanes.borrow_mut().try_pop()?;
        self.popped.set(self.popped.get() + 1);
        if 2 * self.popped.get() >= self.lane_capacity {
            self.offer_room();
        }
        Ok(message)
    }

    /// Rings those that want room, if any was made since it was called last. Until it is called again, `popped` says
    /// that it must be: each turn calls it, so a shard never parks before.
    fn offer_room(&self) {
        if self.popped.replace(0) != 0 {
            self.ring_wanting();
        }
    }

    /// A task begins to wait. If the last wait was short, and nobody else would be kept, it lets some messages gather.
    fn begin_wait(&self) {
        let was_short = self.looks.replace(0) <= SHORT;
        if was_short && !self.core.has_ready() {
            for _ in 0..PAUSES {
                core::hint::spin_loop();
            }
        }
    }

    fn ring_wanting(&self) {
        self.wanting
            .take(|from| self.shared.peers[from].bell.ring());
    }

    /// Whether there is a message, or none will come any more.
    fn can_receive(&self) -> bool {
        let next = self.next.take();
        if next.is_some() || self.is_over.get() {
            self.next.set(next);
            return true;
        }
        match self.take() {
            Ok(message) => self.next.set(Some(message)),
            Err(TryPopError::Empty) => return false,
            Err(TryPopError::Closed) => self.is_over.set(true),
        }
        true
    }
}

impl<T> Post for Inbox<T> {
    fn has_news(&self) -> bool {
        if self.waiting.borrow().is_none() {
            return false;
        }
        self.looks.set(self.looks.get().saturating_add(1));
        self.can_receive()
    }

    fn next_waker(&self) -> Option<Waker> {
        self.offer_room();
        self.has_news().then(|| self.waiting.take())?
    }
}

impl<T> Drop for Inbox<T> {
    fn drop(&mut self) {
        self.lanes.get_mut().close();
        self.ring_wanting();
    }
}

/// Takes the messages that were sent to this shard. There is one on each shard, and it stays there.
///
/// Messages of one sender come in the order in which it sent them; senders take turns.
///
/// Dropping it closes the lanes to this shard: senders get their messages back from then on. Messages in the lanes are
/// dropped when the senders are gone, too.
pub struct Receiver<T> {
    inbox: Rc<Inbox<T>>,
}

impl<T> Receiver<T> {
    pub(super) fn new(inbox: Rc<Inbox<T>>) -> Self {
        Self { inbox }
    }

    /// The next message, or at once why there is none.
    ///
    /// # Errors
    ///
    /// - [`Empty`](TryPopError::Empty): none has come.
    /// - [`Closed`](TryPopError::Closed): the senders of all shards are gone, and all that they sent was received.
    pub fn try_recv(&mut self) -> Result<T, TryPopError> {
        self.inbox.take()
    }

    /// Waits for the next message.
    ///
    /// Each message uses up one unit of the task's budget, and when that is used up, the others have their turn first: a
    /// task that receives for ever holds up nobody.
    ///
    /// # Errors
    ///
    /// The future ends with an error when the senders of all shards are gone, and all that they sent was received.
    ///
    /// # Cancellation
    ///
    /// Dropping the future loses nothing: a message that has come is received by the next.
    ///
    /// # Cost
    ///
    /// No more than a pop if a message is there. A receiver that is as fast as its senders, on a shard where nothing else
    /// is ready, pauses for 16 spins, some tenths of a microsecond, before it looks again.
    pub fn recv(&mut self) -> Receiving<'_, T> {
        Receiving {
            inbox: &self.inbox,
            waits: false,
        }
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}

/// Waits for a message. Made by [`Receiver::recv`].
#[must_use = "a receive does nothing unless it is awaited"]
pub struct Receiving<'r, T> {
    inbox: &'r Inbox<T>,
    waits: bool,
}

impl<T> Future for Receiving<'_, T> {
    type Output = Result<T, RecvError>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.inbox.core.spend() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        match self.inbox.take() {
            Ok(message) => Poll::Ready(Ok(message)),
            Err(TryPopError::Closed) => Poll::Ready(Err(RecvError)),
            Err(TryPopError::Empty) => {
                self.waits = true;
                let former = self.inbox.waiting.replace(Some(cx.waker().clone()));
                drop(former);
                self.inbox.begin_wait();
                Poll::Pending
            }
        }
    }
}

impl<T> Drop for Receiving<'_, T> {
    fn drop(&mut self) {
        if self.waits {
            let waker = self.inbox.waiting.take();
            is_fine(guarded(|| drop(waker)));
        }
    }
}

impl<T> fmt::Debug for Receiving<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiving").finish_non_exhaustive()
    }
}
