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

/// Starts a named thread.
pub(crate) fn spawn<R: Send + 'static>(
    name: String,
    run: impl FnOnce() -> R + Send + 'static,
) -> io::Result<thread::JoinHandle<R>> {
    thread::Builder::new().name(name).spawn(run)
}
