//! The cell of a task: made, polled, cancelled and freed here, whatever its future is.

use alloc::boxed::Box;
use core::{
    alloc::Layout,
    any::Any,
    cell::UnsafeCell,
    future::Future,
    panic::Location,
    pin::Pin,
    ptr::NonNull,
    task::{Context, Poll, Waker},
};

use super::{
    ABORT, DETACHED, DONE, Header, JoinError,
    header::{NotSend, OWNED, POLLED, QUEUED},
};
use crate::executor::home::Home;

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

/// What can be done with a cell whose future's type is forgotten. All on the home thread, but `free`.
pub(super) struct VTable {
    /// `true`: the future is gone and its output is there.
    poll: unsafe fn(NonNull<Header>, &mut Context<'_>) -> Polled,
    /// Drops the future; the output is "cancelled". `false`: its drop panicked.
    cancel: unsafe fn(NonNull<Header>) -> bool,
    /// Moves the output to the pointer, an `Option<Result<T, JoinError>>`.
    take: unsafe fn(NonNull<Header>, *mut ()),
    /// Drops what is in the stage, which is no future. `false`: that panicked.
    clear: unsafe fn(NonNull<Header>) -> bool,
    layout: Layout,
}

/// What a poll has led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Polled {
    Pending,
    Done,
    /// Done, by a panic of the future or of its drop.
    Panicked,
}

enum Stage<F: Future> {
    Future(F),
    Output(Result<F::Output, JoinError>),
    Gone,
}

#[repr(C)]
struct Cell<F: Future> {
    header: Header,
    stage: UnsafeCell<Stage<F>>,
}

impl<F: Future> Cell<F> {
    const VTABLE: VTable = VTable {
        poll: Self::poll,
        cancel: Self::cancel,
        take: Self::take,
        clear: Self::clear,
        layout: Layout::new::<Self>(),
    };

    fn stage(task: NonNull<Header>) -> *mut Stage<F> {
        let cell = task.cast::<Self>().as_ptr();
        // SAFETY: `repr(C)`: a task's header is the begin of its cell. Only a field's address is taken.
        unsafe { (&raw const (*cell).stage).cast_mut().cast() }
    }

    /// # Safety
    ///
    /// 1. A living cell of this type; the caller is on its home thread, and not within another of these functions for
    ///    the same cell.
    unsafe fn poll(task: NonNull<Header>, cx: &mut Context<'_>) -> Polled {
        let stage = Self::stage(task);
        let polled = guarded(|| {
            // SAFETY: duty 1: nobody else touches the stage meanwhile.
            let Stage::Future(future) = (unsafe { &mut *stage }) else {
                unreachable!("a task is polled until it is done");
            };
            // SAFETY: the future is never moved: it is dropped where it lies.
            unsafe { Pin::new_unchecked(future) }.poll(cx)
        });
        let (output, panicked) = match polled {
            Ok(Poll::Pending) => return Polled::Pending,
            Ok(Poll::Ready(output)) => (Ok(output), false),
            Err(payload) => (Err(JoinError::Panicked(payload)), true),
        };
        // SAFETY: duty 1.
        let dropped = unsafe { Self::replace(stage, Stage::Output(output)) };
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
        unsafe { Self::replace(Self::stage(task), Stage::Output(Err(JoinError::Cancelled))) }
    }

    /// # Safety
    ///
    /// As [`poll`](Self::poll), and:
    /// 2. `into` points to an `Option<Result<F::Output, JoinError>>`.
    unsafe fn take(task: NonNull<Header>, into: *mut ()) {
        let stage = Self::stage(task);
        // SAFETY: duty 1. An output is not pinned, so it may be moved.
        if let Stage::Output(_) = unsafe { &*stage } {
            // SAFETY: as above.
            let output = match unsafe { core::ptr::replace(stage, Stage::Gone) } {
                Stage::Output(output) => Some(output),
                Stage::Future(_) | Stage::Gone => None,
            };
            // SAFETY: duty 2.
            unsafe { *into.cast::<Option<Result<F::Output, JoinError>>>() = output };
        }
    }

    /// # Safety
    ///
    /// As [`poll`](Self::poll).
    unsafe fn clear(task: NonNull<Header>) -> bool {
        // SAFETY: duty 1.
        unsafe { Self::replace(Self::stage(task), Stage::Gone) }
    }

