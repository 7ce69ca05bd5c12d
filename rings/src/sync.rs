//! The only file that names atomics, cells, fences and locks. `--cfg loom` swaps them for loom's.
//!
//! Everything else in the crate runs the same code in a model as in a program; only constructors differ, because
//! loom's types cannot be built in a `const`.

#[cfg(not(loom))]
mod imp {
    pub(crate) use core::hint::spin_loop;
    #[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
    pub(crate) use core::sync::atomic::AtomicPtr;
    #[cfg(target_has_atomic = "64")]
    pub(crate) use core::sync::atomic::AtomicU64;
    pub(crate) use core::sync::atomic::{AtomicUsize, Ordering};
    #[cfg(feature = "std")]
    pub(crate) use core::sync::atomic::{compiler_fence, fence};
    #[cfg(feature = "std")]
    pub(crate) use std::{
        sync::{Mutex, MutexGuard},
        thread,
    };

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
    #[cfg(feature = "alloc")]
    pub(crate) use loom::sync::atomic::AtomicPtr;
    #[cfg(feature = "std")]
    pub(crate) use loom::sync::{Mutex, MutexGuard, atomic::fence};
    pub(crate) use loom::{
        cell::UnsafeCell as Cell,
        hint::spin_loop,
        sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    };

    /// loom's threads, with the one function that it lacks.
    #[cfg(feature = "std")]
    pub(crate) mod thread {
        pub(crate) use loom::thread::{Thread, current, park, yield_now};

        /// Time does not pass in a model: a timed park is a yield, after which the caller looks at its clock.
        pub(crate) fn park_timeout(_: core::time::Duration) {
            yield_now();
        }
    }
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

/// A position that one end stores and any end loads, or that many ends exchange.
///
/// An end that alone stores it also reads it, and finds what it stored last. In a program that is a relaxed load of the same
/// word. A model keeps a second copy for it: loom misses interleavings of a word that a thread loads before it stores
/// it.
#[derive(Debug)]
pub(crate) struct Position {
    word: AtomicUsize,
    #[cfg(loom)]
    own: Private,
}

impl Position {
    const_constructor! {
        pub(crate) fn new(start: usize) -> Self {
            Self {
                word: AtomicUsize::new(start),
                #[cfg(loom)]
                own: Private::new(start),
            }
        }
    }

    #[inline(always)]
    pub(crate) fn load(&self, order: Ordering) -> usize {
        self.word.load(order)
    }

    /// # Safety
    ///
    /// 1. The caller is the end that stores this position; no other thread stores it meanwhile.
    #[inline(always)]
    pub(crate) unsafe fn own(&self) -> usize {
        #[cfg(loom)]
        // SAFETY: duty 1.
        return unsafe { self.own.get() };
        // RELAXED: this end's own last store.
        #[cfg(not(loom))]
        self.word.load(Ordering::Relaxed)
    }

    /// # Safety
    ///
    /// 1. The caller is the end that stores this position; no other thread stores it meanwhile.
    #[inline(always)]
    pub(crate) unsafe fn store(&self, pos: usize, order: Ordering) {
        // SAFETY: duty 1.
        #[cfg(loom)]
        unsafe {
            self.own.set(pos);
        }
        self.word.store(pos, order);
    }

    /// The word itself, for ends that claim by exchanges. None of them may use [`own`](Self::own).
    #[cfg(target_has_atomic = "ptr")]
    #[inline(always)]
    pub(crate) fn shared(&self) -> &AtomicUsize {
        &self.word
    }
}

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
