//! The rings and their rivals in the same loops.
//!
//! | file | what it does |
//! |---|---|
//! | `peer.rs` | what a queue must offer to be measured, and the items |
//! | `peers/` | a few lines a queue, one file a group |
//! | `workload/` | the measured loops, monomorphised for each queue |
//! | `list.rs` | which queue runs in which workload |
//! | `crew.rs` | pinned threads that start together |
//! | `rounds.rs` | interleaved rounds in a shuffled order, and the watch over them |
//! | `tables.rs` | from samples to tables |

pub(crate) mod crew;
pub(crate) mod list;
pub(crate) mod peer;
pub(crate) mod peers;
pub(crate) mod pictures;
pub(crate) mod rounds;
pub(crate) mod tables;
pub(crate) mod workload;
