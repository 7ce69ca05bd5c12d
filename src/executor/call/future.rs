//! The caller's side: take a credit, send, wait for the reply.
#![forbid(unsafe_code)]

use core::{
    future::Future,
    panic::Location,
    pin::Pin,
    task::{Context, Poll, Waker},
};
use std::rc::Rc;

use super::{Work, raw::Sent};
use crate::executor::{CallError, credit::Ticket, shard::Shard, task::clone_of};

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
        work: Some(work),
        step: Step::New,
    }
}

/// One call. See [`submit_to`](crate::executor::submit_to).
pub(crate) struct Call<W: Work> {
    shard: Rc<Shard>,
    to: usize,
    place: &'static Location<'static>,
    /// Until it is sent.
    work: Option<W>,
    step: Step<W>,
}

enum Step<W: Work> {
    New,
    /// For a credit.
    Waiting(Ticket),
    Sent(Sent<W>),
    Over,
}

// The work is moved until it is sent, and is never pinned here.
impl<W: Work> Unpin for Call<W> {}

impl<W: Work> Call<W> {
    /// The first polls, until it is sent.
    #[inline]
    fn begin(&mut self, waker: &Waker) -> Poll<CallError> {
        let Some(credits) = self.shard.credits(self.to) else {
            return Poll::Ready(CallError::NoSuchShard);
        };
        // A waker's clone is foreign code: it comes before anything is taken that it could lose by a panic.
        let waker = clone_of(waker);
        let has_credit = match self.step {
            Step::New => {
                if self.shard.is_draining() {
                    return Poll::Ready(CallError::NotRun);
                }
                // Who serves a call may not wait for others to be served: see the module's proof.
                if self.shard.core().is_serving() {
                    false
                } else if credits.try_take() {
                    true
                } else {
                    self.step = Step::Waiting(credits.wait(waker));
                    return Poll::Pending;
                }
            }
            Step::Waiting(ticket) if credits.has_come(ticket, &waker) => true,
            Step::Waiting(_) => return Poll::Pending,
            Step::Sent(_) => unreachable!("it is asked for its outcome"),
            Step::Over => panic!("a call is awaited once"),
        };
        let work = self.work.take().expect("it is there until it is sent");
        let (shard, to) = (&*self.shard, self.to);
        let (sent, parcel, is_watched) = Sent::new(shard, to, work, has_credit, waker, self.place);
        self.step = Step::Sent(sent);
        self.shard
            .send(to, parcel, W::IS_SERVED_AT_ONCE, is_watched);
        Poll::Pending
    }
}

impl<W: Work> Future for Call<W> {
    type Output = Result<W::Output, CallError>;

    /// # Panics
    ///
    /// If it is polled after it was ready.
    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let Step::Sent(sent) = &mut this.step else {
            return this.begin(cx.waker()).map(|error| {
                this.step = Step::Over;
                this.work = None;
                Err(error)
            });
        };
        sent.outcome(&this.shard, cx.waker())
    }
}

impl<W: Work> Drop for Call<W> {
    fn drop(&mut self) {
        match &mut self.step {
            Step::New | Step::Over => {}
            Step::Sent(sent) => sent.leave(&self.shard),
            Step::Waiting(ticket) => {
                let credits = self.shard.credits(self.to);
                if let Some(waker) = credits.and_then(|credits| credits.leave(*ticket)) {
                    self.shard.core().wake(waker);
                }
            }
        }
    }
}
