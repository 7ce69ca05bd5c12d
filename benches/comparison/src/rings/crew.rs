//! Threads that are pinned, start together, and tell when they were done.

use std::{
    hint, panic,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use shared_nothing_affinity::{CpuId, pin};

/// Where all threads of a run meet before the clock starts.
pub(crate) struct Gate {
    missing: AtomicUsize,
}

impl Gate {
    pub(crate) fn new(threads: usize) -> Self {
        Self {
            missing: AtomicUsize::new(threads),
        }
    }

    /// Waits for the others. Returns the time at which this thread went on.
    pub(crate) fn pass(&self) -> Instant {
        self.missing.fetch_sub(1, Ordering::AcqRel);
        let mut turns = 0_u32;
        while self.missing.load(Ordering::Acquire) != 0 {
            turns += 1;
            // Several threads may share a CPU.
            if turns.is_multiple_of(128) {
                thread::yield_now();
            } else {
                hint::spin_loop();
            }
        }
        Instant::now()
    }
}

/// When a thread began and ended its measured part.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    pub(crate) from: Instant,
    pub(crate) to: Instant,
}

impl Span {
    /// From the first begin to the last end.
    pub(crate) fn cover(spans: &[Self]) -> Duration {
        let from = spans.iter().map(|span| span.from).min();
        let to = spans.iter().map(|span| span.to).max();
        match (from, to) {
            (Some(from), Some(to)) => to - from,
            _ => Duration::ZERO,
        }
    }
}

/// A thread's work: from its gate on.
pub(crate) type Job<'a, R> = Box<dyn FnOnce(&Gate) -> R + Send + 'a>;

/// Runs each job on a thread of its own; job `i` on CPU `i` of `cpus`, from the first again when they are used up.
///
/// # Panics
///
/// If a thread cannot be pinned, or panics itself.
pub(crate) fn run<R: Send>(cpus: &[CpuId], jobs: Vec<Job<'_, R>>) -> Vec<R> {
    let gate = Gate::new(jobs.len());
    thread::scope(|threads| {
        let mut handles = Vec::new();
        for (job, &cpu) in jobs.into_iter().zip(cpus.iter().cycle()) {
            let gate = &gate;
            handles.push(threads.spawn(move || {
                let _pinned = pin(cpu).expect("the CPU was chosen from the usable ones");
                job(gate)
            }));
        }
        handles
            .into_iter()
            .map(|handle| {
                handle
                    .join()
                    .unwrap_or_else(|cause| panic::resume_unwind(cause))
            })
            .collect()
    })
}
