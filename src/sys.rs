//! The one seam to clock and threads. Nothing else in the crate reads the time or spawns.
#![forbid(unsafe_code)]

use std::{io, thread, time::Instant};

/// Nanoseconds since a moment that all who share the clock agree on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    base: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self {
            base: Instant::now(),
        }
    }

    /// It fits 584 years.
    #[inline]
    pub(crate) fn now_ns(&self) -> u64 {
        self.base.elapsed().as_nanos() as u64
    }
}

pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Lets other threads run.
#[cfg(feature = "executor")]
pub(crate) fn yield_now() {
    thread::yield_now();
}

/// Lets time pass, and nothing else.
#[cfg(feature = "pool")]
pub(crate) fn sleep(duration: core::time::Duration) {
    #[expect(clippy::disallowed_methods, reason = "it is time that is waited for")]
    thread::sleep(duration);
}

/// Starts a named thread with a stack of so many bytes; the system's default without.
#[cfg(feature = "executor")]
pub(crate) fn spawn_with_stack<R: Send + 'static>(
    name: String,
    stack_size: Option<usize>,
    run: impl FnOnce() -> R + Send + 'static,
) -> io::Result<thread::JoinHandle<R>> {
    let builder = thread::Builder::new().name(name);
    match stack_size {
        None => builder.spawn(run),
        Some(bytes) => builder.stack_size(bytes).spawn(run),
    }
}
