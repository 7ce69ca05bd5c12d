//! Values of several cache lines, written to where the other end has read before.
//!
//! A store to a line that the other CPU has waits in the processor's store buffer until the line has come, and the
//! stores behind it wait too. A compiler fills a large value in an order of its own, which goes to a second line and
//! back to the first. Here each word is stored once, from the last to the first. That this direction is the better one
//! was found by measuring: see `docs/performance.md` of the repository.

use core::mem::{ManuallyDrop, MaybeUninit};

use crate::sync::stay_in_order;

/// A line of most processors.
const LINE: usize = 64;

/// What is longer is left to `memcpy`: to spell it out would take more room than it saves time.
const LINES_MAX: usize = 16;

/// What is stored at once.
const WORD: usize = 16;

/// Writes `value`, from its end to its begin if it has several lines.
///
/// # Safety
///
/// 1. `to` is aligned and may be written.
#[inline(always)]
pub(crate) unsafe fn write<T>(to: *mut T, value: T) {
    if size_of::<T>() < 2 * LINE || size_of::<T>() > LINES_MAX * LINE {
        // SAFETY: duty 1.
        return unsafe { to.write(value) };
    }
    let value = ManuallyDrop::new(value);
    let from = (&raw const value).cast::<MaybeUninit<u8>>();
    let to = to.cast::<MaybeUninit<u8>>();
    let mut end = size_of::<T>();
    while end != 0 {
        let at = (end - 1) / WORD * WORD;
        // SAFETY: bytes of a value that is not looked at again, to the same place of one that may be written (duty 1).
        unsafe { to.add(at).copy_from_nonoverlapping(from.add(at), end - at) };
        stay_in_order();
        end = at;
    }
}

#[cfg(all(test, not(loom), not(shuttle)))]
mod tests {
    use std::{rc::Rc, vec::Vec};

    use super::*;

    fn round_trip<T>(value: T) -> T {
        let mut place = MaybeUninit::uninit();
        // SAFETY: a place of its own.
        unsafe { write(place.as_mut_ptr(), value) };
        // SAFETY: written one line above.
        unsafe { place.assume_init() }
    }

    #[test]
    fn every_byte_arrives() {
        fn of_size<const N: usize>() {
            let bytes: [u8; N] = core::array::from_fn(|at| (at * 7 % 251) as u8);
            assert_eq!(round_trip(bytes), bytes, "{N} bytes");
        }
        of_size::<0>();
        of_size::<1>();
        of_size::<127>();
        of_size::<128>();
        of_size::<129>();
        of_size::<143>();
        of_size::<200>();
        of_size::<1024>();
        of_size::<1025>();
    }

    #[test]
    fn a_value_moves_and_is_dropped_once() {
        let count = Rc::new(());
        // Pointers, and bytes that nobody writes between them.
        let values: [(u8, Rc<()>, u8); 16] =
            core::array::from_fn(|at| (at as u8, count.clone(), 1));
        assert!(size_of_val(&values) >= 2 * LINE);
        let values = round_trip(values);
        assert_eq!(Rc::strong_count(&count), 17);
        let first: Vec<u8> = values.iter().map(|value| value.0).collect();
        assert!(first.iter().copied().eq(0..16));
        drop(values);
        assert_eq!(Rc::strong_count(&count), 1);
    }
}
