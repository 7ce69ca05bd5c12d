//! Which CPUs this process may use, and pinning threads to them, with honest errors.
//!
//! | to | use |
//! |---|---|
//! | see where this thread may run | [`usable_cpus`] |
//! | pin this thread | [`pin`], and keep the [`PinGuard`] |
//! | compute with CPUs | [`CpuSet`] |
//!
//! What was not given is not taken: CPUs come from the thread's mask, not from `0..n`, and a refusal is an error that
//! names the operation, the error number and what is left to do.
//!
//! ```
//! # #[cfg(target_os = "linux")] {
//! use shared_nothing_affinity::{PinError, CpuId, pin, usable_cpus};
//!
//! let last = usable_cpus()?.last().expect("a running thread has a CPU");
//! let guard = pin(last)?;
//! assert_eq!(guard.cpu(), last);
//!
//! // The thread was given one CPU now, and gets no other.
//! assert!(matches!(pin(CpuId(5000)), Err(PinError::NoSuchCpu { .. } | PinError::NotInMask { .. })));
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Linux is asked directly. Elsewhere the `core_affinity` crate pins, and what it cannot do is an
//! [`Error::Unsupported`].

mod budget;
mod cgroup;
mod cpuset;
mod error;
mod files;
mod id;
mod machine;
mod memory;
mod pin;
mod placement;
mod priority;
mod sys;
mod topology;

pub use budget::{Budget, CPUS_VARIABLE, Limit};
pub use cgroup::Quota;
pub use cpuset::CpuSet;
pub use error::{
    BudgetError, Error, MemoryError, NoTopology, ParseCpuSetError, ParseReason, PinError,
    PlacementError,
};
pub use files::{Files, files_under};
pub use id::{CoreId, CpuId, NodeId, PackageId};
pub use machine::Machine;
pub use memory::{Pages, Policy, Region, Request, Residence, where_is};
pub use pin::{PinGuard, current_cpu, pin, set_mask, usable_cpus};
pub use placement::{Demand, Placed, Placement, Shortfall};
pub use priority::{is_realtime, set_nice, set_ordinary, set_realtime, set_thread_name};
pub use topology::{Cache, CoreKind, Cpu, Node, Synthetic, Topology};
