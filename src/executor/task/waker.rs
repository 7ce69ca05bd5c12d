//! The waker of a task: a counted pointer to its cell.

use core::{
    mem::ManuallyDrop,
    ptr::NonNull,
    task::{RawWaker, RawWakerVTable, Waker},
};

use super::{Header, raw::free};
use crate::executor::home::Home;

static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

fn cell(data: *const ()) -> NonNull<Header> {
    // SAFETY: every waker of this table is made of a cell's address.
    unsafe { NonNull::new_unchecked(data.cast_mut().cast()) }
}

/// # Safety
///
/// 1. The waker holds a reference, as a borrowed or an owned one.
unsafe fn clone(data: *const ()) -> RawWaker {
    // SAFETY: duty 1 (T3).
    unsafe { cell(data).as_ref() }.state.add_ref();
    RawWaker::new(data, &VTABLE)
}

/// # Safety
///
/// As [`clone`].
unsafe fn wake_by_ref(data: *const ()) {
    let task = cell(data);
    // SAFETY: duty 1 (T3).
    if unsafe { task.as_ref() }.state.schedule() {
        // SAFETY: T2: this call has turned the bit on. The waker's reference is held until it returns.
        unsafe { Home::enqueue(task.as_ref().home, task) };
    }
}

/// # Safety
///
/// As [`clone`]; the reference is consumed.
unsafe fn wake(data: *const ()) {
    // SAFETY: duty 1; given up after.
    unsafe {
        wake_by_ref(data);
        drop_waker(data);
    }
}

/// # Safety
///
/// As [`clone`]; the reference is consumed.
unsafe fn drop_waker(data: *const ()) {
    let task = cell(data);
    // SAFETY: duty 1 (T3).
    if unsafe { task.as_ref() }.state.leave() {
        // SAFETY: the last.
        unsafe { free(task) };
    }
}

/// Gives `run` a waker of `task` that costs no reference: only its clones do.
///
/// # Safety
///
/// 1. The cell lives until `run` returns.
pub(crate) unsafe fn with_waker<R>(task: NonNull<Header>, run: impl FnOnce(&Waker) -> R) -> R {
    // SAFETY: the table's functions do what a waker's contract asks. The reference that this waker would give up is
    // none of its own, hence `ManuallyDrop`; duty 1 stands in for it.
    let waker =
        ManuallyDrop::new(unsafe { Waker::new(task.as_ptr().cast_const().cast(), &VTABLE) });
    run(&waker)
}
