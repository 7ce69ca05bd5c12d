//! Bounded rings between threads: cache-line-aligned, hand-written, each ordering argued and modelled.
//!
//! `no_std`, no allocator, two small dependencies. A ring is a value that fits a `static`, or an allocation, and gives
//! out its ends; an end pushes or pops and returns at once.
//!
//! ```
//! use shared_nothing_rings::{TryPopError, TryPushError, spsc};
//!
//! let mut ring = spsc::Ring::<&str, 2>::new();
//! let (mut tx, mut rx) = ring.split();
//! assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
//! assert_eq!(tx.try_push("a"), Ok(()));
//! assert_eq!(tx.try_push("b"), Ok(()));
//! assert_eq!(tx.try_push("c"), Err(TryPushError::Full("c")));
//! assert_eq!(rx.try_pop(), Ok("a"));
//! drop(tx);
//! assert_eq!(rx.try_pop(), Ok("b"));
//! assert_eq!(rx.try_pop(), Err(TryPopError::Closed));
//! ```
//!
//! # Which ring for which job
//!
//! | ring | ends | order | push | pop |
//! |---|---|---|---|---|
//! | [`spsc`] | 1 → 1 | first in, first out | wait-free | wait-free |
//! | [`stamped`] | 1 → 1, one value at a time, seen soonest | first in, first out | wait-free | wait-free |
//! | [`mpsc`] | n → 1 | one for all producers | lock-free | bounded steps, no read-modify-write |
//! | [`mpmc`] | n → n | one for all | lock-free | lock-free |
//! | [`lanes`] | n → 1, n fixed | one for each producer | wait-free | one look a lane with news |
//! | `unbounded` (feature `alloc`) | 1 → 1, n → 1 | first in, first out; one for all producers | as `spsc`, as `mpsc` | wait-free |
//! | [`shared`] | 1 → 1, between processes | first in, first out; plain data | wait-free | wait-free |
//! | [`frames`] | 1 → 1 | first in, first out; bytes of any length | wait-free | wait-free |
//!
//! No `try_` method waits for another thread: not for one that is slow, and not for one that was stopped half-way. To
//! wait, join a ring to a [`wait`] by a [`channel`].
//!
//! # What every ring promises
//!
//! - A refused value comes back in the error. A value is dropped exactly once, whatever panics.
//! - Closing loses nothing: the consumer gets all that was pushed before, then `Closed`.
//! - The capacity is exact. Any type will do: no `Copy`, `Clone` or `Default`, zero-sized, over-aligned or larger than
//!   the stack.
//! - Ends do not share a cache line, wherever they lie.
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | none (default) | rings as values: on the stack, in a field, in a `static` |
//! | `alloc` | rings on the heap, and `unbounded` |
//! | `std` | parking and yielding, deadlines, channels that are made ready; `libc` on Linux |
//! | `async` | tasks that wait for a [`channel`]; `futures-core` |
//! | `stats` | counts of what goes through any ring: sent, received, refused, how full it was |
//!
//! On targets without compare-exchange there are [`spsc`] and [`frames`], each with [`split`](spsc::Ring::split).
//!
//! # Models
//!
//! `--cfg loom` swaps atomics, cells and locks for [loom](https://docs.rs/loom)'s in this crate, so that a program
//! built on these rings can be modelled with them. Constructors are then not `const`. `--cfg shuttle` puts a switch of
//! threads before each of them, for [shuttle](https://docs.rs/shuttle)'s schedulers: larger scenes, sequentially
//! consistent.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(feature = "std", loom, shuttle, test))]
extern crate std;

pub mod channel;
pub mod ends;
mod error;
pub mod frames;
mod lines;
mod pos;
mod share;
#[cfg(all(target_has_atomic = "64", target_has_atomic = "ptr"))]
pub mod shared;
mod slot;
mod storage;
mod sync;

#[cfg(target_has_atomic = "ptr")]
pub mod lanes;
#[cfg(target_has_atomic = "ptr")]
pub mod mpmc;
#[cfg(target_has_atomic = "ptr")]
pub mod mpsc;
pub mod spsc;
#[cfg(target_has_atomic = "ptr")]
pub mod stamped;
#[cfg(all(feature = "stats", target_has_atomic = "ptr"))]
pub mod stats;
#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
pub mod unbounded;
pub mod wait;

#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
pub use storage::owned::Memory;

pub use error::{CapacityError, MemoryError, TryPopError, TryPushError, TryReserveError};

/// The examples of README.md, which must compile and hold.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
