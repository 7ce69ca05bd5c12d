//! Which types may move to another thread, which may be used by several at a time, and which may be neither: for every
//! public type. All is checked at compile time, but for that no type is forgotten.

use std::{error::Error as StdError, fs, path::Path};

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

/// The names of types that begin a line as public.
fn public_types(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("the sources lie beside the tests") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            public_types(&path, found);
            continue;
        }
        let text = fs::read_to_string(&path).expect("a source is text");
        let types = text.lines().filter_map(|line| {
            let rest = line
                .strip_prefix("pub struct ")
                .or(line.strip_prefix("pub enum "))?;
            rest.split(|c: char| !c.is_alphanumeric()).next()
        });
        found.extend(types.map(str::to_owned));
    }
}

#[test]
fn every_public_type_is_named_here() {
    let mut types = Vec::new();
    public_types(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut types,
    );
    assert!(types.len() > 30, "{types:?}");
    let text = include_str!("auto_traits.rs");
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).collect();
    for name in types {
        assert!(words.contains(&name.as_str()), "{name} has no assertion");
    }
}
