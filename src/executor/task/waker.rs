//! The waker of a task: a counted pointer to its cell.

use core::{
    mem::ManuallyDrop,
    ptr::{self, NonNull},
    task::{RawWaker, RawWakerVTable, Waker},
};

use super::{Header, raw::free};
use crate::executor::home::{Home, is_here};

static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

fn cell(data: *const ()) -> NonNull<Header> {
    // SAFETY: every waker of this table is made of a cell's address.
    unsafe { NonNull::new_unchecked(data.cast_mut().cast()) }
}

/// # Safety
///
/// 1. The waker holds the cell, as a borrowed or an owned one.
unsafe fn clone(data: *const ()) -> RawWaker {
    // SAFETY: duty 1 (T3).
    let header = unsafe { cell(data).as_ref() };
    if is_here(header.home) {
        header.add_waker_here();
    } else {
        header.state.add_ref();
    }
    RawWaker::new(data, &VTABLE)
}

/// # Safety
///
/// As [`clone`].
unsafe fn wake_by_ref(data: *const ()) {
    let task = cell(data);
    // SAFETY: duty 1 (T3).
    let header = unsafe { task.as_ref() };
    if is_here(header.home) {
        if header.schedule_here() {
            // SAFETY: T2: this call has turned the flag on, on the home thread.
            unsafe { Home::enqueue_here(header.home, task) };
        }
    } else if header.state.schedule() {
        // SAFETY: T2: this call has turned the bit on. The waker holds the cell until it returns.
        unsafe { Home::enqueue(header.home, task) };
    }
}

/// # Safety
///
/// As [`clone`]; the waker is consumed.
unsafe fn wake(data: *const ()) {
    let task = cell(data);
    // SAFETY: duty 1 (T3).
    let header = unsafe { task.as_ref() };
    if !is_here(header.home) {
        // SAFETY: duty 1; given up after.
        return unsafe {
            wake_by_ref(data);
            drop_waker(data);
        };
    }
    if header.schedule_here() {
        // SAFETY: T2: this call has turned the flag on, on the home thread.
        unsafe { Home::enqueue_here(header.home, task) };
    }
    if header.drop_waker_here() {
        // SAFETY: the last.
        unsafe { free(task) };
    }
}

/// # Safety
///
/// As [`clone`]; the waker is consumed.
unsafe fn drop_waker(data: *const ()) {
    let task = cell(data);
    // SAFETY: duty 1 (T3).
    let header = unsafe { task.as_ref() };
    let is_last = if is_here(header.home) {
        header.drop_waker_here()
    } else {
        header.state.leave()
    };
    if is_last {
        // SAFETY: the last.
        unsafe { free(task) };
    }
}

/// The cell of a waker of this table, at home. Whatever is done with it is no foreign code, and needs no call.
#[inline(always)]
fn cell_here(waker: &Waker) -> Option<NonNull<Header>> {
    if !ptr::eq(waker.vtable(), &raw const VTABLE) {
        return None;
    }
    let task = cell(waker.data());
    // SAFETY: the waker is of this table, and holds the cell (T3).
    is_here(unsafe { task.as_ref() }.home).then_some(task)
}

/// A clone of any waker.
#[inline(always)]
pub(crate) fn clone_of(waker: &Waker) -> Waker {
    let Some(task) = cell_here(waker) else {
        return waker.clone();
    };
    // SAFETY: the waker holds the cell (T3).
    unsafe { task.as_ref() }.add_waker_here();
    // SAFETY: as `clone`: counted just now.
    unsafe { Waker::new(waker.data(), &VTABLE) }
}

/// Wakes, if the waker is one of a task that is at home here; otherwise hands it back: it is foreign code, or goes to
/// another thread.
#[inline(always)]
pub(crate) fn wake_here(waker: Waker) -> Option<Waker> {
    let Some(task) = cell_here(&waker) else {
        return Some(waker);
    };
    let _counted = ManuallyDrop::new(waker);
    // SAFETY: the waker holds the cell (T3).
    let header = unsafe { task.as_ref() };
    if header.schedule_here() {
        // SAFETY: T2: this call has turned the flag on, on the home thread.
        unsafe { Home::enqueue_here(header.home, task) };
    }
    if header.drop_waker_here() {
        // SAFETY: the last.
        unsafe { free(task) };
    }
    None
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
