//! Tasks that wait: futures over the same doorbells on which threads park.
//!
//! A future that is dropped leaves the queue of its doorbell. If its wake had come already, the next in the queue gets
//! it; so a cancelled future takes nobody's wake with it.

use core::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;

use super::{
    Permit, Receiver, RecvError, SendError, Sender,
    bells::BellsRef,
    receiver::{pass_mail_on, pop_again},
    sender::{claim_again, pass_space_on, push_again},
};
use crate::{
    ends::{PopEnd, PushEnd, ReserveEnd},
    wait::{Doorbell, Ticket, Waiter},
};

/// Where a future stands in the queue of a doorbell, if it does.
#[derive(Debug, Default)]
struct Place {
    ticket: Option<Ticket>,
    /// Whether it has stood there since its task last found something.
    has_waited: bool,
    /// How often its task has woken itself since then.
    polls: u32,
}

impl Place {
    /// Polls once: what `look` finds, or a place in the queue, sooner or later.
    fn poll<R>(
        &mut self,
        bell: &Doorbell,
        task: &Context<'_>,
        mut look: impl FnMut() -> Option<R>,
    ) -> Poll<R> {
        loop {
            // A ticket that has left the queue was a wake, and it is spent on the look below.
            self.ticket = self.ticket.take().filter(|ticket| bell.is_queued(*ticket));
            if let Some(found) = look() {
                self.leave(bell);
                return Poll::Ready(found);
            }
            match self.ticket {
                // Who rings need not know of it yet: it is polled again in any case.
                None if self.polls < bell.polls() => {
                    self.polls += 1;
                    task.waker().wake_by_ref();
                    return Poll::Pending;
                }
                None => {
                    self.has_waited = true;
                    self.ticket = Some(bell.announce(Waiter::Task(task.waker().clone())));
                    // RECHECK: after ANNOUNCE, by its barrier.
                    if let Some(found) = look() {
                        self.leave(bell);
                        return Poll::Ready(found);
                    }
                    return Poll::Pending;
                }
                // Polled without a wake: the place is kept, with the waker of now.
                Some(ticket) if bell.replace(ticket, task.waker()) => return Poll::Pending,
                // The wake came between the two questions.
                Some(_) => {}
            }
        }
    }

    /// Whether the task has waited for what it has found, and so may have used a wake that serves others too.
    fn ends_a_wait(&mut self) -> bool {
        self.polls = 0;
        core::mem::take(&mut self.has_waited)
    }

    fn leave(&mut self, bell: &Doorbell) {
        if let Some(ticket) = self.ticket.take() {
            bell.leave(ticket);
        }
    }
}

/// Sends when there is space. Made by [`Sender::send_async`].
///
/// # Cancellation
///
/// Dropping it sends nothing and drops the value; [`into_value`](Self::into_value) hands it back instead.
#[must_use = "futures do nothing unless they are polled"]
#[derive(Debug)]
pub struct Send<'s, P: PushEnd, B: BellsRef<Wait = Doorbell>> {
    sender: &'s mut Sender<P, B>,
    value: Option<P::Item>,
    place: Place,
}

impl<P: PushEnd, B: BellsRef<Wait = Doorbell>> Send<'_, P, B> {
    /// Takes the value back; `None` if it was sent.
    #[must_use]
    pub fn into_value(mut self) -> Option<P::Item> {
        self.value.take()
    }
}

// Nothing in it is ever pinned.
impl<P: PushEnd, B: BellsRef<Wait = Doorbell>> Unpin for Send<'_, P, B> {}

impl<P: PushEnd, B: BellsRef<Wait = Doorbell>> Future for Send<'_, P, B> {
    type Output = Result<(), SendError<P::Item>>;

    /// # Panics
    ///
    /// If it is polled again after it was ready.
    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        let Self {
            sender,
            value,
            place,
        } = &mut *self;
        assert!(value.is_some(), "polled after it was ready");
        let (end, bells) = sender.parts();
        place
            .poll(&bells.space, task, || push_again(end, value))
            .map(|sent| {
                sent.map_err(SendError)?;
                bells.mail.ring_for(1);
                if place.ends_a_wait() {
                    pass_space_on(end, bells);
                }
                Ok(())
            })
    }
}

impl<P: PushEnd, B: BellsRef<Wait = Doorbell>> Drop for Send<'_, P, B> {
    fn drop(&mut self) {
        let (_, bells) = self.sender.parts();
        self.place.leave(&bells.space);
    }
}

/// Keeps a place when there is one. Made by [`Sender::reserve_async`].
///
/// # Cancellation
///
/// Dropping it keeps no place.
#[must_use = "futures do nothing unless they are polled"]
#[derive(Debug)]
pub struct Reserve<'s, P: ReserveEnd, B: BellsRef<Wait = Doorbell>> {
    /// Gone when the permit has it.
    sender: Option<&'s mut Sender<P, B>>,
    place: Place,
}

impl<P: ReserveEnd, B: BellsRef<Wait = Doorbell>> Unpin for Reserve<'_, P, B> {}

impl<'s, P: ReserveEnd, B: BellsRef<Wait = Doorbell>> Future for Reserve<'s, P, B> {
    type Output = Result<Permit<'s, P, B>, SendError<()>>;

