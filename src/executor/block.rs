//! Running a local executor from a plain thread, which parks when there is nothing to do.
#![forbid(unsafe_code)]

use core::{
    future::Future,
    pin::pin,
    task::{Context, Poll},
    time::Duration,
};
use std::{sync::Arc, task::Wake};

use shared_nothing_rings::wait::Doorbell;

use super::LocalExecutor;
use crate::{
    sync::{AtomicUsize, Ordering},
    sys,
};

impl LocalExecutor {
    /// Runs the executor on this thread until `future` is ready; parks while nothing is. The other tasks are left as
    /// they are then.
    ///
    /// The clock is the system's, and goes on from the latest time that the executor has seen.
    ///
    /// # Panics
    ///
    /// If `future` panics, or if it is called by a task of this executor.
    ///
    /// ```
    /// use shared_nothing::executor::{LocalExecutor, sleep};
    ///
    /// let local = LocalExecutor::new();
    /// let sum = local.block_on(async {
    ///     sleep(std::time::Duration::from_micros(1)).await;
    ///     1 + 1
    /// });
    /// assert_eq!(sum, 2);
    /// ```
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        let root = Arc::new(Root {
            woken: AtomicUsize::new(1),
            bell: Arc::clone(&self.bell),
        });
        let waker = Arc::clone(&root).into();
        let (clock, start_ns) = (sys::Clock::start(), self.core().now_ns());
        loop {
            let turn = self.turn(start_ns.saturating_add(clock.now_ns()));
            // ROOT, acquire end: what the waker's thread did before.
            if root.woken.swap(0, Ordering::Acquire) != 0 {
                let _current = super::context::enter(self.core());
                if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker))
                {
                    return output;
                }
            }
            if !turn.is_idle {
                continue;
            }
            let look = || {
                // RELAXED: a look; the loop acquires.
                let woken = root.woken.load(Ordering::Relaxed) != 0;
                (woken || self.core().has_ready()).then_some(())
            };
            match self.core().next_deadline_ns() {
                None => self.bell.wait(look),
                Some(at_ns) => {
                    let left_ns = at_ns.saturating_sub(start_ns.saturating_add(clock.now_ns()));
                    match sys::now().checked_add(Duration::from_nanos(left_ns)) {
                        None => self.bell.wait(look),
                        Some(deadline) => {
                            let _in_time = self.bell.wait_until(deadline, look);
                        }
                    }
                }
            }
        }
    }
}

/// Wakes the future that is no task.
struct Root {
    woken: AtomicUsize,
    bell: Arc<Doorbell>,
}

impl Wake for Root {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // ROOT, release end.
        self.woken.store(1, Ordering::Release);
        self.bell.ring();
    }
}
