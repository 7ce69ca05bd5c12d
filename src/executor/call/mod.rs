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
//! - **C1** The work, the outcome and the link of a cell are touched by its holder alone: the shard where it is. It changes
//!   hands by a lane (PUBLISH), or goes home by its own word (C4), and by nothing else.
//! - **C2** The waker and the flags of a cell are touched by its home alone: the shard that made it. They lie beside what
//!   the holder touches, and are other fields.
//! - **C3** A cell that is away comes home, once. Only there is it freed.
//! - **C4** The phase of a cell is the holder's to write. A home reads it of one cell at a time, that it watches, and
//!   has the cell when it reads that the answer is there (ANSWER). A cell that is watched goes back by no lane.
//!
//! # The answer in the cell
//!
//! A lane costs two lines in a row: that of its position says that a parcel is there, and only then is the cell's line asked
//! for. Among many parcels that is little. Who has one call under way pays it in full, twice. So a shard that makes a
//! call that is served at once, and has no other such call away, watches the cell: the holder writes the outcome, then the
//! phase, in one line, and rings; the home looks at that line. A call is put into the lane at once then, not by the
//! outbox: nothing else would go with it.
//!
//! The callee writes nothing into the cell before the outcome: who watches would take the line away in between.
//!
//! So a cell needs no atomic of its own, its memory is used again by the shard that took it, and whatever waits in an
//! outbox lies in a list that goes through the cells: it needs no room of its own, and so never runs out of it.

mod future;
mod phase;
mod raw;
mod work;

pub(crate) use future::call;
pub(crate) use raw::{Outbox, Parcel, Watch};
pub(crate) use work::{Complete, Later, Now, Work};
