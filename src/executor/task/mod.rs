//! Tasks: a future in a cell of its own, polled on one thread, woken from any.
//!
//! # Picture
//!
//! ```text
//!   at home:                                ┌ Header ───────────────────────────────┐┌ Stage ───────────────┐
//!     owner (core's list), JoinHandle ────► │ flags: OWNED, DETACHED, QUEUED         ││ future → output →    │
//!     run queue ──────────────────────────► │ wakers: cloned less dropped at home    ││ gone                 │
//!     wakers ─────────────────────────────► │                                        ││                      │
//!   on any other thread:                    │                                        ││                      │
//!     wakers ─────────────────────────────► │ state: cloned less dropped, SETTLED    ││                      │
//!     foreign stack ──────────────────────► │        SCHEDULED, link                 ││                      │
//!                                           └────────────────────────────────────────┘└──────────────────────┘
//! ```
//!
//! At home nothing of a task's life needs a read-modify-write: what only the home thread touches is counted there, in
//! plain numbers. A waker that is cloned on one thread and dropped on another is counted in two places, and the sum is
//! right. When owner, queue and join handle are gone, the home thread adds its count of wakers to that of the others,
//! which is exact from then on.
//!
//! # Invariants
//!
//! - **T1** Other threads touch `state`, `link` and `home` of a cell, and nothing else, until it is settled. The stage,
//!   the flags, the count of wakers and the join's waker are the home thread's.
//! - **T2** Whoever turns `SCHEDULED` on pushes the cell to the foreign stack, and owns `link` until it is there. Then the
//!   stack owns it, until the home thread has taken the cell out and turned the bit off. Who turns `QUEUED` on, at home,
//!   puts the cell into the run queue. It may be in both, and is polled twice then.
//! - **T3** A cell lives while something holds it: `OWNED`, `QUEUED`, a join handle (not `DETACHED`), `SCHEDULED`, or a
//!   waker: `wakers + state` is their number until the cell is settled, `state` after.
//! - **T4** A task that is not done is `OWNED`. One that is not owned any more is never queued again.
//! - **T5** `after` is the run queue's while `QUEUED` is on; `older` and `newer` are the executor's list's while `OWNED` is
//!   on (`list.rs`).
//!
//! # Edges
//!
//! | edge | release end | acquire end | carries |
//! |---|---|---|---|
//! | WAKE | a waker on another thread turns `SCHEDULED` on, or finds it on | the home thread turns it off | what the waker's thread did before |
//! | HAND | a waker pushes the cell to the foreign stack | the home thread takes the stack | `link` |
//! | LEAVE | a waker is dropped, or the cell is settled | the last holder goes | the cell is nobody's |

mod header;
mod join;
mod list;
mod payload;
mod raw;
mod waker;

#[cfg(all(test, loom))]
mod models;

pub(crate) use header::{ABORT, DETACHED, DONE, Header, SERVING};
pub use join::{AbortOnDrop, JoinError, JoinHandle};
pub(crate) use list::{RunQueue, Tasks};
pub use payload::PanicPayload;
#[cfg(feature = "std")]
pub(crate) use raw::Payload;
pub(crate) use raw::{Polled, Queued, TaskRef, guarded, is_fine};
use waker::with_waker;
pub(crate) use waker::{clone_of, wake_here};
