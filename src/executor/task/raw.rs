//! The cell of a task: made, polled, cancelled and freed here, whatever its future is.

use alloc::boxed::Box;
use core::{
    any::Any,
    cell::UnsafeCell,
    future::Future,
    mem::ManuallyDrop,
    panic::Location,
    pin::Pin,
    ptr::NonNull,
    task::{Context, Poll, Waker},
};

use super::{
    ABORT, DETACHED, DONE, Header, JoinError,
    header::{HAS_OUTPUT, NotSend, OWNED, POLLED, QUEUED},
};
use crate::executor::{home::Home, storage::Size};

/// What a panic carries.
pub(crate) type Payload = Box<dyn Any + Send>;

/// Runs a user's code. Without `std` a panic is the program's to handle.
#[inline]
pub(crate) fn guarded<R>(code: impl FnOnce() -> R) -> Result<R, Payload> {
    #[cfg(feature = "std")]
    return std::panic::catch_unwind(core::panic::AssertUnwindSafe(code));
    #[cfg(not(feature = "std"))]
    Ok(code())
}

/// What can be done with a cell whose future's type is forgotten. All on the home thread.
pub(super) struct VTable {
    /// `Done`: the future is gone and its output is there.
    poll: unsafe fn(NonNull<Header>, &mut Context<'_>) -> Polled,
    /// Drops the future; the output is "cancelled". `false`: its drop panicked.
    cancel: unsafe fn(NonNull<Header>) -> bool,
    /// Drops the output, which is there. `false`: that panicked.
    clear: unsafe fn(NonNull<Header>) -> bool,
    /// Bytes from the header to the output.
    output_at: usize,
    size: Size,
}

/// What a poll has led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Polled {
    Pending,
    Done,
    /// Done, by a panic of the future or of its drop.
    Panicked,
}

/// The output, if the header says so by `HAS_OUTPUT`; the future until the task is done.
#[repr(C)]
union Stage<F: Future> {
    future: ManuallyDrop<F>,
    output: ManuallyDrop<Result<F::Output, JoinError>>,
}

/// `IS_GUARDED`: no poll of the future panics.
#[repr(C)]
struct Cell<F: Future, const IS_GUARDED: bool> {
    header: Header,
    stage: UnsafeCell<Stage<F>>,
}

impl<F: Future, const IS_GUARDED: bool> Cell<F, IS_GUARDED> {
    const SIZE: Size = Size::of::<Self>();

    const VTABLE: VTable = VTable {
        poll: Self::poll,
        cancel: Self::cancel,
        clear: Self::clear,
        output_at: core::mem::offset_of!(Self, stage),
        size: Self::SIZE,
    };

    fn stage(task: NonNull<Header>) -> *mut Stage<F> {
        let cell = task.cast::<Self>().as_ptr();
        // SAFETY: `repr(C)`: a task's header is the begin of its cell. Only a field's address is taken.
        unsafe { (&raw const (*cell).stage).cast_mut().cast() }
    }

    /// # Safety
    ///
    /// 1. A living cell of this type whose task is not done; the caller is on its home thread, and not within another of
    ///    these functions for the same cell.
    unsafe fn poll(task: NonNull<Header>, cx: &mut Context<'_>) -> Polled {
        let mut poll = || {
            // SAFETY: duty 1: the future is there, and nobody else touches the stage meanwhile. A union's field lies at
            // its begin.
            let future = unsafe { &mut *Self::stage(task).cast::<F>() };
            // SAFETY: the future is never moved: it is dropped where it lies.
            unsafe { Pin::new_unchecked(future) }.poll(cx)
        };
        let polled = if IS_GUARDED {
            Ok(poll())
        } else {
            guarded(poll)
        };
        let (output, panicked) = match polled {
            Ok(Poll::Pending) => return Polled::Pending,
            Ok(Poll::Ready(output)) => (Ok(output), false),
            Err(payload) => (Err(JoinError::Panicked(payload.into())), true),
        };
        // SAFETY: duty 1.
        let dropped = unsafe { Self::end(task, output) };
        if panicked || !dropped {
            Polled::Panicked
        } else {
            Polled::Done
        }
    }

    /// # Safety
    ///
    /// As [`poll`](Self::poll).
    unsafe fn cancel(task: NonNull<Header>) -> bool {
        // SAFETY: duty 1.
        unsafe { Self::end(task, Err(JoinError::Cancelled)) }
    }

    /// Drops the future where it lies, then writes the output. `false`: the drop panicked.
    ///
    /// # Safety
    ///
    /// As [`poll`](Self::poll).
    #[inline]
    unsafe fn end(task: NonNull<Header>, output: Result<F::Output, JoinError>) -> bool {
        let stage = Self::stage(task);
        let mut fine = true;
        if core::mem::needs_drop::<F>() {
            // SAFETY: duty 1: the future is there, once. What a panicking drop leaves undone is forgotten: nothing is
            // dropped twice.
            fine = is_fine(guarded(|| unsafe {
                core::ptr::drop_in_place(stage.cast::<F>());
            }));
        }
        // SAFETY: as above; nothing is there to be dropped.
        unsafe {
            core::ptr::write(stage.cast(), output);
        }
        fine
    }

