//! Many producers, many consumers, one order for all.
//!
//! ```
//! use shared_nothing_rings::{TryPopError, TryPushError, mpmc};
//!
//! static RING: mpmc::Ring<u64, 2> = mpmc::Ring::new();
//!
//! let (tx, mut rx) = RING.split_static().expect("nobody has split it before");
//! let (tx2, mut rx2) = (tx.clone(), rx.clone());
//! assert_eq!(tx.try_push(1), Ok(()));
//! assert_eq!(tx2.try_push(2), Ok(()));
//! assert_eq!(tx.try_push(3), Err(TryPushError::Full(3)));
//! assert_eq!(rx.try_pop(), Ok(1));
//! assert_eq!(rx2.try_pop(), Ok(2));
//! assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
//! ```
//!
//! # When to use it
//!
//! Several threads take work from one queue, whoever is free. Each value goes to one consumer. With one consumer,
//! [`mpsc`](crate::mpsc) costs less; where a value may go to a certain consumer, a ring for each is better.
//!
//! # Picture
//!
//! ```text
//!         ┌──────┬──────┬──────┬──────┬──────┬──────┐
//!   value │  a   │      │  c   │  ?   │  e   │      │    a is claimed by a consumer that has not moved
//!   stamp │  w   │ next │  w   │ free │  w   │ free │    it out; d is claimed by a producer that has not
//!         └──────┴──────┴──────┴──────┴──────┴──────┘    written it: consumers get c, then find the ring
//!                         ▲ read_pos           ▲         empty until d is there
//!                                              write_pos, and the closed bit
//! ```
//!
//! # Invariants
//!
//! - **I1** A position is claimed by one producer, when its slot is stamped free for it. The slot is that producer's
//!   and empty, until it stamps it once, as written or as given up. Then the position is claimed by one consumer; the
//!   slot is that consumer's, and full if written, until it stamps it free for the next lap.
//! - **I2** Positions are claimed in order on either side, each side by exchanges of one word; `write_pos - read_pos`
//!   is at most `capacity`.
//! - **I3** The closed bit is set once and ends all claims of producers: after it, `write_pos` is final.
//!
//! # Edges
//!
//! | edge | release end | acquire end | carries |
//! |---|---|---|---|
//! | PUBLISH | producer stamps a slot as written or given up | a consumer loads it | the value is written |
//! | VACATE | consumer stamps it free for the next lap | a producer loads it | the value was moved out |
//! | CLOSE | an end sets `closed` after the bit | a consumer loads it | the bit, and what that end did before |
//! | LEAVE | an end leaves a count | the last to leave, or the next split | the ring is nobody's |
//!
//! # What Empty and Full mean
//!
//! An end claims a position, works on the slot, and stamps it. It may be stopped in between, and nobody waits for it.
//! What the others are told then is exact about positions, but not about calls that have returned:
//!
//! - [`Empty`](crate::TryPopError::Empty): at one moment of the call the position at `read_pos` was not written. The
//!   ring held no value at all, or a push or grant that had claimed this position was still going on. So a pop may be
//!   told `Empty` after a push of the same thread has returned: when that push claimed its place behind one that is
//!   not yet written.
//! - [`Full`](crate::TryPushError::Full): at one moment of the call `capacity` positions were claimed by producers and
//!   not by consumers, or the slot of the position at `write_pos` was still a consumer's, who had claimed its value one
//!   lap before and not yet moved it out: a pop that was going on, or a drain that was begun and not finished. So a push
//!   may be refused although the ring holds fewer values than `capacity`, even none.
//! - [`Closed`](crate::TryPopError::Closed) is exact: the ring is closed, and each place that was ever claimed by a
//!   producer was claimed by a consumer or given up.
//!
//! With those words for `Empty` and `Full` the ring is linearizable: a push takes effect when it claims its position,
//! and so does a pop; a grant is one call from its begin to its end. Hence one order of values for all, in which those of
//! one producer keep theirs, and each consumer takes in that order. For threads that learn of each other's calls by
//! other means than this ring, "has returned" means that those means order it (*happens before*).
//!
//! # Progress and cost
//!
//! Pushes and pops are lock-free: an exchange fails only because that of another end on the same side succeeded; after
//! a failure an end pauses for a bounded number of steps, which grows with each failure. One exchange on the line of its
//! side, one look at the stamp and one store of it beside the value. Neither side reads the other's line: the stamps say
//! all, and a poll of an empty ring touches no line that producers write but the slot's. Only a ring whose capacity is
//! no power of two also counts, by a copy of `read_pos` on the producers' line that is refreshed when it is used up.
//!
//! # What differs from the source
//!
//! Vyukov, *Bounded MPMC queue*, 2010. Added: a capacity that is exact and may be 1 (there a slot of capacity 1 has the
//! same stamp written and free for the next lap), an exact close in the word that claims come from, places given up,
//! batches by one exchange at either end, and stamps that leave out the index, so that a new ring is all zeros.
//!
//! # Verification
//!
//! loom models of each edge, each with the outcomes that must be reached (`rings/tests/loom_mpmc.rs`); histories of real
//! threads checked for linearizability with the words above (`rings/tests/linear_mpmc.rs`); a model-based test from start
//! positions at the wrap of `usize` (`rings/tests/model.rs`); drop accounting and stress
//! (`rings/tests/drops.rs`, `rings/tests/stress_mpmc.rs`).
//!
//! # References
//!
//! Vyukov, *Bounded MPMC queue*, 1024cores, 2010. Herlihy and Wing, *Linearizability: a correctness condition for
//! concurrent objects*, 1990.

