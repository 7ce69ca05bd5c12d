//! Many producers, one consumer, a lane for each producer: no write that producers contend for.
//!
//! ```
//! use shared_nothing_rings::{TryPopError, TryPushError, lanes};
//!
//! static RING: lanes::Ring<u64, 2, 1> = lanes::Ring::new();
//!
//! let ([mut a, mut b], mut rx) = RING.split_static().expect("nobody has split it before");
//! assert_eq!(a.try_push(1), Ok(()));
//! assert_eq!(a.try_push(2), Err(TryPushError::Full(2)));
//! assert_eq!(b.try_push(3), Ok(()));
//! assert_eq!(rx.try_pop(), Ok(1));
//! assert_eq!(rx.try_pop(), Ok(3));
//! assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
//! ```
//!
//! # When to use it
//!
//! A known number of threads feed one, each in its own order, and no order between them is asked for: the inbox of a
//! shard. A push costs what one into an [`spsc`](crate::spsc) ring costs, however many producers there are. When the
//! order between producers matters, or they come and go, use [`mpsc`](crate::mpsc).
//!
//! # Picture
//!
//! ```text
//!   dirty   1 0 1 0 0 0 …            one bit a lane: look there
//!           │   │
//!           │   └─── lane 2 ─────┬──────┬──────┬──────┐
//!           │                    │  x   │  y   │      │
//!           │                    └──────┴──────┴──────┘
//!           │                     ▲ read_pos    ▲ write_pos        ▲ leased_until
//!           └─────── lane 0 ─────┬──────┬──────┬──────┐
//!                                │      │      │  a   │
//!                                └──────┴──────┴──────┘
//! ```
//!
//! # Invariants
//!
//! - **I1** Each lane is a ring of [`spsc`](crate::spsc), with that ring's invariants.
//! - **I2** A push of a value at or beyond its lane's `leased_until` stores a new one, beyond the value, and then sets the
//!   lane's bit. Both come after the value is published.
//! - **I3** The consumer leaves a bit cleared only if, after it cleared the bit, its position in the lane was not before
//!   `leased_until`.
//! - **I4** A lane gives at most 128 values before every other lane whose bit is set has been looked at. While a lane has
//!   its turn, its consumer's `limit` is not beyond the end of it; the limits of the others are used up.
//!
//! # Why no value is lost
//!
//! A value *x* that the consumer has not taken lies in a lane whose bit is set, or its push has not returned. For let P
//! be the last push up to that of *x* that set the bit: by I2 it stored a `leased_until` beyond *x*, and later ones are
//! beyond that. Let C be the last time that the consumer cleared the bit and left it so. Both P and C are
//! read-modify-writes of one word, so one comes first.
//!
//! - If C came first, P set the bit again, and it is set.
//! - If P came first, C acquires what P released: the look behind C finds that `leased_until`, or a later one. The
//!   consumer's position is not beyond *x*, so it is before `leased_until`, against I3.
//!
//! So a push needs neither a fence nor a read-modify-write as long as it holds a lease. The price: a lane whose
//! producer falls silent in the middle of a lease stays dirty, and an idle poll looks at it, until that producer has
//! pushed on, or has said [`end_burst`](Producer::end_burst), or is gone. Leases grow from nothing to 256 values, and
//! only for a producer that the consumer does not keep up with: one whose bit is still set when it sets it again.
//!
//! # Edges
//!
//! Beside those of the lanes, which are [`spsc`'s](crate::spsc#edges):
//!
//! | edge | release end | acquire end | carries |
//! |---|---|---|---|
//! | RAISE | producer sets the bit | consumer loads or clears it | what was pushed before, and `leased_until` |
//! | CLOSE | producer leaves `open` | consumer loads it | all that this producer pushed |
//! | LEAVE | an end leaves the count | the last to leave, or the next split | the lanes are nobody's |
//!
//! # Progress and cost
//!
//! A push is wait-free, and writes lines that only this producer writes, but for one read-modify-write at the end of a
//! lease. A pop looks at the lane whose turn it is, and at the dirty words when that lane is empty or its turn over.
//! An idle poll reads the dirty words and the count of producers: one line. Beyond as many lanes as a word has bits,
//! it reads a word more of the same line for as many again.
//!
//! A drain that looks at a lane's position asks for the line of the next slot at the same time (on x86-64): the two come
//! together and not one after the other.
//!
//! A lane is let go after 64 looks in a row that found it empty. A lane costs seven lines beside its slots.
//!
//! # Verification
//!
//! loom models of RAISE, of leases and of CLOSE, each with the outcomes that must be reached
//! (`rings/tests/loom_lanes.rs`); a model-based test against a `VecDeque` a lane, from start positions at the wrap of
//! `usize`, and tests of fairness and of idle polls (`rings/tests/lanes.rs`), of how lanes close and go
//! (`rings/tests/lanes_ends.rs`); the suites of all rings.
//! Each edge is also a litmus test, with its verdicts under five memory models (`rings/tests/litmus`).

