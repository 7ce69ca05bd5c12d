//! Rings that grow: linked blocks of slots, recycled. Feature `alloc`.
//!
//! | module | ends | order | push | pop |
//! |---|---|---|---|---|
//! | [`spsc`] | 1 → 1 | first in, first out | wait-free | wait-free |
//! | [`mpsc`] | n → 1 | one for all producers | lock-free | wait-free |
//!
//! (All but for the allocator.) Their methods are the same.
//!
//! ```
//! use shared_nothing_rings::unbounded::mpsc;
//!
//! let (tx, mut rx) = mpsc::on_heap::<u64>()?;
//! let tx2 = tx.clone();
//! for value in 0..500 {
//!     assert_eq!((tx.try_push(value), tx2.try_push(value)), (Ok(()), Ok(())));
//! }
//! let memory = rx.memory();
//! assert_eq!((memory.blocks, memory.blocks_max), (16, 16));
//! assert_eq!(rx.drain(usize::MAX).count(), 1000);
//! let memory = rx.memory();
//! assert!(memory.blocks < 16 && memory.bytes_max() == 16 * memory.block_bytes);
//! # Ok::<(), shared_nothing_rings::CapacityError>(())
//! ```
//!
//! # When to use it
//!
//! When a push must not be refused and the one who pushes cannot wait: replies that were promised, wakers, events of an
//! interrupt-like source. A queue without a limit hides that its consumer is too slow until memory ends, so watch
//! [`MemoryUse`]. Otherwise use a ring with a capacity: it costs less and says `Full`.
//!
//! # Memory
//!
//! A block holds [`block_capacity`] values. Blocks that were emptied are used again; up to [`SPARE_BLOCKS`] of them
//! wait for that and the rest are freed, so that a ring whose length varies by fewer values than these hold does not
//! allocate in steady state. A push that needs a block when the allocator has none hands its value back as
//! [`OutOfMemory`](TryPushError::OutOfMemory); nothing aborts, and nothing else is affected.
//!
//! # Verification
//!
//! loom models of each edge, each with the outcomes that must be reached (`rings/tests/loom_unbounded.rs`); a
//! model-based test against a `VecDeque`, the same under a fuzzer (`unbounded_ops`), drop accounting, and memory counted
//! and refused by an allocator of the test's own (`rings/tests/unbounded.rs`, `rings/tests/unbounded_memory.rs`).
//! Each edge is also a litmus test, with its verdicts under five memory models (`rings/tests/litmus`).
//!
//! # References
//!
//! Blocks of slots, linked, are in many queues; positions that say who may touch what, and a stamp beside each value,
//! are those of [`crate::spsc`] and [`crate::mpsc`].

mod block;
mod error;
mod pool;

pub mod mpsc;
pub mod spsc;

pub use block::block_capacity;
pub use error::{Refused, TryPushError};
pub use pool::{MemoryUse, SPARE_BLOCKS};

/// Implements the traits of all rings for the ends of one flavour.
///
/// But not `PushIterEnd`: a batch that memory ran out for hands the value back that it had taken.
macro_rules! impl_ends {
    ($producer:ident, $consumer:ident) => {
        crate::ends::impl_push_end!($producer);
        crate::ends::impl_pop_end!($consumer);
    };
}
use impl_ends;
