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
mod block;
#[cfg(feature = "std")]
mod context;

pub use self::core::TaskCounts;
pub use coop::{YieldNow, yield_now};
#[cfg(feature = "std")]
pub use coop::{need_yield, spawn_local};
pub use local::{LocalExecutor, Spawner, Turn};
pub use task::{AbortOnDrop, JoinError, JoinHandle};
pub use time::{Elapsed, Sleep};
#[cfg(feature = "std")]
pub use time::{Interval, interval, sleep, timeout};
