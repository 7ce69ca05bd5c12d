//! Frames of bytes, each of its own length and in one piece: one producer, one consumer, first in first out.
//!
//! ```
//! use shared_nothing_rings::{TryPopError, frames};
//!
//! static RING: frames::Ring<256> = frames::Ring::new();
//!
//! let (mut tx, mut rx) = RING.split_static().expect("nobody has split it before");
//! let mut grant = tx.reserve(100)?; // as much as may come
//! grant[..5].copy_from_slice(b"hello");
//! grant.commit(5); // as much as came
//! assert_eq!(tx.reserve(200).err(), Some(frames::TryReserveError::FrameTooLong { len: 200, max: 124 }));
//!
//! let frame = rx.peek()?;
//! assert_eq!(&frame[..], b"hello");
//! frame.consume();
//! assert_eq!(rx.peek().err(), Some(TryPopError::Empty));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # When to use it
//!
//! Packets, log records, serialised messages: what a device, a socket or an encoder writes into a slice and a reader
//! wants as a slice. The bytes are written where they will be read. For values of one type and size,
//! [`spsc`] costs less.
//!
//! # Why there is no `try_pop`, no batch and no end trait
//!
//! A frame is no value of its own: it is a slice of the ring, and whoever holds it must give it back. So it cannot be
//! an item of [`PopEnd`](crate::ends::PopEnd), and an iterator as [`spsc`]'s `drain` would yield slices that outlive
//! their slots; [`Consumer::peek`] is what there is. `try_push_iter` promises to take nothing from its source that has
//! no place, and how long a frame is shows only when it was taken. `is_full` would have to ask for which length:
//! [`Producer::reserve`] does.
//!
//! # Picture
//!
//! ```text
//!   0                                                                         end of memory
//!   ┌────────────┬────────┬──────────────────┬────────┬───────────┬──────────────────┐
//!   │ rest of d  │        │ 7 │ a a a a a a a│ 3 │b b b│ 0 │ PAD │ not used         │
//!   └────────────┴────────┴──────────────────┴────────┴───────────┴──────────────────┘
//! ```
//!
//! A frame is a header of [`HEADER_BYTES`] with its length, then its bytes, then what is missing to a multiple of
//! [`HEADER_BYTES`]. A frame that does not fit before the end of the memory begins at its other end, behind a header
//! that says `PAD`: the rest of the memory is skipped. Both are published by one store.
//!
//! # Sizes
//!
//! A frame of `len` bytes takes `HEADER_BYTES + len` bytes, rounded up to a multiple of `HEADER_BYTES`: 4 to 7 bytes
//! more than it has. Where it meets the end of the memory, what it skips is lost until the consumer gets there.
//!
//! A frame may be as long as fits an empty ring **wherever its positions are**: with the longest skip, that is half
//! the capacity less a header ([`frame_len_max`]). Longer ones are refused at once and by name, for they would fit at
//! some times and never at others.
//!
//! # Invariants
//!
//! The invariants and edges are those of the [ring of bytes](crate::spsc#invariants) underneath: a frame is a batch of
//! bytes that is committed and consumed as a whole. Two more make it a frame:
//!
//! - **F1** Both positions are at headers, and multiples of `HEADER_BYTES`: so is the size of the memory, and a header
//!   never wraps.
//! - **F2** A frame lies before the end of the memory as a whole, and behind each `PAD` a frame was published with it.
//!
//! # Progress and cost
//!
//! Every method is wait-free. A frame costs one publication and one vacation however long it is, two more slots to
//! look at than its bytes, and no copy by the ring. A wrap costs one more vacation.
//!
//! # What differs from the source
//!
//! A bip buffer (Simon Cooke, 2003) keeps two regions and a *watermark* where the upper one ends, and bbqueue (James
//! Munns) shares that mark between the ends as a third position. Here the mark is in the bytes, as in the mpsc ring
//! buffer of Aeron (its padding records): the two ends share two positions and nothing else, and the proof of the ring
//! of bytes is the proof of this one.
//!
//! # Verification
//!
//! A loom model of publish and vacate at the wrap (`rings/tests/loom_frames.rs`); a model-based test against a
//! `VecDeque` that predicts each refusal to the byte (`rings/tests/frames.rs`), the same under a fuzzer
//! (`frames_ops`).
//!
//! # References
//!
//! Cooke, *The Bip Buffer*, CodeProject 2003. Munns, *The design and implementation of a lock-free ring-buffer with
//! contiguous reservations*, 2019. Thompson, Montgomery et al., Aeron, `ManyToOneRingBuffer`.

mod consumer;
mod error;
mod frame;
mod header;
mod producer;

use core::fmt;
#[cfg(target_has_atomic = "ptr")]
use core::{alloc::Layout, mem::MaybeUninit};

pub use consumer::Consumer;
pub use error::TryReserveError;
pub use frame::{Frame, FrameGrant};
pub use header::{HEADER_BYTES, frame_len_max};
pub use producer::Producer;

use header::assert_capacity;
#[cfg(target_has_atomic = "ptr")]
use header::check_capacity;

#[cfg(target_has_atomic = "ptr")]
use crate::MemoryError;
use crate::spsc;

/// A ring of `N` bytes as a value: for the stack, a field or a `static`, without an allocator.
///
/// `N` is a power of two and at least 16, checked when the program is compiled.
///
/// ```compile_fail
/// static RING: shared_nothing_rings::frames::Ring<100> = shared_nothing_rings::frames::Ring::new();
/// ```
pub struct Ring<const N: usize> {
    bytes: spsc::Ring<u8, N>,
}

