//! What the ends share, and which of them may touch what.
//!
//! | field | written by | read by | when |
//! |---|---|---|---|
//! | `capacity`, `span`, `mask`, `rounded` | constructor | all | any time |
//! | `keeper` | constructor | the last end | when it is the last |
//! | `closed` | the end that sets the closed bit | consumers | after the bit; CLOSE |
//! | `refusing` | any end | the one producer | when the ring is to be closed; rings of one producer only |
//! | `write_pos` | one producer; or many by exchange, and any end the closed bit | all | claims |
//! | `seen_read_pos` | producers | producers | what one of them saw of `read_pos`; rounded rings only |
//! | `read_pos` | one consumer; or many by exchange | all | claims |
//! | stamp of a slot | the end that claimed the position | all | PUBLISH, VACATE |
//! | value of a slot | the end that [I1](super#invariants) gives it to | the same | |

use crossbeam_utils::CachePadded;

#[cfg(feature = "alloc")]
use crate::storage::owned::Keeper;

use super::stamp::{CLOSED, STEP, mask_of, places};
use crate::{
    share::Ends,
    slot::{Slot, Watch},
    sync::{
        AtomicUsize,
        Ordering::{Acquire, Relaxed, Release},
        Position, const_constructor,
    },
};

/// One line that nobody writes in steady state, one for all producers, one for all consumers.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Header {
    pub(crate) fixed: CachePadded<Fixed>,
    pub(crate) producers: CachePadded<ProducersLine>,
    pub(crate) consumers: CachePadded<ConsumersLine>,
}

#[derive(Debug)]
pub(crate) struct Fixed {
    pub(crate) capacity: usize,
    /// How far `write_pos` may be ahead of `read_pos`: the capacity in steps.
    pub(crate) span: usize,
    /// The bits of a position that say which slot.
    pub(crate) mask: usize,
    /// Whether there are more slots than may be used, so that stamps alone do not keep to the capacity.
    pub(crate) rounded: bool,
    /// Whether there is one producer only, which stores `write_pos` and never exchanges it.
    pub(crate) one_producer: bool,
    /// Not 0 once the closed bit is set. Consumers look here, and leave the producers' line alone.
    pub(crate) closed: AtomicUsize,
    /// Not 0 when the one producer is to push no more: the consumer has closed the ring, or it has itself.
    pub(crate) refusing: AtomicUsize,
    /// Living producers. The last one closes the ring.
    pub(crate) producers: Ends,
    /// Living consumers. The last one closes the ring.
    pub(crate) consumers: Ends,
    /// The producers as one, and the consumers as one.
    pub(crate) ends: Ends,
    /// Owns the memory, if the ring has any that is neither the allocator's nor borrowed.
    #[cfg(feature = "alloc")]
    pub(crate) keeper: Keeper,
    pub(crate) watch: Watch,
}

#[derive(Debug)]
pub(crate) struct ProducersLine {
    pub(crate) write_pos: Position,
    pub(crate) seen_read_pos: AtomicUsize,
}

#[derive(Debug)]
pub(crate) struct ConsumersLine {
    pub(crate) read_pos: Position,
}

/// A slot and the word that says what is in it, side by side: one line brings both.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Cell<T> {
    pub(crate) stamp: AtomicUsize,
    pub(crate) slot: Slot<T>,
}

static_assertions::const_assert!(align_of::<Header>() >= 32);
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
static_assertions::const_assert_eq!(align_of::<Header>(), 128);
#[cfg(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(loom)))]
static_assertions::const_assert_eq!(size_of::<Header>(), 3 * 128);
#[cfg(not(loom))]
static_assertions::const_assert_eq!(size_of::<Cell<usize>>(), 2 * size_of::<usize>());

impl Header {
    const_constructor! {
        /// An empty ring whose positions begin at `start`.
        pub(crate) fn new(capacity: usize, slots: usize, start: usize, one_producer: bool) -> Self {
            Self {
                fixed: CachePadded::new(Fixed {
                    capacity,
                    span: capacity * STEP,
                    mask: mask_of(slots),
                    rounded: capacity != slots,
                    one_producer,
                    closed: AtomicUsize::new(0),
                    refusing: AtomicUsize::new(0),
                    producers: Ends::none(),
                    consumers: Ends::none(),
                    ends: Ends::none(),
                    #[cfg(feature = "alloc")]
                    keeper: Keeper::none(),
                    watch: Watch::new(slots),
                }),
                producers: CachePadded::new(ProducersLine {
                    write_pos: Position::new(start),
                    seen_read_pos: AtomicUsize::new(start),
                }),
                consumers: CachePadded::new(ConsumersLine { read_pos: Position::new(start) }),
            }
        }
    }