    /// # Panics
    ///
    /// If it is polled again after it was ready.
    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { sender, place } = &mut *self;
        let Some(borrowed) = sender.as_mut() else {
            panic!("polled after it was ready")
        };
        let (end, bells) = borrowed.parts();
        let claim = place.poll(&bells.space, task, || claim_again(end));
        match (claim, sender.take()) {
            (Poll::Ready(Ok(claim)), Some(sender)) => {
                if place.ends_a_wait() {
                    let (end, bells) = sender.parts();
                    pass_space_on(end, bells);
                }
                // SAFETY: claimed just now, by this end, which was only asked for its state since.
                Poll::Ready(Ok(unsafe { Permit::new(sender, claim) }))
            }
            (Poll::Ready(Err(closed)), _) => Poll::Ready(Err(closed)),
            (_, kept) => {
                *sender = kept;
                Poll::Pending
            }
        }
    }
}

impl<P: ReserveEnd, B: BellsRef<Wait = Doorbell>> Drop for Reserve<'_, P, B> {
    fn drop(&mut self) {
        if let Some(sender) = self.sender.as_mut() {
            let (_, bells) = sender.parts();
            self.place.leave(&bells.space);
        }
    }
}

/// Receives when there is a value. Made by [`Receiver::recv_async`].
///
/// # Cancellation
///
/// Dropping it takes nothing: a value that comes stays in the channel.
#[must_use = "futures do nothing unless they are polled"]
#[derive(Debug)]
pub struct Recv<'r, C: PopEnd, B: BellsRef<Wait = Doorbell>> {
    receiver: &'r mut Receiver<C, B>,
    place: Place,
}

impl<C: PopEnd, B: BellsRef<Wait = Doorbell>> Unpin for Recv<'_, C, B> {}

/// One poll of a task that receives.
fn poll_recv<C: PopEnd, B: BellsRef<Wait = Doorbell>>(
    receiver: &mut Receiver<C, B>,
    place: &mut Place,
    task: &Context<'_>,
) -> Poll<Result<C::Item, RecvError>> {
    let (end, bells) = receiver.parts();
    place
        .poll(&bells.mail, task, || pop_again(end, bells))
        .map(|value| {
            if place.ends_a_wait() {
                pass_mail_on(end, bells);
            }
            value
        })
}

impl<C: PopEnd, B: BellsRef<Wait = Doorbell>> Future for Recv<'_, C, B> {
    type Output = Result<C::Item, RecvError>;

    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { receiver, place } = &mut *self;
        poll_recv(receiver, place, task)
    }
}

impl<C: PopEnd, B: BellsRef<Wait = Doorbell>> Drop for Recv<'_, C, B> {
    fn drop(&mut self) {
        let (_, bells) = self.receiver.parts();
        self.place.leave(&bells.mail);
    }
}

/// A receiver as a stream of values, which ends when the channel is closed and drained. Made by
/// [`Receiver::into_stream`].
///
/// After a poll that was pending it stands in the queue of receivers until it is polled again or dropped: a clone of the
/// receiver may wait behind it.
#[derive(Debug)]
#[must_use = "a stream does nothing until it is polled"]
pub struct RecvStream<C: PopEnd, B: BellsRef<Wait = Doorbell>> {
    receiver: Receiver<C, B>,
    place: Place,
}

impl<C: PopEnd, B: BellsRef<Wait = Doorbell>> Unpin for RecvStream<C, B> {}

impl<C: PopEnd, B: BellsRef<Wait = Doorbell>> Stream for RecvStream<C, B> {
    type Item = C::Item;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<C::Item>> {
        let Self { receiver, place } = &mut *self;
        poll_recv(receiver, place, task).map(Result::ok)
    }
}

impl<C: PopEnd, B: BellsRef<Wait = Doorbell>> Drop for RecvStream<C, B> {
    fn drop(&mut self) {
        let (_, bells) = self.receiver.parts();
        self.place.leave(&bells.mail);
    }
}

impl<P: PushEnd, B: BellsRef<Wait = Doorbell>> Sender<P, B> {
    /// Sends when there is space.
    ///
    /// The future ends with an error, and the value in it, when the channel is closed.
    pub fn send_async(&mut self, value: P::Item) -> Send<'_, P, B> {
        Send {
            sender: self,
            value: Some(value),
            place: Place::default(),
        }
    }

    /// Keeps a place when there is one; what is sent by the permit cannot be refused for want of space.
    ///
    /// The future ends with an error when the channel is closed.
    pub fn reserve_async(&mut self) -> Reserve<'_, P, B>
    where
        P: ReserveEnd,
    {
        Reserve {
            sender: Some(self),
            place: Place::default(),
        }
    }
}

impl<C: PopEnd, B: BellsRef<Wait = Doorbell>> Receiver<C, B> {
    /// Receives when there is a value.
    ///
    /// The future ends with an error when the channel is closed and drained.
    pub fn recv_async(&mut self) -> Recv<'_, C, B> {
        Recv {
            receiver: self,
            place: Place::default(),
        }
    }

    /// The values as a stream.
    pub fn into_stream(self) -> RecvStream<C, B> {
        RecvStream {
            receiver: self,
            place: Place::default(),
        }
    }
}
