//! One producer, one consumer, first in first out, wait-free.
//!
//! ```
//! use shared_nothing_rings::{TryPopError, TryPushError, spsc};
//!
//! static RING: spsc::Ring<u64, 2> = spsc::Ring::new();
//!
//! let (mut tx, mut rx) = RING.split_static().expect("nobody has split it before");
//! assert_eq!(tx.try_push(1), Ok(()));
//! assert_eq!(tx.try_push(2), Ok(()));
//! assert_eq!(tx.try_push(3), Err(TryPushError::Full(3)));
//! assert_eq!(rx.try_pop(), Ok(1));
//! assert_eq!(rx.try_pop(), Ok(2));
//! assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
//! ```
//!
//! # When to use it
//!
//! Two threads, a thread and an interrupt handler, two stages of a pipeline. When several threads write, use
//! [`mpsc`](crate::mpsc). When an end should wait, join it to a [`wait`](crate::wait): the ring itself never waits.
//!
//! # Picture
//!
//! ```text
//!         ┌──────┬──────┬──────┬──────┬──────┬──────┐
//!         │      │  a   │  b   │  c   │      │      │
//!         └──────┴──────┴──────┴──────┴──────┴──────┘
//!                 ▲ read_pos           ▲ write_pos
//! ```
//!
//! # Invariants
//!
//! - **I1** `write_pos - read_pos` is in `0..=capacity`. Slots from `read_pos` to `write_pos` hold values and are the
//!   consumer's; the others are empty and the producer's.
//! - **I2** Each position is stored by one end only, and only grows (it wraps with `usize`).
//! - **I3** An end's `limit` is never beyond what the foreign position allows: it is that position as it once was, or
//!   comes before it.
//! - **I4** Inside a batch an end works ahead of its public position; the slots between are still that end's, already
//!   written or already emptied. A drain keeps its place in the ring, so that forgetting it takes no value twice.
//! - **I5** `told` is a position that `write_pos` has had. What is told after `write_pos` had a position is that position
//!   or a later one.
//!
//! # Edges
//!
//! | edge | release end | acquire end | carries |
//! |---|---|---|---|
//! | PUBLISH | producer stores `write_pos`, or the same in `told` | consumer loads it | the slot is written; what was told before is seen |
//! | VACATE | consumer stores `read_pos` | producer loads it | the value was moved out |
//! | CLOSE | producer stores `finished` | consumer loads it | `write_pos` is final |
//! | LEFT | consumer stores `left` | producer loads it | the ring is the producer's alone |
//! | LEAVE | an end leaves the count | the last to leave, or the next split | the ring is nobody's |
//!
//! # Progress and cost
//!
//! Every method is wait-free and touches no line but its own and the slot's, as long as the other end is not caught
//! up with: each end remembers how far it may go, and looks at the foreign position only when that is used up
//! (MCRingBuffer, Lee, Bu and Chandranmenon, IPDPS 2010). Own and remembered positions lie in the ring, on lines of
//! their own, and not in the handles, so that two handles side by side do not share a line.
//!
//! Two ends that are equally fast would look at every value, and take the lines with the positions from each other at
//! each look. So a [`try_pop`](Consumer::try_pop) or [`try_pop_slice`](Consumer::try_pop_slice) that finds nothing left
//! after the ring was found empty asks first: the producer then tells its position once, on a line of its own, and what
//! has gathered until then comes at once. The question is a word that every push reads and that seldom changes. Such a
//! pop waits for at most 8 spins, about a tenth of a microsecond, and then looks at `write_pos`, so that it calls a ring
//! empty only if it is. It gives that up when it brings nothing: where there is nothing to wait for it comes back to it
//! after 1, 3, 7, and at last 63 times. Nothing else waits: not a poll of an empty ring, not a batch in place, and no
//! push. (A push that waits as long when it finds the ring full again was tried: it won where a line takes long from one
//! CPU to the other, and lost where it does not.)
//!
//! A batch from an iterator looks at the foreign position only if the iterator may have more than is known to fit.
//!
//! A value of 128 to 1024 bytes is written from its last word to its first: each of its lines is then waited for once.
//!
//! A ring takes five lines beside its slots.
//!
//! # Verification
//!
//! loom models of each edge, each with the outcomes that must be reached (`rings/tests/loom_spsc.rs`); a model-based
//! test against a `VecDeque` from start positions at the wrap of `usize` (`rings/tests/model.rs`); drop accounting
//! (`rings/tests/drops.rs`).
//!
//! # References
//!
//! Lamport, *Proving the Correctness of Multiprocess Programs*, 1977. Lee, Bu, Chandranmenon, *A Lock-Free,
//! Cache-Efficient Multi-Core Synchronization Mechanism for Line-Rate Network Traffic Monitoring*, IPDPS 2010.