    /// # Safety
    ///
    /// 1. A living cell of this type whose output is there, and the header says so no more; the home thread.
    unsafe fn clear(task: NonNull<Header>) -> bool {
        let output = Self::stage(task).cast::<Result<F::Output, JoinError>>();
        // SAFETY: duty 1.
        is_fine(guarded(|| unsafe { core::ptr::drop_in_place(output) }))
    }
}

/// Whether no panic came. Its payload is dropped, and if that panics, too, forgotten.
#[inline]
pub(crate) fn is_fine(result: Result<(), Payload>) -> bool {
    result.map_err(forget_payload).is_ok()
}

#[cold]
fn forget_payload(payload: Payload) {
    if let Err(second) = guarded(|| drop(payload)) {
        core::mem::forget(second);
    }
}

/// Drops a waker, which is foreign code. That there is none, as most often, costs nothing.
#[inline]
pub(crate) fn drop_waker(waker: Option<Waker>) {
    if let Some(waker) = waker {
        is_fine(guarded(|| drop(waker)));
    }
}

/// The owner's hold of a task, on its home thread.
pub(crate) struct TaskRef {
    task: NonNull<Header>,
    stays: NotSend,
}

impl TaskRef {
    /// A task that is queued, though no queue has it yet: its owner's hold, and that of its join handle.
    ///
    /// # Safety
    ///
    /// 1. The caller is on the home thread of `home`, which is alive.
    #[inline]
    pub(crate) unsafe fn new<F: Future + 'static, const IS_GUARDED: bool>(
        home: NonNull<Home>,
        future: F,
        flags: u8,
        place: &'static Location<'static>,
    ) -> (Self, JoinRef) {
        // SAFETY: duty 1.
        let block = unsafe {
            home.as_ref()
                .take_ref_and_block(Cell::<F, IS_GUARDED>::SIZE)
        };
        let cell = block.cast::<Cell<F, IS_GUARDED>>();
        let value = Cell {
            header: Header::new(home, &Cell::<F, IS_GUARDED>::VTABLE, flags, place),
            stage: UnsafeCell::new(Stage {
                future: ManuallyDrop::new(future),
            }),
        };
        // SAFETY: a new block of this size.
        unsafe { cell.write(value) };
        let task = cell.cast();
        let stays = NotSend::default();
        (Self { task, stays }, JoinRef { task, stays })
    }

    #[inline]
    pub(crate) fn as_ptr(&self) -> NonNull<Header> {
        self.task
    }

    /// The hold goes with the pointer.
    #[inline]
    pub(super) fn into_ptr(self) -> NonNull<Header> {
        ManuallyDrop::new(self).task
    }

    /// # Safety
    ///
    /// 1. The pointer came from [`into_ptr`](Self::into_ptr), on this thread, and is turned back once.
    #[inline]
    pub(super) unsafe fn from_ptr(task: NonNull<Header>) -> Self {
        Self {
            task,
            stays: NotSend::default(),
        }
    }

    #[inline]
    pub(crate) fn header(&self) -> &Header {
        // SAFETY: this holds the cell (T3).
        unsafe { self.task.as_ref() }
    }

    #[inline]
    pub(crate) fn take_join_waker(&self) -> Option<Waker> {
        self.header().join_waker.take()
    }

    /// Drops the future of a task that is not done and not being polled. `false`: that panicked.
    pub(crate) fn cancel(&self) -> bool {
        let header = self.header();
        assert!(!header.has(DONE) && !header.has(POLLED));
        // SAFETY: checked above; a reference stays on its home thread.
        let fine = unsafe { (header.vtable.cancel)(self.task) };
        header.set(DONE | HAS_OUTPUT);
        fine
    }

    /// Drops the output of a task that is done, if it is still there. `false`: that panicked.
    pub(crate) fn clear(&self) -> bool {
        clear(self.header(), self.task)
    }

    /// A cell was taken out of the foreign stack. `true`: the caller must put it into the run queue.
    ///
    /// # Safety
    ///
    /// 1. The caller is on the task's home thread, and took it out of the stack (T2).
    pub(crate) unsafe fn take_in(task: NonNull<Header>) -> bool {
        // SAFETY: the bit holds it.
        let header = unsafe { task.as_ref() };
        let is_new = header.schedule_here();
        if header.state.begin() {
            // SAFETY: the last: it was settled, so it is not queued.
            unsafe { free(task) };
        }
        is_new
    }
}

impl Drop for TaskRef {
    #[inline(always)]
    fn drop(&mut self) {
        let header = self.header();
        if header.leave_here(header.flags.get() & !OWNED) {
            // SAFETY: the last.
            unsafe { free(self.task) };
        }
    }
}

/// Drops the output of a task that is done, if it is still there. `false`: that panicked.
#[inline]
fn clear(header: &Header, task: NonNull<Header>) -> bool {
    debug_assert!(header.has(DONE));
    if !header.has(HAS_OUTPUT) {
        return true;
    }
    header.unset(HAS_OUTPUT);
    // SAFETY: it was there, and the header has said so until now; both callers hold the cell, on its home thread.
    unsafe { (header.vtable.clear)(task) }
}