mod consumer;
mod drain;
mod grant;
mod header;
mod life;
mod producer;
mod raw;
mod stamp;

use core::{alloc::Layout, fmt, mem::MaybeUninit};

use header::{Cell, Header};
use life::{Side, leave};
use raw::Raw;
use stamp::CLOSED;

pub use consumer::Consumer;
pub use drain::Drain;
pub use grant::Grant;
pub use producer::Producer;

crate::ends::impl_ends!(Producer, Consumer);

use crate::{pos::assert_slots, share::Home, storage::inline::Inline, sync::Ordering::Relaxed};

/// A ring of `N` slots as a value: for the stack, a field or a `static`, without an allocator.
///
/// `N` is a power of two, checked when the program is compiled, and all `N` slots can be used.
pub struct Ring<T, const N: usize> {
    inline: Inline<Header, Cell<T>, N>,
}

// SAFETY: a shared ring gives out its ends; each value moves through to one consumer's thread, hence `T: Send`.
unsafe impl<T: Send, const N: usize> Sync for Ring<T, N> {}

impl<T, const N: usize> Ring<T, N> {
    /// An empty ring.
    #[cfg(not(loom))]
    #[must_use]
    pub const fn new() -> Self {
        let slots = const { assert_slots(N) };
        Self {
            inline: Inline::new(Header::new(N, slots, 0), [const { Cell::new(0) }; N]),
        }
    }

    /// An empty ring.
    #[cfg(loom)]
    #[must_use]
    pub fn new() -> Self {
        let slots = const { assert_slots(N) };
        Self {
            inline: Inline::new(
                Header::new(N, slots, 0),
                core::array::from_fn(|_| Cell::new(0)),
            ),
        }
    }

    /// A producer and a consumer, to be cloned, for as long as the ring is borrowed. Values left by former ends are
    /// still there.
    ///
    /// ```
    /// use shared_nothing_rings::mpmc;
    ///
    /// let mut ring = mpmc::Ring::<String, 8>::new();
    /// let (tx, mut rx) = ring.split();
    /// std::thread::scope(|threads| {
    ///     threads.spawn(move || tx.try_push("hello".to_owned()));
    /// });
    /// assert_eq!(rx.try_pop().as_deref(), Ok("hello"));
    /// ```
    pub fn split(&mut self) -> (Producer<'_, T>, Consumer<'_, T>) {
        self.ends(Home::Borrowed)
    }

    /// The ends of a ring in a `static`; `None` while ends made before are alive.
    ///
    /// Values left by former ends are still there.
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
        let Header {
            fixed, producers, ..
        } = raw.header();
        // RELAXED: no end is alive; what makes these two reach their threads orders it.
        producers.write_pos.fetch_and(!CLOSED, Relaxed);
        // RELAXED: as above.
        fixed.closed.store(0, Relaxed);
        fixed.producers.restart(1);
        fixed.consumers.restart(1);
        // SAFETY: 1: the ends carry the borrow of `self`. 2: no other end is alive, and both are counted.
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
#[cfg(feature = "alloc")]
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
#[cfg(feature = "alloc")]
pub fn with_capacity_at<T>(
    capacity: usize,
    start: usize,
) -> Result<(Producer<'static, T>, Consumer<'static, T>), crate::CapacityError> {
    let raw = Raw::allocate(capacity, start & !(stamp::STEP - 1))?;
    // SAFETY: 1: the count keeps the ring until the last end leaves. 2: just allocated.
    Ok(unsafe { first_ends(raw, Home::Heap) })
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
/// use shared_nothing_rings::mpmc;
///
/// let mut memory = [const { MaybeUninit::uninit() }; 1024];
/// let (tx, mut rx) = mpmc::in_memory::<u64>(&mut memory, 16)?;
/// assert_eq!(tx.try_push(1), Ok(()));
/// assert_eq!(rx.try_pop(), Ok(1));
/// # Ok::<(), shared_nothing_rings::MemoryError>(())
/// ```
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
pub fn in_memory_at<T>(
    memory: &mut [MaybeUninit<u8>],
    capacity: usize,
    start: usize,
) -> Result<(Producer<'_, T>, Consumer<'_, T>), crate::MemoryError> {
    let raw = Raw::place(memory, capacity, start & !(stamp::STEP - 1))?;
    // SAFETY: 1: the ends borrow the memory, and the count keeps the ring until the last leaves. 2: just placed.
    Ok(unsafe { first_ends(raw, Home::Mapped) })
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
/// use shared_nothing_rings::mpmc;
///
/// let layout = mpmc::layout::<u64>(1000)?;
/// assert!(layout.size() > 16 * 1000);
/// # Ok::<(), shared_nothing_rings::CapacityError>(())
/// ```
pub fn layout<T>(capacity: usize) -> Result<Layout, crate::CapacityError> {
    Raw::<T>::layout(capacity)
}

/// The ends of a new ring that goes with its last end.
///
/// # Safety
///
/// 1. The ring lives for `'a`, or by `home` until its last end is gone.
/// 2. It is new and has no ends.
unsafe fn first_ends<'a, T>(raw: Raw<T>, home: Home) -> (Producer<'a, T>, Consumer<'a, T>) {
    let fixed = &raw.header().fixed;
    let first = fixed.ends.claim(2) && fixed.producers.claim(1) && fixed.consumers.claim(1);
    debug_assert!(first, "a new ring has no ends");
    // SAFETY: 1: duty 1. 2: both were counted just now.
    unsafe { (Producer::new(raw, home), Consumer::new(raw, home)) }
}
