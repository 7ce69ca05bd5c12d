//! Why there is no memory, and what the caller can do about it.

#![forbid(unsafe_code)]

use core::alloc::Layout;
use core::fmt;

use crate::error::Error;
use crate::id::NodeId;

/// Why there is no region of memory.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MemoryError {
    /// A region of no bytes.
    ZeroSize,
    /// More than there are addresses for, or than the kernel lets a process have.
    TooLarge {
        /// The bytes asked for.
        bytes: usize,
    },
    /// To interleave over no node at all.
    NoNodes,
    /// This machine has no such NUMA node, or it is offline.
    NoSuchNode {
        /// The node asked for.
        node: NodeId,
    },
    /// The node has CPUs only. [`Topology::memory_home`](crate::Topology::memory_home) names the nearest with memory.
    NodeWithoutMemory {
        /// The node asked for.
        node: NodeId,
    },
    /// The node's memory was not given to this process: a cpuset leaves it out.
    NodeNotAllowed {
        /// The node asked for.
        node: NodeId,
        /// What may be used: choose from these.
        allowed: Vec<NodeId>,
    },
    /// Nobody says how much memory of the node is free, so it cannot be bound to safely. Prefer it instead.
    FreeUnknown {
        /// The node asked for.
        node: NodeId,
    },
    /// Using so much would have the kernel kill a process.
    NotEnoughFree {
        /// The bytes asked for.
        bytes: usize,
        /// What may be used at most.
        bytes_free: u64,
        /// The node that is short, or none if the whole machine is.
        node: Option<NodeId>,
    },
    /// The operating system refused.
    Os(Error),
}

impl fmt::Display for MemoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ZeroSize => f.write_str("a region needs one byte at least"),
            Self::TooLarge { bytes } => {
                write!(f, "{bytes} bytes are more than this process may have")
            }
            Self::NoNodes => f.write_str("no node to interleave over"),
            Self::NoSuchNode { node } => write!(f, "this machine has no node {node}"),
            Self::NodeWithoutMemory { node } => write!(f, "node {node} has no memory"),
            Self::NodeNotAllowed { node, allowed } => {
                let allowed: Vec<String> = allowed.iter().map(NodeId::to_string).collect();
                let allowed = allowed.join(",");
                write!(
                    f,
                    "memory of node {node} is not ours: use nodes {allowed} only"
                )
            }
            Self::FreeUnknown { node } => write!(f, "free memory of node {node} is not known"),
            Self::NotEnoughFree {
                bytes,
                bytes_free,
                node,
            } => {
                write!(f, "{bytes} bytes wanted, {bytes_free} free")?;
                node.map_or(Ok(()), |node| write!(f, " on node {node}"))
            }
            Self::Os(error) => write!(f, "no memory region: {error}"),
        }
    }
}

impl core::error::Error for MemoryError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Os(error) => Some(error),
            _ => None,
        }
    }
}

impl From<Error> for MemoryError {
    fn from(error: Error) -> Self {
        Self::Os(error)
    }
}

/// Less is left of an arena than was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ArenaFull {
    /// What was asked for.
    pub layout: Layout,
    /// What is left, before alignment. Make the arena larger by what is missing, or another one.
    pub bytes_left: usize,
}

impl fmt::Display for ArenaFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bytes, align) = (self.layout.size(), self.layout.align());
        let left = self.bytes_left;
        write!(
            f,
            "{bytes} bytes aligned to {align} wanted, {left} left in the arena"
        )
    }
}

impl core::error::Error for ArenaFull {}
