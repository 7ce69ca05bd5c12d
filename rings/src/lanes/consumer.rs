//! The reading end of all lanes.

use core::{fmt, iter::FusedIterator, marker::PhantomData, mem::ManuallyDrop};

use super::{
    dirty::{WORD_BITS, round},
    raw::{ConsumerLine, Raw},
};
use crate::{
    TryPopError,
    pos::{advance, distance},
    share::Home,
    spsc,
    sync::Ordering::{Acquire, Relaxed},
};

/// How many values of one lane are taken before the others have their turn.
///
/// With each turn the consumer looks at the news and at the position of the next lane, two lines that others write: a
/// long turn spreads them over more values, and keeps another lane waiting for as many.
pub(super) const TURN: usize = if cfg!(any(loom, shuttle)) { 2 } else { 128 };

/// How many looks in a row must find a lane empty before its bit is cleared.
///
/// A producer that is busy with other things for a moment then keeps its lease; and a bit that was cleared costs the
/// next push, and the consumer, a line that both write.
const PATIENCE: usize = if cfg!(any(loom, shuttle)) { 1 } else { 64 };

/// The consumer of one lane, which lives as long as that of all.
type Lane<'a, T> = ManuallyDrop<spsc::Consumer<'a, T>>;

/// The reading end of all lanes.
///
/// It may move to another thread, but only one thread at a time can use it: it is `Send` and not `Sync`, its methods
/// take `&mut self`, and it cannot be cloned. Dropping it closes all lanes; values still in them are dropped with the
/// ring, or are there again when it is split anew.
///
/// It is a pointer: where it lies, and what lies beside it, costs nothing (no *false sharing*).
pub struct Consumer<'a, T> {
    raw: Raw<T>,
    home: Home,
    ring: PhantomData<&'a ()>,
}

// SAFETY: values come from the producers' threads, hence `T: Send`. What is this end's own moves with it.
unsafe impl<T: Send> Send for Consumer<'_, T> {}

impl<'a, T> Consumer<'a, T> {
    /// # Safety
    ///
    /// 1. The lanes live for `'a`, or by `home` until their last end is gone.
    /// 2. This is the only consumer.
    pub(super) const unsafe fn new(raw: Raw<T>, home: Home) -> Self {
        Self {
            raw,
            home,
            ring: PhantomData,
        }
    }

    /// Takes the next value of the lane whose turn it is, or returns at once.
    ///
    /// Values of one lane come in the order of its pushes. A lane gives at most 128 values in a row while another has
    /// some.
    ///
    /// Ends after one look at each lane that has news (two, when all producers are gone). No read-modify-write but when
    /// a lane that was empty 64 times is let go.
    ///
    /// # Errors
    ///
    /// - [`Empty`](TryPopError::Empty): nothing to take now.
    /// - [`Closed`](TryPopError::Closed): all producers are gone or closed, and everything they pushed was taken.
    ///
    /// ```
    /// use shared_nothing_rings::{TryPopError, lanes};
    ///
    /// let mut ring = lanes::Ring::<u32, 2, 4>::new();
    /// let ([mut a, b], mut rx) = ring.split();
    /// assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
    /// assert!(a.try_push(1).is_ok());
    /// drop((a, b));
    /// assert_eq!(rx.try_pop(), Ok(1));
    /// assert_eq!(rx.try_pop(), Err(TryPopError::Closed));
    /// ```
    #[inline]
    pub fn try_pop(&mut self) -> Result<T, TryPopError> {
        let mut lane = self.lane_with_a_value::<false>()?;
        let pos = lane.own_pos();
        // SAFETY: ours and full by I1 of the lane: a value was seen there, and `&mut self` is the one consumer.
        let value = unsafe { lane.raw().take(pos) };
        lane.vacate(advance(pos, 1));
        Ok(value)
    }

    /// An iterator that takes up to `max` values, as long as there is one; the slots of a lane are given back together
    /// when the lane's turn is over, or when the iterator is dropped.
    ///
    /// Dropping it early leaves the rest. Forgetting it (`mem::forget`) only keeps the slots it has emptied from their
    /// producer until this end finds that lane empty or takes from it again.
    pub fn drain(&mut self, max: usize) -> Drain<'_, 'a, T> {
        self.settle(self.current());
        Drain {
            consumer: self,
            left: max,
        }
    }

    /// How many lanes there are.
    #[must_use]
    pub fn lanes(&self) -> usize {
        self.raw.header().fixed.lanes
    }

    /// How many lanes an idle poll looks at: those with news, and those whose producers fell silent in the middle of
    /// a burst. See [`Producer::end_burst`](super::Producer::end_burst).
    #[must_use]
    pub fn dirty_lanes(&self) -> usize {
        let words = 0..self.lanes().div_ceil(WORD_BITS);
        let bits = words.map(|word| self.raw.header().news.dirty.word(word).count_ones());
        bits.sum::<u32>() as usize
    }

