//! Where the rings of a mailbox lie: in memory of the node of the worker's shard, or on the heap.
#![forbid(unsafe_code)]

use shared_nothing_affinity::NodeId;
use shared_nothing_rings::CapacityError;

use crate::executor::{
    Memory, MemoryShortfall,
    ground::{Ground, capacity_error},
};

/// Where a worker lives, and what is wished there for its rings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Home {
    pub(crate) wish: Memory,
    /// Of the CPU that its shard is pinned to.
    pub(crate) node: Option<NodeId>,
}

impl Home {
    pub(super) fn find(self, bytes: usize) -> Result<Ground, Vec<MemoryShortfall>> {
        Ground::find(self.wish, self.node, bytes)
    }
}

/// Why there is no mailbox.
#[derive(Debug)]
pub(crate) enum NoMailbox {
    Capacity(CapacityError),
    /// The memory is not as it is required to be.
    Memory(Vec<MemoryShortfall>),
}

impl From<CapacityError> for NoMailbox {
    fn from(error: CapacityError) -> Self {
        Self::Capacity(error)
    }
}

/// For each kind of ring, how much room one needs wherever it begins, and one on the ground or on the heap.
macro_rules! rings {
    ($($kind:ident)*) => {$(
        pub(super) mod $kind {
            use shared_nothing_rings::{
                CapacityError,
                $kind::{Consumer, Producer, layout, with_capacity, with_memory},
            };

            use super::{Ground, capacity_error};

            #[allow(dead_code, reason = "a ring of many consumers takes no more than one of many producers")]
            pub(in crate::worker) fn bytes<T>(capacity: usize) -> Result<usize, CapacityError> {
                let layout = layout::<T>(capacity)?;
                Ok(layout.size() + layout.align())
            }

            pub(in crate::worker) fn ring<T>(
                ground: &mut Ground,
                capacity: usize,
            ) -> Result<(Producer<'static, T>, Consumer<'static, T>), CapacityError> {
                match ground.take(layout::<T>(capacity)?) {
                    Some(part) => with_memory(part, capacity).map_err(capacity_error),
                    None => with_capacity(capacity),
                }
            }
        }
    )*};
}
rings!(spsc mpsc mpmc);
