//! What was pushed and will never be popped, for the producer to have back.

use core::iter::FusedIterator;

use super::Producer;
use crate::{
    pos::{advance, distance},
    sync::Ordering::{Acquire, Relaxed},
};

/// Takes values back out of a ring whose consumer is gone. Made by [`Producer::reclaim`].
#[must_use = "what is not taken stays in the ring"]
#[derive(Debug)]
pub struct Reclaim<'p, 'a, T> {
    producer: &'p mut Producer<'a, T>,
    is_alone: bool,
}

impl<'p, 'a, T> Reclaim<'p, 'a, T> {
    pub(super) fn new(producer: &'p mut Producer<'a, T>) -> Self {
        // LEFT, acquire end: the consumer has done the last that it will ever do with the ring.
        let is_alone = producer.raw().header().fixed.left.load(Acquire) != 0;
        Self { producer, is_alone }
    }
}

impl<T> Iterator for Reclaim<'_, '_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        let raw = self.producer.raw();
        if self.len() == 0 {
            return None;
        }
        let consumer = &raw.header().consumer;
        // SAFETY: by LEFT the consumer's line and its slots belong to the producer now, and `&mut` says that this is
        // it. The position moves at once, so that no value is taken twice.
        unsafe {
            let pos = consumer.own_pos.get();
            let value = raw.take(pos);
            consumer.own_pos.set(advance(pos, 1));
            // By I3 for the consumer of the next split: its limit must not lie behind it.
            consumer.limit.set(advance(pos, 1));
            // RELAXED: read by this end alone.
            consumer.read_pos.store(advance(pos, 1), Relaxed);
            Some(value)
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        if !self.is_alone {
            return (0, Some(0));
        }
        // SAFETY: as in `next`.
        let pos = unsafe { self.producer.raw().header().consumer.own_pos.get() };
        let left = distance(self.producer.own_pos(), pos);
        (left, Some(left))
    }
}

impl<T> ExactSizeIterator for Reclaim<'_, '_, T> {}
impl<T> FusedIterator for Reclaim<'_, '_, T> {}
