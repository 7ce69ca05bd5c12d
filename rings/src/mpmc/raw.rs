//! The algorithm: how positions are claimed at both ends, and what a stamp hands over.

use crossbeam_utils::Backoff;

use super::{
    header::{Cell, Header},
    stamp::{CLOSED, Says, after, free, index, lap, places, read, skipped, vacated, written},
};
use crate::{
    TryPopError, TryReserveError,
    storage::Block,
    sync::{
        Ordering::{Acquire, Relaxed, Release},
        spin_loop,
    },
};

/// A ring by pointer, as all ends hold it.
#[derive(Debug)]
pub(super) struct Raw<T> {
    pub(super) block: Block<Header, Cell<T>>,
}

impl<T> Clone for Raw<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Raw<T> {}

/// A position seen as a slot on a lap.
#[derive(Debug)]
pub(super) struct Place<'r, T> {
    raw: &'r Raw<T>,
    cell: &'r Cell<T>,
    index: usize,
    lap: usize,
    mask: usize,
}

impl<T> Place<'_, T> {
    /// The stamp, with the value or the emptiness that it tells of.
    #[inline(always)]
    fn stamp(&self) -> usize {
        // PUBLISH, acquire end: if it says written, the value is. VACATE, acquire end: if it says free, the value of
        // the lap before was moved out.
        self.cell.stamp.load(Acquire)
    }

    /// What became of the position.
    #[inline(always)]
    pub(super) fn look(&self) -> Says {
        read(self.stamp(), self.lap)
    }

    /// Writes and publishes a claimed position.
    ///
    /// # Safety
    ///
    /// 1. The caller claimed the position as a producer, and has neither published nor skipped it.
    #[inline(always)]
    pub(super) unsafe fn publish(self, value: T) {
        let watch = &self.raw.header().fixed.watch;
        // SAFETY: by I1 a slot that is free and whose position is claimed is the claimer's, and is empty.
        unsafe { self.cell.slot.write(watch, self.index, value) };
        // PUBLISH, release end: whoever loads this stamp also sees the value.
        self.cell.stamp.store(written(self.lap), Release);
    }

    /// Gives a claimed position up.
    ///
    /// # Safety
    ///
    /// 1. The caller claimed the position as a producer, and has neither published nor skipped it.
    pub(super) unsafe fn skip(self) {
        // PUBLISH, release end: there is no value, but what VACATE brought of the lap before goes on to whoever
        // steps over this, and from there to the next producer.
        self.cell.stamp.store(skipped(self.lap), Release);
    }

    /// Moves the value out and gives the slot back.
    ///
    /// # Safety
    ///
    /// 1. The caller claimed the position as a consumer, found it written, and has not vacated it.
    #[inline(always)]
    pub(super) unsafe fn take(self) -> T {
        let watch = &self.raw.header().fixed.watch;
        // SAFETY: by I1 a slot that is written and whose position is claimed is the claimer's, and is full.
        let value = unsafe { self.cell.slot.take(watch, self.index) };
        // SAFETY: duty 1, and the value was moved out.
        unsafe { self.vacate() };
        value
    }

    /// Gives a slot back.
    ///
    /// # Safety
    ///
    /// 1. The caller claimed the position as a consumer, has not vacated it, and the slot is empty.
    #[inline(always)]
    pub(super) unsafe fn vacate(self) {
        // VACATE, release end: the value was moved out.
        self.cell.stamp.store(vacated(self.lap, self.mask), Release);
    }

    /// Drops the value where it lies.
    ///
    /// # Safety
    ///
    /// 1. The caller claimed the position as a consumer, or no other end is left; it found it written, and looks at the
    ///    value no more.
    pub(super) unsafe fn drop_value(self) {
        let watch = &self.raw.header().fixed.watch;
        // SAFETY: by I1 and duty 1 the slot is full and the caller's.
        unsafe { self.cell.slot.drop_value(watch, self.index) };
    }
}

impl<T> Raw<T> {
    pub(super) const fn new(block: Block<Header, Cell<T>>) -> Self {
        Self { block }
    }

