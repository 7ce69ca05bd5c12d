//! Who of a pool's workers has ended, and what is left of each.
#![forbid(unsafe_code)]

use core::{
    future::{Future, poll_fn},
    task::{Poll, Waker},
    time::Duration,
};
use std::sync::{Mutex, MutexGuard, PoisonError};

use shared_nothing_rings::wait::Doorbell;

use crate::{sys, worker::run::Done};

/// A place for what is left of each worker, and where the end of all is waited for: by threads, and by tasks.
#[derive(Debug)]
pub(crate) struct Ends<M> {
    state: Mutex<State<M>>,
    bell: Doorbell,
}

#[derive(Debug)]
struct State<M> {
    done: Vec<Option<Done<M>>>,
    alive: usize,
    wakers: Vec<Waker>,
}

impl<M> Ends<M> {
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                done: Vec::new(),
                alive: 0,
                wakers: Vec::new(),
            }),
            bell: Doorbell::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<M>> {
        // No foreign code runs under it, so it is never really poisoned.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more worker, which is alive: whoever cannot start it says that it is not.
    pub(crate) fn begin(&self) {
        let mut state = self.lock();
        state.done.push(None);
        state.alive += 1;
    }

    /// A worker has ended.
    pub(crate) fn put(&self, worker: usize, done: Done<M>) {
        let mut state = self.lock();
        state.done[worker] = Some(done);
        self.leave(state);
    }

    /// A worker has not begun.
    pub(crate) fn put_none(&self) {
        self.leave(self.lock());
    }

    fn leave(&self, mut state: MutexGuard<'_, State<M>>) {
        state.alive -= 1;
        let wakers = match state.alive {
            0 => core::mem::take(&mut state.wakers),
            _ => Vec::new(),
        };
        drop(state);
        self.bell.ring();
        wakers.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.lock().alive == 0
    }

    /// Parks this thread until all have ended.
    pub(crate) fn wait(&self) {
        self.bell.wait(|| self.is_over().then_some(()));
    }

    /// Parks for at most `timeout`. Whether all have ended.
    pub(crate) fn wait_for(&self, timeout: Duration) -> bool {
        let look = || self.is_over().then_some(());
        match sys::now().checked_add(timeout) {
            Some(deadline) => self.bell.wait_until(deadline, look).is_some(),
            None => {
                self.bell.wait(look);
                true
            }
        }
    }

    /// Is ready when all have ended.
    pub(crate) fn over(&self) -> impl Future<Output = ()> + '_ {
        poll_fn(|cx| {
            let mut state = self.lock();
            if state.alive == 0 {
                return Poll::Ready(());
            }
            if !state.wakers.iter().any(|known| known.will_wake(cx.waker())) {
                state.wakers.push(cx.waker().clone());
            }
            Poll::Pending
        })
    }

    /// What is left of each worker that has ended.
    pub(crate) fn take(&self) -> Vec<Option<Done<M>>> {
        let mut state = self.lock();
        state.done.iter_mut().map(Option::take).collect()
    }
}
