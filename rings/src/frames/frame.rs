//! Frames in place: written before they are published, read before they are given back.

use core::{
    mem::MaybeUninit,
    ops::{Deref, DerefMut},
    ptr::NonNull,
    slice,
};

use super::header::{HEADER_BYTES, Header, room_for};
use crate::spsc;

/// Room for one frame, to be written through `&mut [u8]`. Made by [`Producer::reserve`](super::Producer::reserve).
///
/// Nothing is published but by [`commit`](Self::commit): dropping or forgetting a grant leaves the ring as it was.
#[must_use = "a grant that is not committed publishes nothing"]
#[derive(Debug)]
pub struct FrameGrant<'p, 'a> {
    grant: spsc::Grant<'p, 'a, u8>,
    /// Where the frame's bytes begin. Made anew with every reservation; `grant` keeps others away.
    start: NonNull<u8>,
    skip: usize,
    len: usize,
}

// SAFETY: `start` points to what `grant` has claimed, and both move together.
unsafe impl Send for FrameGrant<'_, '_> {}
// SAFETY: `&FrameGrant` only reads bytes that nobody writes meanwhile.
unsafe impl Sync for FrameGrant<'_, '_> {}

impl<'p, 'a> FrameGrant<'p, 'a> {
    /// # Safety
    ///
    /// 1. All slots of the grant were written before, if only with zeros.
    /// 2. The grant has `skip` slots and then, in one piece, room for a frame of `len` bytes; if `skip` is not 0, that
    ///    piece is the second.
    pub(super) unsafe fn new(mut grant: spsc::Grant<'p, 'a, u8>, skip: usize, len: usize) -> Self {
        let (first, second) = grant.as_uninit();
        let piece = if skip == 0 { first } else { second };
        debug_assert!(piece.len() >= room_for(len));
        let start = NonNull::from(&mut piece[HEADER_BYTES..]).cast();
        Self {
            grant,
            start,
            skip,
            len,
        }
    }

    /// Publishes the first `len` bytes as a frame, and gives up the rest. A frame may be empty.
    ///
    /// Wait-free; one release store.
    ///
    /// # Panics
    ///
    /// If `len` is more than was reserved. Nothing is published then.
    pub fn commit(mut self, len: usize) {
        assert!(
            len <= self.len,
            "a grant of {} bytes cannot commit {len}",
            self.len
        );
        let (first, second) = self.grant.as_uninit();
        let piece = if self.skip == 0 {
            first
        } else {
            write_header(first, Header::Pad);
            second
        };
        write_header(piece, Header::Frame(len));
        // SAFETY: all of them were written before (duty 1 of `new`).
        unsafe { self.grant.commit(self.skip + room_for(len)) };
    }
}

#[inline(always)]
fn write_header(at: &mut [MaybeUninit<u8>], header: Header) {
    for (slot, byte) in at.iter_mut().zip(header.to_bytes()) {
        slot.write(byte);
    }
}

impl Deref for FrameGrant<'_, '_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: written before, in one piece of that length, and the grant's (duties of `new`).
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl DerefMut for FrameGrant<'_, '_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`, and `&mut self` keeps everybody else out.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

/// A frame that lies in the ring. Made by [`Consumer::peek`](super::Consumer::peek).
///
/// It stays there but for [`consume`](Self::consume): dropping or forgetting this leaves the ring as it was.
#[derive(Debug)]
#[must_use = "a frame stays in the ring until it is consumed"]
pub struct Frame<'c, 'a> {
    peek: spsc::Peek<'c, 'a, u8>,
    len: usize,
}

impl<'c, 'a> Frame<'c, 'a> {
    #[inline(always)]
    pub(super) fn new(peek: spsc::Peek<'c, 'a, u8>, len: usize) -> Self {
        debug_assert_eq!(peek.len(), room_for(len), "published as a whole");
        Self { peek, len }
    }

    /// Gives the frame's bytes back to the producer.
    ///
    /// Wait-free; one release store.
    #[inline]
    pub fn consume(self) {
        let room = self.peek.len();
        self.peek.consume(room);
    }
}

impl Deref for Frame<'_, '_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // F2: in one piece.
        &self.peek.as_slices().0[HEADER_BYTES..][..self.len]
    }
}
