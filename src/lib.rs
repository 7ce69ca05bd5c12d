#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "executor")]
extern crate alloc;
#[cfg(all(test, not(feature = "std")))]
extern crate std;

#[cfg(feature = "std")]
pub use shared_nothing_affinity as affinity;
pub use shared_nothing_rings as rings;

#[cfg(feature = "executor")]
pub mod executor;
// The pages of `docs/`. Costs nothing: it is there for rustdoc alone.
#[cfg(all(any(doc, doctest), feature = "pool", feature = "executor"))]
pub mod guide;
#[cfg(feature = "partition")]
pub mod partition;
#[cfg(feature = "pool")]
pub mod pool;
#[cfg(feature = "pool")]
pub mod stats;
#[cfg(feature = "executor")]
mod sync;
#[cfg(any(feature = "pool", all(feature = "executor", feature = "std")))]
mod sys;
#[cfg(feature = "pool")]
pub mod worker;
