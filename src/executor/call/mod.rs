//! A call from one shard to another: one cell that goes there and comes back.
//!
//! # Picture
//!
//! ```text
//!   caller's shard                                      callee's shard
//!   Call ──► cell { work } ──► outbox ══ lane ══► inbox ──► served: cell { outcome }
//!     ▲                                                        │
//!     └──── woken ◄── inbox ◄══ lane ══ outbox ◄───────────────┘
//! ```
//!
//! # Invariants
//!
//! - **C1** The work, the outcome, the link and the phase of a cell are touched by its holder alone: the shard where it
//!   is. It changes hands by a lane (PUBLISH) and by nothing else.
//! - **C2** The waker and the flags of a cell are touched by its home alone: the shard that made it. They lie beside what
//!   the holder touches, and are other fields.
//! - **C3** A cell that is away comes home, once. Only there is it freed.
//!
//! So a cell needs no atomic of its own, its memory is used again by the shard that took it, and whatever waits in an
//! outbox lies in a list that goes through the cells: it needs no room of its own, and so never runs out of it.

mod future;
mod raw;
mod work;

pub(crate) use future::call;
pub(crate) use raw::{Outbox, Parcel};
pub(crate) use work::{Complete, Later, Now, Work};
