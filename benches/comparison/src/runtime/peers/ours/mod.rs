//! Ours: the executor and the pool, each in the ways in which they are used.

pub(crate) mod channel;
pub(crate) mod executor;
pub(crate) mod outside;
pub(crate) mod pool;
pub(crate) mod streams;
