//! Elsewhere: what the `core_affinity` crate can do, and an honest error for the rest.
//!
//! It can pin to one CPU. It cannot tell a thread's mask apart from the process's, nor give a thread its mask back.

use core::ffi::{CStr, c_int, c_void};
use core::ptr::NonNull;

use super::{Advice, BindMode};
use crate::cpuset::CpuSet;
use crate::error::Error;
use crate::id::{CpuId, NodeId};

/// Its masks have this many bits, and a larger number makes it index out of bounds.
const CPUS_MAX: u32 = 1024;

/// The CPUs on which the process may run.
pub(crate) fn thread_mask() -> Result<CpuSet, Error> {
    let operation = "core_affinity::get_core_ids";
    let cpus = core_affinity::get_core_ids().ok_or(Error::Unsupported { operation })?;
    // What that crate calls a core is a logical CPU.
    Ok(cpus
        .iter()
        .filter_map(|cpu| u32::try_from(cpu.id).ok().map(CpuId))
        .collect())
}

/// Works for a mask of one CPU.
pub(crate) fn set_thread_mask(mask: &CpuSet) -> Result<(), Error> {
    let operation = "core_affinity::set_for_current";
    let refused = Error::Unsupported { operation };
    let (Some(cpu), 1) = (mask.first(), mask.len()) else {
        return Err(refused);
    };
    let is_set = cpu.0 < CPUS_MAX
        && core_affinity::set_for_current(core_affinity::CoreId { id: cpu.0 as usize });
    is_set.then_some(()).ok_or(refused)
}

/// Nobody says.
pub(crate) fn current_cpu() -> Result<CpuId, Error> {
    Err(Error::Unsupported {
        operation: "current_cpu",
    })
}

/// Nobody says.
pub(crate) fn possible_cpus() -> Option<CpuSet> {
    None
}

/// Nobody says.
pub(crate) fn online_cpus() -> Option<CpuSet> {
    None
}

const fn unsupported<T>(operation: &'static str) -> Result<T, Error> {
    Err(Error::Unsupported { operation })
}

pub(crate) fn set_thread_name(_: &CStr) -> Result<(), Error> {
    unsupported("set_thread_name")
}

pub(crate) fn set_nice(_: c_int) -> Result<(), Error> {
    unsupported("set_nice")
}

pub(crate) fn nice() -> Result<c_int, Error> {
    unsupported("nice")
}

pub(crate) fn set_scheduler(_: c_int, _: c_int) -> Result<(), Error> {
    unsupported("set_scheduler")
}

pub(crate) fn scheduler() -> Result<c_int, Error> {
    unsupported("scheduler")
}

pub(crate) const ORDINARY: c_int = 0;
pub(crate) const FIRST_IN_FIRST_OUT: c_int = 1;

pub(crate) fn page_bytes() -> usize {
    4096
}

/// No mapping is ever made here, so nobody can come to the other functions with one.
pub(crate) fn map(_: usize, _: bool) -> Result<NonNull<u8>, Error> {
    unsupported("map")
}

/// # Safety
/// 1. The range is whole pages of a mapping that [`map`] made and that the caller owns.
/// 2. Nobody uses it any more.
pub(crate) unsafe fn unmap(_: NonNull<u8>, _: usize) {}

pub(crate) fn bind(_: NonNull<u8>, _: usize, _: BindMode, _: &[NodeId]) -> Result<(), Error> {
    unsupported("bind")
}

pub(crate) fn advise(_: NonNull<u8>, _: usize, _: Advice) -> Result<(), Error> {
    unsupported("advise")
}

pub(crate) fn lock(_: NonNull<u8>, _: usize) -> Result<(), Error> {
    unsupported("lock")
}

pub(crate) fn page_homes(_: &[*const c_void]) -> Result<Vec<c_int>, Error> {
    unsupported("page_homes")
}
