//! Where a call is: the word of its cell that the caller's shard may read while the cell is away.
//!
//! | phase | set by | means |
//! |---|---|---|
//! | `CALL` | home, when it makes the cell | on its way, or being served; the answer goes back by the lane |
//! | `WATCHED` | home, when it makes the cell | the same, but the home watches this word for the answer |
//! | `REPLY` | the holder, of a `CALL` | on its way back by a lane |
//! | `ANSWERED` | the holder, of a `WATCHED` | back: the home has it |
//!
//! The word lies in the line of the outcome. So the line that says that the answer is there brings it, where a lane would
//! have the line of its position come first, and then that of the cell.
#![forbid(unsafe_code)]

use crate::sync::{
    AtomicU16,
    Ordering::{Acquire, Relaxed, Release},
};

const CALL: u16 = 0;
const WATCHED: u16 = 1;
const REPLY: u16 = 2;
const ANSWERED: u16 = 3;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Phase(AtomicU16);

impl Phase {
    #[inline(always)]
    pub(super) fn new(is_watched: bool) -> Self {
        Self(AtomicU16::new(if is_watched { WATCHED } else { CALL }))
    }

    /// Whether the home watches: the holder says so by [`answer`](Self::answer) when it has done with the cell.
    #[inline(always)]
    pub(super) fn is_watched(&self) -> bool {
        // RELAXED: the holder's own word since the lane has brought it (PUBLISH).
        self.0.load(Relaxed) == WATCHED
    }

    /// The answer is there. The cell is its home's from now on.
    #[inline(always)]
    pub(super) fn answer(&self) {
        // ANSWER, release end: the outcome, and all else that the holder did with the cell.
        self.0.store(ANSWERED, Release);
    }

    #[inline(always)]
    pub(super) fn has_answer(&self) -> bool {
        // ANSWER, acquire end.
        self.0.load(Acquire) == ANSWERED
    }

    /// The cell is put into the lane back, behind this.
    #[inline(always)]
    pub(super) fn turn_back(&self) {
        // RELAXED: the lane carries it (PUBLISH).
        self.0.store(REPLY, Relaxed);
    }

    #[inline(always)]
    pub(super) fn is_reply(&self) -> bool {
        // RELAXED: the lane has brought it (PUBLISH).
        self.0.load(Relaxed) == REPLY
    }
}

#[cfg(all(test, loom))]
mod models {
    use std::sync::Arc;

    use loom::{cell::UnsafeCell, thread};

    use super::*;

    struct Cell {
        phase: Phase,
        outcome: UnsafeCell<()>,
        number: AtomicU16,
    }

    /// ANSWER. 2 threads: who sees that the answer is there has the cell, and finds what the holder left in it.
    #[test]
    fn an_answer_in_its_cell_meets_who_watches() {
        loom::model(|| {
            let cell = Arc::new(Cell {
                phase: Phase::new(true),
                outcome: UnsafeCell::new(()),
                number: AtomicU16::new(0),
            });
            let holder = Arc::clone(&cell);
            let other = thread::spawn(move || {
                assert!(holder.phase.is_watched() && !holder.phase.is_reply());
                // Loom fails if both have it at a time; what is written is a number of its own.
                holder.outcome.with_mut(|_| holder.number.store(7, Relaxed));
                holder.phase.answer();
            });
            while !cell.phase.has_answer() {
                thread::yield_now();
            }
            let number = cell.outcome.with_mut(|_| cell.number.load(Relaxed));
            assert_eq!(number, 7, "the answer is there before what it says");
            other.join().unwrap();
        });
    }
}
