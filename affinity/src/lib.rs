//! See the machine truly, pin honestly, and put memory where it is used.
//!
//! | to | use |
//! |---|---|
//! | look at everything at once, and print it | [`Machine::read`] |
//! | know how many workers make sense, and why not more | [`Budget::read`] |
//! | choose a CPU for each worker | [`Placement::place`] |
//! | pin this thread, and undo it | [`pin`], and keep the [`PinGuard`] |
//! | have memory on a node, in huge pages, or locked | [`Region::new`] |
//! | lay rings and tables into such memory | [`Arena::take`] |
//! | ask where memory lies | [`where_is`] |
//! | compute with CPUs | [`CpuSet`] |
//! | have hwloc's view as well | `Hwloc::read`, feature `hwloc` |
//! | test with a machine that you do not have | [`Synthetic`], or [`Topology::from_files`] with recorded text |
//!
//! What was not given is not taken: CPUs come from the thread's mask, not from `0..n`. What was not achieved is not
//! claimed: a refusal is an error that names the operation, the error number and what is left to do, and a wish that was
//! met in part says in which part.
//!
//! ```
//! # #[cfg(target_os = "linux")] {
//! use shared_nothing_affinity::{Demand, Machine, Placement, Region, Request, pin};
//!
//! let machine = Machine::read()?;
//! let (cpus, workers) = (&machine.budget.cpus, machine.budget.workers);
//! let placed = Placement::Spread.place(&machine.topology, cpus, workers, Demand::Prefer)?;
//! println!("{machine}\n{placed}");
//!
//! let threads = placed.cpus.into_iter().map(|cpu| {
//!     std::thread::spawn(move || {
//!         let _guard = cpu.map(pin).transpose()?;
//!         // Written first by its owner, on its CPU: the memory comes from that CPU's node.
//!         let mut region = Region::new(&Request::new(1 << 16))?;
//!         region.as_mut_slice().fill(1);
//!         Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
//!     })
//! });
//! for thread in threads.collect::<Vec<_>>() {
//!     thread.join().expect("no panic").expect("pinned and placed");
//! }
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | none (default) | all of the above, by system calls and the kernel's text files |
//! | `hwloc` | a second view of the machine, and memory by it: the C library hwloc, 2.8 or later, which must be installed |
//!
//! # Platforms
//!
//! Linux is asked directly, by one function a system call. Elsewhere the `core_affinity` crate pins, and what it cannot
//! do is an [`Error::Unsupported`].

#![cfg_attr(docsrs, feature(doc_cfg))]

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
    BudgetError, Error, NoTopology, ParseCpuSetError, ParseReason, PinError, PlacementError,
};
pub use files::{Files, files_under};
pub use id::{CoreId, CpuId, NodeId, PackageId};
pub use machine::Machine;
#[cfg(feature = "hwloc")]
pub use memory::HwlocMemory;
pub use memory::{
    Arena, ArenaFull, MemoryError, Pages, Policy, Region, Request, Residence, where_is,
};
pub use pin::{PinGuard, current_cpu, pin, set_mask, usable_cpus};
pub use placement::{Demand, Placed, Placement, Shortfall};
pub use priority::{is_realtime, set_nice, set_ordinary, set_realtime, set_thread_name};
#[cfg(feature = "hwloc")]
pub use topology::Hwloc;
pub use topology::{Cache, CoreKind, Cpu, Node, Synthetic, Topology};

/// The examples of README.md, which must compile and hold.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
