//! The algorithm: how positions are claimed at either end, by one or by many.

use super::{
    header::{Cell, Header},
    place::Place,
    stamp::{CLOSED, STEP, Says, after, free, index, lap, places, slots_of, written},
};
use crate::{
    TryPopError, TryReserveError,
    storage::Block,
    sync::{AtomicUsize, Ordering::Relaxed, spin_loop},
};

/// A ring by pointer, as all ends hold it.
#[derive(Debug)]
pub(crate) struct Raw<T> {
    pub(crate) block: Block<Header, Cell<T>>,
}

impl<T> Clone for Raw<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Raw<T> {}

impl<T> Raw<T> {
    pub(crate) const fn new(block: Block<Header, Cell<T>>) -> Self {
        Self { block }
    }

    #[inline(always)]
    pub(crate) const fn header(&self) -> &Header {
        self.block.header()
    }

    /// Where a position lies.
    #[inline(always)]
    pub(crate) fn at(&self, pos: usize) -> Place<'_, T> {
        let mask = self.header().fixed.mask;
        // SAFETY: `mask_of` made it, a multiple of the step. Known to the compiler, it spares a shift to the index and
        // one back to the offset.
        unsafe { core::hint::assert_unchecked(mask % STEP == 0) };
        let index = index(pos, mask);
        Place {
            raw: *self,
            // SAFETY: a masked position is less than the number of slots.
            cell: unsafe { self.block.slot(index) },
            pos,
            index,
            lap: lap(pos, mask),
            mask,
        }
    }

    /// Claims one position for one of many: its slot is the caller's, and is empty.
    ///
    /// It tries `next_pos` first, which the caller keeps for it: while no other producer comes between, the line that
    /// all producers write is not read before it is written, and so moves between CPUs once and not twice.
    ///
    /// Lock-free: an exchange fails only because another producer's succeeded.
    #[inline]
    pub(crate) fn claim_one(
        &self,
        next_pos: &AtomicUsize,
    ) -> Result<Place<'_, T>, TryReserveError> {
        // RELAXED: a guess. The exchange fails when it is not the position, and the stamp says what the slot holds.
        let tail = next_pos.load(Relaxed);
        let place = self.at(tail);
        // A closed position equals no stamp.
        if place.stamp() == free(place.lap) && self.has_room(tail) {
            if self.take_tail(tail, 1) {
                // RELAXED: a guess, as above.
                next_pos.store(after(tail, 1), Relaxed);
                return Ok(place);
            }
            give_way(0);
        }
        let (pos, _) = self.claim(1)?;
        // RELAXED: a guess, as above.
        next_pos.store(after(pos, 1), Relaxed);
        Ok(self.at(pos))
    }

    /// The place of the one producer, if its slot is empty and the capacity allows it: the slot is the caller's.
    ///
    /// It counts first, also where the stamp would say all: a producer that waits at a full ring then polls the consumer's
    /// position and not the slot, which the consumer is about to give back.
    ///
    /// # Safety
    ///
    /// 1. The caller is the one producer of a ring that has one.
    #[inline(always)]
    pub(crate) unsafe fn next_free(&self) -> Option<Place<'_, T>> {
        // SAFETY: duty 1.
        let pos = unsafe { self.header().producers.write_pos.own() };
        let place = self.at(pos);
        let is_free =
            (self.keeps_to_span(pos) || self.looks_again(pos)) && place.stamp() == free(place.lap);
        is_free.then_some(place)
    }

    /// Whether a fresh look at the one consumer's position gives room for one position.
    #[inline]
    fn looks_again(&self, pos: usize) -> bool {
        // RELAXED: a count that keeps to the capacity; that slots are empty comes by VACATE.
        let read_pos = self.header().consumers.read_pos.load(Relaxed);
        // RELAXED: the producer's own note.
        self.header()
            .producers
            .seen_read_pos
            .store(read_pos, Relaxed);
        self.keeps_to_span(pos)
    }

    /// How many slots from `pos` on are empty, up to `want` and what the capacity allows. `pos` is.
    pub(crate) fn free_from(&self, pos: usize, want: usize) -> usize {
        let room = self.room(pos, want);
        let is_free = |&count: &usize| self.at(after(pos, count)).look() == Says::Free;
        1 + (1..room).take_while(is_free).count()
    }

    /// The position of the producers' side, as a count: exact for the one producer.
    #[inline(always)]
    pub(crate) fn producer_pos(&self) -> usize {
        // RELAXED: a count, or this end's own last store.
        self.header().producers.write_pos.load(Relaxed)
    }

    /// The position of the consumers' side, as a count: exact for the one consumer.
    #[inline(always)]
    pub(crate) fn consumer_pos(&self) -> usize {
        // RELAXED: a count, or this end's own last store.
        self.header().consumers.read_pos.load(Relaxed)
    }

    /// Whether one position at `tail` keeps to the capacity, for all that this side knows.
    #[inline(always)]
    fn has_room(&self, tail: usize) -> bool {
        !self.header().fixed.rounded || self.keeps_to_span(tail)
    }

    /// Whether one position at `tail` is within the capacity of what was seen last of `read_pos`.
    #[inline(always)]
    fn keeps_to_span(&self, tail: usize) -> bool {
        // RELAXED: a count that keeps to the capacity; that slots are empty comes by VACATE.
        let seen = self.header().producers.seen_read_pos.load(Relaxed);
        tail.wrapping_sub(seen) < self.header().fixed.span
    }

    /// Claims up to `want` positions in a row, at least one: their slots are the caller's, and are empty.
    ///
    /// Lock-free: an exchange fails only because another producer's succeeded.
    #[cold]
    pub(crate) fn claim(&self, want: usize) -> Result<(usize, usize), TryReserveError> {
        let mut lost = 0;
        loop {
            // RELAXED: the exchange fails when this is outdated, and the stamps say what the slots hold.
            let tail = self.header().producers.write_pos.load(Relaxed);
            if tail & CLOSED != 0 {
                return Err(TryReserveError::Closed);
            }
            let room = self.room(tail, want);
            if room == 0 {
                return Err(TryReserveError::Full);
            }
            // A slot found free stays so until its position is claimed, and then the exchange fails.
            let mut count = 0;
            while count < room && self.at(after(tail, count)).look() == Says::Free {
                count += 1;
            }
            if count == 0 {
                if self.at(tail).look() == Says::Earlier {
                    return Err(TryReserveError::Full);
                }
                // It was free a moment ago or is past: `tail` is outdated.
                spin_loop();
            } else if self.take_tail(tail, count) {
                return Ok((tail, count));
            } else {
                lost += 1;
                give_way(lost);
            }
        }
    }

    /// How many of `want` positions from `tail` on the capacity allows. Slots may be fewer.
    fn room(&self, tail: usize, want: usize) -> usize {
        let Header {
            fixed,
            producers,
            consumers,
        } = self.header();
        let want = want.min(fixed.capacity);
        if !fixed.rounded {
            return want;
        }
        // Also when `tail` is older than the position: the exchange finds that out.
        let room = |read_pos| fixed.capacity.saturating_sub(places(tail, read_pos));
        // RELAXED: a count that keeps to the capacity; that slots are empty comes by VACATE.
        if room(producers.seen_read_pos.load(Relaxed)) >= want {
            return want;
        }
        // RELAXED: as above.
        let read_pos = consumers.read_pos.load(Relaxed);
        // RELAXED: a hint. An older value may overwrite a newer one; who finds too little looks again.
        producers.seen_read_pos.store(read_pos, Relaxed);
        if (tail.wrapping_sub(read_pos) as isize) < 0 {
            return want;
        }
        room(read_pos).min(want)
    }

    /// Makes the `count` positions from `tail` the caller's, unless another producer was faster.
    #[inline(always)]
    fn take_tail(&self, tail: usize, count: usize) -> bool {
        let word = self.header().producers.write_pos.shared();
        // RELAXED: it decides who owns the positions. That their slots are empty came by VACATE; that they are written
        // goes by PUBLISH.
        word.compare_exchange_weak(tail, after(tail, count), Relaxed, Relaxed)
            .is_ok()
    }

    /// The place of the one consumer, if its value is there: the slot is the caller's, and is full.
    ///
    /// # Safety
    ///
    /// 1. The caller is the one consumer of a ring that has one.
    #[inline(always)]
    pub(crate) unsafe fn next_full(&self) -> Next<'_, T> {
        // SAFETY: duty 1.
        self.next_at(unsafe { self.header().consumers.read_pos.own() })
    }

    /// What is to be had at a position that the caller takes for the next. The slot is not the caller's yet.
    #[inline(always)]
    fn next_at(&self, pos: usize) -> Next<'_, T> {
        let place = self.at(pos);
        match place.stamp() {
            stamp if stamp == written(place.lap) => Next::Value(place),
            // The only thing that an end which polls an empty ring has to do.
            stamp if stamp == free(place.lap) && !self.header().is_closed() => Next::Empty,
            _ => Next::Unclear,
        }
    }

    /// Claims this position if it is the next and its value is there: the slot is the caller's, and is full.
    ///
    /// The caller, or a claim that it knows of, has passed all positions before. So if the slot is free for this one,
    /// nobody has claimed its value, and it is the next.
    #[inline(always)]
    pub(crate) fn claim_value(&self, pos: usize) -> Next<'_, T> {
        match self.next_at(pos) {
            Next::Value(_) if !self.take_head(pos, after(pos, 1)) => {
                give_way(0);
                Next::Unclear
            }
            next => next,
        }
    }

    /// Whether a value is at the head, for ends that share it. Steps over places that were given up.
    pub(crate) fn has_value(&self) -> bool {
        loop {
            // RELAXED: the exchange fails when this is outdated, and the stamp says what the slot holds.
            let pos = self.header().consumers.read_pos.load(Relaxed);
            match self.at(pos).look() {
                Says::Written => return true,
                Says::Skipped => {
                    if self.take_head(pos, after(pos, 1)) {
                        // SAFETY: claimed just above, and given up by its producer, so there is no value in it.
                        unsafe { self.at(pos).vacate() };
                    }
                }
                // Others came and went since `read_pos` was loaded.
                Says::Later => spin_loop(),
                Says::Earlier | Says::Free => return false,
            }
        }
    }

    /// Claims positions in a row up to the last of at most `max` values, at least one, and what was given up between.
    /// They are the caller's until each is vacated.
    ///
    /// Lock-free: an exchange fails only because another consumer's succeeded.
    #[cold]
    pub(crate) fn claim_values(&self, max: usize) -> Result<(usize, usize), TryPopError> {
        let mut lost = 0;
        loop {
            // RELAXED: the exchange fails when this is outdated, and the stamps say what the slots hold.
            let pos = self.header().consumers.read_pos.load(Relaxed);
            let run = self.run(pos, max);
            if run.end != pos && !self.take_head(pos, run.end) {
                lost += 1;
                give_way(lost);
                continue;
            }
            if run.values != 0 {
                return Ok((pos, run.end));
            }
            for gap in 0..places(run.end, pos) {
                // SAFETY: claimed just above, and given up by its producer, so there is no value in it.
                unsafe { self.at(after(pos, gap)).vacate() };
            }
            match run.stop {
                // Others came and went since `read_pos` was loaded.
                Says::Later if run.end == pos => spin_loop(),
                _ => return Err(self.why_nothing(run.end)),
            }
        }
    }

    /// What can be claimed from `pos` on.
    fn run(&self, pos: usize, max: usize) -> Run {
        let mut run = Run {
            values: 0,
            end: pos,
            stop: Says::Free,
        };
        // One lap at most: what lies behind is not written before `pos` is past.
        for count in 0..slots_of(self.header().fixed.mask) {
            let at = after(pos, count);
            run.stop = self.at(at).look();
            match run.stop {
                Says::Written => run.values += 1,
                // Those before the first value; those behind the last are left.
                Says::Skipped if run.values == 0 => {}
                Says::Skipped => continue,
                _ => break,
            }
            run.end = after(at, 1);
            if run.values == max {
                break;
            }
        }
        run
    }

    /// Makes the positions from `pos` to `end` the caller's, unless another consumer was faster.
    #[inline(always)]
    fn take_head(&self, pos: usize, end: usize) -> bool {
        let word = self.header().consumers.read_pos.shared();
        // RELAXED: it decides who owns the positions. That they are written came by PUBLISH; that they are empty goes
        // by VACATE.
        word.compare_exchange_weak(pos, end, Relaxed, Relaxed)
            .is_ok()
    }

    /// Nothing was found at `pos`.
    pub(crate) fn why_nothing(&self, pos: usize) -> TryPopError {
        // RELAXED: CLOSE brought the bit, and no claim comes after it: the position is final.
        if self.header().is_closed()
            && self.header().producers.write_pos.load(Relaxed) == pos | CLOSED
        {
            TryPopError::Closed
        } else {
            TryPopError::Empty
        }
    }
}

/// What a consumer finds at the position that comes next for it.
#[derive(Debug)]
pub(crate) enum Next<'r, T> {
    Value(Place<'r, T>),
    /// Nothing, and the ring is not closed.
    Empty,
    /// A place that was given up, the end of a closed ring, or others came between.
    Unclear,
}

/// Pauses after an exchange that was lost to another end, which may then make several in a row while the line is its
/// own: `FEW` after the first, twice as many after each that follows, up to eight times `FEW`. A pause is some ten
/// nanoseconds. It ends by itself and waits for nobody; a model needs one.
const FEW: usize = 16;

#[cold]
#[inline(never)]
fn give_way(lost_before: usize) {
    let pauses = if cfg!(any(loom, shuttle)) {
        1
    } else {
        FEW << lost_before.min(3)
    };
    (0..pauses).for_each(|_| spin_loop());
}

/// Positions in a row that a consumer may claim.
struct Run {
    values: usize,
    end: usize,
    /// What was found behind them.
    stop: Says,
}