    /// Ends all claims of producers. Nobody can come between the last claim and this: both are in one word.
    ///
    /// Where there is one producer, that one has to end its claims itself: it is told, and does so when it pushes next
    /// or goes.
    pub(crate) fn close(&self) {
        if self.fixed.one_producer {
            // RELAXED: no data comes with the flag; a producer that is told later pushes a little longer.
            self.fixed.refusing.store(1, Relaxed);
        } else {
            // RELAXED: the bit stops producers, who get nothing with it; for consumers the line below follows.
            self.producers.write_pos.shared().fetch_or(CLOSED, Relaxed);
            self.say_closed();
        }
    }

    /// Ends the claims of the one producer.
    ///
    /// # Safety
    ///
    /// 1. The caller is the one producer.
    pub(crate) unsafe fn finish(&self) {
        self.close();
        let write_pos = &self.producers.write_pos;
        // SAFETY: duty 1: nobody else stores it.
        let end = unsafe { write_pos.own() } | CLOSED;
        // SAFETY: as above. RELAXED: for consumers the line below follows.
        unsafe { write_pos.store(end, Relaxed) };
        self.say_closed();
    }

    fn say_closed(&self) {
        // CLOSE, release end: whoever sees this also sees the bit, and what this end did before.
        self.fixed.closed.store(1, Release);
    }

    /// Whether the ring is closed for producers, as one of them sees it.
    #[inline(always)]
    pub(crate) fn refuses(&self) -> bool {
        if self.fixed.one_producer {
            self.is_refusing()
        } else {
            // RELAXED: no data comes with the bit to a producer.
            self.producers.write_pos.load(Relaxed) & CLOSED != 0
        }
    }

    /// Whether the one producer is to push no more.
    #[inline(always)]
    pub(crate) fn is_refusing(&self) -> bool {
        // RELAXED: a producer that is told later pushes a little longer; no data comes with the flag.
        self.fixed.refusing.load(Relaxed) != 0
    }

    /// Opens a ring whose ends are gone.
    ///
    /// # Safety
    ///
    /// 1. No end is alive, and what they did happened before this call.
    pub(crate) unsafe fn reopen(&self) {
        let Self {
            fixed, producers, ..
        } = self;
        // RELAXED: no end is alive; what makes the next ones reach their threads orders it.
        let end = producers.write_pos.load(Relaxed) & !CLOSED;
        // SAFETY: duty 1. RELAXED: as above.
        unsafe { producers.write_pos.store(end, Relaxed) };
        // RELAXED: as above.
        fixed.closed.store(0, Relaxed);
        fixed.refusing.store(0, Relaxed);
        fixed.producers.restart(1);
        fixed.consumers.restart(1);
    }

    /// Whether this ring is closed, as a consumer sees it.
    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        // CLOSE, acquire end: the bit is set, and what the closing end did before is seen.
        self.fixed.closed.load(Acquire) != 0
    }

    pub(crate) fn len(&self) -> usize {
        // RELAXED: a count; nothing is read by it. The two loads are not of one moment, hence the clamps.
        let read_pos = self.consumers.read_pos.load(Relaxed);
        let write_pos = self.producers.write_pos.load(Relaxed) & !CLOSED;
        let distance = write_pos.wrapping_sub(read_pos) as isize;
        (distance.max(0) as usize / STEP).min(self.fixed.capacity)
    }

    /// How many positions were claimed by producers in the life of the ring; it wraps at `usize::MAX / STEP`.
    pub(crate) fn claimed(&self) -> usize {
        // RELAXED: a count; nothing is read by it.
        places(self.producers.write_pos.load(Relaxed) & !CLOSED, 0)
    }
}

impl<T> Cell<T> {
    const_constructor! {
        pub(crate) fn new(stamp: usize) -> Self {
            Self { stamp: AtomicUsize::new(stamp), slot: Slot::new() }
        }
    }
}

/// The cells of a ring that nothing was written to, as a value.
#[cfg(not(loom))]
pub(crate) const fn empty_cells<T, const N: usize>() -> [Cell<T>; N] {
    [const { Cell::new(0) }; N]
}

/// The cells of a ring that nothing was written to, as a value.
#[cfg(loom)]
pub(crate) fn empty_cells<T, const N: usize>() -> [Cell<T>; N] {
    core::array::from_fn(|_| Cell::new(0))
}
