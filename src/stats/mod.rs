//! What workers count, and how to read it.
//!
//! Each counter is written by one thread and lies on that thread's cache line; reading one stops nobody.
#![forbid(unsafe_code)]

mod counters;
mod latency;
mod probe;

pub use counters::Counts;
pub use latency::Latency;

pub(crate) use counters::{Counters, Drops};
pub(crate) use probe::{Probe, SAMPLE_EVERY};