    #[inline(always)]
    pub(super) const fn header(&self) -> &Header {
        self.block.header()
    }

    /// Where a position lies.
    #[inline(always)]
    pub(super) fn at(&self, pos: usize) -> Place<'_, T> {
        let mask = self.header().fixed.mask;
        let index = index(pos, mask);
        Place {
            raw: self,
            // SAFETY: a masked position is less than the number of slots.
            cell: unsafe { self.block.slot(index) },
            index,
            lap: lap(pos, mask),
            mask,
        }
    }

    /// Claims one position: its slot is the caller's, and is empty.
    ///
    /// Lock-free: an exchange fails only because another producer's succeeded.
    #[inline]
    pub(super) fn claim_one(&self) -> Result<Place<'_, T>, TryReserveError> {
        // RELAXED: the exchange fails when this is outdated, and the stamp says what the slot holds.
        let tail = self.header().producers.write_pos.load(Relaxed);
        let place = self.at(tail);
        // A closed position equals no stamp.
        if place.stamp() == free(place.lap) && self.has_room(tail) && self.take_tail(tail, 1) {
            return Ok(place);
        }
        self.claim(1).map(|(pos, _)| self.at(pos))
    }

    /// Whether one position at `tail` keeps to the capacity, for all that this side knows.
    #[inline(always)]
    fn has_room(&self, tail: usize) -> bool {
        let fixed = &self.header().fixed;
        // RELAXED: a count that keeps to the capacity; that slots are empty comes by VACATE.
        let seen = || self.header().producers.seen_read_pos.load(Relaxed);
        !fixed.rounded || tail.wrapping_sub(seen()) < fixed.span
    }

    /// Claims up to `want` positions in a row, at least one: their slots are the caller's, and are empty.
    ///
    /// Lock-free: an exchange fails only because another producer's succeeded.
    #[cold]
    pub(super) fn claim(&self, want: usize) -> Result<(usize, usize), TryReserveError> {
        let backoff = Backoff::new();
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
                backoff.spin();
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
        // RELAXED: it decides who owns the positions. That their slots are empty came by VACATE; that they are written
        // goes by PUBLISH.
        let word = &self.header().producers.write_pos;
        word.compare_exchange_weak(tail, after(tail, count), Relaxed, Relaxed)
            .is_ok()
    }

    /// Claims the next position if its value is there: the slot is the caller's, and is full.
    #[inline(always)]
    pub(super) fn claim_value(&self) -> Option<Place<'_, T>> {
        // RELAXED: the exchange fails when this is outdated, and the stamp says what the slot holds.
        let pos = self.header().consumers.read_pos.load(Relaxed);
        let place = self.at(pos);
        let is_there = place.stamp() == written(place.lap);
        (is_there && self.take_head(pos, after(pos, 1))).then_some(place)
    }

    /// Claims positions in a row up to the last of at most `max` values, at least one, and what was given up between.
    /// They are the caller's until each is vacated.
    ///
    /// Lock-free: an exchange fails only because another consumer's succeeded.
    #[cold]
    pub(super) fn claim_values(&self, max: usize) -> Result<(usize, usize), TryPopError> {
        let backoff = Backoff::new();
        loop {
            // RELAXED: the exchange fails when this is outdated, and the stamps say what the slots hold.
            let pos = self.header().consumers.read_pos.load(Relaxed);
            let run = self.run(pos, max);
            if run.end != pos && !self.take_head(pos, run.end) {
                backoff.spin();
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
        for count in 0..=self.header().fixed.mask {
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
        // RELAXED: it decides who owns the positions. That they are written came by PUBLISH; that they are empty goes
        // by VACATE.
        let word = &self.header().consumers.read_pos;
        word.compare_exchange_weak(pos, end, Relaxed, Relaxed)
            .is_ok()
    }

    /// Nothing was found at `pos`.
    fn why_nothing(&self, pos: usize) -> TryPopError {
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

/// Positions in a row that a consumer may claim.
struct Run {
    values: usize,
    end: usize,
    /// What was found behind them.
    stop: Says,
}
