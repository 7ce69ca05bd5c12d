//! The caller's side: take a credit, send, wait for the reply.
#![forbid(unsafe_code)]

use core::{
    future::Future,
    panic::Location,
    pin::Pin,
    task::{Context, Poll},
};
use std::rc::Rc;

use super::{Work, raw::Sent};
use crate::executor::{CallError, credit::Ticket, shard::Shard};

/// A call that is made when it is polled first.
pub(crate) fn call<W: Work>(
    shard: Rc<Shard>,
    to: usize,
    work: W,
    place: &'static Location<'static>,
) -> Call<W> {
    Call {
        shard,
        to,
        place,
        state: State::New(work),
    }
}

/// One call. See [`submit_to`](crate::executor::submit_to).
pub(crate) struct Call<W: Work> {
    shard: Rc<Shard>,
    to: usize,
    place: &'static Location<'static>,
    state: State<W>,
}

enum State<W: Work> {
    New(W),
    /// Waits for a credit.
    Waiting(W, Ticket),
    Sent(Sent<W>),
    Over,
}

// The work is moved until it is sent, and is never pinned here.
impl<W: Work> Unpin for Call<W> {}

impl<W: Work> Call<W> {
    fn send(&mut self, work: W, has_credit: bool) {
        let (sent, parcel) = Sent::new(&self.shard, self.to, work, has_credit, self.place);
        self.state = State::Sent(sent);
        self.shard.send(self.to, parcel);
    }
}

impl<W: Work> Future for Call<W> {
    type Output = Result<W::Output, CallError>;

    /// # Panics
    ///
    /// If it is polled after it was ready.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        match core::mem::replace(&mut this.state, State::Over) {
            State::New(work) => {
                let Some(credits) = this.shard.credits(this.to) else {
                    return Poll::Ready(Err(CallError::NoSuchShard));
                };
                if this.shard.is_draining() {
                    return Poll::Ready(Err(CallError::NotRun));
                }
                // Who serves a call may not wait for others to be served: see the module's proof.
                if this.shard.core().is_serving() {
                    this.send(work, false);
                } else if credits.try_take() {
                    this.send(work, true);
                } else {
                    let ticket = credits.wait(cx.waker().clone());
                    this.state = State::Waiting(work, ticket);
                    return Poll::Pending;
                }
            }
            State::Waiting(work, ticket) => {
                let has_come = this
                    .shard
                    .credits(this.to)
                    .is_some_and(|credits| credits.has_come(ticket, cx.waker()));
                if !has_come {
                    this.state = State::Waiting(work, ticket);
                    return Poll::Pending;
                }
                this.send(work, true);
            }
            sent @ State::Sent(_) => this.state = sent,
            State::Over => panic!("a call is awaited once"),
        }
        let State::Sent(sent) = &mut this.state else {
            return Poll::Pending;
        };
        match sent.outcome(cx.waker()) {
            None => Poll::Pending,
            Some(outcome) => {
                this.state = State::Over;
                Poll::Ready(outcome)
            }
        }
    }
}

impl<W: Work> Drop for Call<W> {
    fn drop(&mut self) {
        let State::Waiting(_, ticket) = self.state else {
            return;
        };
        let credits = self.shard.credits(self.to);
        if let Some(waker) = credits.and_then(|credits| credits.leave(ticket)) {
            self.shard.core().wake(waker);
        }
    }
}
