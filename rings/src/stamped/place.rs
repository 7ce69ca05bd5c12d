//! A position seen as a slot on a lap: what a stamp says of it, and what it hands over.

use super::{
    header::Cell,
    raw::Raw,
    stamp::{Says, after, read, skipped, vacated, written},
};
use crate::sync::Ordering::{Acquire, Relaxed, Release};

/// A position seen as a slot on a lap.
#[derive(Debug)]
pub(crate) struct Place<'r, T> {
    /// A copy of the pointer: a reference would keep the end that it is in out of the registers.
    pub(super) raw: Raw<T>,
    pub(super) cell: &'r Cell<T>,
    pub(super) pos: usize,
    pub(super) index: usize,
    pub(super) lap: usize,
    pub(super) mask: usize,
}

impl<T> Place<'_, T> {
    /// The stamp, with the value or the emptiness that it tells of.
    #[inline(always)]
    pub(super) fn stamp(&self) -> usize {
        // PUBLISH, acquire end: if it says written, the value is. VACATE, acquire end: if it says free, the value of
        // the lap before was moved out.
        self.cell.stamp.load(Acquire)
    }

    pub(crate) fn pos(&self) -> usize {
        self.pos
    }

    /// What became of the position.
    #[inline(always)]
    pub(crate) fn look(&self) -> Says {
        read(self.stamp(), self.lap)
    }

    /// Publishes a value at the place of the one producer, and moves on.
    ///
    /// # Safety
    ///
    /// 1. The caller is the one producer of a ring that has one, the place is at its position, and its slot is free.
    #[inline(always)]
    pub(crate) unsafe fn push(self, value: T) {
        let (raw, next) = (self.raw, after(self.pos, 1));
        // SAFETY: by duty 1 the position is the caller's.
        unsafe { self.publish(value) };
        // SAFETY: duty 1. RELAXED: a count. That the value is there goes by PUBLISH.
        unsafe { raw.header().producers.write_pos.store(next, Relaxed) };
    }

    /// Moves the value out, gives the slot back, and moves the one consumer on.
    ///
    /// # Safety
    ///
    /// 1. The caller is the one consumer of a ring that has one, the place is at its position, and was found written.
    #[inline(always)]
    pub(crate) unsafe fn pop(self) -> T {
        let (raw, next) = (self.raw, after(self.pos, 1));
        // SAFETY: by I1 a slot that is written at the consumer's position is the consumer's (duty 1).
        let value = unsafe { self.take() };
        // It moves last, so that a producer that counts usually finds the slot free; the stamp decides.
        // SAFETY: duty 1. RELAXED: a count. That the slot is empty goes by VACATE.
        unsafe { raw.header().consumers.read_pos.store(next, Relaxed) };
        value
    }

    /// Gives the slot back, and moves the one consumer on.
    ///
    /// # Safety
    ///
    /// 1. The caller is the one consumer of a ring that has one, the place is at its position, and was given up.
    pub(crate) unsafe fn pass(self) {
        let (raw, next) = (self.raw, after(self.pos, 1));
        // SAFETY: by I1 a slot that was given up at the consumer's position is the consumer's, and is empty (duty 1).
        unsafe { self.vacate() };
        // SAFETY: duty 1. RELAXED: a count, as above.
        unsafe { raw.header().consumers.read_pos.store(next, Relaxed) };
    }

    /// Writes and publishes a claimed position.
    ///
    /// # Safety
    ///
    /// 1. The caller claimed the position as a producer, and has neither published nor skipped it.
    #[inline(always)]
    pub(crate) unsafe fn publish(self, value: T) {
        // SAFETY: duty 1.
        unsafe { self.write(value) };
        // SAFETY: duty 1, and written one line above.
        unsafe { self.show() };
    }

    /// Writes a claimed position, and does not publish it yet.
    ///
    /// # Safety
    ///
    /// 1. The caller claimed the position as a producer, and has neither written nor skipped it.
    #[inline(always)]
    pub(crate) unsafe fn write(&self, value: T) {
        let watch = &self.raw.header().fixed.watch;
        // SAFETY: by I1 a slot that is free and whose position is claimed is the claimer's, and is empty.
        unsafe { self.cell.slot.write(watch, self.index, value) };
    }

    /// Publishes a position that is written.
    ///
    /// # Safety
    ///
    /// 1. The caller claimed the position as a producer, has written it, and has not published it.
    #[inline(always)]
    pub(crate) unsafe fn show(self) {
        // PUBLISH, release end: whoever loads this stamp also sees the value.
        self.cell.stamp.store(written(self.lap), Release);
    }

    /// Gives a claimed position up.
    ///
    /// # Safety
    ///
    /// 1. The caller claimed the position as a producer, and has neither published nor skipped it.
    pub(crate) unsafe fn skip(self) {
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
    pub(crate) unsafe fn take(self) -> T {
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
    pub(crate) unsafe fn vacate(self) {
        // VACATE, release end: the value was moved out.
        self.cell.stamp.store(vacated(self.lap, self.mask), Release);
    }

    /// Drops the value where it lies.
    ///
    /// # Safety
    ///
    /// 1. The caller claimed the position as a consumer, or no other end is left; it found it written, and looks at the
    ///    value no more.
    pub(crate) unsafe fn drop_value(self) {
        let watch = &self.raw.header().fixed.watch;
        // SAFETY: by I1 and duty 1 the slot is full and the caller's.
        unsafe { self.cell.slot.drop_value(watch, self.index) };
    }
}
