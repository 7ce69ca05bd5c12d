//! One executor per core.

mod coop;
mod core;
mod home;
mod local;
mod random;
mod slab;
mod storage;
mod task;
mod time;
mod timer;

#[cfg(feature = "std")]
mod beat;
#[cfg(feature = "std")]
mod block;
#[cfg(feature = "std")]
mod builder;
#[cfg(feature = "std")]
mod call;
#[cfg(feature = "std")]
mod context;
#[cfg(feature = "std")]
mod credit;
#[cfg(feature = "std")]
mod error;
#[cfg(feature = "std")]
mod idle;
#[cfg(feature = "std")]
mod outside;
#[cfg(feature = "std")]
mod peer;
#[cfg(feature = "std")]
mod room;
#[cfg(feature = "std")]
mod running;
#[cfg(feature = "std")]
mod shard;
#[cfg(feature = "std")]
mod sharded;
#[cfg(feature = "std")]
mod start;
#[cfg(feature = "std")]
mod submit;
#[cfg(feature = "std")]
mod watchdog;

pub use self::core::TaskCounts;
pub use coop::{YieldNow, yield_now};
pub use local::{LocalExecutor, Spawner, Turn};
pub use task::{AbortOnDrop, JoinError, JoinHandle};
pub use time::{Elapsed, Sleep};

#[cfg(feature = "std")]
pub use {
    builder::{Builder, Stall},
    coop::{need_yield, spawn_local},
    error::{CallError, StartError},
    idle::Idle,
    outside::{Handle, OutsideCall},
    running::{Executor, ShardReport},
    shard::CallCounts,
    sharded::Sharded,
    submit::{shard_count, shard_id, submit_async_to, submit_to},
    time::{Interval, interval, sleep, timeout},
};
