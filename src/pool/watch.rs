//! Sees a worker that is held by one of its handlers, while it is held.
//!
//! A thread of its own looks at what the workers note anyway; they do nothing for it. What a look shows is decided by a
//! [`StuckWatch`].
#![forbid(unsafe_code)]

use core::{fmt, time::Duration};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError},
    },
    thread::{self, JoinHandle},
};

use super::{
    Shared,
    supervise::{Pulse, StuckPolicy, StuckWatch},
};
use crate::sys;

/// Looks in the time after which a handler is slow.
const LOOKS: u32 = 4;

/// Told of a worker, by its number, and of what was seen.
pub(crate) type StuckHook = Arc<dyn Fn(usize, Pulse) + Send + Sync>;

/// The thread that looks. It ends when this is dropped.
pub(super) struct Watch {
    alive: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Without it a pool works as well, so that a thread that cannot be had is no error. `None`, too, for a policy that
    /// makes no sense: whoever made the plan has checked it.
    pub(super) fn start<M: Send + 'static>(
        name: &str,
        shared: Arc<Shared<M>>,
        policy: StuckPolicy,
        hook: StuckHook,
    ) -> Option<Self> {
        let watch = StuckWatch::new(policy, shared.workers()).ok()?;
        let (alive, is_over) = mpsc::channel();
        let every = (policy.slow_after / LOOKS).max(Duration::from_nanos(1));
        let run = move || look(&shared, watch, &hook, &is_over, every);
        let thread = sys::spawn_with_stack(format!("{name}-watch"), None, run).ok()?;
        Some(Self {
            alive: Some(alive),
            thread: Some(thread),
        })
    }
}

fn look<M>(
    shared: &Shared<M>,
    mut watch: StuckWatch,
    hook: &StuckHook,
    is_over: &mpsc::Receiver<()>,
    every: Duration,
) {
    // For how long each worker was seen to be held, while it is.
    let mut held_ns: Vec<Option<u64>> = Vec::new();
    while is_over.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
        held_ns.resize(shared.workers().max(held_ns.len()), None);
        for (worker, mailbox) in shared.mailboxes().enumerate().take(held_ns.len()) {
            let beat = mailbox.meter.running_beat();
            let pulse = watch.look(worker, beat, shared.clock.now_ns());
            match pulse {
                Pulse::Slow { held, is_news } | Pulse::Stuck { held, is_news } => {
                    held_ns[worker] = Some(held.as_nanos() as u64);
                    if is_news {
                        // A hook that panics is no reason to look no more.
                        let _panic = catch_unwind(AssertUnwindSafe(|| hook(worker, pulse)));
                    }
                }
                Pulse::Idle | Pulse::Busy { .. } => {
                    if let Some(ns) = held_ns[worker].take() {
                        mailbox.meter.stall(ns);
                    }
                }
            }
        }
    }
    for (mailbox, held_ns) in shared.mailboxes().zip(held_ns) {
        if let Some(ns) = held_ns {
            mailbox.meter.stall(ns);
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.alive.take();
        if let Some(thread) = self.thread.take() {
            // A hook may drop the pool.
            if thread.thread().id() != thread::current().id() {
                let _ended = thread.join();
            }
        }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}
