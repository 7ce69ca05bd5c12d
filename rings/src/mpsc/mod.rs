//! Many producers, one consumer, one order for all.
//!
//! ```
//! use shared_nothing_rings::{TryPopError, TryPushError, mpsc};
//!
//! static RING: mpsc::Ring<u64, 2> = mpsc::Ring::new();
//!
//! let (tx, mut rx) = RING.split_static().expect("nobody has split it before");
//! let tx2 = tx.clone();
//! assert_eq!(tx.try_push(1), Ok(()));
//! assert_eq!(tx2.try_push(2), Ok(()));
//! assert_eq!(tx.try_push(3), Err(TryPushError::Full(3)));
//! assert_eq!(rx.try_pop(), Ok(1));
//! assert_eq!(rx.try_pop(), Ok(2));
//! assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
//! ```
//!
//! # When to use it
//!
//! Several threads feed one, and the order in which they do so matters or the ring should be one piece of memory. With
//! one producer, [`spsc`](crate::spsc) costs half. It is not for several consumers.
//!
//! # Picture
//!
//! ```text
//!         ┌──────┬──────┬──────┬──────┬──────┬──────┐
//!   value │      │  a   │  b   │  ?   │  d   │      │    c is claimed and not yet written: the
//!   stamp │      │  w   │  w   │      │  w   │      │    consumer gets a and b, then finds the
//!         └──────┴──────┴──────┴──────┴──────┴──────┘    ring empty until c is there
//!                 ▲ read_pos                  ▲ write_pos, and the closed bit
//! ```
//!
//! # Invariants
//!
//! - **I1** A position is claimed by one producer, which stamps it once, as written or as given up. A claimed slot is
//!   empty and its claimer's until then. A slot stamped as written is full and the consumer's until `read_pos` is past
//!   it.
//! - **I2** `write_pos - read_pos` is at most `capacity`, so no slot is claimed before its last value was moved out.
//! - **I3** The closed bit is set once and ends all claims: after it, `write_pos` is final.
//!
//! # Edges
//!
//! | edge | release end | acquire end | carries |
//! |---|---|---|---|
//! | PUBLISH | producer stores the stamp | consumer loads it | the value is written |
//! | VACATE | consumer stores `read_pos` | a producer loads it | the values before it were moved out |
//! | RELAY | that producer stores `seen_read_pos` | any producer loads it | what VACATE brought |
//! | CLOSE | an end sets the closed bit | consumer loads it | what that end did before |
//! | LEAVE | an end leaves a count | the last to leave, or the next split | the ring is nobody's |
//!
//! # Progress and cost
//!
//! A push is lock-free: one exchange on the producers' line, one store beside the value. A pop reads the stamp, moves
//! the value and stores `read_pos`; it has no read-modify-write and never waits for a producer that was stopped in the
//! middle of a push. Producers share what one of them saw of `read_pos`, on the line that they must own anyway.
//!
//! A pop may find the ring [`Empty`](crate::TryPopError::Empty) although a push has *returned*, namely when an earlier
//! position is claimed and not yet written. Likewise `Full` counts positions that are claimed and not yet written, or
//! given up and not yet passed. Neither is an error of order: values of one producer come in the order of its pushes.
//!
//! # What differs from the source
//!
//! The stamped slot is Vyukov's (*Bounded MPMC queue*, 2010). There the consumer stamps a slot to give it back; here
//! it stores one position, as in a single-producer ring, so that a pop writes no line that producers write, and a
//! batch is given back by one store. The capacity is exact and may be 1.
//!
//! # Verification
//!
//! loom models of each edge, each with the outcomes that must be reached (`rings/tests/loom_mpsc.rs`); a model-based
//! test against a `VecDeque` from start positions at the wrap of `usize` (`rings/tests/model.rs`); drop accounting
//! (`rings/tests/drops.rs`).

mod consumer;
mod grant;
mod producer;
mod raw;
mod stamp;

use core::{alloc::Layout, fmt, mem::MaybeUninit};