    /// How many values all lanes together hold at most.
    #[must_use]
    pub fn capacity(&self) -> usize {
        // At most the bytes of the lanes, unless they have none.
        self.lane(0).capacity().saturating_mul(self.lanes())
    }

    /// How many values are in all lanes: a lower bound, since producers may add some at any moment.
    ///
    /// Looks at every lane.
    #[must_use]
    pub fn len(&self) -> usize {
        let lens = (0..self.lanes()).map(|index| self.lane(index).len());
        lens.fold(0, usize::saturating_add)
    }

    /// Whether all lanes are empty. `true` may be outdated at once; `false` stays false until this end pops.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        (0..self.lanes()).all(|index| self.lane(index).is_empty())
    }

    /// Whether all lanes are full. `false` may be outdated at once; `true` stays true until this end pops.
    #[must_use]
    pub fn is_full(&self) -> bool {
        (0..self.lanes()).all(|index| self.lane(index).is_full())
    }

    /// Whether all producers are gone or have closed. Values may still be there: [`try_pop`](Self::try_pop) says when
    /// none are.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        // CLOSE, acquire end: all that the producers pushed comes before.
        self.raw.header().news.open.load(Acquire) == 0
    }

    /// Closes all lanes for their producers: later pushes hand the value back.
    ///
    /// This end stays, so that what was pushed before can be taken. It is told [`Closed`](TryPopError::Closed) when
    /// the producers are gone.
    pub fn close(&mut self) {
        (0..self.lanes()).for_each(|index| self.lane(index).close());
    }

    /// The reading end of one lane; two of them are never used at a time.
    #[inline(always)]
    fn lane(&self, index: usize) -> Lane<'a, T> {
        debug_assert!(index < self.raw.header().fixed.lanes);
        // SAFETY: 1: the callers count up to the number of lanes, or take a lane's number from the dirty word or from
        // `current`. 2: this is the consumer.
        unsafe { self.raw.consumer(index) }
    }

    fn line(&self) -> &ConsumerLine {
        &self.raw.header().consumer
    }

    #[inline(always)]
    fn current(&self) -> usize {
        // SAFETY: the consumer's own number, and this is the consumer.
        unsafe { self.line().current.get() }
    }

    /// The lane to take the next value from. A value is there.
    ///
    /// A drain that looks at a position asks for the line of the slot, too, so that both come together. A pop does not: it
    /// looks more often, and a producer that is about to write there would have to wait for the line.
    #[inline(always)]
    fn lane_with_a_value<const IS_DRAIN: bool>(&mut self) -> Result<Lane<'a, T>, TryPopError> {
        // SAFETY: the consumer's own number, and this is the consumer. 1: it is set with `current`. 2: this is the
        // consumer, and drops it before it makes another.
        let mut lane = unsafe { self.raw.consumer_at(self.line().current_at.get()) };
        let pos = lane.own_pos();
        // What was granted is known to be there and within the turn: one comparison says both.
        if lane.full_slots(pos) != 0 {
            return Ok(lane);
        }
        // SAFETY: the consumer's own number, and this is the consumer.
        let turn_end = unsafe { self.line().turn_end.get() };
        if IS_DRAIN {
            lane.raw().prefetch(pos);
        }
        if pos != turn_end && lane.refresh_full_slots(pos) != 0 {
            self.grant(&lane, turn_end);
            return Ok(lane);
        }
        let index = self.next_lane()?;
        Ok(self.lane(index))
    }

    /// Grants the current lane what was seen there, but nothing beyond the end of its turn.
    #[inline(always)]
    fn grant(&self, lane: &Lane<'a, T>, turn_end: usize) {
        let limit = &lane.line().limit;
        // SAFETY: the consumer's own number, and this is the consumer. A limit that comes before what was seen, and not
        // before the own position, keeps to I3 of the lane.
        unsafe {
            let seen = limit.get();
            let is_beyond = (distance(turn_end, seen) as isize) < 0;
            limit.set(if is_beyond { turn_end } else { seen });
        }
    }

    /// The turn goes to the next lane that has a value; to the same again if no other has.
    fn next_lane(&mut self) -> Result<usize, TryPopError> {
        let index = match self.find_lane() {
            Some(index) => index,
            None if !self.is_closed() => return Err(TryPopError::Empty),
            // The last push may have come between the look and the count. Counting itself out is the last thing a
            // producer does, so this round is final.
            None => self.find_lane().ok_or(TryPopError::Closed)?,
        };
        // SAFETY: the consumer's own numbers, and this is the consumer.
        unsafe {
            self.line().current.set(index);
            self.line().current_at.set(self.raw.offset(index));
        }
        let lane = self.lane(index);
        let turn_end = advance(lane.own_pos(), TURN);
        // SAFETY: as above.
        unsafe { self.line().turn_end.set(turn_end) };
        self.grant(&lane, turn_end);
        Ok(index)
    }

    /// Goes round the lanes that have news, the current one last, to the first that has a value.
    fn find_lane(&mut self) -> Option<usize> {
        let lanes = self.lanes();
        let current = self.current();
        self.settle(current);
        let first = if current + 1 == lanes { 0 } else { current + 1 };
        if lanes <= WORD_BITS {
            return self.find_in_word(first);
        }
        for (word, mask) in round(first, lanes) {
            let mut bits = self.raw.header().news.dirty.word(word) & mask;
            while bits != 0 {
                let index = word * WORD_BITS + bits.trailing_zeros() as usize;
                if self.look(index) {
                    return Some(index);
                }
                bits &= bits - 1;
            }
        }
        None
    }

    /// The same for lanes whose bits are one word, which is looked at once.
    fn find_in_word(&mut self, first: usize) -> Option<usize> {
        // The bit of `first` comes first, and those before it last.
        let mut bits = (self.raw.header().news.dirty.word(0)).rotate_right(first as u32);
        while bits != 0 {
            let index = (first + bits.trailing_zeros() as usize) % WORD_BITS;
            if self.look(index) {
                return Some(index);
            }
            bits &= bits - 1;
        }
        None
    }

    /// Whether lane `index` has a value. Lets the lane go when it had none for long.
    fn look(&mut self, index: usize) -> bool {
        let mut lane = self.lane(index);
        let pos = lane.own_pos();
        let found = lane.full_slots(pos) != 0 || lane.refresh_full_slots(pos) != 0;
        // SAFETY: the number is that of a lane, as in `lane`.
        let fruitless = unsafe { &self.raw.beside(index).as_ref().consumer.fruitless };
        // SAFETY: the consumer's own number, and this is the consumer.
        let looks = unsafe { fruitless.get() } + 1;
        let is_over = !found && looks == PATIENCE;
        // SAFETY: as above.
        unsafe { fruitless.set(if found || is_over { 0 } else { looks }) };
        if !found {
            // A producer that is refused because of a forgotten drain leaves its lane empty in the end.
            lane.settle(pos);
        }
        if is_over {
            self.let_go(index);
        }
        found
    }

    /// Clears the bit of an empty lane, unless its producer may push without raising it.
    #[cold]
    fn let_go(&mut self, index: usize) {
        if self.is_leased(index) {
            return;
        }
        let dirty = &self.raw.header().news.dirty;
        dirty.clear(index);
        // A push that raised the bit before it was cleared has left a lease beyond its value.
        if self.is_leased(index) {
            dirty.restore(index);
        }
    }

    /// Whether the lane's lease reaches beyond the next value to be taken: then the value may be there, or come, without
    /// raising the lane's bit.
    fn is_leased(&self, index: usize) -> bool {
        // SAFETY: the number is that of a lane, as in `lane`.
        let line = unsafe { &self.raw.beside(index).as_ref().producer };
        // RELAXED: RAISE brings it.
        let leased_until = line.leased_until.load(Relaxed);
        distance(leased_until, self.lane(index).own_pos()) as isize > 0
    }

    /// Gives back what a drain has taken from lane `index`.
    fn settle(&mut self, index: usize) {
        let mut lane = self.lane(index);
        let pos = lane.own_pos();
        lane.settle(pos);
    }
}

