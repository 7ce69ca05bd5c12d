//! Calls from a shard to a shard.
#![forbid(unsafe_code)]

use core::{future::Future, panic::Location};

use super::{
    CallError,
    call::{Later, Now, call},
    context,
};

/// The number of the shard that runs on this thread, or `None` if none does.
#[must_use]
pub fn shard_id() -> Option<usize> {
    context::try_shard().map(|shard| shard.id())
}

/// How many shards the executor of this thread has, or `None` if no shard runs on it.
#[must_use]
pub fn shard_count() -> Option<usize> {
    context::try_shard().map(|shard| shard.shards())
}

/// Runs `code` on shard `to`, which may be this one. Await the result.
///
/// A call that is not made by a call waits, in its task, while as many of this shard as it has credits are under way to
/// `to`. The shard itself never waits.
///
/// Calls to one shard are served in the order in which they were polled first.
///
/// Cost: no allocation, when a block of memory of a former call can be used again; one publication and one look at the
/// peer's doorbell for all that this shard sends to it in a turn, or in a part of a long one.
///
/// # Errors
///
/// [`CallError`]: there is no such shard, the executor is stopping, or `code` panicked.
///
/// # Panics
///
/// If no shard runs on this thread.
///
/// # Cancellation
///
/// Dropped before it was polled, or while it waits for a credit, nothing runs. Dropped later, `code` runs all the same,
/// and its result is dropped on this shard.
///
/// ```
/// use shared_nothing::executor::{Executor, ExecutorConfig, submit_to};
///
/// let executor = Executor::start(ExecutorConfig::new().with_shards(2))?;
/// let sum = executor.block_on(0, || async { submit_to(1, || 1 + 1).await })??;
/// assert_eq!(sum, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[track_caller]
pub fn submit_to<F, R>(to: usize, code: F) -> impl Future<Output = Result<R, CallError>> + Unpin
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    call(context::shard(), to, Now(code), Location::caller())
}

/// Runs the future that `code` makes as a task on shard `to`, where it stays: it need not be `Send`.
///
/// All else is as with [`submit_to`]. Calls that the task makes wait for no credit.
///
/// # Errors
///
/// As [`submit_to`], and [`CallError::Cancelled`] if the executor stops before the task is done.
///
/// # Panics
///
/// If no shard runs on this thread.
///
/// # Cancellation
///
/// As [`submit_to`]: a task that has begun goes on without this future.
#[track_caller]
pub fn submit_async_to<F, T>(
    to: usize,
    code: F,
) -> impl Future<Output = Result<T::Output, CallError>> + Unpin
where
    F: FnOnce() -> T + Send + 'static,
    T: Future + 'static,
    T::Output: Send + 'static,
{
    call(context::shard(), to, Later(code), Location::caller())
}
