//! Batches in place: slots as slices, written before they are published, read before they are given back.
//!
//! The ring is a circle and a slice is not, so a batch may come in two pieces: up to the end of the memory, and on from
//! its begin. The second piece is empty unless the batch wraps.

use core::{mem::MaybeUninit, slice};

use super::{Consumer, Producer, raw::Raw};
use crate::pos::advance;

/// Empty slots that the producer may fill in any order. Made by [`Producer::reserve`].
///
/// Nothing is published but by [`commit`](Self::commit): dropping or forgetting a grant leaves the ring as it was.
/// Values that were written and not committed are forgotten, not dropped, as those of any `MaybeUninit` are.
#[must_use = "a grant that is not committed publishes nothing"]
#[derive(Debug)]
pub struct Grant<'p, 'a, T> {
    producer: &'p mut Producer<'a, T>,
    count: usize,
}

impl<'p, 'a, T> Grant<'p, 'a, T> {
    /// # Safety
    ///
    /// 1. I1 gives the `count` slots from the producer's own position to it.
    pub(super) unsafe fn new(producer: &'p mut Producer<'a, T>, count: usize) -> Self {
        Self { producer, count }
    }

    /// How many slots there are, in both pieces together.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether there is no slot. There always is one.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The slots, in the order in which they will be popped: the first piece, then the second.
    pub fn as_uninit(&mut self) -> (&mut [MaybeUninit<T>], &mut [MaybeUninit<T>]) {
        let pos = self.producer.own_pos();
        // SAFETY: the producer's by the duty of `new`, and `&mut self` keeps everybody else out. A slot is a
        // `MaybeUninit` in a cell, one behind the other.
        unsafe {
            let [first, second] = self.producer.raw().pieces(pos, self.count);
            (
                slice::from_raw_parts_mut(first.0.as_ptr().cast(), first.1),
                slice::from_raw_parts_mut(second.0.as_ptr().cast(), second.1),
            )
        }
    }

    /// Publishes the first `count` slots by one store, and gives up the rest.
    ///
    /// # Panics
    ///
    /// If `count` is more than [`len`](Self::len). Nothing is published then.
    ///
    /// # Safety
    ///
    /// 1. The first `count` slots, counted through both pieces, hold values.
    pub unsafe fn commit(self, count: usize) {
        assert!(
            count <= self.count,
            "a grant of {} cannot commit {count}",
            self.count
        );
        let pos = self.producer.own_pos();
        self.producer.publish(advance(pos, count));
    }
}

/// Values that lie in the ring, to be looked at and then dropped in place. Made by [`Consumer::peek`].
///
/// Nothing is taken but by [`consume`](Self::consume): dropping or forgetting a peek leaves the ring as it was.
#[derive(Debug)]
#[must_use = "a peek consumes nothing by itself"]
pub struct Peek<'c, 'a, T> {
    consumer: &'c mut Consumer<'a, T>,
    count: usize,
}

impl<'c, 'a, T> Peek<'c, 'a, T> {
    /// # Safety
    ///
    /// 1. I1 gives the `count` slots from the consumer's own position to it.
    pub(super) unsafe fn new(consumer: &'c mut Consumer<'a, T>, count: usize) -> Self {
        Self { consumer, count }
    }

    /// How many values there are, in both pieces together.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The values, oldest first: the first piece, then the second.
    #[must_use]
    pub fn as_slices(&self) -> (&[T], &[T]) {
        let pos = self.consumer.own_pos();
        // SAFETY: the consumer's and full, by the duty of `new`; nobody writes them before they are vacated.
        unsafe {
            let [first, second] = self.consumer.raw().pieces(pos, self.count);
            (
                slice::from_raw_parts(first.0.as_ptr().cast(), first.1),
                slice::from_raw_parts(second.0.as_ptr().cast(), second.1),
            )
        }
    }

    /// The values, to be changed in place.
    pub fn as_mut_slices(&mut self) -> (&mut [T], &mut [T]) {
        let pos = self.consumer.own_pos();
        // SAFETY: as in `as_slices`, and `&mut self` keeps everybody else out.
        unsafe {
            let [first, second] = self.consumer.raw().pieces(pos, self.count);
            (
                slice::from_raw_parts_mut(first.0.as_ptr().cast(), first.1),
                slice::from_raw_parts_mut(second.0.as_ptr().cast(), second.1),
            )
        }
    }

    /// Drops the first `count` values where they lie and gives their slots back by one store. The rest stay.
    ///
    /// # Panics
    ///
    /// If `count` is more than [`len`](Self::len); nothing is taken then. If a value's drop panics, the others are
    /// dropped all the same, and their slots come back.
    pub fn consume(self, count: usize) {
        assert!(
            count <= self.count,
            "a peek of {} cannot consume {count}",
            self.count
        );
        let end = advance(self.consumer.own_pos(), count);
        let raw = self.consumer.raw();
        let mut vacate = Vacate {
            consumer: self.consumer,
            end,
        };
        if core::mem::needs_drop::<T>() {
            // SAFETY: the consumer's and full, by the duty of `new`. It never looks at them again: the guard moves it
            // behind them, whatever their drops do.
            unsafe { vacate.drop_values(raw, count) };
        }
    }
}

/// Gives slots back at the end of its scope.
struct Vacate<'c, 'a, T> {
    consumer: &'c mut Consumer<'a, T>,
    end: usize,
}

impl<T> Vacate<'_, '_, T> {
    /// # Safety
    ///
    /// 1. I1 gives the `count` slots from the own position to the caller as full ones, and nobody takes them again.
    unsafe fn drop_values(&mut self, raw: Raw<T>, count: usize) {
        // SAFETY: duty 1.
        let [first, second] = unsafe { raw.pieces(self.consumer.own_pos(), count) };
        // The second piece is dropped even if a drop in the first panics.
        let _second = DropSlice(second.0.as_ptr().cast::<T>(), second.1);
        let _first = DropSlice(first.0.as_ptr().cast::<T>(), first.1);
    }
}

impl<T> Drop for Vacate<'_, '_, T> {
    fn drop(&mut self) {
        self.consumer.vacate(self.end);
    }
}

struct DropSlice<T>(*mut T, usize);

impl<T> Drop for DropSlice<T> {
    fn drop(&mut self) {
        // SAFETY: made by `drop_values` alone, of values that are its caller's to drop. A slice goes on dropping when
        // one of its values panics.
        unsafe { core::ptr::slice_from_raw_parts_mut(self.0, self.1).drop_in_place() };
    }
}
