//! Rings in memory that they own: they keep it until their last end is gone, and let nothing of it be lost.
#![cfg(all(feature = "alloc", not(loom)))]

use std::sync::Arc;
use std::{alloc::Layout, ptr::NonNull, thread};

use shared_nothing_rings::{
    CapacityError, Memory, MemoryError,
    lanes::{self, LANES_MAX},
    mpmc, mpsc, spsc, stamped,
};

/// Bytes of the allocator, which count their drops.
struct Owned {
    bytes: NonNull<[u8]>,
    layout: Layout,
    _alive: Arc<()>,
}

// SAFETY: plain bytes that this alone points to.
unsafe impl Send for Owned {}

// SAFETY: 1: an allocation stays where it is. 2: nothing else has the pointer.
unsafe impl Memory for Owned {
    fn bytes(&mut self) -> NonNull<[u8]> {
        self.bytes
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: allocated by `owned` with this layout, and freed once.
        unsafe { std::alloc::dealloc(self.bytes.cast().as_ptr(), self.layout) };
    }
}

fn owned(layout: Layout, alive: &Arc<()>) -> Owned {
    // SAFETY: not zero-sized: a ring has a header.
    let bytes = unsafe { std::alloc::alloc(layout) };
    let bytes = NonNull::new(bytes).expect("there is memory");
    let bytes = NonNull::slice_from_raw_parts(bytes, layout.size());
    Owned {
        bytes,
        layout,
        _alive: Arc::clone(alive),
    }
}

/// Panics when it is dropped, if there are so many of it.
struct Fragile(Arc<()>, usize);

impl Drop for Fragile {
    fn drop(&mut self) {
        assert_ne!(Arc::strong_count(&self.0), self.1, "fragile");
    }
}

macro_rules! owned {
    ($($ring:ident)*) => {$(
        mod $ring {
            use super::*;
            use crate::$ring;

            #[test]
            #[allow(unused_mut, reason = "some rings push and pop through `&self`")]
            fn keeps_its_memory_until_the_last_end_is_gone() {
                for is_producer_last in [false, true] {
                    let (alive, value) = (Arc::new(()), Arc::new(()));
                    let layout = $ring::layout::<Arc<()>>(5).expect("it fits");
                    let made = $ring::with_memory(owned(layout, &alive), 5);
                    let (mut tx, mut rx) = made.expect("exactly enough");
                    for _ in 0..3 {
                        assert!(tx.try_push(Arc::clone(&value)).is_ok());
                    }
                    drop(rx.try_pop());
                    let far = thread::spawn(move || {
                        if is_producer_last {
                            drop(rx);
                            drop(tx);
                        } else {
                            drop(tx);
                            drop(rx);
                        }
                    });
                    far.join().expect("no panic");
                    assert_eq!(Arc::strong_count(&value), 1, "each was dropped");
                    assert_eq!(Arc::strong_count(&alive), 1, "so was the memory");
                }
            }

            #[test]
            #[allow(unused_mut, reason = "some rings push and pop through `&self`")]
            fn lets_its_memory_go_when_a_value_panics() {
                let (alive, value) = (Arc::new(()), Arc::new(()));
                let layout = $ring::layout::<Fragile>(4).expect("it fits");
                let made = $ring::with_memory(owned(layout, &alive), 4);
                let (mut tx, rx) = made.expect("exactly enough");
                for _ in 0..3 {
                    assert!(tx.try_push(Fragile(Arc::clone(&value), 4)).is_ok());
                }
                drop(rx);
                assert!(thread::spawn(move || drop(tx)).join().is_err());
                assert_eq!(Arc::strong_count(&value), 1, "each was dropped");
                assert_eq!(Arc::strong_count(&alive), 1, "so was the memory");
            }

            #[test]
            fn drops_memory_that_will_not_do() {
                let alive = Arc::new(());
                let layout = $ring::layout::<u64>(4).expect("it fits");
                let short = Layout::from_size_align(layout.size() - 1, layout.align());
                let memory = owned(short.expect("a layout"), &alive);
                let (needed, given) = (layout.size(), layout.size() - 1);
                let refused = $ring::with_memory::<u64>(memory, 4).err();
                assert_eq!(refused, Some(MemoryError::TooSmall { needed, given }));
                for (capacity, why) in [(0, CapacityError::Zero), (usize::MAX, CapacityError::TooLarge)] {
                    let refused = $ring::with_memory::<u64>(owned(layout, &alive), capacity).err();
                    assert_eq!(refused, Some(MemoryError::Capacity(why)));
                }
                assert_eq!(Arc::strong_count(&alive), 1);
            }
        }
    )*};
}
mod of {
    use super::*;

    owned!(spsc stamped mpsc mpmc);
}

#[test]
fn lanes_keep_their_memory_until_the_last_end_is_gone() {
    let alive = Arc::new(());
    let layout = lanes::layout::<Arc<()>>(3, 5).expect("they fit");
    let memory = owned(layout, &alive);
    let (producers, mut rx) = lanes::with_memory(memory, 3, 5).expect("exactly enough");
    let mut ends: Vec<_> = producers.collect();
    let value = Arc::new(());
    for tx in &mut ends {
        let mut values = (0..9).map(|_| Arc::clone(&value));
        assert_eq!(tx.try_push_iter(&mut values), Ok(5));
    }
    assert_eq!(rx.drain(4).count(), 4);
    drop(rx);
    let last = ends.pop().expect("three of them");
    drop(ends);
    assert_eq!(Arc::strong_count(&alive), 2);
    thread::spawn(move || drop(last)).join().expect("no panic");
    assert_eq!(Arc::strong_count(&value), 1, "each was dropped");
    assert_eq!(Arc::strong_count(&alive), 1, "so was the memory");
}

#[test]
fn memory_that_will_not_do_for_lanes_is_refused_and_dropped() {
    let alive = Arc::new(());
    let layout = lanes::layout::<u64>(2, 4).expect("they fit");
    let short = Layout::from_size_align(layout.size() - 1, layout.align());
    let refused = lanes::with_memory::<u64>(owned(short.expect("a layout"), &alive), 2, 4);
    let (needed, given) = (layout.size(), layout.size() - 1);
    assert_eq!(refused.err(), Some(MemoryError::TooSmall { needed, given }));
    for (lanes, capacity, why) in [
        (0, 4, CapacityError::Zero),
        (2, 0, CapacityError::Zero),
        (LANES_MAX + 1, 4, CapacityError::TooLarge),
        (2, usize::MAX, CapacityError::TooLarge),
    ] {
        assert_eq!(lanes::layout::<u64>(lanes, capacity), Err(why));
        let refused = lanes::with_memory::<u64>(owned(layout, &alive), lanes, capacity);
        assert_eq!(refused.err(), Some(MemoryError::Capacity(why)));
    }
    assert_eq!(Arc::strong_count(&alive), 1);
}
