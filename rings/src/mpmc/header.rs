//! What the ends share, and which of them may touch what.
//!
//! | field | written by | read by | when |
//! |---|---|---|---|
//! | `capacity`, `span`, `mask`, `rounded` | constructor | all | any time |
//! | `closed` | any end | consumers | after the closed bit; CLOSE |
//! | `write_pos` | producers, by exchange; any end, the closed bit | all | claims |
//! | `seen_read_pos` | producers | producers | what one of them saw of `read_pos`; rounded rings only |
//! | `read_pos` | consumers, by exchange | all | claims |
//! | stamp of a slot | the end that claimed the position | all | PUBLISH, VACATE |
//! | value of a slot | the end that [I1](super#invariants) gives it to | the same | |

use crossbeam_utils::CachePadded;

use super::stamp::{CLOSED, STEP};
use crate::{
    share::Ends,
    slot::{Slot, Watch},
    sync::{
        AtomicUsize,
        Ordering::{Acquire, Relaxed, Release},
        const_constructor,
    },
};

/// One line that nobody writes in steady state, one for all producers, one for all consumers.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Header {
    pub(super) fixed: CachePadded<Fixed>,
    pub(super) producers: CachePadded<ProducersLine>,
    pub(super) consumers: CachePadded<ConsumersLine>,
}

#[derive(Debug)]
pub(super) struct Fixed {
    pub(super) capacity: usize,
    /// How far `write_pos` may be ahead of `read_pos`: the capacity in steps.
    pub(super) span: usize,
    pub(super) mask: usize,
    /// Whether there are more slots than may be used, so that stamps alone do not keep to the capacity.
    pub(super) rounded: bool,
    /// Not 0 once the closed bit is set. Consumers look here, and leave the producers' line alone.
    pub(super) closed: AtomicUsize,
    /// Living producers. The last one closes the ring.
    pub(super) producers: Ends,
    /// Living consumers. The last one closes the ring.
    pub(super) consumers: Ends,
    /// The producers as one, and the consumers as one.
    pub(super) ends: Ends,
    pub(super) watch: Watch,
}

#[derive(Debug)]
pub(super) struct ProducersLine {
    pub(super) write_pos: AtomicUsize,
    pub(super) seen_read_pos: AtomicUsize,
}

#[derive(Debug)]
pub(super) struct ConsumersLine {
    pub(super) read_pos: AtomicUsize,
}

/// A slot and the word that says what is in it, side by side: one line brings both.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Cell<T> {
    pub(super) stamp: AtomicUsize,
    pub(super) slot: Slot<T>,
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
        pub(super) fn new(capacity: usize, slots: usize, start: usize) -> Self {
            Self {
                fixed: CachePadded::new(Fixed {
                    capacity,
                    span: capacity * STEP,
                    mask: slots - 1,
                    rounded: capacity != slots,
                    closed: AtomicUsize::new(0),
                    producers: Ends::none(),
                    consumers: Ends::none(),
                    ends: Ends::none(),
                    watch: Watch::new(slots),
                }),
                producers: CachePadded::new(ProducersLine {
                    write_pos: AtomicUsize::new(start),
                    seen_read_pos: AtomicUsize::new(start),
                }),
                consumers: CachePadded::new(ConsumersLine { read_pos: AtomicUsize::new(start) }),
            }
        }
    }

    /// Ends all claims of producers. Nobody can come between the last claim and this: both are in one word.
    pub(super) fn close(&self) {
        // RELAXED: the bit stops producers, who get nothing with it; for consumers the line below follows.
        self.producers.write_pos.fetch_or(CLOSED, Relaxed);
        // CLOSE, release end: whoever sees this also sees the bit, and what this end did before.
        self.fixed.closed.store(1, Release);
    }

    /// Whether this ring is closed, as a consumer sees it.
    #[inline]
    pub(super) fn is_closed(&self) -> bool {
        // CLOSE, acquire end: the bit is set, and what the closing end did before is seen.
        self.fixed.closed.load(Acquire) != 0
    }

    pub(super) fn len(&self) -> usize {
        // RELAXED: a count; nothing is read by it. The two loads are not of one moment, hence the clamps.
        let read_pos = self.consumers.read_pos.load(Relaxed);
        let write_pos = self.producers.write_pos.load(Relaxed) & !CLOSED;
        let distance = write_pos.wrapping_sub(read_pos) as isize;
        (distance.max(0) as usize / STEP).min(self.fixed.capacity)
    }
}

impl<T> Cell<T> {
    const_constructor! {
        pub(super) fn new(stamp: usize) -> Self {
            Self { stamp: AtomicUsize::new(stamp), slot: Slot::new() }
        }
    }
}