impl<const N: usize> Ring<N> {
    crate::sync::const_constructor! {
        /// An empty ring.
        #[must_use]
        pub fn new() -> Self {
            const { assert_capacity(N) };
            Self { bytes: spsc::Ring::zeroed() }
        }
    }

    /// The two ends, for as long as the ring is borrowed. Frames left by former ends are still there.
    ///
    /// ```
    /// use shared_nothing_rings::frames;
    ///
    /// let mut ring = frames::Ring::<64>::new();
    /// let (mut tx, mut rx) = ring.split();
    /// std::thread::scope(|threads| {
    ///     threads.spawn(move || tx.try_push(b"hello"));
    /// });
    /// assert_eq!(&rx.peek()?[..], b"hello");
    /// # Ok::<(), shared_nothing_rings::TryPopError>(())
    /// ```
    pub fn split(&mut self) -> (Producer<'_>, Consumer<'_>) {
        let (tx, rx) = self.bytes.split();
        // SAFETY: the ring was made of zeros, and only ends of frames were ever on it.
        unsafe { (Producer::new(tx), Consumer::new(rx)) }
    }

    /// The two ends of a ring in a `static`; `None` while ends made before are alive.
    ///
    /// Frames left by former ends are still there.
    #[cfg(target_has_atomic = "ptr")]
    #[must_use]
    pub fn split_static(&'static self) -> Option<(Producer<'static>, Consumer<'static>)> {
        let (tx, rx) = self.bytes.split_static()?;
        // SAFETY: the ring was made of zeros, and only ends of frames were ever on it.
        unsafe { Some((Producer::new(tx), Consumer::new(rx))) }
    }
}

impl<const N: usize> Default for Ring<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> fmt::Debug for Ring<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring")
            .field("capacity", &N)
            .finish_non_exhaustive()
    }
}

/// A ring of `capacity` bytes on the heap; its last end frees it.
///
/// Headers and skipped bytes count as part of the capacity. The memory is rounded up to a power of two.
///
/// # Errors
///
/// [`CapacityError`](crate::CapacityError): `capacity` is less than 16 bytes, or there is no room for it.
///
/// ```
/// use shared_nothing_rings::frames;
///
/// let (mut tx, mut rx) = frames::with_capacity(1 << 16)?;
/// assert_eq!(tx.frame_len_max(), (1 << 15) - 4);
/// assert_eq!(tx.try_push(b"over there"), Ok(()));
/// std::thread::spawn(move || rx.peek().expect("pushed before").consume());
/// # Ok::<(), shared_nothing_rings::CapacityError>(())
/// ```
#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
pub fn with_capacity(
    capacity: usize,
) -> Result<(Producer<'static>, Consumer<'static>), crate::CapacityError> {
    with_capacity_at(capacity, 0)
}

/// [`with_capacity`] whose positions begin at `start`, rounded down to a multiple of [`HEADER_BYTES`], for tests at
/// the wrap of `usize`.
///
/// # Errors
///
/// As [`with_capacity`].
#[doc(hidden)]
#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
pub fn with_capacity_at(
    capacity: usize,
    start: usize,
) -> Result<(Producer<'static>, Consumer<'static>), crate::CapacityError> {
    check_capacity(capacity)?;
    let start = start - start % HEADER_BYTES;
    let (tx, rx) = spsc::zeroed_with_capacity(capacity, start)?;
    // SAFETY: made of zeros, and its first ends.
    unsafe { Ok((Producer::new(tx), Consumer::new(rx))) }
}

/// A ring of `capacity` bytes in memory that the caller found: a region of a NUMA node, a huge page, a section of
/// firmware.
///
/// The ring lies at the first place of `memory` that is aligned for it; [`layout`] says how much it takes. When its
/// last end is gone the memory is not looked at any more.
///
/// # Errors
///
/// [`MemoryError`]: the capacity is less than 16 bytes or impossible, or the memory is too small, and then by how
/// much.
///
/// ```
/// use core::mem::MaybeUninit;
/// use shared_nothing_rings::frames;
///
/// let mut memory = [MaybeUninit::uninit(); 2048];
/// let (mut tx, mut rx) = frames::in_memory(&mut memory, 1000)?;
/// assert_eq!(tx.try_push(b"here"), Ok(()));
/// assert_eq!(&rx.peek().expect("just pushed")[..], b"here");
/// # Ok::<(), shared_nothing_rings::MemoryError>(())
/// ```
#[cfg(target_has_atomic = "ptr")]
pub fn in_memory(
    memory: &mut [MaybeUninit<u8>],
    capacity: usize,
) -> Result<(Producer<'_>, Consumer<'_>), MemoryError> {
    check_capacity(capacity)?;
    let (tx, rx) = spsc::zeroed_in_memory(memory, capacity)?;
    // SAFETY: made of zeros, and its first ends.
    unsafe { Ok((Producer::new(tx), Consumer::new(rx))) }
}

/// Size and alignment of a ring of `capacity` bytes, for [`in_memory`].
///
/// Memory with that alignment needs that size; any other needs up to `align() - 1` bytes more.
///
/// # Errors
///
/// [`CapacityError`](crate::CapacityError): `capacity` is less than 16 bytes, or too large for any memory.
#[cfg(target_has_atomic = "ptr")]
pub fn layout(capacity: usize) -> Result<Layout, crate::CapacityError> {
    check_capacity(capacity)?;
    spsc::layout::<u8>(capacity)
}
