//! Calls from threads that are no shards: plain ones, and tasks of any other runtime.
#![forbid(unsafe_code)]

use core::{
    fmt,
    future::Future,
    panic::Location,
    pin::Pin,
    task::{Context, Poll, Waker},
};
use std::{
    rc::Rc,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Wake,
    thread::{self, Thread},
};

use shared_nothing_rings::TryPushError;

use super::{
    CallError,
    call::{Complete, Later, Now, Work},
    peer::Shared,
    shard::Shard,
    task::{guarded, is_fine},
};
use crate::sync::{AtomicUsize, Ordering::AcqRel};

/// Reaches the shards of an executor from any thread, and from tasks of any other runtime. Cheap to clone.
///
/// It does not keep the executor running: when that stops, calls end with [`CallError::NotRun`].
///
/// ```
/// use shared_nothing::executor::{Executor, ExecutorConfig};
///
/// let executor = Executor::start(ExecutorConfig::new().with_shards(1))?;
/// let handle = executor.handle();
/// let thread = std::thread::spawn(move || handle.submit_to(0, || 6 * 7).wait());
/// assert_eq!(thread.join().unwrap()?, 42);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

impl Handle {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// How many shards there are.
    #[must_use]
    pub fn shards(&self) -> usize {
        self.shared.peers.len()
    }

    /// Runs `code` on `shard`. Await the result, or [`wait`](OutsideCall::wait) for it.
    ///
    /// Cost: one allocation, freed by whoever lets go of it last.
    #[track_caller]
    pub fn submit_to<F, R>(&self, shard: usize, code: F) -> OutsideCall<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.call(shard, Now(code), Location::caller())
    }

    /// Runs the future that `code` makes as a task on `shard`, where it stays: it need not be `Send`.
    #[track_caller]
    pub fn submit_async_to<F, T>(&self, shard: usize, code: F) -> OutsideCall<T::Output>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Future + 'static,
        T::Output: Send + 'static,
    {
        self.call(shard, Later(code), Location::caller())
    }

    /// Tells the executor to stop, as [`Executor::stop`](super::Executor::stop) does, and returns at once.
    pub fn begin_stop(&self) {
        self.shared.drain();
    }

    /// That of the executor whose shard runs on this thread.
    ///
    /// # Panics
    ///
    /// If no shard runs on this thread.
    #[cfg(feature = "pool")]
    #[track_caller]
    pub(crate) fn here() -> Self {
        Self::new(Arc::clone(super::context::shard().shared()))
    }

    /// Whether this thread is one of the executor's: it must not wait for the others.
    #[cfg(feature = "pool")]
    pub(crate) fn is_within(&self) -> bool {
        super::context::is_within(&self.shared)
    }

    fn call<W: Work>(
        &self,
        shard: usize,
        work: W,
        place: &'static Location<'static>,
    ) -> OutsideCall<W::Output> {
        let slot = Arc::new(Slot {
            place,
            state: Mutex::new(State {
                work: Some(work),
                outcome: None,
                waker: None,
            }),
        });
        OutsideCall {
            shared: Arc::clone(&self.shared),
            shard,
            job: Some(Job(Some(Arc::clone(&slot) as Arc<dyn Serve>))),
            slot,
        }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("shards", &self.shards())
            .finish_non_exhaustive()
    }
}

/// A call on its way to a shard. It does nothing until it is awaited or waited for.
///
/// # Cancellation
///
/// Dropped before it was polled, nothing runs. Dropped later, the call runs all the same, and its result is dropped.
#[must_use = "a call does nothing unless it is awaited or waited for"]
pub struct OutsideCall<R> {
    shared: Arc<Shared>,
    shard: usize,
    /// Until it is sent.
    job: Option<Job>,
    slot: Arc<dyn Outcome<R>>,
}

impl<R> OutsideCall<R> {
    /// Parks this thread until the call is over. Not for a shard's thread: there it would keep the shard from all else.
    ///
    /// # Errors
    ///
    /// The call did not run, was cancelled or panicked.
    pub fn wait(mut self) -> Result<R, CallError> {
        struct Unpark(Thread);
        impl Wake for Unpark {
            fn wake(self: Arc<Self>) {
                self.0.unpark();
            }
        }
        let waker = Arc::new(Unpark(thread::current())).into();
        let mut cx = Context::from_waker(&waker);
        loop {
            match Pin::new(&mut self).poll(&mut cx) {
                Poll::Ready(outcome) => return outcome,
                Poll::Pending => thread::park(),
            }
        }
    }

