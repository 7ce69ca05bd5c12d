//! One producer, one consumer, a stamp in each slot: the shortest way for one value.
//!
//! ```
//! use shared_nothing_rings::{TryPopError, TryPushError, stamped};
//!
//! static RING: stamped::Ring<u64, 2> = stamped::Ring::new();
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
//! This module also tells how [`mpsc`](crate::mpsc) and [`mpmc`](crate::mpmc) work: they are the same ring, whose
//! positions are claimed by many.
//!
//! # When to use it
//!
//! Between two threads, where what counts is how soon a value is seen: a question and its answer, a market tick. The
//! word that says that a value is there lies beside it, so one cache line brings both; an [`spsc`](crate::spsc) ring
//! moves two. That ring keeps its values side by side, in less memory, and lends slices of them: use it for batches and
//! streams.
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
//! - **I2** Positions are claimed in order on either side: where a side is many ends, by exchanges of one word; where
//!   it is one end, by that end's stores. `write_pos - read_pos` is at most `capacity`.
//! - **I3** The closed bit is set once and ends all claims of producers: after it, `write_pos` is final. Where there is
//!   one producer, it sets the bit itself, when it closes, goes, or pushes after the consumer has closed.
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
//! One look at the stamp and one store of it beside the value. An end that is alone on its side is wait-free: it keeps
//! its position by plain stores. Where many share a side, each claim is one exchange on the line of that side, and pushes
//! and pops are lock-free: an exchange fails only because that of another end on the same side succeeded; after a failure
//! an end pauses for a bounded number of steps, which grows with each failure. Neither side reads the other's line: the
//! stamps say all, and a poll of an empty ring touches no line that producers write but the slot's. Only a ring whose
//! capacity is no power of two also counts, by a copy of `read_pos` on the producers' line that is refreshed when it is
//! used up.
//!
//! # What differs from the source
//!
//! Vyukov, *Bounded MPMC queue*, 2010. Added: a capacity that is exact and may be 1 (there a slot of capacity 1 has the
//! same stamp written and free for the next lap), an exact close in the word that claims come from, places given up,
//! batches by one exchange at either end, and stamps that leave out the index, so that a new ring is all zeros.
//!
//! # Verification
//!
//! loom models of each edge, each with the outcomes that must be reached (`rings/tests/loom_stamped.rs`, `loom_mpsc.rs`,
//! `loom_mpmc.rs`); histories of real threads checked for linearizability with the words above
//! (`rings/tests/linear_mpmc.rs`); a model-based test from start positions at the wrap of `usize`
//! (`rings/tests/model.rs`); drop accounting and stress (`rings/tests/drops.rs`, `rings/tests/stress_mpmc.rs`).
//!
//! # References
//!
//! Vyukov, *Bounded MPMC queue*, 1024cores, 2010; for one end on each side, Giacomoni, Moseley, Vachharajani, *FastForward
//! for Efficient Pipeline Parallelism*, PPoPP 2008, whose flag is the value itself. Herlihy and Wing, *Linearizability: a correctness condition for
//! concurrent objects*, 1990.

mod consumer;
pub(crate) mod front;
mod grant;
pub(crate) mod header;
pub(crate) mod life;
pub(crate) mod place;
mod producer;
pub(crate) mod raw;
pub(crate) mod stamp;

pub use consumer::{Consumer, Drain};
pub use grant::Grant;
pub use producer::Producer;

crate::ends::impl_ends!(Producer, Consumer);
front::front!("stamped", "mut tx", one_producer: true);
