//! One producer, one consumer, no limit but memory.
//!
//! ```
//! use shared_nothing_rings::{TryPopError, unbounded::spsc};
//!
//! static RING: spsc::Ring<u64> = spsc::Ring::new();
//!
//! let (mut tx, mut rx) = RING.split_static().expect("nobody has split it before");
//! for value in 0..1000 {
//!     assert_eq!(tx.try_push(value), Ok(()));
//! }
//! assert!(rx.drain(usize::MAX).eq(0..1000));
//! assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
//! ```
//!
//! # Picture
//!
//! ```text
//!           ┌──────┬──────┬──────┐      ┌──────┬──────┬──────┐
//!           │      │  b   │  c   │ ───► │  d   │  e   │      │
//!           └──────┴──────┴──────┘      └──────┴──────┴──────┘
//!                   ▲ own_pos                          ▲ write_pos
//!                     consumer's block                   producer's block
//! ```
//!
//! # Invariants
//!
//! - **I1** Slots from the consumer's position to `write_pos` hold values and are the consumer's. Those from
//!   `write_pos` to the end of the producer's block are empty and the producer's.
//! - **I2** Positions begin at the begin of a block, so that a position says which slot of its block it is.
//! - **I3** A block is linked before a value in it is published, and left by the producer when it links the next. The
//!   consumer leaves it when it takes the first value behind it: then nobody uses it, and it goes to the pool.
//!
//! # Edges
//!
//! | edge | release end | acquire end | carries |
//! |---|---|---|---|
//! | PUBLISH | producer stores `write_pos` | consumer loads it | the slots are written, the blocks linked |
//! | SPARE | an end keeps an empty block | the producer takes it | nobody uses it any more |
//! | CLOSE | producer stores `finished` | consumer loads it | `write_pos` is final |
//! | LEAVE | an end leaves the count | the last to leave, or the next split | the ring is nobody's |
//!
//! # Progress and cost
//!
//! Wait-free but for the allocator. Within a block a push writes the slot and stores `write_pos`; a pop reads the slot
//! and looks at `write_pos` when it has used up what it saw of it. At the end of a block the producer takes one that
//! the consumer has emptied, up to [`SPARE_BLOCKS`](super::SPARE_BLOCKS) of which are kept, or allocates.

mod consumer;
mod producer;
mod raw;

use core::{fmt, marker::PhantomData, ptr::NonNull};

use raw::{Header, Raw};

pub use consumer::{Consumer, Drain};
pub use producer::Producer;

super::impl_ends!(Producer, Consumer);

use crate::{CapacityError, share::Home, sync::Ordering::Relaxed};

/// A ring whose header is a value, for the stack, a field or a `static`. Its blocks are on the heap.
///
/// An empty ring that was never used has none.
pub struct Ring<T> {
    header: Header,
    values: PhantomData<T>,
}

// SAFETY: a shared ring gives out its two ends once; each value moves through to one thread, hence `T: Send`.
unsafe impl<T: Send> Sync for Ring<T> {}
// SAFETY: the blocks belong to the ring, and with them the values in them, hence `T: Send`.
unsafe impl<T: Send> Send for Ring<T> {}

impl<T> Ring<T> {
    crate::sync::const_constructor! {
        /// An empty ring.
        #[must_use]
        pub fn new() -> Self {
            Self { header: Header::new(0), values: PhantomData }
        }
    }

    /// The two ends, for as long as the ring is borrowed. Values left by former ends are still there.
    pub fn split(&mut self) -> (Producer<'_, T>, Consumer<'_, T>) {
        self.ends(Home::Borrowed)
    }

    /// The two ends of a ring in a `static`; `None` while ends made before are alive.
    ///
    /// Values left by former ends are still there.
    #[must_use]
    pub fn split_static(&'static self) -> Option<(Producer<'static, T>, Consumer<'static, T>)> {
        let claimed = self.header.fixed.ends.claim(2);
        claimed.then(|| self.ends(Home::Static))
    }

    fn raw(&self) -> Raw<T> {
        // SAFETY: 1: the callers tie every end to a borrow of `self`, and all that is changed lies in cells. 2: the
        // header is this ring's.
        unsafe { Raw::new(NonNull::from(&self.header)) }
    }

    /// The caller makes sure that no other end is alive: by `&mut`, or by the count.
    fn ends(&self, home: Home) -> (Producer<'_, T>, Consumer<'_, T>) {
        let fixed = &self.header.fixed;
        // RELAXED: no end is alive; what makes these two reach their threads orders them.
        fixed.finished.store(0, Relaxed);
        fixed.refusing.store(0, Relaxed);
        let raw = self.raw();
        // SAFETY: 1: the ends carry the borrow of `self`. 2: no other end is alive.
        unsafe { (Producer::new(raw, home), Consumer::new(raw, home)) }
    }
}

impl<T> Default for Ring<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Drop for Ring<T> {
    fn drop(&mut self) {
        // SAFETY: a ring that can be dropped has no ends: they borrow it.
        unsafe { self.raw().clear() };
    }
}

impl<T> fmt::Debug for Ring<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring").finish_non_exhaustive()
    }
}

/// A ring that lies on the heap as a whole; its last end frees it.
///
/// # Errors
///
/// [`CapacityError::OutOfMemory`]: the allocator has no room for the header.
///
/// ```
/// use shared_nothing_rings::{TryPopError, unbounded::spsc};
///
/// let (mut tx, mut rx) = spsc::on_heap::<u64>()?;
/// let sum = std::thread::spawn(move || {
///     let mut sum = 0;
///     loop {
///         match rx.try_pop() {
///             Ok(value) => sum += value,
///             Err(TryPopError::Empty) => std::thread::yield_now(),
///             Err(TryPopError::Closed) => return sum,
///         }
///     }
/// });
/// assert!((1..=1000).all(|value| tx.try_push(value).is_ok()));
/// drop(tx);
/// assert_eq!(sum.join().unwrap(), 500_500);
/// # Ok::<(), shared_nothing_rings::CapacityError>(())
/// ```
pub fn on_heap<T>() -> Result<(Producer<'static, T>, Consumer<'static, T>), CapacityError> {
    on_heap_at(0)
}

/// [`on_heap`] whose positions begin at the last begin of a block before `start`, for tests at the wrap of `usize`.
///
/// # Errors
///
/// As [`on_heap`].
#[doc(hidden)]
pub fn on_heap_at<T>(
    start: usize,
) -> Result<(Producer<'static, T>, Consumer<'static, T>), CapacityError> {
    let raw = Raw::allocate(start)?;
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

/// An end goes. The last one of a heap ring cleans up.
///
/// # Safety
///
/// 1. The caller is an end that lives by `home` and never touches the ring again.
unsafe fn leave<T>(raw: Raw<T>, home: Home) {
    if home != Home::Borrowed && raw.header().fixed.ends.leave() && home == Home::Heap {
        // SAFETY: the last end; LEAVE orders what the others did before this. The ring came from `allocate`.
        unsafe { raw.deallocate() };
    }
}
