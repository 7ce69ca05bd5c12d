//! Which types may move to another thread, which may be used by several at a time, and which may be neither: for every
//! public type. All is checked at compile time, but for that no type is forgotten.

#[path = "../../tests/public_types/mod.rs"]
mod public_types;

use std::error::Error as StdError;

use shared_nothing_affinity::{
    Arena, ArenaFull, Budget, BudgetError, Cache, CoreId, CoreKind, Cpu, CpuId, CpuSet, Demand,
    Error, Limit, Machine, MemoryError, NoTopology, Node, NodeId, PackageId, Pages,
    ParseCpuSetError, ParseReason, PinError, PinGuard, Placed, Placement, PlacementError, Policy,
    Quota, Region, Request, Residence, Shortfall, Synthetic, Topology,
};
use static_assertions::{assert_impl_all, assert_not_impl_any};

/// Values: what is known of a machine, wished and decided.
macro_rules! values {
    ($($name:ident)*) => {$( assert_impl_all!($name: Send, Sync, Clone, PartialEq); )*};
}

/// What went wrong, fit for `Box<dyn Error + Send + Sync>`.
macro_rules! errors {
    ($($name:ident)*) => {$( assert_impl_all!($name: StdError, Send, Sync, Clone, PartialEq); )*};
}

values! {
    Budget Cache CoreId CoreKind Cpu CpuId CpuSet Demand Limit Machine Node NodeId PackageId Pages ParseReason Placed
    Placement Policy Quota Request Residence Shortfall Synthetic Topology
}
errors! { ArenaFull BudgetError Error MemoryError NoTopology ParseCpuSetError PinError PlacementError }

// A pin is of its thread.
assert_not_impl_any!(PinGuard: Send, Sync, Clone);
// A mapping has one owner. Pieces of an arena are taken by `&`, on one thread.
assert_impl_all!(Region: Send, Sync);
assert_impl_all!(Arena: Send);
assert_not_impl_any!(Region: Clone);
assert_not_impl_any!(Arena: Sync, Clone);

#[cfg(feature = "hwloc")]
mod hwloc {
    use shared_nothing_affinity::{Hwloc, HwlocMemory};

    static_assertions::assert_impl_all!(Hwloc: Send, Sync);
    static_assertions::assert_not_impl_any!(HwlocMemory<'static>: Clone);
}

#[test]
fn every_public_type_is_named_here() {
    public_types::all_named_in(include_str!("auto_traits.rs"), &["src"], 31);
}
