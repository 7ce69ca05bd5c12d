//! Letting others run.
#![forbid(unsafe_code)]

use core::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

/// Lets every other task that is ready run before this one goes on.
pub fn yield_now() -> YieldNow {
    YieldNow { yielded: false }
}

/// Made by [`yield_now`].
#[must_use = "a task that does not await it does not yield"]
#[derive(Debug)]
pub struct YieldNow {
    yielded: bool,
}

impl Future for YieldNow {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if core::mem::replace(&mut self.yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Whether the running task has used up its budget and should [`yield_now`]: `true` at the 128th call in a poll, and
/// from then on; `false` outside an executor. Call it once for each unit of work.
///
/// Cost: a few loads and a store; no clock is read.
#[cfg(feature = "std")]
#[must_use]
pub fn need_yield() -> bool {
    super::context::with_core(super::core::Core::spend).unwrap_or(false)
}

/// Starts a task on this thread's executor. It is polled in the next turn.
///
/// Cost: a block of memory that a former task left, or one allocation.
///
/// # Panics
///
/// If no executor runs on this thread.
#[cfg(feature = "std")]
#[track_caller]
pub fn spawn_local<F: Future + 'static>(future: F) -> super::JoinHandle<F::Output> {
    super::context::core().spawn(future, core::panic::Location::caller())
}
