//! Lists of tasks that go through their cells: no room to run out of, nothing to allocate, and a few instructions each.
//!
//! | list | a cell is in it | linked by |
//! |---|---|---|
//! | [`RunQueue`] | while it is `QUEUED` | `after` |
//! | [`Tasks`] | while it is `OWNED` | `older`, `newer` |
//!
//! The flag holds the cell (T3), so whatever is in a list is alive. All on the home thread.

use alloc::vec::Vec;
use core::{
    cell::Cell,
    ptr::{self, NonNull},
};

use super::{Header, TaskRef, header::OWNED};

/// The cell after one, in the order of polling.
type Link = Cell<*mut Header>;

/// Tasks that are ready, in the order in which they are polled.
#[derive(Debug)]
pub(crate) struct RunQueue {
    first: Link,
    /// Old if there is no first.
    last: Link,
}

impl RunQueue {
    pub(crate) const fn new() -> Self {
        Self {
            first: Cell::new(ptr::null_mut()),
            last: Cell::new(ptr::null_mut()),
        }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.first.get().is_null()
    }

    /// The task that was put there last.
    #[inline]
    pub(crate) fn last(&self) -> Option<NonNull<Header>> {
        if self.is_empty() {
            return None;
        }
        NonNull::new(self.last.get())
    }

    /// # Safety
    ///
    /// 1. The cell is alive, of this thread, and in no run queue; its `QUEUED` is on, or is put on before anything else
    ///    is done, and stays so until it is taken out (T2).
    #[inline]
    pub(crate) unsafe fn push(&self, task: NonNull<Header>) {
        // SAFETY: duty 1.
        unsafe { task.as_ref() }.after.set(ptr::null_mut());
        match NonNull::new(self.first.get()) {
            None => self.first.set(task.as_ptr()),
            // SAFETY: there is a first, so the last is in the queue as well, and alive.
            Some(_) => unsafe { (*self.last.get()).after.set(task.as_ptr()) },
        }
        self.last.set(task.as_ptr());
    }

    #[inline]
    pub(crate) fn pop(&self) -> Option<NonNull<Header>> {
        let first = NonNull::new(self.first.get())?;
        // SAFETY: in the queue, and so alive.
        self.first.set(unsafe { first.as_ref() }.after.get());
        Some(first)
    }

    /// Brings the queue into another order: `pick(n)` is less than `n`. Allocates.
    pub(crate) fn shuffle(&self, mut pick: impl FnMut(usize) -> usize) {
        let mut all: Vec<_> = core::iter::from_fn(|| self.pop()).collect();
        for last in (1..all.len()).rev() {
            all.swap(last, pick(last + 1));
        }
        for task in all {
            // SAFETY: taken out just now, and queued as before.
            unsafe { self.push(task) };
        }
    }
}

/// The tasks that an executor has, in the order in which they were spawned.
#[derive(Debug)]
pub(crate) struct Tasks {
    oldest: Link,
    newest: Link,
}

impl Tasks {
    pub(crate) const fn new() -> Self {
        Self {
            oldest: Cell::new(ptr::null_mut()),
            newest: Cell::new(ptr::null_mut()),
        }
    }

    #[inline]
    pub(crate) fn insert(&self, task: TaskRef) {
        let new = task.into_ptr();
        let newest = self.newest.replace(new.as_ptr());
        // SAFETY: the owner's hold has come with it.
        let header = unsafe { new.as_ref() };
        header.older.set(newest);
        header.newer.set(ptr::null_mut());
        match NonNull::new(newest) {
            None => self.oldest.set(new.as_ptr()),
            // SAFETY: in the list, and so alive.
            Some(newest) => unsafe { newest.as_ref() }.newer.set(new.as_ptr()),
        }
    }

    /// Takes a task out. `None` if it is owned no more.
    ///
    /// # Safety
    ///
    /// 1. The cell is alive, and if it is owned, it is in this list.
    #[inline]
    pub(crate) unsafe fn remove(&self, task: NonNull<Header>) -> Option<TaskRef> {
        // SAFETY: duty 1.
        let header = unsafe { task.as_ref() };
        if !header.has(OWNED) {
            return None;
        }
        let (older, newer) = (header.older.get(), header.newer.get());
        match NonNull::new(older) {
            None => self.oldest.set(newer),
            // SAFETY: in the list, and so alive.
            Some(older) => unsafe { older.as_ref() }.newer.set(newer),
        }
        match NonNull::new(newer) {
            None => self.newest.set(older),
            // SAFETY: as above.
            Some(newer) => unsafe { newer.as_ref() }.older.set(older),
        }
        // SAFETY: the hold that came with it, and it is in the list no more.
        Some(unsafe { TaskRef::from_ptr(task) })
    }

    pub(crate) fn take_oldest(&self) -> Option<TaskRef> {
        let oldest = NonNull::new(self.oldest.get())?;
        // SAFETY: in the list, and so alive.
        unsafe { self.remove(oldest) }
    }
}
