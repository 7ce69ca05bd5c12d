//! What stands before a frame, and how much room a frame needs. Pure, no unsafe.
#![forbid(unsafe_code)]

#[cfg(target_has_atomic = "ptr")]
use crate::CapacityError;

/// Bytes before each frame, and what frames are rounded up to.
pub const HEADER_BYTES: usize = 4;

/// The least capacity: a frame of four bytes fits.
const CAPACITY_MIN: usize = 16;

/// The header that says: go on at the begin of the memory.
const PAD: u32 = u32::MAX;

/// The longest frame that a ring of `capacity` bytes takes.
///
/// Half the capacity less a header, rounded down to a multiple of [`HEADER_BYTES`]; 4 GiB less 8 bytes at most.
///
/// ```
/// use shared_nothing_rings::frames::frame_len_max;
///
/// assert_eq!(frame_len_max(4096), 2044);
/// assert_eq!(frame_len_max(16), 4);
/// ```
#[must_use]
pub const fn frame_len_max(capacity: usize) -> usize {
    // The longest skip is one header less than the frame: with one more before the end, the frame would fit there.
    let room = (capacity - capacity % HEADER_BYTES + HEADER_BYTES) / 2;
    let room = room - room % HEADER_BYTES;
    let len = room.saturating_sub(HEADER_BYTES);
    let addressable = PAD as usize - 7;
    if len < addressable { len } else { addressable }
}

/// Bytes that a frame of `len` bytes takes. `len` is at most [`frame_len_max`] of something.
#[inline(always)]
pub(super) const fn room_for(len: usize) -> usize {
    (HEADER_BYTES + len).next_multiple_of(HEADER_BYTES)
}

#[cfg(target_has_atomic = "ptr")]
pub(super) const fn check_capacity(capacity: usize) -> Result<(), CapacityError> {
    match capacity {
        0 => Err(CapacityError::Zero),
        1..CAPACITY_MIN => Err(CapacityError::TooSmall),
        _ => Ok(()),
    }
}

/// Checks, at compile time, the capacity of an inline ring; that it is a power of two, the ring of bytes checks.
pub(super) const fn assert_capacity(capacity: usize) {
    assert!(
        capacity >= CAPACITY_MIN,
        "a ring of frames has at least 16 bytes"
    );
}

/// What a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Header {
    /// A frame of so many bytes follows.
    Frame(usize),
    /// Nothing follows before the end of the memory.
    Pad,
}

impl Header {
    #[inline(always)]
    pub(super) const fn to_bytes(self) -> [u8; HEADER_BYTES] {
        match self {
            Self::Frame(len) => (len as u32).to_ne_bytes(),
            Self::Pad => PAD.to_ne_bytes(),
        }
    }

    #[inline(always)]
    pub(super) const fn from_bytes(bytes: [u8; HEADER_BYTES]) -> Self {
        match u32::from_ne_bytes(bytes) {
            PAD => Self::Pad,
            len => Self::Frame(len as usize),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether an empty ring takes a frame of `len` bytes at every position.
    fn always_fits(capacity: usize, len: usize) -> bool {
        let memory = capacity.next_power_of_two();
        (0..memory).step_by(HEADER_BYTES).all(|index| {
            let to_end = memory - index;
            let skip = if room_for(len) <= to_end { 0 } else { to_end };
            skip + room_for(len) <= capacity
        })
    }

    #[test]
    fn the_longest_frame_fits_everywhere_and_a_longer_one_does_not() {
        for capacity in (16..200).chain([256, 1000, 1024]) {
            let max = frame_len_max(capacity);
            assert!(always_fits(capacity, max), "{capacity}");
            assert!(!always_fits(capacity, max + 1), "{capacity}");
        }
    }

    #[test]
    fn headers_come_back_as_they_were() {
        for header in [Header::Pad, Header::Frame(0), Header::Frame(2044)] {
            assert_eq!(Header::from_bytes(header.to_bytes()), header);
        }
    }

    #[cfg(target_pointer_width = "64")]
    #[test]
    fn no_length_is_taken_for_a_pad() {
        let max = frame_len_max(1 << 40);
        assert_eq!(max, (1 << 32) - 8);
        let header = Header::Frame(max);
        assert_eq!(Header::from_bytes(header.to_bytes()), header);
    }
}
