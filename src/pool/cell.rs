//! Where the answer to a call lies: who holds the cell, whether the answer has come, and who waits for it.
//!
//! One word says all of it, so that a call in a steady state costs two exchanges: the [`ReplyEnd`] answers and goes by
//! one, the [`CallEnd`] goes by the other. The answer lies beside the word, and both go from one CPU to the other once.
//!
//! | bit | set | cleared |
//! |---|---|---|
//! | `REPLY` | when the ends are made | by the reply as it goes |
//! | `CALL` | when the ends are made | by the call as it goes |
//! | `KEPT` | when a [`Kept`] is made | by that as it goes |
//! | `DONE` | by the reply: there is an answer, or there will be none | when the cell is used again |
//! | `VALUE` | with `DONE`: there is an answer | by the call, which has taken it; when the cell is used again |
//! | `WAITING` | by the call, before it parks | when the cell is used again |
//!
//! # Invariants
//!
//! - **I1** The cell lives while one of the bits `REPLY`, `CALL`, `KEPT` is set. Each stands for one owner of the type that is
//!   named here, who clears it once, as the last thing that it does with the cell. Who clears the last one frees the cell.
//! - **I2** The answer is the reply's before `DONE`, and then the call's. When both have gone, it is whoever is left's.
//!
//! # Why no wake is lost
//!
//! `WAITING` and `DONE` are set by read-modify-writes of one word, so one comes first. If it is the call's, the reply sees
//! `WAITING` before it goes, rings, and wakes. If it is the reply's, the call sees `DONE`, and does not wait.
//!
//! | edge | release end | acquire end | carries |
//! |---|---|---|---|
//! | ANSWER | the reply sets `DONE` | the call sees it | the answer, and what the worker did |
//! | WAIT | the call sets `WAITING` | the reply sees it | the waker |
//! | LEAVE | an owner clears its bit | who clears the last one, or uses the cell again | what it did with the cell |
#![deny(unsafe_op_in_unsafe_fn)]

use core::{
    cell::UnsafeCell,
    mem::{ManuallyDrop, MaybeUninit},
    panic::{RefUnwindSafe, UnwindSafe},
    ptr::NonNull,
    task::Waker,
    time::Duration,
};
use std::sync::{Mutex, MutexGuard, PoisonError};

use shared_nothing_rings::wait::Doorbell;

use super::call::{CallError, Patience};
use crate::{
    sync::{
        AtomicUsize,
        Ordering::{AcqRel, Acquire, Relaxed},
    },
    sys,
};

const REPLY: usize = 1;
const CALL: usize = 2;
const KEPT: usize = 4;
const DONE: usize = 8;
const VALUE: usize = 16;
const WAITING: usize = 32;

#[repr(C)]
struct Cell<R> {
    state: AtomicUsize,
    answer: UnsafeCell<MaybeUninit<R>>,
    /// Touched with the answer, so that a model sees by whom.
    #[cfg(loom)]
    watch: loom::cell::UnsafeCell<()>,
    waker: Mutex<Option<Waker>>,
    spins: u32,
    bell: Doorbell,
}

