//! Pieces of one region, handed out in turn: the memory of a worker and of the rings that it reads.

use core::alloc::Layout;
use core::cell::Cell;
use core::fmt;
use core::mem::MaybeUninit;
use core::slice;

use super::{ArenaFull, MemoryError, Pages, Region, Request, Residence};
use crate::error::Error;

/// A [`Region`] that is handed out piece by piece, each piece once.
///
/// Pieces are memory as it comes: zero at first, and whatever was left there after a [`reset`](Self::reset). They are
/// what the rings' `in_memory` constructors take, so a ring lies on the node that the region was asked for. Nothing
/// is dropped but the region as a whole.
///
/// Pieces may be sent to other threads; the arena itself belongs to one thread at a time. Whoever needs pieces that
/// live as long as the process leaks the arena: `Box::leak(Box::new(arena))`.
///
/// ```
/// # #[cfg(target_os = "linux")] {
/// use core::alloc::Layout;
/// use shared_nothing_affinity::{Arena, Request};
///
/// let arena = Arena::new(&Request::new(4096))?;
/// let table = arena.take(Layout::array::<u64>(100)?)?;
/// let queue = arena.take(Layout::from_size_align(1000, 128)?)?;
/// assert_eq!((table.len(), queue.len()), (800, 1000));
///
/// // What is left is less than a page, and it says how much.
/// let refused = arena.take(Layout::array::<u8>(1 << 20)?).unwrap_err();
/// assert_eq!(refused.bytes_left, arena.bytes_left());
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Arena {
    /// I1: nobody else has the region, and no slice of it is ever made whole.
    region: Region,
    /// I2: pieces that are out lie before this offset, which is within the region.
    used: Cell<usize>,
}

impl Arena {
    /// An arena in a new region.
    ///
    /// # Errors
    /// As [`Region::new`].
    pub fn new(request: &Request) -> Result<Self, MemoryError> {
        Region::new(request).map(Self::from)
    }

    /// The next piece that fits the layout. It is its owner's until the arena is reset or gone.
    ///
    /// Cost: an addition. Pages come with the first write, unless they were prefaulted.
    ///
    /// # Errors
    /// Not so much is left. Nothing was taken.
    #[allow(clippy::mut_from_ref, reason = "every piece is handed out once: I2")]
    pub fn take(&self, layout: Layout) -> Result<&mut [MaybeUninit<u8>], ArenaFull> {
        let full = ArenaFull {
            layout,
            bytes_left: self.bytes_left(),
        };
        let start = self.region.as_ptr();
        let unaligned = start.addr().get() + self.used.get();
        let skipped = unaligned
            .checked_next_multiple_of(layout.align())
            .ok_or(full)?
            - unaligned;
        let needed = skipped.checked_add(layout.size()).ok_or(full)?;
        if needed > full.bytes_left {
            return Err(full);
        }
        let begin = self.used.get() + skipped;
        self.used.set(begin + layout.size());
        // SAFETY: `begin` and the bytes behind it are inside the region: `needed` is at most what is left (I2). Nobody
        // else has them: no piece that is out reaches `begin` (I2), later ones begin behind this one, and I1. The
        // borrow of the arena keeps the region, and keeps `reset` away.
        Ok(unsafe { slice::from_raw_parts_mut(start.add(begin).cast().as_ptr(), layout.size()) })
    }

    /// How many bytes are left, before alignment.
    #[must_use]
    pub fn bytes_left(&self) -> usize {
        self.region.len() - self.used.get()
    }

    /// Begins again with all of the region: every piece is back, as the exclusive borrow shows. Their bytes stay as
    /// they are.
    pub fn reset(&mut self) {
        self.used.set(0);
    }

    /// The page size that was had: [`Region::pages`].
    #[must_use]
    pub fn pages(&self) -> Pages {
        self.region.pages()
    }

    /// Whether the kernel took the policy: [`Region::is_policy_set`].
    #[must_use]
    pub fn is_policy_set(&self) -> bool {
        self.region.is_policy_set()
    }

    /// Where its pages lie now, while the pieces are in use: [`Region::residence`].
    ///
    /// # Errors
    /// The operating system does not tell.
    pub fn residence(&self) -> Result<Residence, Error> {
        // By address: it makes no slice (I1).
        self.region.residence()
    }
}

impl From<Region> for Arena {
    /// Hands out what the region holds, its present bytes included.
    fn from(region: Region) -> Self {
        Self {
            region,
            used: Cell::new(0),
        }
    }
}

impl fmt::Debug for Arena {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (region, left) = (&self.region, self.bytes_left());
        write!(f, "Arena {{ region: {region:?}, bytes_left: {left} }}")
    }
}

static_assertions::assert_impl_all!(Arena: Send);
static_assertions::assert_not_impl_any!(Arena: Sync, Clone);

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn arena() -> Arena {
        Arena::new(&Request::new(1)).unwrap()
    }

    fn layout(bytes: usize, align: usize) -> Layout {
        Layout::from_size_align(bytes, align).unwrap()
    }

    #[test]
    fn pieces_are_aligned_and_do_not_overlap() {
        let arena = arena();
        let mut pieces = Vec::new();
        for (index, (bytes, align)) in [(1, 1), (64, 64), (3, 1), (0, 8), (128, 128), (8, 8)]
            .into_iter()
            .enumerate()
        {
            let piece = arena.take(layout(bytes, align)).unwrap();
            assert_eq!((piece.len(), piece.as_ptr().addr() % align), (bytes, 0));
            piece.fill(MaybeUninit::new(index as u8 + 1));
            pieces.push(piece);
        }
        for (index, piece) in pieces.iter().enumerate() {
            for byte in piece.iter() {
                // SAFETY: it was filled above.
                assert_eq!(unsafe { byte.assume_init() }, index as u8 + 1);
            }
        }
    }

    #[test]
    fn what_does_not_fit_takes_nothing() {
        let arena = arena();
        let whole = arena.bytes_left();
        arena.take(layout(1, 1)).unwrap();
        for refused in [
            layout(whole, 1),
            layout(whole - 8, 64),
            layout(1, 1 << 62),
            layout(isize::MAX as usize, 1),
        ] {
            let bytes_left = whole - 1;
            let full = ArenaFull {
                layout: refused,
                bytes_left,
            };
            assert_eq!(arena.take(refused).unwrap_err(), full);
            assert_eq!(arena.bytes_left(), bytes_left);
        }
        arena.take(layout(whole - 1, 1)).unwrap();
        assert_eq!(arena.bytes_left(), 0);
        assert!(arena.take(layout(1, 1)).is_err() && arena.take(layout(0, 1)).is_ok());
        let message = arena.take(layout(8, 8)).unwrap_err().to_string();
        assert_eq!(message, "8 bytes aligned to 8 wanted, 0 left in the arena");
    }

    #[test]
    fn a_reset_hands_the_same_bytes_out_again() {
        let mut arena = arena();
        let whole = arena.bytes_left();
        let first = arena.take(layout(whole, 1)).unwrap().as_ptr();
        arena.reset();
        assert_eq!(arena.take(layout(whole, 1)).unwrap().as_ptr(), first);
    }

    #[test]
    fn pieces_of_a_leaked_arena_go_to_other_threads() {
        let arena: &'static Arena = Box::leak(Box::new(arena()));
        let piece = arena.take(layout(8, 8)).unwrap();
        let piece = std::thread::spawn(move || {
            piece.fill(MaybeUninit::new(7));
            piece
        });
        assert_eq!(piece.join().unwrap().len(), 8);
    }
}