mod ask;
mod batched;
mod bytes;
mod consumer;
mod grant;
mod patience;
mod producer;
pub(crate) mod raw;
mod reclaim;

use core::fmt;
#[cfg(target_has_atomic = "ptr")]
use core::{alloc::Layout, mem::MaybeUninit};

use raw::{Header, Raw};

#[cfg(target_has_atomic = "ptr")]
pub(crate) use bytes::zeroed_in_memory;
#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
pub(crate) use bytes::zeroed_with_capacity;

pub use batched::BatchedProducer;
pub use consumer::{Consumer, Drain};
pub use grant::{Grant, Peek};
pub use producer::Producer;
pub use reclaim::Reclaim;

crate::ends::impl_ends!(Producer, Consumer);

use crate::{pos::assert_slots, share::Home, slot::Slot, storage::inline::Inline};

/// A ring of `N` slots as a value: for the stack, a field or a `static`, without an allocator.
///
/// `N` is a power of two, checked when the program is compiled, and all `N` slots can be used.
///
/// ```compile_fail
/// static RING: shared_nothing_rings::spsc::Ring<u8, 3> = shared_nothing_rings::spsc::Ring::new();
/// ```
pub struct Ring<T, const N: usize> {
    inline: Inline<Header, Slot<T>, N>,
}

// SAFETY: a shared ring gives out its two ends once; each value moves through to one thread, hence `T: Send`.
unsafe impl<T: Send, const N: usize> Sync for Ring<T, N> {}

impl<T, const N: usize> Ring<T, N> {
    crate::sync::const_constructor! {
        /// An empty ring.
        #[must_use]
        pub fn new() -> Self {
            let slots = const { assert_slots(N) };
            Self { inline: Inline::new(Header::new(N, slots, 0), [const { Slot::new() }; N]) }
        }
    }

    /// The two ends, for as long as the ring is borrowed. Values left by former ends are still there.
    ///
    /// ```
    /// use shared_nothing_rings::spsc;
    ///
    /// let mut ring = spsc::Ring::<String, 8>::new();
    /// let (mut tx, mut rx) = ring.split();
    /// std::thread::scope(|threads| {
    ///     threads.spawn(move || tx.try_push("hello".to_owned()));
    /// });
    /// assert_eq!(rx.try_pop().as_deref(), Ok("hello"));
    /// ```
    ///
    /// The ends cannot outlive it, and there is one of each:
    ///
    /// ```compile_fail,E0499
    /// use shared_nothing_rings::spsc;
    ///
    /// let mut ring = spsc::Ring::<u8, 8>::new();
    /// let (tx, rx) = ring.split();
    /// let (tx2, rx2) = ring.split();
    /// drop((tx, rx));
    /// ```
    pub fn split(&mut self) -> (Producer<'_, T>, Consumer<'_, T>) {
        self.ends(Home::Borrowed)
    }

    /// The two ends of a ring in a `static`; `None` while ends made before are alive.
    ///
    /// Values left by former ends are still there.
    #[cfg(target_has_atomic = "ptr")]
    #[must_use]
    pub fn split_static(&'static self) -> Option<(Producer<'static, T>, Consumer<'static, T>)> {
        self.inline
            .header
            .fixed
            .ends
            .claim(2)
            .then(|| self.ends(Home::Static))
    }

    /// The caller makes sure that no other end is alive: by `&mut`, or by the count.
    fn ends(&self, home: Home) -> (Producer<'_, T>, Consumer<'_, T>) {
        let raw = Raw::new(self.inline.block());
        raw.header().fixed.reopen();
        // SAFETY: 1: the ends carry the borrow of `self`. 2: no other end is alive.
        unsafe { (Producer::new(raw, home), Consumer::new(raw, home)) }
    }
}