impl<T> Drop for Consumer<'_, T> {
    fn drop(&mut self) {
        for index in 0..self.lanes() {
            drop(ManuallyDrop::into_inner(self.lane(index)));
        }
        // SAFETY: this end is never used again.
        unsafe { super::leave(self.raw, self.home) };
    }
}

impl<T> fmt::Debug for Consumer<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("lanes", &self.lanes())
            .field("capacity", &self.capacity())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// Takes values and gives the slots of a lane back at once. Made by [`Consumer::drain`].
#[must_use = "a drain takes only what is asked of it"]
#[derive(Debug)]
pub struct Drain<'c, 'a, T> {
    consumer: &'c mut Consumer<'a, T>,
    left: usize,
}

impl<T> Iterator for Drain<'_, '_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.left = self.left.checked_sub(1)?;
        let Ok(lane) = self.consumer.lane_with_a_value::<true>() else {
            self.left = 0;
            return None;
        };
        let pos = lane.own_pos();
        // SAFETY: ours and full by I1 of the lane: a value was seen there.
        let value = unsafe { lane.raw().take(pos) };
        // SAFETY: the consumer's own numbers. They change at once, so that a forgotten drain takes no value twice and
        // its slots come back.
        unsafe {
            lane.line().own_pos.set(advance(pos, 1));
            lane.line().owes.set(1);
        }
        Some(value)
    }

    /// At least what is known to be in the lane whose turn it is; no look at what others write.
    fn size_hint(&self) -> (usize, Option<usize>) {
        let lane = self.consumer.lane(self.consumer.current());
        let known = lane.full_slots(lane.own_pos());
        (known.min(self.left), Some(self.left))
    }
}

impl<T> FusedIterator for Drain<'_, '_, T> {}

impl<T> Drop for Drain<'_, '_, T> {
    fn drop(&mut self) {
        self.consumer.settle(self.consumer.current());
    }
}
