//! Counts of what goes through a ring: sent, received, refused, and how full it ever was.
//!
//! ```
//! use shared_nothing_rings::{ends::{PopEnd, PushEnd}, spsc, stats::{self, Stats}};
//!
//! static STATS: Stats<2> = Stats::new(); // a line for each end
//!
//! let (mut tx, mut rx) = stats::count(spsc::with_capacity(2)?, &STATS);
//! assert!(tx.try_push("a").is_ok() && tx.try_push("b").is_ok());
//! assert!(tx.try_push("c").is_err());
//! assert_eq!(rx.try_pop(), Ok("a"));
//!
//! let counts = STATS.read(); // on any thread
//! assert_eq!((counts.sent, counts.received, counts.len_max), (2, 1, 2));
//! assert_eq!((counts.refused_full, counts.refused_closed), (1, 0));
//! # Ok::<(), shared_nothing_rings::CapacityError>(())
//! ```
//!
//! # When to use it
//!
//! To size a ring, to see who refuses work, to watch a queue from a metrics thread. The rings know nothing of it: an end
//! that is not wrapped runs the same code with the feature as without. A counted end is an end like any other, for a
//! [`channel`](crate::channel) too: there every look of a sender that waits counts as a try.
//!
//! # Where counts are
//!
//! Each end takes a cache line of its own from [`Stats`] and gives it back when it is dropped; the next end goes on with
//! the counts that it finds. Should there be more ends at a time than lines, the ends beyond them share one more line.
//!
//! ```text
//!   Stats<2>   ┌─────────────────┐┌─────────────────┐┌─────────────────┐┌───────────┐
//!              │ of one producer ││ of the consumer ││ of the rest     ││ producers │
//!              └─────────────────┘└─────────────────┘└─────────────────┘└───────────┘
//! ```
//!
//! # What the counts mean
//!
//! - `sent` and `received` are exact once the ends are at rest, whatever panicked. While they run, a reader sees each
//!   count up to a call late, and the lines one after the other: `received` may be ahead of `sent`.
//! - `refused_full` and `refused_closed` count tries, of one value or of a batch. A push that memory ran out for was
//!   refused as full.
//! - `len_max` is the greatest number of values that a producer saw in the ring, and so never more than its `len`
//!   says. It can be too low, because a producer does not look at each push:
//!   - of one producer it is too low by at most a sixteenth of the capacity, and by 63 at most. A ring of less than 16
//!     slots is measured exactly;
//!   - of several producers of one ring, by as much for each of them, since none knows of the pushes of the others
//!     between its looks. In the first 63 pushes of an end after another was made beside it, that end may miss as many,
//!     and so may it always beside ends that are not counted;
//!   - of [`lanes`](crate::lanes) it is the fullest lane.
//! - Counts are of [`usize`] and wrap: on a 32-bit machine, take differences.
//!
//! # Cost
//!
//! A push or pop that goes through costs a load and a store more, of a line that the end has to itself: no
//! read-modify-write, no fence, and nothing that another CPU waits for. A push counts down to its next look besides. A
//! look reads what `len` reads: the line that the consumer writes. It comes at most once in as many pushes as the
//! sixteenth above, so with 1024 slots or more at every 64th; of a small ring that stays at its mark, at every push. A
//! push that is refused as full always looks, at a line that it has just read.
//!
//! Ends beyond the lines pay for a read-modify-write of a line that they contend for: give as many lines as there are
//! ends at a time. Reading the counts takes the lines from their ends for a moment: what nobody reads costs nothing
//! more than the above.
//!
//! # Verification
//!
//! All accesses to counts are relaxed, and no value is read by what they say. The one order that is needed, from the
//! last count of an end to the first of the end that takes its line over, is that of the count of ends that rings use
//! (`share.rs`), modelled in `rings/tests/loom_stats.rs`. `rings/tests/stats.rs` counts exactly, on one thread and many,
//! and every counted end passes the contract of its ring.

mod consumer;
mod grant;
mod line;
mod producer;

