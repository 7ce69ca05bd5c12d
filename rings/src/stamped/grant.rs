//! Places known to be free, filled one by one.

use super::Producer;

/// Free places in a row, for the one producer. Made by [`Producer::reserve`].
///
/// Each [`push`](Self::push) can be popped at once. Dropping or forgetting the grant leaves the places not filled as they
/// are: free.
#[must_use = "a grant pushes nothing by itself"]
#[derive(Debug)]
pub struct Grant<'p, 'a, T> {
    producer: &'p mut Producer<'a, T>,
    left: usize,
}

impl<'p, 'a, T> Grant<'p, 'a, T> {
    /// # Safety
    ///
    /// 1. The `left` slots from the producer's position on are free.
    pub(super) unsafe fn new(producer: &'p mut Producer<'a, T>, left: usize) -> Self {
        Self { producer, left }
    }

    /// Fills the next place.
    ///
    /// Wait-free.
    ///
    /// # Errors
    ///
    /// Hands the value back when every place is filled.
    #[inline]
    pub fn push(&mut self, value: T) -> Result<(), T> {
        if self.left == 0 {
            return Err(value);
        }
        self.left -= 1;
        // SAFETY: free by the duty of `new`, and `left` counts down with the producer's position.
        unsafe { self.producer.push_free(value) };
        Ok(())
    }

    /// How many places are left.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.left
    }
}