impl<T, const N: usize> Default for Ring<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const N: usize> Drop for Ring<T, N> {
    fn drop(&mut self) {
        // SAFETY: a ring that can be dropped has no ends: they borrow it.
        unsafe { Raw::new(self.inline.block()).drop_leftovers() };
    }
}

impl<T, const N: usize> fmt::Debug for Ring<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring")
            .field("capacity", &N)
            .finish_non_exhaustive()
    }
}

/// A ring on the heap that holds exactly `capacity` values; its last end frees it.
///
/// The slots are rounded up to a power of two.
///
/// # Errors
///
/// [`CapacityError`](crate::CapacityError): `capacity` is 0, or there is no room for its slots.
///
/// ```
/// use shared_nothing_rings::spsc;
///
/// let (mut tx, mut rx) = spsc::with_capacity::<u64>(1000)?;
/// assert_eq!(tx.capacity(), 1000);
/// let sum = std::thread::spawn(move || {
///     let mut sum = 0;
///     loop {
///         match rx.try_pop() {
///             Ok(value) => sum += value,
///             Err(shared_nothing_rings::TryPopError::Empty) => std::hint::spin_loop(),
///             Err(shared_nothing_rings::TryPopError::Closed) => return sum,
///         }
///     }
/// });
/// for value in 1..=1000 {
///     assert!(tx.try_push(value).is_ok());
/// }
/// drop(tx);
/// assert_eq!(sum.join().unwrap(), 500_500);
/// # Ok::<(), shared_nothing_rings::CapacityError>(())
/// ```
#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
pub fn with_capacity<T>(
    capacity: usize,
) -> Result<(Producer<'static, T>, Consumer<'static, T>), crate::CapacityError> {
    with_capacity_at(capacity, 0)
}

/// [`with_capacity`] whose positions begin at `start`, for tests at the wrap of `usize`.
///
/// # Errors
///
/// As [`with_capacity`].
#[doc(hidden)]
#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
pub fn with_capacity_at<T>(
    capacity: usize,
    start: usize,
) -> Result<(Producer<'static, T>, Consumer<'static, T>), crate::CapacityError> {
    let raw = Raw::allocate(capacity, start)?;
    let first = raw.header().fixed.ends.claim(2);
    debug_assert!(first, "a new ring has no ends");
    // SAFETY: 1: the count keeps the ring until the last end leaves. 2: these are its first ends.
    Ok(unsafe {
        (
            Producer::new(raw, Home::Heap),
            Consumer::new(raw, Home::Heap),
        )
    })
}

/// A ring in memory that the caller found: a region of a NUMA node, a huge page, a section of firmware.
///
/// The ring lies at the first place of `memory` that is aligned for it; [`layout`] says how much it takes. It holds
/// exactly `capacity` values. What is in it when its last end goes is dropped then, and the memory is not looked at
/// afterwards.
///
/// # Errors
///
/// [`MemoryError`](crate::MemoryError): no ring can have this capacity, or the memory is too small, and then by how
/// much.
///
/// ```
/// use core::mem::MaybeUninit;
/// use shared_nothing_rings::spsc;
///
/// let mut memory = [const { MaybeUninit::uninit() }; 1024];
/// let (mut tx, mut rx) = spsc::in_memory::<u64>(&mut memory, 16)?;
/// assert_eq!(tx.try_push(1), Ok(()));
/// assert_eq!(rx.try_pop(), Ok(1));
/// # Ok::<(), shared_nothing_rings::MemoryError>(())
/// ```
///
/// The memory stays borrowed as long as an end lives:
///
/// ```compile_fail,E0505
/// use core::mem::MaybeUninit;
/// use shared_nothing_rings::spsc;
///
/// let mut memory = vec![MaybeUninit::uninit(); 1024];
/// let (tx, rx) = spsc::in_memory::<u64>(&mut memory, 16).unwrap();
/// drop(memory);
/// drop(tx);
/// ```
#[cfg(target_has_atomic = "ptr")]
pub fn in_memory<T>(
    memory: &mut [MaybeUninit<u8>],
    capacity: usize,
) -> Result<(Producer<'_, T>, Consumer<'_, T>), crate::MemoryError> {
    in_memory_at(memory, capacity, 0)
}

