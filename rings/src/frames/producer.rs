//! The writing end.

use core::fmt;

use super::{FrameGrant, TryReserveError, frame_len_max, header::room_for};
use crate::spsc;

/// The writing end of a ring of frames.
///
/// It may move to another thread, but only one thread at a time can use it. Dropping it closes the ring; what was
/// committed stays for the consumer.
pub struct Producer<'a> {
    bytes: spsc::Producer<'a, u8>,
}

impl<'a> Producer<'a> {
    /// # Safety
    ///
    /// 1. All slots of the ring are written, and its positions are multiples of a header.
    pub(super) const unsafe fn new(bytes: spsc::Producer<'a, u8>) -> Self {
        Self { bytes }
    }

    /// Copies a whole frame into the ring.
    ///
    /// Wait-free; one block copy.
    ///
    /// # Errors
    ///
    /// As [`reserve`](Self::reserve).
    pub fn try_push(&mut self, frame: &[u8]) -> Result<(), TryReserveError> {
        let mut grant = self.reserve(frame.len())?;
        grant.copy_from_slice(frame);
        grant.commit(frame.len());
        Ok(())
    }

    /// Claims room for a frame of up to `len` bytes, in one piece, to be written in place.
    ///
    /// The bytes are what earlier frames left there, or zeros. Nothing is published before
    /// [`commit`](FrameGrant::commit).
    ///
    /// Wait-free; the consumer's line is read only when the ring looks full.
    ///
    /// # Errors
    ///
    /// - [`FrameTooLong`](TryReserveError::FrameTooLong): `len` is more than [`frame_len_max`](Self::frame_len_max).
    /// - [`Full`](TryReserveError::Full): there is no such piece now.
    /// - [`Closed`](TryReserveError::Closed): the consumer is gone, or an end has closed.
    ///
    /// ```
    /// use shared_nothing_rings::frames;
    ///
    /// let mut ring = frames::Ring::<64>::new();
    /// let (mut tx, mut rx) = ring.split();
    /// tx.reserve(10)?.fill(6); // and thought better of it
    /// let mut grant = tx.reserve(10)?;
    /// grant.fill(7);
    /// grant.commit(3);
    /// assert_eq!(&rx.peek()?[..], [7, 7, 7]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn reserve(&mut self, len: usize) -> Result<FrameGrant<'_, 'a>, TryReserveError> {
        let max = self.frame_len_max();
        if len > max {
            return Err(TryReserveError::FrameTooLong { len, max });
        }
        let room = room_for(len);
        let to_end = self.bytes.to_end();
        let skip = if room <= to_end { 0 } else { to_end };
        let grant = self.bytes.reserve(skip + room)?;
        if grant.len() < skip + room {
            return Err(TryReserveError::Full);
        }
        // SAFETY: 1: the duty of `new`. 2: `skip` is 0, or leads to the begin of the memory, and at most half of the
        // capacity follows.
        Ok(unsafe { FrameGrant::new(grant, skip, len) })
    }

    /// The longest frame that the ring takes, in bytes.
    #[must_use]
    pub fn frame_len_max(&self) -> usize {
        frame_len_max(self.capacity())
    }

    /// How many bytes the ring holds at most, headers and skipped bytes included.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// How many bytes are taken, headers and skipped bytes included: an upper bound, since the consumer may consume at
    /// any moment.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether no frame is in the ring. `false` may be outdated at once; `true` stays true until this end commits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether an end has closed, or the consumer is gone. Once `true`, it stays so.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.bytes.is_closed()
    }

    /// Says that nothing more will come, as dropping does: later reservations are refused.
    pub fn close(&mut self) {
        self.bytes.close();
    }
}

impl fmt::Debug for Producer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer")
            .field("capacity", &self.capacity())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
