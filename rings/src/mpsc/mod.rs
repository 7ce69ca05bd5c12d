//! Many producers, one consumer, one order for all.
//!
//! ```
//! use shared_nothing_rings::{TryPopError, TryPushError, mpsc};
//!
//! static RING: mpsc::Ring<u64, 2> = mpsc::Ring::new();
//!
//! let (tx, mut rx) = RING.split_static().expect("nobody has split it before");
//! let tx2 = tx.clone();
//! assert_eq!(tx.try_push(1), Ok(()));
//! assert_eq!(tx2.try_push(2), Ok(()));
//! assert_eq!(tx.try_push(3), Err(TryPushError::Full(3)));
//! assert_eq!(rx.try_pop(), Ok(1));
//! assert_eq!(rx.try_pop(), Ok(2));
//! assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
//! ```
//!
//! # When to use it
//!
//! Several threads feed one, and the order in which they do so matters or the ring should be one piece of memory. With
//! one producer, [`spsc`](crate::spsc) and [`stamped`](crate::stamped) cost half. Where the order of each producer is
//! enough, [`lanes`](crate::lanes) keep producers out of each other's way. It is not for several consumers.
//!
//! # How it works
//!
//! It is the ring of [`stamped`](crate::stamped), whose positions are claimed by many producers, each by one exchange:
//! picture, invariants, edges, and what `Empty` and `Full` mean are told there. A push is lock-free. A pop is wait-free,
//! has no read-modify-write, and never waits for a producer that was stopped in the middle of a push.
//!
//! A pop may find the ring [`Empty`](crate::TryPopError::Empty) although a push has *returned*, namely when an earlier
//! position is claimed and not yet written. Likewise `Full` counts positions that are claimed and not yet written, or
//! given up and not yet passed. Neither is an error of order: values of one producer come in the order of its pushes.
//!
//! # Verification
//!
//! loom models of each edge, each with the outcomes that must be reached (`rings/tests/loom_mpsc.rs`); a model-based
//! test against a `VecDeque` from start positions at the wrap of `usize` (`rings/tests/model.rs`); drop accounting
//! (`rings/tests/drops.rs`).

mod grant;
mod producer;

pub use crate::stamped::{Consumer, Drain};
pub use grant::{Grant, Single};
pub use producer::Producer;

crate::stamped::front::front!("mpsc", "tx", one_producer: false);
