//! Waiting for a time: sleep, interval, timeout.
#![forbid(unsafe_code)]

use alloc::rc::Rc;
#[cfg(feature = "std")]
use core::time::Duration;
use core::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use super::core::Core;

/// Waits until a time. Made by `sleep`, or by [`Spawner::sleep_until`](super::Spawner::sleep_until).
///
/// The timer is set when it is polled first, and taken out when it is dropped. Neither is a system call.
#[must_use = "a sleep does nothing unless it is awaited"]
pub struct Sleep {
    core: Rc<Core>,
    deadline_ns: u64,
    timer: Option<usize>,
}

impl Sleep {
    pub(super) fn until(core: Rc<Core>, deadline_ns: u64) -> Self {
        Self {
            core,
            deadline_ns,
            timer: None,
        }
    }

    fn put_away(&mut self) {
        if let Some(timer) = self.timer.take() {
            self.core.remove_timer(timer);
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.core.now_ns() >= self.deadline_ns {
            self.put_away();
            return Poll::Ready(());
        }
        let waker = cx.waker().clone();
        match self.timer {
            Some(timer) => self.core.change_timer(timer, waker),
            None => self.timer = Some(self.core.set_timer(self.deadline_ns, waker)),
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.put_away();
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep")
            .field("deadline_ns", &self.deadline_ns)
            .finish_non_exhaustive()
    }
}

/// Waits for `duration`, not less. One that ends beyond 584 years of running never ends.
///
/// # Panics
///
/// If no executor runs on this thread.
#[cfg(feature = "std")]
#[track_caller]
pub fn sleep(duration: Duration) -> Sleep {
    let core = super::context::core();
    let deadline_ns = core.now_ns().saturating_add(nanos(duration));
    Sleep::until(core, deadline_ns)
}

#[cfg(feature = "std")]
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Comes round every `period`, first after one.
///
/// # Panics
///
/// If `period` is zero, or no executor runs on this thread.
#[cfg(feature = "std")]
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    assert!(!period.is_zero(), "the period of an interval is zero");
    Interval {
        period_ns: nanos(period),
        sleep: sleep(period),
    }
}

/// Made by [`interval`].
#[cfg(feature = "std")]
#[derive(Debug)]
#[must_use = "an interval does nothing until its ticks are awaited"]
pub struct Interval {
    period_ns: u64,
    sleep: Sleep,
}

#[cfg(feature = "std")]
impl Interval {
    /// Waits for the next round. Returns how many rounds were missed since the last: 0 for who keeps up. Missed rounds
    /// are not made up for, and the rhythm is kept.
    ///
    /// # Cancellation
    ///
    /// Dropping the future loses nothing: the round that it waited for is still to come.
    pub async fn tick(&mut self) -> u64 {
        (&mut self.sleep).await;
        let late_ns = self
            .sleep
            .core
            .now_ns()
            .saturating_sub(self.sleep.deadline_ns);
        let missed = late_ns / self.period_ns;
        let next = (missed + 1).saturating_mul(self.period_ns);
        self.sleep.deadline_ns = self.sleep.deadline_ns.saturating_add(next);
        missed
    }
}

/// The time was up first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elapsed;

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time was up")
    }
}

impl core::error::Error for Elapsed {}

/// Awaits `future` for at most `duration`. It is polled at least once, and dropped when the time is up.
///
/// # Errors
///
/// [`Elapsed`]: the future was not ready in time.
///
/// # Panics
///
/// If no executor runs on this thread.
///
/// # Cancellation
///
/// Dropping it drops `future`.
#[cfg(feature = "std")]
pub async fn timeout<F: Future>(duration: Duration, future: F) -> Result<F::Output, Elapsed> {
    let mut sleep = sleep(duration);
    let mut future = core::pin::pin!(future);
    core::future::poll_fn(move |cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Ok(output)),
        Poll::Pending => Pin::new(&mut sleep).poll(cx).map(|()| Err(Elapsed)),
    })
    .await
}
