//! Rings of bytes whose memory is written from the beginning, for [`frames`](crate::frames): a byte that was not
//! pushed may still be looked at.

#[cfg(target_has_atomic = "ptr")]
use core::mem::MaybeUninit;

use super::{Consumer, Header, Inline, Producer, Ring, Slot};

impl<const N: usize> Ring<u8, N> {
    crate::sync::const_constructor! {
        /// An empty ring of zeros.
        pub(crate) fn zeroed() -> Self {
            let slots = const { crate::pos::assert_slots(N) };
            Self { inline: Inline::new(Header::new(N, slots, 0), [const { Slot::with(0) }; N]) }
        }
    }
}

/// As [`with_capacity_at`](super::with_capacity_at), of zeros.
#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
pub(crate) fn zeroed_with_capacity(
    capacity: usize,
    start: usize,
) -> Result<(Producer<'static, u8>, Consumer<'static, u8>), crate::CapacityError> {
    let (tx, rx) = super::with_capacity_at(capacity, start)?;
    // SAFETY: neither end is used before this returns.
    unsafe { tx.raw().zero() };
    Ok((tx, rx))
}

/// As [`in_memory`](super::in_memory), of zeros.
#[cfg(target_has_atomic = "ptr")]
pub(crate) fn zeroed_in_memory(
    memory: &mut [MaybeUninit<u8>],
    capacity: usize,
) -> Result<(Producer<'_, u8>, Consumer<'_, u8>), crate::MemoryError> {
    let (tx, rx) = super::in_memory(memory, capacity)?;
    // SAFETY: neither end is used before this returns.
    unsafe { tx.raw().zero() };
    Ok((tx, rx))
}

impl Producer<'_, u8> {
    /// How many slots lie between the next position and the end of the memory.
    #[inline(always)]
    pub(crate) fn to_end(&self) -> usize {
        let slots = self.raw().slots();
        slots - (self.own_pos() & (slots - 1))
    }
}

impl Consumer<'_, u8> {
    /// How many slots lie between the next position and the end of the memory.
    #[inline(always)]
    pub(crate) fn to_end(&self) -> usize {
        let slots = self.raw().slots();
        slots - (self.own_pos() & (slots - 1))
    }
}
