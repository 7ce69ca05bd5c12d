//! Messages that could not be handled, kept for somebody to look at.
//!
//! ```
//! use shared_nothing::{pool::supervise::{DeadLetter, DeadLetters}, stats::DropReason};
//!
//! let mut letters = DeadLetters::new(2);
//! for message in ["a", "b", "c"] {
//!     let pushed_out = letters.put(DeadLetter { message, reason: DropReason::Poison, worker: 0, at_ns: 7 });
//!     assert_eq!(pushed_out.map(|letter| letter.message), (message == "c").then_some("a"));
//! }
//! assert_eq!((letters.len(), letters.put_in(), letters.pushed_out()), (2, 3, 1));
//! let kept: Vec<_> = letters.take().map(|letter| letter.message).collect();
//! assert_eq!(kept, ["b", "c"]);
//! ```
//!
//! The number of letters is bounded: when there is no place, the oldest makes room. It is handed back and counted, so
//! that `put_in = taken + pushed_out + len` at all times. Memory is taken once, when it is made.
#![forbid(unsafe_code)]

use core::fmt;
use std::collections::VecDeque;

use crate::stats::DropReason;

/// A message, and why it was not handled.
#[derive(Clone, PartialEq, Eq)]
pub struct DeadLetter<M> {
    /// The message.
    pub message: M,
    /// Why.
    pub reason: DropReason,
    /// The worker that it was for.
    pub worker: usize,
    /// When, on the clock of whoever put it in.
    pub at_ns: u64,
}

impl<M> fmt::Debug for DeadLetter<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetter")
            .field("reason", &self.reason)
            .field("worker", &self.worker)
            .field("at_ns", &self.at_ns)
            .finish_non_exhaustive()
    }
}

/// The last so many dead letters.
#[derive(Clone)]
pub struct DeadLetters<M> {
    letters: VecDeque<DeadLetter<M>>,
    capacity: usize,
    put_in: u64,
    pushed_out: u64,
}

impl<M> DeadLetters<M> {
    /// A place for `capacity` letters. With 0 each is handed back at once, and counted.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            letters: VecDeque::with_capacity(capacity),
            capacity,
            put_in: 0,
            pushed_out: 0,
        }
    }

    /// Keeps a letter. Hands back the one that had to make room, if any had.
    pub fn put(&mut self, letter: DeadLetter<M>) -> Option<DeadLetter<M>> {
        self.put_in += 1;
        let pushed_out = if self.letters.len() < self.capacity {
            self.letters.push_back(letter);
            return None;
        } else if let Some(oldest) = self.letters.pop_front() {
            self.letters.push_back(letter);
            oldest
        } else {
            letter
        };
        self.pushed_out += 1;
        Some(pushed_out)
    }

    /// Takes all letters, the oldest first.
    pub fn take(&mut self) -> impl ExactSizeIterator<Item = DeadLetter<M>> + '_ {
        self.letters.drain(..)
    }

    /// Looks at all letters, the oldest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &DeadLetter<M>> {
        self.letters.iter()
    }

    /// How many letters are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.letters.len()
    }

    /// Whether none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.letters.is_empty()
    }

    /// How many letters may be kept.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many letters were ever put in.
    #[must_use]
    pub const fn put_in(&self) -> u64 {
        self.put_in
    }

    /// How many of them had to make room.
    #[must_use]
    pub const fn pushed_out(&self) -> u64 {
        self.pushed_out
    }
}

impl<M> fmt::Debug for DeadLetters<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetters")
            .field("len", &self.len())
            .field("capacity", &self.capacity)
            .field("put_in", &self.put_in)
            .field("pushed_out", &self.pushed_out)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;

    fn letter<M>(message: M) -> DeadLetter<M> {
        DeadLetter {
            message,
            reason: DropReason::Expired,
            worker: 3,
            at_ns: 5,
        }
    }

    #[test]
    fn h13_every_letter_is_kept_taken_or_handed_back() {
        for capacity in [0, 1, 2, 7] {
            let witness = Rc::new(());
            let mut letters = DeadLetters::new(capacity);
            let (mut taken, mut back) = (0, 0);
            for n in 0..50_u64 {
                back += u64::from(letters.put(letter(Rc::clone(&witness))).is_some());
                if n % 11 == 10 {
                    taken += letters.take().len() as u64;
                }
                assert!(letters.len() <= capacity);
                assert_eq!(letters.pushed_out(), back);
                assert_eq!(letters.put_in(), taken + back + letters.len() as u64);
                assert_eq!(Rc::strong_count(&witness), 1 + letters.len());
            }
        }
    }

    #[test]
    fn the_newest_are_kept_in_order() {
        let mut letters = DeadLetters::new(3);
        for n in 0..10 {
            letters.put(letter(n));
        }
        let kept: Vec<_> = letters.iter().map(|letter| letter.message).collect();
        assert_eq!(kept, [7, 8, 9]);
        assert!(!letters.is_empty());
        assert_eq!(letters.take().map(|letter| letter.message).sum::<i32>(), 24);
        assert!(letters.is_empty());
    }

    #[test]
    fn memory_is_taken_once() {
        let mut letters = DeadLetters::new(4);
        let room = letters.letters.capacity();
        for n in 0..100 {
            letters.put(letter(n));
        }
        assert_eq!(letters.letters.capacity(), room);
    }

    #[test]
    fn debug_shows_no_message() {
        struct Secret;
        let mut letters = DeadLetters::new(1);
        letters.put(letter(Secret));
        let texts = format!("{letters:?} {:?}", letters.iter().next());
        assert!(
            texts.contains("len: 1") && texts.contains("Expired"),
            "{texts}"
        );
    }
}
