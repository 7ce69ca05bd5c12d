//! Steps that a test may take with a ring, replayed on the ring and on a model; whoever disagrees panics.
//!
//! `model.rs` draws the steps from proptest, the fuzz targets from bytes. One thread takes all of them, so the model
//! knows every answer exactly. Values carry a counted token: at the end each was dropped once.

#![allow(
    clippy::forget_non_drop,
    reason = "whether a drain has something to drop is its own affair"
)]

pub(crate) mod lanes;
pub(crate) mod mpmc;
pub(crate) mod mpsc;
pub(crate) mod spsc;
pub(crate) mod stamped;

use std::rc::Rc;

/// One step. Small numbers are taken modulo what makes sense where they are used.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Op {
    /// Pushes one value.
    Push,
    /// Pushes from a source that says it has `says` values and gives `has`.
    PushIter { says: u8, has: u8 },
    /// Pops one value.
    Pop,
    /// Takes `take` values of a drain of `max`, perhaps pushes one meanwhile, and drops or forgets the drain.
    Drain {
        max: u8,
        take: u8,
        push: bool,
        forget: bool,
    },
    /// The producer closes: by leaving where there is one, in place where there are many.
    CloseTx,
    /// The consumer closes and stays.
    CloseRx,
    /// Reserves `want`, writes and commits `commit` of it in place. As the next, only where there is one producer.
    Commit { want: u8, commit: u8 },
    /// Peeks at `max` and consumes `consume` of it in place.
    Consume { max: u8, consume: u8 },
    /// One more producer, or consumer where there may be many. As all below, only where there may be many.
    Clone,
    /// A producer leaves, or a consumer where there may be many.
    Leave { which: u8 },
    /// Claims places, to be filled later.
    Reserve { want: u8 },
    /// Fills the next place of an open grant.
    Fill { which: u8 },
    /// Drops an open grant.
    GiveUp { which: u8 },
}

/// The ring to be used and how it ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) capacity: usize,
    /// Where positions begin.
    pub(crate) start: usize,
    /// Whether grants can be made. They keep a producer alive, so the ring does not close by leaving.
    pub(crate) grants: bool,
    /// Whether the consumer is the last to go.
    pub(crate) consumer_last: bool,
}

/// A value that is equal to others of its number, and counted.
#[derive(Debug)]
pub(crate) struct Value {
    number: u32,
    _token: Rc<()>,
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

/// Makes values and sees that none is left.
pub(crate) struct Mint {
    next: u32,
    token: Rc<()>,
}

impl Mint {
    fn new() -> Self {
        Self {
            next: 0,
            token: Rc::new(()),
        }
    }

    /// The number that the next value will have.
    fn peek(&self) -> u32 {
        self.next
    }

    fn coin(&mut self) -> Value {
        self.next += 1;
        Value {
            number: self.next - 1,
            _token: Rc::clone(&self.token),
        }
    }

    fn assert_all_dropped(&self) {
        assert_eq!(
            Rc::strong_count(&self.token),
            1,
            "dropped too seldom, or twice"
        );
    }
}

/// A source that may lie about how much it has.
struct Source {
    says: usize,
    has: std::vec::IntoIter<Value>,
}

impl Source {
    fn new(mint: &mut Mint, says: u8, has: u8) -> Self {
        let has: Vec<_> = (0..has).map(|_| mint.coin()).collect();
        Self {
            says: usize::from(says),
            has: has.into_iter(),
        }
    }
}

impl Iterator for Source {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        self.has.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.says, Some(self.says))
    }
}

impl ExactSizeIterator for Source {}
