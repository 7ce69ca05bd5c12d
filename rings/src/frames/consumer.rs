//! The reading end.

use core::fmt;

use super::{
    Frame, frame_len_max,
    header::{HEADER_BYTES, Header, room_for},
};
use crate::{TryPopError, spsc};

/// The reading end of a ring of frames.
///
/// It may move to another thread, but only one thread at a time can use it. Dropping it closes the ring for the
/// producer; frames still in the ring are there again when it is split anew.
pub struct Consumer<'a> {
    bytes: spsc::Consumer<'a, u8>,
}

impl<'a> Consumer<'a> {
    /// # Safety
    ///
    /// 1. Only frames were ever published in the ring.
    pub(super) const unsafe fn new(bytes: spsc::Consumer<'a, u8>) -> Self {
        Self { bytes }
    }

    /// The oldest frame, to be looked at in place; it stays in the ring until it is
    /// [consumed](Frame::consume).
    ///
    /// Wait-free; the producer's line is read only when the ring looks empty.
    ///
    /// # Errors
    ///
    /// - [`Empty`](TryPopError::Empty): no frame is there now.
    /// - [`Closed`](TryPopError::Closed): the producer is gone and every frame was consumed.
    ///
    /// ```
    /// use shared_nothing_rings::{TryPopError, frames};
    ///
    /// let mut ring = frames::Ring::<64>::new();
    /// let (mut tx, mut rx) = ring.split();
    /// assert_eq!(tx.try_push(b"one"), Ok(()));
    /// assert_eq!(&rx.peek()?[..], b"one");
    /// rx.peek()?.consume();
    /// drop(tx);
    /// assert_eq!(rx.peek().err(), Some(TryPopError::Closed));
    /// # Ok::<(), TryPopError>(())
    /// ```
    #[inline]
    pub fn peek(&mut self) -> Result<Frame<'_, 'a>, TryPopError> {
        loop {
            match self.next_header() {
                Some(Header::Frame(len)) => {
                    return Ok(Frame::new(self.bytes.peek(room_for(len)), len));
                }
                // Given back at once. A frame follows (F2), so this comes round once.
                Some(Header::Pad) => {
                    let to_end = self.bytes.to_end();
                    self.bytes.peek(to_end).consume(to_end);
                }
                None if !self.bytes.is_closed() => return Err(TryPopError::Empty),
                // The last frame may have come between the look and the flag, and is there now if it ever will be.
                None if self.next_header().is_none() => return Err(TryPopError::Closed),
                None => {}
            }
        }
    }

    /// The header at the own position, if a frame begins there. It is published with its frame, so that whoever sees
    /// the header has all of it.
    #[inline(always)]
    fn next_header(&mut self) -> Option<Header> {
        let peek = self.bytes.peek(HEADER_BYTES);
        // F1: in one piece.
        let bytes = peek.as_slices().0.first_chunk()?;
        Some(Header::from_bytes(*bytes))
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

    /// How many bytes are taken, headers and skipped bytes included: a lower bound, since the producer may commit at
    /// any moment.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether no frame is in the ring. `true` may be outdated at once; `false` stays false until this end consumes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether the producer is gone or has closed. Frames may still be there: [`peek`](Self::peek) says when none are.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.bytes.is_closed()
    }

    /// Closes the ring for the producer: its later reservations are refused. What was committed before can be
    /// consumed.
    pub fn close(&mut self) {
        self.bytes.close();
    }
}

impl fmt::Debug for Consumer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("capacity", &self.capacity())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
