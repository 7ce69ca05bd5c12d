//! The executor and the pool beside their rivals, in the same rows.
//!
//! | file | what it does |
//! |---|---|
//! | `row.rs` | what is measured, and which figures a row has |
//! | `plan.rs` | where it runs, and how much |
//! | `peer.rs` | what a peer must offer |
//! | `peers/` | one file a peer |
//! | `drive.rs` | the client's loops: calls, messages, wakes |
//! | `pair.rs` | the rows of peers that are a runtime on each thread and channels between |
//! | `ask.rs` | the rows of peers that have workers to ask |
//! | `tally.rs` | what every worker does with a message, and the check of it |
//! | `idle.rs` | what a process takes while nothing happens |
//! | `list.rs` | who runs in which row |
//! | `sample.rs`, `rounds.rs` | a sample in a process of its own; interleaved rounds of them |
//! | `tables.rs`, `pictures.rs` | from samples to a report |

pub(crate) mod ask;
pub(crate) mod drive;
pub(crate) mod idle;
pub(crate) mod list;
pub(crate) mod pair;
pub(crate) mod peer;
pub(crate) mod peers;
pub(crate) mod pictures;
pub(crate) mod plan;
pub(crate) mod rounds;
pub(crate) mod row;
pub(crate) mod sample;
pub(crate) mod tables;
pub(crate) mod tally;