use raw::{Cell, Header, Raw};
use stamp::CLOSED;

pub use consumer::{Consumer, Drain};
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

// SAFETY: a shared ring gives out one consumer; each value moves through to its thread, hence `T: Send`.
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

    /// A producer, to be cloned, and the consumer, for as long as the ring is borrowed. Values left by former ends are
    /// still there.
    ///
    /// ```
    /// use shared_nothing_rings::mpsc;
    ///
    /// let mut ring = mpsc::Ring::<String, 8>::new();
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
        // RELAXED: no end is alive; what makes these two reach their threads orders it.
        raw.header().producers.write_pos.fetch_and(!CLOSED, Relaxed);
        raw.header().fixed.producers.restart(1);
        // SAFETY: 1: the ends carry the borrow of `self`. 2: no other end is alive, and the producer is counted.
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
    let raw = Raw::allocate(capacity, start & !CLOSED)?;
    let fixed = &raw.header().fixed;
    let first = fixed.ends.claim(2) && fixed.producers.claim(1);
    debug_assert!(first, "a new ring has no ends");
    // SAFETY: 1: the count keeps the ring until the last end leaves. 2: these are its first ends, and counted.
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
/// use shared_nothing_rings::mpsc;
///
/// let mut memory = [const { MaybeUninit::uninit() }; 1024];
/// let (tx, mut rx) = mpsc::in_memory::<u64>(&mut memory, 16)?;
/// assert_eq!(tx.try_push(1), Ok(()));
/// assert_eq!(rx.try_pop(), Ok(1));
/// # Ok::<(), shared_nothing_rings::MemoryError>(())
/// ```
///
/// The memory stays borrowed as long as an end lives:
///
/// ```compile_fail,E0505
/// use core::mem::MaybeUninit;
/// use shared_nothing_rings::mpsc;
///
/// let mut memory = vec![MaybeUninit::uninit(); 1024];
/// let (tx, rx) = mpsc::in_memory::<u64>(&mut memory, 16).unwrap();
/// drop(memory);
/// drop(tx);
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
    let raw = Raw::place(memory, capacity, start & !CLOSED)?;
    let fixed = &raw.header().fixed;
    let first = fixed.ends.claim(2) && fixed.producers.claim(1);
    debug_assert!(first, "a new ring has no ends");
    // SAFETY: 1: the ends borrow the memory, and the count keeps the ring until the last leaves. 2: these are its
    // first ends, and counted.
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
/// use shared_nothing_rings::mpsc;
///
/// let layout = mpsc::layout::<u64>(1000)?;
/// assert!(layout.size() > 8 * 1000);
/// # Ok::<(), shared_nothing_rings::CapacityError>(())
/// ```
pub fn layout<T>(capacity: usize) -> Result<Layout, crate::CapacityError> {
    Raw::<T>::layout(capacity)
}

/// Drops what is left in a ring and then ends it by `end`, also when a leftover's drop panics.
///
/// # Safety
///
/// 1. The last end is gone, and what all ends did happened before this call.
/// 2. `end` may be called on the ring, and nothing uses it afterwards.
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

/// The consumer, or the last producer, goes. The last of the two cleans up a heap ring.
///
/// # Safety
///
/// 1. The caller is an end that lives by `home` and never touches the ring again.
unsafe fn leave<T>(raw: Raw<T>, home: Home) {
    match home {
        Home::Borrowed => {}
        Home::Static => {
            let _last = raw.header().fixed.ends.leave();
        }
        Home::Mapped => {
            if raw.header().fixed.ends.leave() {
                // SAFETY: the last end; LEAVE orders what the others did before this. The ring came from `place`.
                unsafe { clean_up(raw, Raw::leave_memory) };
            }
        }
        #[cfg(feature = "alloc")]
        Home::Heap => {
            if raw.header().fixed.ends.leave() {
                // SAFETY: the last end; LEAVE orders what the others did before this. The ring came from `allocate`.
                unsafe { clean_up(raw, Raw::deallocate) };
            }
        }
    }
}
