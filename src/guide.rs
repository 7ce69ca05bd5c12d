//! How it is built, which part to use, and what is known of it: the pages of `docs/`, here so that their code is tested.
//!
//! This module is there in documentation and its tests alone.

// In front of each page stand its links. The first definition of a name counts; the page has its own at its end, for
// readers of the repository.

/// [choosing-a-ring]: crate::guide::choosing_a_ring
/// [architecture]: crate::guide::architecture
/// [limits]: crate::guide::limits
///
#[doc = include_str!("../docs/first-run.md")]
pub mod first_run {}

/// [edges]: crate::guide::edges
/// [pools]: crate::guide::pools
/// [partitioning]: crate::guide::partitioning
/// [supervision]: crate::guide::supervision
/// [`rings`]: crate::rings
/// [`ends`]: crate::rings::ends
/// [`affinity`]: crate::affinity
/// [`executor`]: crate::executor
/// [`pool`]: crate::pool
/// [`partition`]: crate::partition
/// [`submit_to`]: crate::executor::submit_to
/// [`Sharded`]: crate::executor::Sharded
///
#[doc = include_str!("../docs/architecture.md")]
pub mod architecture {}

/// [performance]: crate::guide::performance
/// [`spsc`]: crate::rings::spsc
/// [`stamped`]: crate::rings::stamped
/// [`frames`]: crate::rings::frames
/// [`shared`]: crate::rings::shared
/// [`mpsc`]: crate::rings::mpsc
/// [`lanes`]: crate::rings::lanes
/// [`mpmc`]: crate::rings::mpmc
/// [`unbounded`]: crate::rings::unbounded
/// [`channel`]: crate::rings::channel
/// [`join`]: crate::rings::channel::join
/// [`Spin`]: crate::rings::wait::Spin
/// [`Yield`]: crate::rings::wait::Yield
/// [`Doorbell`]: crate::rings::wait::Doorbell
///
#[doc = include_str!("../docs/choosing-a-ring.md")]
pub mod choosing_a_ring {}

/// [supervision]: crate::guide::supervision
/// [partitioning]: crate::guide::partitioning
/// [tuning]: crate::guide::tuning
/// [`pool::Error`]: crate::pool::Error
///
#[doc = include_str!("../docs/pools.md")]
pub mod pools {}

#[doc = include_str!("../docs/partitioning.md")]
pub mod partitioning {}

/// [`pool::supervise`]: crate::pool::supervise
/// [`Retry`]: crate::pool::supervise::Retry
/// [`failover`]: crate::pool::supervise::failover()
/// [`Breaker`]: crate::pool::supervise::Breaker
/// [`StuckWatch`]: crate::pool::supervise::StuckWatch
/// [`DeadLetters`]: crate::pool::supervise::DeadLetters
/// [`next_start`]: crate::pool::supervise::Supervisor::next_start
///
#[doc = include_str!("../docs/supervision.md")]
pub mod supervision {}

/// [`pin`]: crate::affinity::pin()
/// [`Arena`]: crate::affinity::Arena
/// [`where_is`]: crate::affinity::where_is
/// [`Idle`]: crate::executor::Idle
/// [`Doorbell`]: crate::rings::wait::Doorbell
///
#[doc = include_str!("../docs/tuning.md")]
pub mod tuning {}

/// [verification]: crate::guide::verification
/// [doorbell]: crate::rings::wait::Doorbell
/// [`doorbell`]: crate::rings::wait::Doorbell
/// [`spsc`]: crate::rings::spsc#edges
/// [`stamped`]: crate::rings::stamped#edges
/// [`lanes`]: crate::rings::lanes#edges
/// [`shared`]: crate::rings::shared#edges
/// [`unbounded::spsc`]: crate::rings::unbounded::spsc#edges
/// [`unbounded::mpsc`]: crate::rings::unbounded::mpsc#edges
/// [`executor`]: crate::executor#edges
/// [`pool`]: crate::pool
///
#[doc = include_str!("../docs/edges.md")]
pub mod edges {}

/// [stamped]: crate::rings::stamped#what-empty-and-full-mean
///
#[doc = include_str!("../docs/verification.md")]
pub mod verification {}

/// [performance]: crate::guide::performance
///
#[doc = include_str!("../docs/limits.md")]
pub mod limits {}

/// (The pictures of this page are in the repository, beside it.)
///
#[doc = include_str!("../docs/performance.md")]
pub mod performance {}

/// [performance]: crate::guide::performance
/// [limits]: crate::guide::limits
/// [verification]: crate::guide::verification
/// [`Handle`]: crate::executor::Handle
///
#[doc = include_str!("../docs/rivals.md")]
pub mod rivals {}

/// [`join`]: crate::rings::channel::join
/// [`WorkerPool`]: crate::pool::WorkerPool
///
#[doc = include_str!("../docs/migration.md")]
pub mod migration {}