mod consumer;
mod dirty;
mod grant;
mod lease;
#[cfg(feature = "alloc")]
mod memory;
mod producer;
#[cfg(feature = "alloc")]
mod producers;
mod raw;

use core::{array, fmt, mem::offset_of};

use raw::{Header, InlineLane, Raw};

pub use consumer::{Consumer, Drain};
pub use grant::Grant;
#[cfg(feature = "alloc")]
pub use memory::{layout, with_memory};
pub use producer::Producer;
#[cfg(feature = "alloc")]
pub use producers::Producers;

crate::ends::impl_ends!(Producer, Consumer);

use crate::share::Home;

/// The most lanes that one ring has: seven words of bits, 448 on 64-bit targets.
pub const LANES_MAX: usize = dirty::DIRTY_WORDS * dirty::WORD_BITS;

/// `LANES` lanes of `N` slots as a value: for the stack, a field or a `static`, without an allocator.
///
/// `LANES` is in `1..=`[`LANES_MAX`] and `N` a power of two, checked when the program is compiled. All `N` slots of a
/// lane can be used.
///
/// ```compile_fail
/// static RING: shared_nothing_rings::lanes::Ring<u8, 0, 4> = shared_nothing_rings::lanes::Ring::new();
/// ```
#[repr(C)]
pub struct Ring<T, const LANES: usize, const N: usize> {
    header: Header,
    lanes: [InlineLane<T, N>; LANES],
}

// SAFETY: a shared ring gives out its ends once; each value moves through to one thread, hence `T: Send`.
unsafe impl<T: Send, const LANES: usize, const N: usize> Sync for Ring<T, LANES, N> {}

impl<T, const LANES: usize, const N: usize> Ring<T, LANES, N> {
    const HEADER_CHECKED: () = {
        assert!(LANES != 0, "there is at least one lane");
        assert!(LANES <= LANES_MAX, "there are at most LANES_MAX lanes");
        assert!(offset_of!(Self, lanes) == Raw::<T>::LANES_OFFSET);
        assert!(offset_of!(InlineLane<T, N>, ring) == Raw::<T>::RING_OFFSET);
    };

    /// Empty lanes.
    #[cfg(not(loom))]
    #[must_use]
    pub const fn new() -> Self {
        const { Self::HEADER_CHECKED };
        Self {
            header: Header::new(LANES, size_of::<InlineLane<T, N>>(), 0),
            lanes: [const { InlineLane::new() }; LANES],
        }
    }

    /// Empty lanes.
    #[cfg(loom)]
    #[must_use]
    pub fn new() -> Self {
        const { Self::HEADER_CHECKED };
        Self {
            header: Header::new(LANES, size_of::<InlineLane<T, N>>(), 0),
            lanes: array::from_fn(|_| InlineLane::new()),
        }
    }

