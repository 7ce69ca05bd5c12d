//! The only file that names atomics, cells, fences and locks. `--cfg loom` swaps them for loom's.
//!
//! Everything else in the crate runs the same code in a model as in a program; only constructors differ, because
//! loom's types cannot be built in a `const`.

#[cfg(not(loom))]
mod imp {
    #[cfg(feature = "std")]
    pub(crate) use core::sync::atomic::fence;
    pub(crate) use core::sync::atomic::{AtomicUsize, Ordering};
    #[cfg(feature = "std")]
    pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};

    /// [`core::cell::UnsafeCell`] with the methods of loom's.
    #[derive(Debug)]
    #[repr(transparent)]
    pub(crate) struct Cell<T>(core::cell::UnsafeCell<T>);

    impl<T> Cell<T> {
        pub(crate) const fn new(value: T) -> Self {
            Self(core::cell::UnsafeCell::new(value))
        }

        #[inline(always)]
        pub(crate) fn with<R>(&self, look: impl FnOnce(*const T) -> R) -> R {
            look(self.0.get())
        }

        #[inline(always)]
        pub(crate) fn with_mut<R>(&self, change: impl FnOnce(*mut T) -> R) -> R {
            change(self.0.get())
        }
    }
}

#[cfg(loom)]
mod imp {
    #[cfg(feature = "std")]
    pub(crate) use loom::sync::atomic::fence;
    #[cfg(feature = "std")]
    pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard};
    pub(crate) use loom::{
        cell::UnsafeCell as Cell,
        sync::atomic::{AtomicUsize, Ordering},
    };
}

pub(crate) use imp::*;

/// Defines a constructor that is `const` in a program and an ordinary function in a model.
macro_rules! const_constructor {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) -> $ret:ty $body:block) => {
        $(#[$meta])*
        #[cfg(not(loom))]
        $vis const fn $name($($arg: $ty),*) -> $ret $body

        $(#[$meta])*
        #[cfg(loom)]
        $vis fn $name($($arg: $ty),*) -> $ret $body
    };
}
pub(crate) use const_constructor;

/// A number that one end alone reads and writes, kept in the ring beside what that end publishes.
///
/// It is a cell and not an atomic for two reasons: the compiler may treat it as plain memory, and loom reports any
/// other end that touches it.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Private(Cell<usize>);

impl Private {
    const_constructor! {
        pub(crate) fn new(value: usize) -> Self {
            Self(Cell::new(value))
        }
    }

    /// # Safety
    ///
    /// 1. The caller is the end that owns this number; no other thread touches it meanwhile.
    #[inline(always)]
    pub(crate) unsafe fn get(&self) -> usize {
        // SAFETY: duty 1 rules out a concurrent write.
        self.0.with(|value| unsafe { *value })
    }

    /// # Safety
    ///
    /// 1. The caller is the end that owns this number; no other thread touches it meanwhile.
    #[inline(always)]
    pub(crate) unsafe fn set(&self, new: usize) {
        // SAFETY: duty 1 rules out any concurrent access.
        self.0.with_mut(|value| unsafe { *value = new });
    }
}
