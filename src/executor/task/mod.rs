//! Tasks: a future in a cell of its own, polled on one thread, woken from any.
//!
//! # Picture
//!
//! ```text
//!   owner (core's slab) ──┐
//!   JoinHandle ───────────┤  refs    ┌ Header ───────────────────────────────┐┌ Stage ───────────────┐
//!   wakers, any thread ───┴────────► │ state: refs, SCHEDULED                 ││ future → output →    │
//!   a queue (SCHEDULED) ───────────► │ link · home · flags · waker of the join││ gone                 │
//!                                    └────────────────────────────────────────┘└──────────────────────┘
//! ```
//!
//! # Invariants
//!
//! - **T1** Other threads touch `state`, `link` and `home` of a cell, and nothing else. The stage, the flags and the
//!   join's waker are the home thread's.
//! - **T2** Whoever turns `SCHEDULED` on puts the cell into one queue, and owns `link` until it is there. Then the
//!   queue owns it, until the home thread has taken the cell out and turned the bit off.
//! - **T3** A cell lives while its state is not zero: a reference is held, or a queue holds it by the bit.
//! - **T4** A task that is not done has its owner's reference.
//!
//! # Edges
//!
//! | edge | release end | acquire end | carries |
//! |---|---|---|---|
//! | WAKE | a waker turns `SCHEDULED` on, or finds it on | the home thread turns it off | what the waker's thread did before |
//! | HAND | a waker pushes the cell to the foreign stack | the home thread takes the stack | `link` |
//! | LEAVE | a reference is given up | the last one is | the cell is nobody's |

mod header;
mod join;
mod raw;
mod waker;

#[cfg(all(test, loom))]
mod models;

pub(crate) use header::{ABORT, DETACHED, DONE, Header, SERVING};
pub use join::{AbortOnDrop, JoinError, JoinHandle};
#[cfg(feature = "std")]
pub(crate) use raw::Payload;
pub(crate) use raw::{Polled, Queued, TaskRef, guarded, is_fine};
use waker::with_waker;