    /// Drops what is in the stage where it lies, then writes `next`. `false`: the drop panicked.
    ///
    /// # Safety
    ///
    /// 1. The caller has the stage to itself.
    unsafe fn replace(stage: *mut Stage<F>, next: Stage<F>) -> bool {
        // SAFETY: duty 1.
        let is_plain = match unsafe { &*stage } {
            Stage::Future(_) => !core::mem::needs_drop::<F>(),
            Stage::Output(_) => false,
            Stage::Gone => true,
        };
        let dropped = if is_plain {
            Ok(())
        } else {
            // SAFETY: duty 1. What a panicking drop leaves undone is forgotten: nothing is dropped twice.
            guarded(|| unsafe { core::ptr::drop_in_place(stage) })
        };
        // SAFETY: as above; nothing is there to be dropped.
        unsafe { core::ptr::write(stage, next) };
        is_fine(dropped)
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
    pub(crate) unsafe fn new<F: Future + 'static>(
        home: NonNull<Home>,
        future: F,
        flags: u8,
        place: &'static Location<'static>,
    ) -> (Self, JoinRef) {
        // SAFETY: duty 1.
        let block = unsafe { home.as_ref().take_ref_and_block(Layout::new::<Cell<F>>()) };
        let cell = block.cast::<Cell<F>>();
        let value = Cell {
            header: Header::new(home, &Cell::<F>::VTABLE, flags, place),
            stage: UnsafeCell::new(Stage::Future(future)),
        };
        // SAFETY: a new block of this layout.
        unsafe { cell.write(value) };
        let task = cell.cast();
        let stays = NotSend::default();
        (Self { task, stays }, JoinRef { task, stays })
    }

    #[inline]
    pub(crate) fn as_ptr(&self) -> NonNull<Header> {
        self.task
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
        assert!(!self.header().has(DONE) && !self.header().has(POLLED));
        // SAFETY: checked above; a reference stays on its home thread.
        unsafe { (self.header().vtable.cancel)(self.task) }
    }

    /// Drops the output of a task that is done, if it is still there. `false`: that panicked.
    pub(crate) fn clear(&self) -> bool {
        debug_assert!(self.header().has(DONE));
        // SAFETY: T3; a task that is done runs no code of its own.
        unsafe { (self.header().vtable.clear)(self.task) }
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
    #[inline]
    fn drop(&mut self) {
        let header = self.header();
        if header.leave_here(header.flags.get() & !OWNED) {
            // SAFETY: the last.
            unsafe { free(self.task) };
        }
    }
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
        debug_assert!(self.header().has(DONE));
        let mut output = None;
        // SAFETY: duty 1 and T3; a task that is done runs no code of its own.
        unsafe { (self.header().vtable.take)(self.task, (&raw mut output).cast()) };
        output
    }
}

impl Drop for JoinRef {
    #[inline]
    fn drop(&mut self) {
        drop_waker(self.header().join_waker.take());
        if self.header().has(DONE) {
            // SAFETY: T3; a task that is done runs no code of its own.
            unsafe { (self.header().vtable.clear)(self.task) };
        }
        let header = self.header();
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

    /// Polls the task, or cancels it if that was asked for; `None` if it is done already.
    pub(crate) fn run(self) -> Option<Polled> {
        if self.header().has(DONE) {
            return None;
        }
        let task = core::mem::ManuallyDrop::new(self).task;
        // SAFETY: T4 keeps the cell.
        let header = unsafe { task.as_ref() };
        header.unset(QUEUED);
        if header.has(ABORT) {
            // SAFETY: not done, and not being polled: `run` is never called within a poll. The home thread.
            let fine = unsafe { (header.vtable.cancel)(task) };
            return Some(if fine { Polled::Done } else { Polled::Panicked });
        }
        header.set(POLLED);
        // SAFETY: as above, and T4 keeps the cell until the owner leaves, which it does after this.
        let polled = unsafe {
            super::with_waker(task, |waker| {
                (header.vtable.poll)(task, &mut Context::from_waker(waker))
            })
        };
        header.unset(POLLED);
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
    // SAFETY: T3: nobody else has the cell. A waker that is left is dropped with the header's fields, guarded, since
    // it may be foreign code.
    let (home, layout, waker) = unsafe {
        let header = task.as_ref();
        (header.home, header.vtable.layout, header.join_waker.take())
    };
    drop_waker(waker);
    // SAFETY: the block came from this home with this layout.
    unsafe { Home::give_ref_and_block(home, task.cast(), layout) };
}
