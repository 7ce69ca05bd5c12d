//! Many producers, many consumers, one order for all.
//!
//! ```
//! use shared_nothing_rings::{TryPopError, TryPushError, mpmc};
//!
//! static RING: mpmc::Ring<u64, 2> = mpmc::Ring::new();
//!
//! let (tx, mut rx) = RING.split_static().expect("nobody has split it before");
//! let (tx2, mut rx2) = (tx.clone(), rx.clone());
//! assert_eq!(tx.try_push(1), Ok(()));
//! assert_eq!(tx2.try_push(2), Ok(()));
//! assert_eq!(tx.try_push(3), Err(TryPushError::Full(3)));
//! assert_eq!(rx.try_pop(), Ok(1));
//! assert_eq!(rx2.try_pop(), Ok(2));
//! assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
//! ```
//!
//! # When to use it
//!
//! Several threads take work from one queue, whoever is free. Each value goes to one consumer. With one consumer,
//! [`mpsc`](crate::mpsc) costs less; where a value may go to a certain consumer, a ring for each is better.
//!
//! # How it works
//!
//! It is the ring of [`stamped`](crate::stamped), whose positions are claimed by many on either side, each by one
//! exchange: picture, invariants, edges, and what `Empty` and `Full` mean are told there. Pushes and pops are lock-free,
//! and the ring is linearizable with those words for `Empty` and `Full`.
//!
//! # Verification
//!
//! loom models of each edge, each with the outcomes that must be reached (`rings/tests/loom_mpmc.rs`); histories of real
//! threads checked for linearizability (`rings/tests/linear_mpmc.rs`); a model-based test from start positions at the
//! wrap of `usize` (`rings/tests/model.rs`); drop accounting and stress (`rings/tests/drops.rs`,
//! `rings/tests/stress_mpmc.rs`).

mod consumer;
mod drain;

pub use crate::mpsc::{Grant, Producer, Single};
pub use consumer::Consumer;
pub use drain::Drain;

crate::ends::impl_ends!(Producer, Consumer);
crate::stamped::front::front!("mpmc", "tx", one_producer: false);
