//! Numbers of things in a machine, each with its own type so that they are never mixed up.

#![forbid(unsafe_code)]

use core::fmt;

/// A logical CPU: what the scheduler calls a processor, and what a thread is pinned to.
///
/// With simultaneous multithreading, several of them share one [`CoreId`]. Numbers may have holes: a machine, a
/// container or a mask may hold CPUs 2 and 4 only. So take them from [`usable_cpus`](crate::usable_cpus), never from
/// `0..n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CpuId(pub u32);

/// A physical core, named after the lowest-numbered CPU that it carries.
///
/// Firmware's own core numbers start again in every package and are not used here: this name is unique in the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CoreId(pub u32);

/// A package: one chip in one socket, as the firmware numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageId(pub u32);

/// A NUMA node: memory with one distance to every CPU. It may have memory and no CPU, or CPUs and no memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

impl fmt::Display for CpuId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for CoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for PackageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

static_assertions::assert_eq_size!(CpuId, CoreId, PackageId, NodeId, u32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_prints_as_its_number_and_takes_a_width() {
        assert_eq!(
            format!("cpu {}, core {}", CpuId(7), CoreId(3)),
            "cpu 7, core 3"
        );
        assert_eq!(
            format!("{:>4}|{:<3}|", PackageId(1), NodeId(250)),
            "   1|250|"
        );
    }
}
