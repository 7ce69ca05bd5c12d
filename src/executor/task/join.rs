//! Waiting for a task's output, and cancelling it.

use core::{
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use super::{ABORT, DONE, PanicPayload, clone_of, raw::JoinRef};

/// Why a task has no output.
#[non_exhaustive]
pub enum JoinError {
    /// It panicked. This is what [`panic!`] was given.
    Panicked(PanicPayload),
    /// It was cancelled: by its handle, or because its executor stopped.
    Cancelled,
}

impl JoinError {
    /// Whether the task was cancelled.
    #[must_use]
    pub const fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled)
    }

    /// The text of the panic, if it has one.
    ///
    /// ```
    /// # use shared_nothing::executor::{JoinError, LocalExecutor};
    /// let local = LocalExecutor::new();
    /// let task = local.spawn_local(async { panic!("no luck") });
    /// let error = local.block_on(task).expect_err("it panics");
    /// assert_eq!(error.panic_text(), Some("no luck"));
    /// ```
    #[must_use]
    pub fn panic_text(&self) -> Option<&str> {
        match self {
            Self::Panicked(payload) => payload.text(),
            Self::Cancelled => None,
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Panicked(_) => "Panicked(..)",
            Self::Cancelled => "Cancelled",
        })
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.panic_text()) {
            (Self::Cancelled, _) => f.write_str("task was cancelled"),
            (Self::Panicked(_), None) => f.write_str("task panicked"),
            (Self::Panicked(_), Some(text)) => write!(f, "task panicked: {text}"),
        }
    }
}

impl core::error::Error for JoinError {}

/// A task's output, to be awaited. Dropping it leaves the task running, and its output is dropped.
///
/// It stays on its thread, as the task does.
///
/// # Cancellation
///
/// Dropping it loses nothing but the output.
#[must_use = "a handle that is dropped detaches its task"]
pub struct JoinHandle<T> {
    task: JoinRef,
    output: PhantomData<T>,
}

impl<T> JoinHandle<T> {
    /// # Safety
    ///
    /// 1. `T` is the output of the task's future, and this is its only handle.
    pub(crate) unsafe fn new(task: JoinRef) -> Self {
        Self {
            task,
            output: PhantomData,
        }
    }

    /// Cancels the task: its future is dropped when its turn comes, instead of being polled.
    ///
    /// The handle may still be awaited: for the output, if the task was done before.
    pub fn abort(&self) {
        self.task.header().set(ABORT);
        self.task.schedule();
    }

    /// Whether the task is done: awaiting it would not wait.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.task.header().has(DONE)
    }

    /// A handle that cancels the task when it is dropped.
    pub fn abort_on_drop(self) -> AbortOnDrop<T> {
        AbortOnDrop(self)
    }
}

// The output lies in the cell.
impl<T> Unpin for JoinHandle<T> {}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    /// # Panics
    ///
    /// If it is polled after it was ready.
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let header = self.task.header();
        if !header.has(DONE) {
            // The old one is foreign code, as the new one: neither runs while anything is borrowed.
            let old = header.join_waker.replace(Some(clone_of(cx.waker())));
            drop(old);
            return Poll::Pending;
        }
        // SAFETY: `T` by the duty of `new`.
        let output = unsafe { self.task.take() };
        Poll::Ready(output.expect("a join handle is awaited once"))
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle")
            .field("is_finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}

/// A [`JoinHandle`] that cancels its task when it is dropped. Made by [`JoinHandle::abort_on_drop`].
#[must_use = "dropping it cancels the task"]
#[derive(Debug)]
pub struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> Future for AbortOnDrop<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx)
    }
}

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