impl<R> Cell<R> {
    fn boxed(patience: Patience, state: usize) -> NonNull<Self> {
        let cell = Box::new(Self {
            state: AtomicUsize::new(state),
            answer: UnsafeCell::new(MaybeUninit::uninit()),
            #[cfg(loom)]
            watch: loom::cell::UnsafeCell::new(()),
            waker: Mutex::new(None),
            spins: patience.spins,
            bell: Doorbell::new().with_yields(patience.yields),
        });
        NonNull::from(Box::leak(cell))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Waker>> {
        // No foreign code runs under it, so it is never really poisoned.
        self.waker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer's place, for who has it by I2.
    #[inline(always)]
    fn answer(&self) -> *mut MaybeUninit<R> {
        #[cfg(loom)]
        self.watch.with_mut(|_| ());
        self.answer.get()
    }

    /// Drops an answer that nobody took.
    ///
    /// # Safety
    ///
    /// 1. The answer is the caller's by I2.
    unsafe fn drop_answer(&self, state: usize) {
        if state & VALUE != 0 {
            // SAFETY: by `VALUE` it was written and not taken, and it is the caller's (duty 1).
            unsafe { (*self.answer()).assume_init_drop() };
        }
    }
}

/// Clears an owner's bit, and frees the cell if it was the last.
///
/// # Safety
///
/// 1. `bits` has the bit of one owner, which is the caller's, and the caller does not touch the cell any more.
unsafe fn leave<R>(cell: NonNull<Cell<R>>, bits: usize) {
    // SAFETY: I1: the caller's bit is set (duty 1).
    let state = unsafe { &cell.as_ref().state };
    // LEAVE, both ends: what this owner did with the cell, and the last one sees what all others did.
    let before = state.fetch_and(!bits, AcqRel);
    if before & !bits & (REPLY | CALL | KEPT) == 0 {
        // SAFETY: no owner is left (I1), so nobody clears another bit, and this is done once.
        unsafe { free(cell, before & !bits) };
    }
}

/// # Safety
///
/// 1. No owner is left, and the caller was the last, by LEAVE.
#[cold]
unsafe fn free<R>(cell: NonNull<Cell<R>>, state: usize) {
    // SAFETY: `boxed` leaked it, and by duty 1 nobody else has it.
    let cell = unsafe { Box::from_raw(cell.as_ptr()) };
    // SAFETY: both ends have gone, and the caller is who is left.
    unsafe { cell.drop_answer(state) };
}

/// Who owes the answer.
pub(super) struct ReplyEnd<R> {
    cell: NonNull<Cell<R>>,
}

/// Who waits for the answer.
pub(super) struct CallEnd<R> {
    cell: NonNull<Cell<R>>,
    has_taken: bool,
}

/// Who uses the cell again.
pub(super) struct Kept<R> {
    cell: NonNull<Cell<R>>,
}

// SAFETY: the answer goes through to the call's thread, or is dropped on any of them, hence `R: Send`; all else in a cell
// is `Sync`.
unsafe impl<R: Send> Send for ReplyEnd<R> {}
// SAFETY: a shared end looks at the state, which is atomic.
unsafe impl<R: Send> Sync for ReplyEnd<R> {}
// SAFETY: as for the reply.
unsafe impl<R: Send> Send for CallEnd<R> {}
// SAFETY: as for the reply.
unsafe impl<R: Send> Sync for CallEnd<R> {}
// SAFETY: as for the reply.
unsafe impl<R: Send> Send for Kept<R> {}
// SAFETY: as for the reply.
unsafe impl<R: Send> Sync for Kept<R> {}

// No end leaves anything half done if a user's code panics.
impl<R> UnwindSafe for ReplyEnd<R> {}
impl<R> UnwindSafe for CallEnd<R> {}
impl<R> UnwindSafe for Kept<R> {}
impl<R> RefUnwindSafe for ReplyEnd<R> {}
impl<R> RefUnwindSafe for CallEnd<R> {}
impl<R> RefUnwindSafe for Kept<R> {}

/// Both ends of a new cell.
pub(super) fn pair<R>(patience: Patience) -> (ReplyEnd<R>, CallEnd<R>) {
    ends(Cell::boxed(patience, REPLY | CALL))
}

/// The bits `REPLY` and `CALL` are set, and are no owner's yet.
fn ends<R>(cell: NonNull<Cell<R>>) -> (ReplyEnd<R>, CallEnd<R>) {
    let call = CallEnd {
        cell,
        has_taken: false,
    };
    (ReplyEnd { cell }, call)
}

impl<R> ReplyEnd<R> {
    fn cell(&self) -> &Cell<R> {
        // SAFETY: I1: this end's bit is set.
        unsafe { self.cell.as_ref() }
    }

    /// Whether the call has gone.
    pub(super) fn is_abandoned(&self) -> bool {
        // RELAXED: a report; no data comes with it.
        self.cell().state.load(Relaxed) & CALL == 0
    }

    pub(super) fn send(self, answer: R) {
        ManuallyDrop::new(self).settle(Some(answer));
    }

    /// Puts the answer in, says that it is there, or that none will come, and goes. Called once, and nothing after it.
    #[inline]
    fn settle(&self, mut answer: Option<R>) {
        let cell = self.cell();
        let mut flags = DONE;
        // Dropped at the end, when this end has gone: that is foreign code.
        let _refused = answer.take_if(|_| self.is_abandoned());
        if let Some(answer) = answer {
            // SAFETY: the answer is this end's before `DONE` (I2), and there is none yet.
            unsafe { (*cell.answer()).write(answer) };
            flags |= VALUE;
        }
        // RELAXED: the exchange fails if it is outdated.
        let mut state = cell.state.load(Relaxed);
        while state & WAITING == 0 {
            let next = (state | flags) & !REPLY;
            // ANSWER, release end: the answer, and what the worker did. LEAVE, both ends: this end has gone, too.
            // RELAXED: where it fails, it is tried again.
            match cell
                .state
                .compare_exchange_weak(state, next, AcqRel, Relaxed)
            {
                Ok(_) => {
                    if next & (CALL | KEPT) == 0 {
                        // SAFETY: this end was the last owner.
                        unsafe { free(self.cell, next) };
                    }
                    return;
                }
                Err(now) => state = now,
            }
        }
        self.wake(flags);
    }

    /// The call waits, or has waited: the cell is needed until it is woken.
    #[cold]
    fn wake(&self, flags: usize) {
        struct Leaving<R>(NonNull<Cell<R>>);
        impl<R> Drop for Leaving<R> {
            fn drop(&mut self) {
                // SAFETY: the reply's bit, and it touches the cell no more.
                unsafe { leave(self.0, REPLY) };
            }
        }
        let leaving = Leaving(self.cell);
        let cell = self.cell();
        // ANSWER, release end: the answer, and what the worker did. WAIT, acquire end: the waker is there.
        cell.state.fetch_or(flags, AcqRel);
        cell.bell.ring();
        let waker = cell.lock().take();
        if let Some(waker) = waker {
            waker.wake();
        }
        drop(leaving);
    }
}

impl<R> Drop for ReplyEnd<R> {
    fn drop(&mut self) {
        self.settle(None);
    }
}

impl<R> CallEnd<R> {
    fn cell(&self) -> &Cell<R> {
        // SAFETY: I1: this end's bit is set.
        unsafe { self.cell.as_ref() }
    }

    /// The outcome, if it has come: the answer once.
    #[inline]
    fn look(&mut self) -> Option<Result<R, CallError>> {
        // ANSWER, acquire end: the answer, and what the worker did.
        let state = self.cell().state.load(Acquire);
        if state & DONE == 0 {
            return None;
        }
        if state & VALUE == 0 || self.has_taken {
            return Some(Err(CallError::Cancelled));
        }
        self.has_taken = true;
        // SAFETY: by `VALUE` it was written; it is this end's since `DONE` (I2), and is taken once.
        Some(Ok(unsafe { (*self.cell().answer()).assume_init_read() }))
    }

    /// Looks for a while.
    #[inline]
    fn spin(&mut self) -> Option<Result<R, CallError>> {
        for _ in 0..self.cell().spins {
            if let Some(outcome) = self.look() {
                return Some(outcome);
            }
            core::hint::spin_loop();
        }
        None
    }

    /// Says that this end waits. Returns whether the outcome came before.
    fn announce(&self) -> bool {
        // WAIT, release end: the waker, if there is one. ANSWER, acquire end: if the outcome came before.
        self.cell().state.fetch_or(WAITING, AcqRel) & DONE != 0
    }

    /// Parks this thread until the outcome is there.
    pub(super) fn wait(mut self) -> Result<R, CallError> {
        if let Some(outcome) = self.spin() {
            return outcome;
        }
        self.announce();
        // SAFETY: I1: this end's bit is set until it is dropped, which it is after this.
        let bell = unsafe { &self.cell.as_ref().bell };
        bell.wait(|| self.look())
    }

    /// Parks this thread for at most `timeout`.
    pub(super) fn wait_timeout(mut self, timeout: Duration) -> Result<R, CallError> {
        if let Some(outcome) = self.spin() {
            return outcome;
        }
        let Some(deadline) = sys::now().checked_add(timeout) else {
            return self.wait();
        };
        self.announce();
        // SAFETY: as in `wait`.
        let bell = unsafe { &self.cell.as_ref().bell };
        let in_time = bell.wait_until(deadline, || self.look());
        in_time.unwrap_or(Err(CallError::TimedOut))
    }

    /// The outcome; or `waker` is woken when it comes.
    pub(super) fn poll(&mut self, waker: &Waker) -> Option<Result<R, CallError>> {
        if let Some(outcome) = self.look() {
            return Some(outcome);
        }
        // Cloned and dropped outside of the lock: wakers are foreign code.
        let new = waker.clone();
        let old = self.cell().lock().replace(new);
        drop(old);
        if self.announce() { self.look() } else { None }
    }
}

impl<R> Drop for CallEnd<R> {
    #[inline]
    fn drop(&mut self) {
        // Dropped at the end, when this end has gone: that is foreign code.
        let _unwanted = if self.has_taken { None } else { self.look() };
        let bits = if self.has_taken { CALL | VALUE } else { CALL };
        // SAFETY: this end's bit, and it is dropped.
        unsafe { leave(self.cell, bits) };
    }
}

impl<R> Kept<R> {
    /// A cell that is in use, and its ends.
    pub(super) fn new(patience: Patience) -> Self {
        Self {
            cell: Cell::boxed(patience, KEPT),
        }
    }

    /// Both ends of the cell, if nobody has them.
    #[inline]
    pub(super) fn pair(&mut self) -> Option<(ReplyEnd<R>, CallEnd<R>)> {
        // SAFETY: I1: this owner's bit is set.
        let cell = unsafe { self.cell.as_ref() };
        // LEAVE, acquire end: what former ends did with the cell.
        let state = cell.state.load(Acquire);
        if state & (REPLY | CALL) != 0 {
            return None;
        }
        if state & (VALUE | WAITING) != 0 {
            self.clean(state);
        }
        // RELAXED: whoever gets an end gets what was done before with it; and until then nobody else has the cell.
        cell.state.store(KEPT | REPLY | CALL, Relaxed);
        Some(ends(self.cell))
    }

    /// Drops what former ends have left.
    #[cold]
    fn clean(&mut self, state: usize) {
        // SAFETY: I1: this owner's bit is set.
        let cell = unsafe { self.cell.as_ref() };
        let waker = cell.lock().take();
        // RELAXED: nobody else has the cell. Before the drops: they are foreign code, and may panic.
        cell.state.store(KEPT, Relaxed);
        // SAFETY: both ends have gone, by LEAVE, and this is who is left.
        unsafe { cell.drop_answer(state) };
        drop(waker);
    }
}

impl<R> Drop for Kept<R> {
    fn drop(&mut self) {
        // SAFETY: this owner's bit, and it is dropped.
        unsafe { leave(self.cell, KEPT) };
    }
}

#[cfg(all(test, loom))]
mod models;
#[cfg(all(test, not(loom)))]
mod tests;