    /// Sends what is not sent yet. `false`: there is no room, and `waker` is woken when there is.
    fn send(&mut self, waker: &Waker) -> bool {
        let Some(peer) = self.shared.peers.get(self.shard) else {
            if let Some(job) = self.job.take() {
                job.refuse(CallError::NoSuchShard);
            }
            return true;
        };
        for is_second in [false, true] {
            let Some(job) = self.job.take() else {
                return true;
            };
            match peer.jobs.try_push(job) {
                Ok(()) => peer.bell.ring(),
                // Its drop says that it did not run.
                Err(TryPushError::Closed(_)) => {}
                Err(TryPushError::Full(job)) => {
                    self.job = Some(job);
                    if !is_second {
                        peer.outsiders.enter(waker);
                    }
                }
            }
        }
        self.job.is_none()
    }
}

impl<R> Future for OutsideCall<R> {
    type Output = Result<R, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if !self.send(cx.waker()) {
            return Poll::Pending;
        }
        self.slot.outcome(cx.waker())
    }
}

impl<R> fmt::Debug for OutsideCall<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutsideCall")
            .field("shard", &self.shard)
            .finish_non_exhaustive()
    }
}

/// A call as its shard gets it. Dropped without having run, it says so.
pub(crate) struct Job(Option<Arc<dyn Serve>>);

impl Job {
    #[cfg(all(test, not(loom)))]
    pub(crate) fn nothing() -> Self {
        Self(None)
    }

    pub(crate) fn serve(mut self, shard: &Rc<Shard>) {
        if let Some(slot) = self.0.take() {
            slot.serve(shard);
        }
    }

    fn refuse(mut self, why: CallError) {
        if let Some(slot) = self.0.take() {
            slot.refuse(why);
        }
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if let Some(slot) = self.0.take() {
            slot.refuse(CallError::NotRun);
        }
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Job")
    }
}

struct Slot<W: Work> {
    place: &'static Location<'static>,
    state: Mutex<State<W>>,
}

struct State<W: Work> {
    work: Option<W>,
    outcome: Option<Result<W::Output, CallError>>,
    waker: Option<Waker>,
}

impl<W: Work> Slot<W> {
    fn lock(&self) -> MutexGuard<'_, State<W>> {
        // No foreign code runs under it, so it is never really poisoned.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first outcome counts.
    fn settle(&self, outcome: Result<W::Output, CallError>) {
        let mut state = self.lock();
        if state.outcome.is_none() {
            state.outcome = Some(outcome);
        }
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            is_fine(guarded(|| waker.wake()));
        }
    }
}

trait Serve: Send + Sync {
    fn serve(self: Arc<Self>, shard: &Rc<Shard>);
    fn refuse(&self, why: CallError);
}

impl<W: Work> Serve for Slot<W> {
    fn serve(self: Arc<Self>, shard: &Rc<Shard>) {
        let work = self.lock().work.take();
        let place = self.place;
        if let Some(work) = work {
            work.serve(shard, place, Answer(self));
        }
    }

    fn refuse(&self, why: CallError) {
        let work = self.lock().work.take();
        is_fine(guarded(|| drop(work)));
        self.settle(Err(why));
    }
}

/// The outcome is owed while this lives.
struct Answer<W: Work>(Arc<Slot<W>>);

impl<W: Work> Complete<W::Output> for Answer<W> {
    const IS_OWED_TO_A_SHARD: bool = false;

    fn complete(self, outcome: Result<W::Output, CallError>) {
        self.0.settle(outcome);
        // Its drop comes second.
    }
}

impl<W: Work> Drop for Answer<W> {
    fn drop(&mut self) {
        self.0.settle(Err(CallError::Cancelled));
    }
}

trait Outcome<R>: Send + Sync {
    fn outcome(&self, waker: &Waker) -> Poll<Result<R, CallError>>;
}

impl<W: Work> Outcome<W::Output> for Slot<W> {
    fn outcome(&self, waker: &Waker) -> Poll<Result<W::Output, CallError>> {
        // Cloned and dropped outside of the lock: wakers are foreign code.
        let new = waker.clone();
        let mut state = self.lock();
        if let Some(outcome) = state.outcome.take() {
            return Poll::Ready(outcome);
        }
        let old = state.waker.replace(new);
        drop(state);
        drop(old);
        Poll::Pending
    }
}

/// Outsiders that wait for room. Waking all of them is never wrong, and they are few.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    is_any: AtomicUsize,
    wakers: Mutex<Vec<Waker>>,
}

impl Waiting {
    /// Adds a waiter, who looks once more after this.
    fn enter(&self, waker: &Waker) {
        let mut new = Some(waker.clone());
        let mut wakers = self.lock();
        if !wakers.iter().any(|known| known.will_wake(waker)) {
            wakers.extend(new.take());
        }
        drop(wakers);
        // SPACE, both ends: either this comes first and the shard sees it, or what the shard took before is seen.
        self.is_any.fetch_or(1, AcqRel);
    }

    /// Called by the shard after it has taken calls.
    pub(crate) fn wake_all(&self) {
        // SPACE, both ends: as above.
        if self.is_any.swap(0, AcqRel) != 0 {
            let wakers = core::mem::take(&mut *self.lock());
            for waker in wakers {
                is_fine(guarded(|| waker.wake()));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Waker>> {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
