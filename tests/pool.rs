//! The pool's promises: order, conservation, an end to every wait.

#[path = "pool/asynchronous.rs"]
mod asynchronous;
#[path = "pool/basics.rs"]
mod basics;
#[path = "pool/calls.rs"]
mod calls;
#[path = "pool/careful.rs"]
mod careful;
#[path = "pool/conservation.rs"]
mod conservation;
#[path = "pool/contexts.rs"]
mod contexts;
#[path = "pool/control.rs"]
mod control;
#[path = "pool/drops.rs"]
mod drops;
#[path = "pool/errors.rs"]
mod errors;
#[path = "pool/figures.rs"]
mod figures;
#[path = "pool/lives.rs"]
mod lives;
#[path = "pool/many.rs"]
mod many;
#[cfg(target_os = "linux")]
#[path = "pool/memory.rs"]
mod memory;
#[path = "pool/numbers.rs"]
mod numbers;
#[path = "pool/plans.rs"]
mod plans;
#[path = "pool/resize.rs"]
mod resize;
#[path = "pool/restarts.rs"]
mod restarts;
#[path = "pool/shards.rs"]
mod shards;
#[cfg(feature = "sim")]
#[path = "pool/sim.rs"]
mod sim;
#[path = "pool/stats.rs"]
mod stats;
#[path = "pool/support.rs"]
mod support;
#[path = "pool/urgent.rs"]
mod urgent;