/// The join handle's hold of a task, on its home thread.
pub(crate) struct JoinRef {
    task: NonNull<Header>,
    stays: NotSend,
}

impl JoinRef {
    #[inline]
    pub(super) fn header(&self) -> &Header {
        // SAFETY: this holds the cell (T3).
        unsafe { self.task.as_ref() }
    }

    /// Wakes.
    #[inline]
    pub(super) fn schedule(&self) {
        let header = self.header();
        if header.schedule_here() {
            // SAFETY: T2: the flag was turned on just now. What belongs to a task stays on its home thread.
            unsafe { Home::enqueue_here(header.home, self.task) };
        }
    }

    /// The output of a task that is done, once.
    ///
    /// # Safety
    ///
    /// 1. `T` is the output of the task's future.
    #[inline]
    pub(super) unsafe fn take<T>(&self) -> Option<Result<T, JoinError>> {
        let header = self.header();
        if !header.has(HAS_OUTPUT) {
            return None;
        }
        header.unset(HAS_OUTPUT);
        // SAFETY: duty 1, and it was there: it is moved out once. An output is not pinned.
        Some(unsafe {
            let output = self.task.byte_add(header.vtable.output_at);
            output.cast::<Result<T, JoinError>>().read()
        })
    }
}

impl Drop for JoinRef {
    #[inline]
    fn drop(&mut self) {
        let header = self.header();
        if header.has(DONE) {
            // Its waker was taken then.
            clear(header, self.task);
        } else {
            drop_waker(header.join_waker.take());
        }
        if header.leave_here(header.flags.get() | DETACHED) {
            // SAFETY: the last.
            unsafe { free(self.task) };
        }
    }
}

/// A cell that was taken out of the run queue, and that the queue's flag still holds. It stays on its home thread.
pub(crate) struct Queued {
    task: NonNull<Header>,
    stays: NotSend,
}

impl Queued {
    /// # Safety
    ///
    /// 1. The caller is on the task's home thread and took it out of its run queue, for this alone.
    pub(crate) unsafe fn new(task: NonNull<Header>) -> Self {
        Self {
            task,
            stays: NotSend::default(),
        }
    }

    #[inline]
    pub(crate) fn header(&self) -> &Header {
        // SAFETY: the flag holds it until `self` is gone.
        unsafe { self.task.as_ref() }
    }

    #[inline]
    pub(crate) fn as_ptr(&self) -> NonNull<Header> {
        self.task
    }

    /// Cancels the task, as was asked for; `None` if it is done already.
    #[cold]
    fn end(self) -> Option<Polled> {
        if self.header().has(DONE) {
            return None;
        }
        let task = ManuallyDrop::new(self).task;
        // SAFETY: T4 keeps the cell.
        let header = unsafe { task.as_ref() };
        header.unset(QUEUED);
        // SAFETY: not done, and not being polled: this is never called within a poll. The home thread.
        let fine = unsafe { (header.vtable.cancel)(task) };
        header.set(DONE | HAS_OUTPUT);
        Some(if fine { Polled::Done } else { Polled::Panicked })
    }

    /// Polls the task, or cancels it if that was asked for; `None` if it is done already.
    #[inline(always)]
    pub(crate) fn run(self) -> Option<Polled> {
        let flags = self.header().flags.get();
        if flags & (DONE | ABORT) != 0 {
            return self.end();
        }
        let task = ManuallyDrop::new(self).task;
        // SAFETY: T4 keeps the cell.
        let header = unsafe { task.as_ref() };
        header.flags.set(flags & !QUEUED | POLLED);
        // SAFETY: as above, and T4 keeps the cell until the owner leaves, which it does after this.
        let polled = unsafe {
            super::with_waker(task, |waker| {
                (header.vtable.poll)(task, &mut Context::from_waker(waker))
            })
        };
        if POLLED != 0 {
            header.unset(POLLED);
        }
        if polled != Polled::Pending {
            header.set(DONE | HAS_OUTPUT);
        }
        Some(polled)
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        let header = self.header();
        if header.leave_here(header.flags.get() & !QUEUED) {
            // SAFETY: the last.
            unsafe { free(self.task) };
        }
    }
}

/// Frees a cell. Its stage holds nothing that needs a drop: an owner leaves a task when it is done and its output is
/// dropped, or is the join handle's, which drops it before it leaves.
///
/// # Safety
///
/// 1. Nothing holds the cell (T3), and this is called once.
pub(crate) unsafe fn free(task: NonNull<Header>) {
    // SAFETY: T3: nobody else has the cell. The join handle has left no waker in it.
    let (home, size) = unsafe {
        let header = task.as_ref();
        debug_assert!(header.join_waker.take().is_none());
        (header.home, header.vtable.size)
    };
    // SAFETY: the block came from this home with this size.
    unsafe { Home::give_ref_and_block(home, task.cast(), size) };
}