    /// A producer for each lane, and the consumer, for as long as the ring is borrowed. Values left by former ends are
    /// still there.
    ///
    /// ```
    /// use shared_nothing_rings::lanes;
    ///
    /// let mut ring = lanes::Ring::<String, 2, 8>::new();
    /// let ([mut a, mut b], mut rx) = ring.split();
    /// std::thread::scope(|threads| {
    ///     threads.spawn(move || a.try_push("hello".to_owned()));
    ///     threads.spawn(move || b.try_push("hello".to_owned()));
    /// });
    /// assert!(rx.drain(2).eq(["hello", "hello"]));
    /// ```
    pub fn split(&mut self) -> ([Producer<'_, T>; LANES], Consumer<'_, T>) {
        self.ends(Home::Borrowed)
    }

    /// The ends of a ring in a `static`; `None` while ends made before are alive.
    ///
    /// Values left by former ends are still there.
    #[must_use]
    pub fn split_static(
        &'static self,
    ) -> Option<([Producer<'static, T>; LANES], Consumer<'static, T>)> {
        self.header
            .fixed
            .ends
            .claim(LANES + 1)
            .then(|| self.ends(Home::Static))
    }

    fn raw(&self) -> Raw<T> {
        // Made from the whole struct, so that the pointer may reach the lanes too.
        let header = core::ptr::NonNull::from(self).cast();
        // SAFETY: 1: `repr(C)` puts lanes and rings where `HEADER_CHECKED` says, and the stride is a lane's size. 2:
        // the callers tie every end to a borrow of `self`, and all that is changed through it lies in cells.
        unsafe { Raw::new(header) }
    }

    /// The caller makes sure that no other end is alive: by `&mut`, or by the count.
    fn ends(&self, home: Home) -> ([Producer<'_, T>; LANES], Consumer<'_, T>) {
        let raw = self.raw();
        // SAFETY: no other end is alive.
        unsafe { raw.reopen() };
        // SAFETY: 1: the ends carry the borrow of `self`. 2: one for each lane, and no other is alive.
        let producers = array::from_fn(|index| unsafe { Producer::new(raw, index, home) });
        // SAFETY: as above.
        (producers, unsafe { Consumer::new(raw, home) })
    }
}

impl<T, const LANES: usize, const N: usize> Default for Ring<T, LANES, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const LANES: usize, const N: usize> Drop for Ring<T, LANES, N> {
    fn drop(&mut self) {
        // SAFETY: a ring that can be dropped has no ends: they borrow it.
        unsafe { self.raw().drop_leftovers() };
    }
}

impl<T, const LANES: usize, const N: usize> fmt::Debug for Ring<T, LANES, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring")
            .field("lanes", &LANES)
            .field("capacity", &N)
            .finish_non_exhaustive()
    }
}

/// `lanes` lanes on the heap that hold exactly `capacity` values each; their last end frees them.
///
/// The slots of a lane are rounded up to a power of two.
///
/// # Errors
///
/// [`CapacityError`](crate::CapacityError): `lanes` or `capacity` is 0, `lanes` is more than [`LANES_MAX`], or there
/// is no room for the slots.
///
/// ```
/// use shared_nothing_rings::{TryPopError, lanes};
///
/// let (producers, mut rx) = lanes::with_capacity::<u64>(3, 100)?;
/// for mut tx in producers {
///     std::thread::spawn(move || (0..100).for_each(|value| assert!(tx.try_push(value).is_ok())));
/// }
/// let mut sum = 0;
/// loop {
///     match rx.try_pop() {
///         Ok(value) => sum += value,
///         Err(TryPopError::Empty) => std::thread::yield_now(),
///         Err(TryPopError::Closed) => break,
///     }
/// }
/// assert_eq!(sum, 3 * 4950);
/// # Ok::<(), shared_nothing_rings::CapacityError>(())
/// ```
#[cfg(feature = "alloc")]
pub fn with_capacity<T>(
    lanes: usize,
    capacity: usize,
) -> Result<(Producers<'static, T>, Consumer<'static, T>), crate::CapacityError> {
    with_capacity_at(lanes, capacity, 0)
}

/// [`with_capacity`] whose positions begin at `start`, for tests at the wrap of `usize`.
///
/// # Errors
///
/// As [`with_capacity`].
#[doc(hidden)]
#[cfg(feature = "alloc")]
pub fn with_capacity_at<T>(
    lanes: usize,
    capacity: usize,
    start: usize,
) -> Result<(Producers<'static, T>, Consumer<'static, T>), crate::CapacityError> {
    let raw = Raw::allocate(lanes, capacity, start)?;
    let first = raw.header().fixed.ends.claim(lanes + 1);
    debug_assert!(first, "new lanes have no ends");
    // SAFETY: 1: the count keeps the lanes until the last end leaves. 2: these are their first ends.
    Ok(unsafe {
        (
            Producers::new(raw, Home::Heap),
            Consumer::new(raw, Home::Heap),
        )
    })
}

/// An end goes. The last one of lanes on the heap cleans up.
///
/// # Safety
///
/// 1. The caller is an end that lives by `home` and never touches the lanes again.
unsafe fn leave<T>(raw: Raw<T>, home: Home) {
    match home {
        Home::Static => {
            let _last = raw.header().fixed.ends.leave();
        }
        #[cfg(feature = "alloc")]
        Home::Heap => {
            if raw.header().fixed.ends.leave() {
                let _free = Free(raw);
                // SAFETY: the last end; LEAVE orders what the others did before this.
                unsafe { raw.drop_leftovers() };
            }

            /// Frees the memory also when a leftover's drop panics.
            struct Free<T>(Raw<T>);
            impl<T> Drop for Free<T> {
                fn drop(&mut self) {
                    // SAFETY: made for the last end of lanes on the heap, after which nothing uses them.
                    unsafe { self.0.deallocate() };
                }
            }
        }
        _ => {}
    }
}
