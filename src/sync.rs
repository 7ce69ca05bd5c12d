//! The only file that names the atomics of what is modelled. `--cfg loom` swaps them for loom's.

#[cfg(all(not(loom), feature = "pool"))]
pub(crate) use core::sync::atomic::AtomicBool;
#[cfg(all(not(loom), feature = "std"))]
pub(crate) use core::sync::atomic::AtomicU16;
#[cfg(not(loom))]
pub(crate) use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
#[cfg(all(loom, feature = "pool"))]
pub(crate) use loom::sync::atomic::AtomicBool;
#[cfg(all(loom, feature = "std"))]
pub(crate) use loom::sync::atomic::AtomicU16;
#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
