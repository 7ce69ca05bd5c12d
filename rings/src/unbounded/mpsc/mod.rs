//! Many producers, one consumer, one order for all, no limit but memory.
//!
//! ```
//! use shared_nothing_rings::{TryPopError, unbounded::mpsc};
//!
//! static RING: mpsc::Ring<u64> = mpsc::Ring::new();
//!
//! let (tx, mut rx) = RING.split_static().expect("nobody has split it before");
//! let tx2 = tx.clone();
//! for value in 0..1000 {
//!     assert_eq!((tx.try_push(2 * value), tx2.try_push(2 * value + 1)), (Ok(()), Ok(())));
//! }
//! assert!(rx.drain(usize::MAX).eq(0..2000));
//! assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
//! ```
//!
//! # Picture
//!
//! ```text
//!           ┌──────┬──────┬──────┐      ┌──────┬──────┬──────┐
//!     value │      │  b   │  ?   │ ───► │  d   │      │      │    c is claimed and not yet written: the
//!     stamp │      │  w   │      │      │  w   │      │      │    consumer gets b, then finds the ring
//!           └──────┴──────┴──────┘      └──────┴──────┴──────┘    empty until c is there
//!                   ▲ own_pos                    ▲ write_pos, and the closed bit
//!                                         ▲ tail
//! ```
//!
//! # Invariants
//!
//! Blocks are numbered by the positions that they hold. Let *n* be the block of `write_pos`.
//!
//! - **I1** A position is claimed by one producer, which stamps it once. A claimed slot is empty and its claimer's until
//!   then; stamped, it is full and the consumer's.
//! - **I2** `tail` is block *n* or, when `write_pos` is the first position of *n*, perhaps still the block before. A
//!   position is claimed only by who has seen its block as `tail`, and `write_pos` unchanged since before that look.
//! - **I3** A block is used by claimers until they stamp, by the producer that put the next one behind it until it
//!   links that, and by the consumer until it takes the first value behind it. The last of these comes after all the
//!   others, and then the block is the consumer's alone.
//! - **I4** The closed bit is set once and ends all claims: after it, `write_pos` is final.
//!
//! # Why no block is touched too late
//!
//! A producer finds its block by `tail` *before* it claims, but follows the pointer only *after* the claim has
//! succeeded. Success means that `write_pos` had not moved, so the position was unclaimed until then and its block
//! cannot have been left by the consumer; from then on the claim keeps it. Whether `tail` was that block is told without
//! following it: the pointer carries the low bits of the block's number, which by I2 can only be *n* or the one before.
//!
//! A producer that finds the block before puts a new one there by an exchange of `tail`. The one that succeeds alone
//! links the two; the consumer cannot leave the former until then. An exchange could succeed wrongly if the former tail
//! was emptied, and the same memory became the tail once more, between look and exchange. So producers that add a block
//! count themselves in `growing`, and the consumer keeps emptied blocks to itself while that is not 0 (GROW). If a
//! producer counts itself after the consumer has looked, it also sees a `tail` beyond what the consumer gave back.
//!
//! # Edges
//!
//! | edge | release end | acquire end | carries |
//! |---|---|---|---|
//! | PUBLISH | producer stores the stamp | consumer loads it | the value is written |
//! | CLAIM | producer claims a position | the next producer loads `write_pos` | what was seen of `tail` |
//! | TAIL | producer exchanges `tail` | any producer loads it | the block is prepared, all before it claimed |
//! | LINK | that producer stores the link | consumer loads it | the block is prepared, the one before left |
//! | GROW | a producer leaves `growing`; consumer looks | consumer looks; a producer joins | nobody compares old blocks |
//! | SPARE | an end keeps an empty block | a producer takes it | nobody uses it any more |
//! | CLOSE | an end sets the closed bit | consumer loads it | what that end did before |
//! | LEAVE | an end leaves a count | the last to leave, or the next split | the ring is nobody's |
//!
//! # Progress and cost
//!
//! A push is lock-free but for the allocator: one exchange on the producers' line, one store beside the value. At the
//! end of a block several producers may each bring a new one; one is used and the others go back to the pool. A pop
//! reads the stamp and moves the value; once a block it has a read-modify-write. It never waits for a producer that was
//! stopped in the middle of a push, nor for one that was stopped before it linked a block: the ring seems
//! [`Empty`](crate::TryPopError::Empty) then, also if later pushes have returned.
//!
//! A producer that is stopped while it adds a block stops nobody from pushing or popping, but emptied blocks are kept
//! aside until it goes on: memory then grows with what passes through, not with what is in the ring.

mod consumer;
mod life;
mod producer;
mod raw;
mod stamp;

use core::{fmt, marker::PhantomData, ptr::NonNull};

use raw::{Header, Raw};

pub use consumer::{Consumer, Drain};
pub use producer::Producer;

super::impl_ends!(Producer, Consumer);

use crate::{CapacityError, share::Home, sync::Ordering::Relaxed};
use stamp::CLOSED;

/// A ring whose header is a value, for the stack, a field or a `static`. Its blocks are on the heap.
///
/// An empty ring that was never used has none.
pub struct Ring<T> {
    header: Header,
    values: PhantomData<T>,
}

// SAFETY: a shared ring gives out one consumer; each value moves through to its thread, hence `T: Send`.
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

    /// A producer, to be cloned, and the consumer, for as long as the ring is borrowed. Values left by former ends are still there.
    pub fn split(&mut self) -> (Producer<'_, T>, Consumer<'_, T>) {
        self.ends(Home::Borrowed)
    }

    /// The ends of a ring in a `static`; `None` while ends made before are alive.
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
        let line = &self.header.producers;
        // RELAXED: no end is alive; what makes these two reach their threads orders it.
        line.write_pos.fetch_and(!CLOSED, Relaxed);
        self.header.fixed.producers.restart(1);
        let raw = self.raw();
        // SAFETY: 1: the ends carry the borrow of `self`. 2: no other end is alive, and the producer is counted.
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
/// use shared_nothing_rings::{TryPopError, unbounded::mpsc};
///
/// let (tx, mut rx) = mpsc::on_heap::<u64>()?;
/// for tx in [tx.clone(), tx] {
///     std::thread::spawn(move || assert!((1..=1000).all(|value| tx.try_push(value).is_ok())));
/// }
/// let mut sum = 0;
/// loop {
///     match rx.try_pop() {
///         Ok(value) => sum += value,
///         Err(TryPopError::Empty) => std::thread::yield_now(),
///         Err(TryPopError::Closed) => break,
///     }
/// }
/// assert_eq!(sum, 2 * 500_500);
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

/// The consumer, or the last producer, goes. The last of the two cleans up a heap ring.
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
