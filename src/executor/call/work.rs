//! What a call does where it is served: a closure at once, or a future as a task.
#![forbid(unsafe_code)]

use core::{
    future::{Future, poll_fn},
    panic::Location,
    pin::pin,
    task::Poll,
};
use std::rc::Rc;

use crate::executor::{
    CallError,
    shard::Shard,
    task::{Payload, guarded, is_fine},
};

/// Takes the outcome of a call. Dropped without one, it says that the call was cancelled.
pub(crate) trait Complete<R> {
    /// Whether a shard waits for it, so that whoever owes it must not wait for a credit.
    const IS_OWED_TO_A_SHARD: bool;

    fn complete(self, outcome: Result<R, CallError>);
}

/// What a call carries to where it is served.
pub(crate) trait Work: Send + 'static {
    type Output: Send + 'static;

    /// Whether `serve` completes it.
    const IS_SERVED_AT_ONCE: bool;

    /// Runs on the shard that serves; completes `reply` now or later.
    fn serve<C: Complete<Self::Output> + 'static>(
        self,
        shard: &Rc<Shard>,
        place: &'static Location<'static>,
        reply: C,
    );
}

/// A closure.
pub(crate) struct Now<F>(pub(crate) F);

impl<F, R> Work for Now<F>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    type Output = R;

    const IS_SERVED_AT_ONCE: bool = true;

    fn serve<C: Complete<Self::Output> + 'static>(
        self,
        shard: &Rc<Shard>,
        place: &'static Location<'static>,
        reply: C,
    ) {
        let code = || guarded(self.0);
        let core = shard.core();
        let result = core.serve(C::IS_OWED_TO_A_SHARD, place, shard.beat(), code);
        reply.complete(result.map_err(panicked));
    }
}

/// A closure that makes a future, which stays where it was made.
pub(crate) struct Later<F>(pub(crate) F);

impl<F, T> Work for Later<F>
where
    F: FnOnce() -> T + Send + 'static,
    T: Future + 'static,
    T::Output: Send + 'static,
{
    type Output = T::Output;

    const IS_SERVED_AT_ONCE: bool = false;

    fn serve<C: Complete<Self::Output> + 'static>(
        self,
        shard: &Rc<Shard>,
        place: &'static Location<'static>,
        reply: C,
    ) {
        // Whatever is a user's is guarded by itself, so that the task need not be.
        let task = async move {
            let result = match guarded(self.0) {
                Ok(future) => until_ready(future).await,
                Err(payload) => Err(payload),
            };
            // A result that nobody wants is dropped there.
            is_fine(guarded(|| {
                reply.complete(result.map_err(panicked));
            }));
        };
        let core = shard.core();
        core.serve(C::IS_OWED_TO_A_SHARD, place, &(), || {
            drop(core.spawn_guarded(task, place));
        });
    }
}

fn panicked(payload: Payload) -> CallError {
    CallError::Panicked(payload.into())
}

/// The output of `future`, or what it panicked with, in a poll or at its end. Nothing panics here.
async fn until_ready<T: Future>(future: T) -> Result<T::Output, Payload> {
    let mut future = pin!(Some(future));
    let result = poll_fn(|cx| {
        let Some(future) = future.as_mut().as_pin_mut() else {
            return Poll::Pending;
        };
        match guarded(|| future.poll(cx)) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(payload) => Poll::Ready(Err(payload)),
        }
    })
    .await;
    match guarded(|| future.set(None)) {
        Ok(()) => result,
        Err(payload) => {
            is_fine(guarded(|| drop(result)));
            Err(payload)
        }
    }
}
