//! What workers count, and how to read it.
//!
//! Each counter is written by one thread and lies on that thread's cache line; reading one stops nobody. Histograms are
//! arrays of counters, so a snapshot of them stops nobody either.
//!
//! What it costs a worker: for a message a comparison, for a batch a few stores, and for every 64th message two reads of
//! the clock. [`PoolStats`] is plain data for whoever exports it, and prints as a table.
#![forbid(unsafe_code)]

mod channel;
mod counters;
mod dropped;
mod latency;
mod live;
mod meter;
mod pool;
mod probe;
mod table;
mod worker;

pub use channel::{ChannelKind, ChannelStats};
pub use counters::WorkerCounts;
pub use dropped::{DropReason, Dropped};
pub use latency::Latency;
pub use pool::{PoolStats, ShardStats};
pub use worker::WorkerStats;

pub(crate) use counters::{Counters, Drops, add};
pub(crate) use meter::{HandleTimer, Meter, Way, raise};
pub(crate) use probe::{Probe, SAMPLE_EVERY};
