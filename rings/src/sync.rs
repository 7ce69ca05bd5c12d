//! The only file that names atomics, cells, fences, locks and the clock. `--cfg loom` swaps them for loom's, and
//! `--cfg shuttle` puts a switch of threads before each of them.
//!
//! Everything else in the crate runs the same code in a model as in a program; only constructors differ, because
//! loom's types cannot be built in a `const`.

#[cfg(all(loom, shuttle))]
compile_error!("one model at a time: loom or shuttle");

#[cfg(not(any(loom, shuttle)))]
mod imp {
    pub(crate) use core::hint::spin_loop;
    #[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
    pub(crate) use core::sync::atomic::AtomicPtr;
    #[cfg(target_has_atomic = "64")]
    pub(crate) use core::sync::atomic::AtomicU64;
    #[cfg(all(feature = "std", target_os = "linux"))]
    pub(crate) use core::sync::atomic::compiler_fence;
    #[cfg(feature = "std")]
    pub(crate) use core::sync::atomic::{AtomicU32, fence};
    pub(crate) use core::sync::atomic::{AtomicUsize, Ordering};
    #[cfg(feature = "std")]
    pub(crate) use std::{
        sync::{Mutex, MutexGuard},
        thread,
    };

    #[cfg(feature = "std")]
    #[inline]
    pub(crate) fn now() -> std::time::Instant {
        std::time::Instant::now()
    }

    pub(crate) use super::plain::Cell;
}

/// Cells outside of loom.
#[cfg(not(loom))]
mod plain {
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
    pub(crate) use loom::sync::{
        Condvar, Mutex, MutexGuard,
        atomic::{AtomicU32, fence},
    };
    pub(crate) use loom::{
        cell::UnsafeCell as Cell,
        hint::spin_loop,
        sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    };

    #[cfg(feature = "std")]
    pub(crate) fn now() -> std::time::Instant {
        std::time::Instant::now()
    }

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

/// Each access to an atomic is one step of one order for all threads, as under shuttle's own atomics. These are core's,
/// so that they have the size, the constructors and the place in a mapping that they have in a program.
#[cfg(shuttle)]
mod imp {
    use core::{cell, sync::atomic, time::Duration};

    pub(crate) use super::plain::Cell;
    pub(crate) use core::sync::atomic::Ordering;
    pub(crate) use shuttle::{
        hint::spin_loop,
        sync::{Condvar, Mutex, MutexGuard},
    };

    /// Any thread may run before this returns.
    pub(crate) fn switch() {
        shuttle::thread::sleep(Duration::ZERO);
    }

    pub(crate) fn fence(_: Ordering) {
        switch();
    }

    /// shuttle's threads. Its timed park never ends by itself.
    pub(crate) mod thread {
        pub(crate) use shuttle::thread::{Thread, current, park, yield_now};

        /// Lets the others run, after which the caller looks at its clock.
        pub(crate) fn park_timeout(_: core::time::Duration) {
            yield_now();
        }
    }

    /// A clock that goes on by a microsecond whenever it is looked at: a deadline is met after so many looks, in every
    /// run of the same schedule.
    pub(crate) fn now() -> std::time::Instant {
        std::thread_local! {
            static NOW: cell::Cell<std::time::Instant> = cell::Cell::new(std::time::Instant::now());
        }
        NOW.set(NOW.get() + Duration::from_micros(1));
        NOW.get()
    }

    macro_rules! switching {
        ($atomic:ident, $value:ty $(, $param:ident)? { $($method:ident($($arg:ident: $ty:ty),*) -> $ret:ty;)* }) => {
            #[derive(Debug)]
            #[repr(transparent)]
            pub(crate) struct $atomic $(<$param>)? (atomic::$atomic $(<$param>)?);

            #[allow(dead_code, reason = "each feature uses some")]
            impl $(<$param>)? $atomic $(<$param>)? {
                pub(crate) const fn new(value: $value) -> Self {
                    Self(atomic::$atomic::new(value))
                }

                $(pub(crate) fn $method(&self, $($arg: $ty),*) -> $ret {
                    switch();
                    self.0.$method($($arg),*)
                })*

                /// May fail for no reason, as it may on some processors.
                pub(crate) fn compare_exchange_weak(
                    &self,
                    current: $value,
                    new: $value,
                    success: Ordering,
                    failure: Ordering,
                ) -> Result<$value, $value> {
                    use shuttle::rand::Rng;
                    if shuttle::rand::thread_rng().gen_ratio(1, 8) {
                        return Err(self.load(failure));
                    }
                    self.compare_exchange(current, new, success, failure)
                }
            }
        };
    }

    switching!(AtomicPtr, *mut T, T {
        load(order: Ordering) -> *mut T;
        store(value: *mut T, order: Ordering) -> ();
        swap(value: *mut T, order: Ordering) -> *mut T;
        compare_exchange(from: *mut T, to: *mut T, success: Ordering, failure: Ordering) -> Result<*mut T, *mut T>;
    });

    macro_rules! switching_number {
        ($atomic:ident, $value:ty) => {
            switching!($atomic, $value {
                load(order: Ordering) -> $value;
                store(value: $value, order: Ordering) -> ();
                swap(value: $value, order: Ordering) -> $value;
                fetch_add(value: $value, order: Ordering) -> $value;
                fetch_sub(value: $value, order: Ordering) -> $value;
                fetch_and(value: $value, order: Ordering) -> $value;
                fetch_or(value: $value, order: Ordering) -> $value;
                fetch_max(value: $value, order: Ordering) -> $value;
                compare_exchange(from: $value, to: $value, success: Ordering, failure: Ordering) -> Result<$value, $value>;
            });

            impl Default for $atomic {
                fn default() -> Self {
                    Self::new(0)
                }
            }
        };
    }

    switching_number!(AtomicU32, u32);
    switching_number!(AtomicU64, u64);
    switching_number!(AtomicUsize, usize);
}

pub(crate) use imp::*;

/// Keeps the compiler from moving a store or a load from one side to the other. No instruction, and no order between
/// threads.
#[inline(always)]
pub(crate) fn stay_in_order() {
    core::sync::atomic::compiler_fence(core::sync::atomic::Ordering::SeqCst);
}

/// Where a model's threads sleep who wait for a word to change: what the kernel does for futex(2). The look at the word
/// and the sleep are one step for those who wake.
#[cfg(all(any(loom, shuttle), feature = "std"))]
#[derive(Debug)]
pub(crate) struct Bed {
    lock: Mutex<()>,
    woken: imp::Condvar,
}

#[cfg(all(any(loom, shuttle), feature = "std"))]
impl Bed {
    pub(crate) fn new() -> Self {
        Self {
            lock: Mutex::new(()),
            woken: imp::Condvar::new(),
        }
    }

    /// Sleeps if `is_due`. Time does not pass in a model: a sleep with a limit is a yield.
    pub(crate) fn sleep(&self, is_due: impl Fn() -> bool, is_limited: bool) {
        if is_limited {
            return thread::yield_now();
        }
        let lock = self.lock.lock().expect("nobody panics here");
        if is_due() {
            drop(self.woken.wait(lock).expect("nobody panics here"));
        }
    }

    /// Wakes one who sleeps.
    pub(crate) fn wake(&self) {
        let _lock = self.lock.lock().expect("nobody panics here");
        self.woken.notify_one();
    }
}

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