/// [`in_memory`] whose positions begin at `start`, for tests at the wrap of `usize`.
///
/// # Errors
///
/// As [`in_memory`].
#[doc(hidden)]
#[cfg(target_has_atomic = "ptr")]
pub fn in_memory_at<T>(
    memory: &mut [MaybeUninit<u8>],
    capacity: usize,
    start: usize,
) -> Result<(Producer<'_, T>, Consumer<'_, T>), crate::MemoryError> {
    let raw = Raw::place(memory, capacity, start)?;
    let first = raw.header().fixed.ends.claim(2);
    debug_assert!(first, "a new ring has no ends");
    // SAFETY: 1: the ends borrow the memory, and the count keeps the ring until the last leaves. 2: these are its
    // first ends.
    Ok(unsafe {
        (
            Producer::new(raw, Home::Mapped),
            Consumer::new(raw, Home::Mapped),
        )
    })
}

/// As [`with_capacity`], in `memory`, at the first place there that is aligned for it; [`layout`] says how much it takes.
/// The last end drops what is left in the ring, and then the memory.
///
/// # Errors
///
/// As [`in_memory`]. The memory is dropped.
#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
pub fn with_memory<T>(
    memory: impl crate::Memory,
    capacity: usize,
) -> Result<(Producer<'static, T>, Consumer<'static, T>), crate::MemoryError> {
    let raw = Raw::place_in(memory, capacity)?;
    let first = raw.header().fixed.ends.claim(2);
    debug_assert!(first, "a new ring has no ends");
    // SAFETY: 1: the count keeps the ring, and that its memory, until the last end leaves. 2: these are its first ends.
    Ok(unsafe {
        (
            Producer::new(raw, Home::Mapped),
            Consumer::new(raw, Home::Mapped),
        )
    })
}

/// Size and alignment of a ring that holds `capacity` values, for [`in_memory`].
///
/// Memory with that alignment needs that size; any other needs up to `align() - 1` bytes more.
///
/// # Errors
///
/// [`CapacityError`](crate::CapacityError): `capacity` is 0, or too large for any memory.
///
/// ```
/// use shared_nothing_rings::spsc;
///
/// let layout = spsc::layout::<u64>(1000)?;
/// assert!(layout.size() > 8 * 1000);
/// # Ok::<(), shared_nothing_rings::CapacityError>(())
/// ```
#[cfg(target_has_atomic = "ptr")]
pub fn layout<T>(capacity: usize) -> Result<Layout, crate::CapacityError> {
    Raw::<T>::layout(capacity)
}

/// Drops what is left in a ring and then ends it by `end`, also when a leftover's drop panics.
///
/// # Safety
///
/// 1. The last end is gone, and what all ends did happened before this call.
/// 2. `end` may be called on the ring, and nothing uses it afterwards.
#[cfg(target_has_atomic = "ptr")]
unsafe fn clean_up<T>(raw: Raw<T>, end: unsafe fn(Raw<T>)) {
    struct End<T>(Raw<T>, unsafe fn(Raw<T>));
    impl<T> Drop for End<T> {
        fn drop(&mut self) {
            // SAFETY: duty 2 of `clean_up`, which alone makes one.
            unsafe { (self.1)(self.0) };
        }
    }
    let _end = End(raw, end);
    // SAFETY: duty 1.
    unsafe { raw.drop_leftovers() };
}

/// An end goes. The last one of a heap ring cleans up.
///
/// # Safety
///
/// 1. The caller is an end that lives by `home` and never touches the ring again.
unsafe fn leave<T>(
    #[cfg_attr(not(target_has_atomic = "ptr"), expect(unused_variables))] raw: Raw<T>,
    home: Home,
) {
    match home {
        Home::Borrowed => {}
        #[cfg(target_has_atomic = "ptr")]
        Home::Static => {
            let _last = raw.header().fixed.ends.leave();
        }
        #[cfg(target_has_atomic = "ptr")]
        Home::Mapped => {
            if raw.header().fixed.ends.leave() {
                // SAFETY: the last end; LEAVE orders what the others did before this. The ring came from `place`.
                unsafe { clean_up(raw, Raw::leave_memory) };
            }
        }
        #[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
        Home::Heap => {
            if raw.header().fixed.ends.leave() {
                // SAFETY: the last end; LEAVE orders what the others did before this. The ring came from `allocate`.
                unsafe { clean_up(raw, Raw::deallocate) };
            }
        }
    }
}