use core::fmt;

pub use consumer::Consumer;
use line::{Line, Lines};
pub use producer::Producer;

use crate::{
    ends::{PopEnd, PushEnd},
    sync::AtomicUsize,
};

/// Counts of a ring, or of some together: a cache line for each of up to `ENDS` ends, and one for all further ends.
pub struct Stats<const ENDS: usize> {
    own: [Line; ENDS],
    rest: Line,
    producers: AtomicUsize,
}

impl<const ENDS: usize> Stats<ENDS> {
    crate::sync::const_constructor! {
        /// All counts at 0.
        #[must_use]
        pub fn new() -> Self {
            Self {
                #[cfg(not(loom))]
                own: [const { Line::new() }; ENDS],
                #[cfg(loom)]
                own: core::array::from_fn(|_| Line::new()),
                rest: Line::new(),
                producers: AtomicUsize::new(0),
            }
        }
    }

    /// The counts of all ends together, those that are gone too.
    ///
    /// Wait-free; one line for each end is read.
    #[must_use]
    pub fn read(&self) -> Counts {
        let mut sum = Counts::default();
        for line in self.own.iter().chain([&self.rest]) {
            line.add_to(&mut sum);
        }
        sum
    }
}

impl<const ENDS: usize> Default for Stats<ENDS> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const ENDS: usize> fmt::Debug for Stats<ENDS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stats").field(&self.read()).finish()
    }
}

/// What was counted. The module says how exact each number is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Values pushed.
    pub sent: usize,
    /// Values popped.
    pub received: usize,
    /// Pushes and claims that were refused because the ring was full.
    pub refused_full: usize,
    /// Pushes and claims that were refused because the ring was closed.
    pub refused_closed: usize,
    /// The greatest number of values that a producer saw in the ring.
    pub len_max: usize,
}

/// Shared counts: by reference, or by count.
pub trait StatsRef: Clone {
    /// The lines.
    #[doc(hidden)]
    fn lines(&self) -> Lines<'_>;
}

impl<const ENDS: usize> StatsRef for &Stats<ENDS> {
    #[inline(always)]
    fn lines(&self) -> Lines<'_> {
        Lines {
            own: &self.own,
            rest: &self.rest,
            producers: &self.producers,
        }
    }
}

#[cfg(feature = "alloc")]
impl<const ENDS: usize> StatsRef for alloc::sync::Arc<Stats<ENDS>> {
    #[inline(always)]
    fn lines(&self) -> Lines<'_> {
        Lines {
            own: &self.own,
            rest: &self.rest,
            producers: &self.producers,
        }
    }
}

/// Counts what both ends of a ring do from now on.
///
/// Where there are more ends than two, wrap each: [`Producer::new`], [`Consumer::new`].
///
/// ```
/// use std::{sync::Arc, thread};
/// use shared_nothing_rings::{channel::{self, Bells}, mpsc, stats::{self, Stats}, wait::Doorbell};
///
/// let stats = Arc::new(Stats::<4>::new());
/// let ends = stats::count(mpsc::with_capacity::<u32>(64)?, Arc::clone(&stats));
/// let bells = Arc::new(Bells::new(Doorbell::new(), Doorbell::new()));
/// let (tx, mut rx) = channel::join(ends, bells);
/// for id in 0..3 {
///     let mut tx = tx.clone();
///     thread::spawn(move || tx.send(id).expect("the receiver is there"));
/// }
/// drop(tx);
/// assert_eq!(rx.iter().count(), 3);
/// drop(rx);
/// assert_eq!(stats.read().received, 3);
/// # Ok::<(), shared_nothing_rings::CapacityError>(())
/// ```
#[must_use]
pub fn count<P, C, S>(ends: (P, C), stats: S) -> (Producer<P, S>, Consumer<C, S>)
where
    P: PushEnd,
    C: PopEnd<Item = P::Item>,
    S: StatsRef,
{
    (
        Producer::new(ends.0, stats.clone()),
        Consumer::new(ends.1, stats),
    )
}
