//! Memory that hwloc allocates: a second way to the same pages.

#![forbid(unsafe_code)]

use core::mem::MaybeUninit;

use hwlocality::errors::HybridError;
use hwlocality::memory::binding::{Bytes, MemoryBindingFlags, MemoryBindingPolicy};
use hwlocality::memory::nodeset::NodeSet;

use super::{MemoryError, Policy, Request};
use crate::error::Error;
use crate::files::files_under;
use crate::id::NodeId;
use crate::topology::Hwloc;

/// Memory that hwloc allocated on a node. Dropping it frees it.
#[derive(Debug)]
pub struct HwlocMemory<'h>(Bytes<'h>);

impl HwlocMemory<'_> {
    /// The bytes, which nobody has written to.
    #[must_use]
    pub fn as_slice(&self) -> &[MaybeUninit<u8>] {
        &self.0
    }

    /// The bytes, to write to.
    pub fn as_mut_slice(&mut self) -> &mut [MaybeUninit<u8>] {
        &mut self.0
    }
}

impl Hwloc {
    /// Allocates on one node or not at all, as a [`Region`](crate::Region) with [`Policy::Bind`] and base pages does,
    /// and after the same checks.
    ///
    /// # Errors
    /// As [`Region::new`](crate::Region::new).
    ///
    /// ```
    /// # #[cfg(target_os = "linux")] {
    /// use shared_nothing_affinity::{Hwloc, where_is};
    ///
    /// let machine = Hwloc::read()?;
    /// if let Some(node) = machine.topology().nodes().find(|node| node.has_memory()) {
    ///     let mut memory = machine.allocate(1 << 16, node.id)?;
    ///     memory.as_mut_slice().fill(core::mem::MaybeUninit::new(1));
    ///     assert!(where_is(memory.as_slice())?.is_all_on(node.id));
    /// }
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn allocate(&self, bytes: usize, node: NodeId) -> Result<HwlocMemory<'_>, MemoryError> {
        let request = Request {
            policy: Policy::Bind(node),
            ..Request::new(bytes)
        };
        request.check(&files_under("/"))?;
        let index = usize::try_from(node.0)
            .ok()
            .and_then(|index| index.try_into().ok());
        let nodes: NodeSet = index
            .map(|index: hwlocality::bitmap::BitmapIndex| NodeSet::from(index))
            .ok_or(MemoryError::NoSuchNode { node })?;
        let (policy, flags) = (MemoryBindingPolicy::Bind, MemoryBindingFlags::STRICT);
        let operation = "hwloc_alloc_membind";
        match self
            .inner
            .allocate_bound_memory(bytes, &nodes, policy, flags)
        {
            Ok(memory) => Ok(HwlocMemory(memory)),
            Err(HybridError::Hwloc(wrong)) => Err(MemoryError::Os(Error::Os {
                operation,
                errno: wrong.errno.map_or(0, |errno| errno.0),
            })),
            Err(HybridError::Rust(_)) => Err(MemoryError::Os(Error::Unsupported { operation })),
        }
    }
}
