//! Rings that grow and their allocator: what is counted, what is refused, what comes back. The
//! allocator counts by thread, so that tests do not see each other.
#![cfg(all(feature = "alloc", not(loom)))]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    ptr::null_mut,
};

use shared_nothing_rings::{
    CapacityError, TryPopError,
    ends::PushEnd,
    unbounded::{Refused, TryPushError, block_capacity, mpsc, spsc},
};

thread_local! {
    /// Bytes of this thread that are allocated now, how often it allocated, and whether it may.
    static COUNTS: Cell<(isize, usize, bool)> = const { Cell::new((0, 0, true)) };
}

struct Counting;

// SAFETY: the system's allocator, or null, which says that there is no memory.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let (bytes, times, may) = COUNTS.get();
        if !may {
            return null_mut();
        }
        COUNTS.set((bytes + layout.size() as isize, times + 1, may));
        // SAFETY: the caller's duties.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        let (bytes, times, may) = COUNTS.get();
        COUNTS.set((bytes - layout.size() as isize, times, may));
        // SAFETY: the caller's duties.
        unsafe { System.dealloc(memory, layout) };
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn allocations() -> usize {
    COUNTS.get().1
}

fn bytes() -> isize {
    COUNTS.get().0
}

/// Runs `run` without memory.
fn starved<R>(run: impl FnOnce() -> R) -> R {
    let set = |may| {
        let (bytes, times, _) = COUNTS.get();
        COUNTS.set((bytes, times, may));
    };
    set(false);
    let result = run();
    set(true);
    result
}

const BLOCK: usize = block_capacity::<usize>();

macro_rules! suite {
    ($suite:ident, $ring:ident) => {
        mod $suite {
            use super::*;

            #[test]
            fn steady_state_allocates_nothing() {
                #[allow(unused_mut, reason = "some rings push through `&self`")]
                let (mut tx, mut rx) = $ring::on_heap::<usize>().expect("memory");
                let mut round = || {
                    for value in 0..2 * BLOCK + 3 {
                        assert_eq!(tx.try_push(value), Ok(()));
                    }
                    assert!(rx.drain(usize::MAX).eq(0..2 * BLOCK + 3));
                };
                // Every place in a block where a round can begin.
                (0..BLOCK).for_each(|_| round());
                let before = allocations();
                (0..1000).for_each(|_| round());
                assert_eq!(allocations(), before);
            }

            #[test]
            fn all_memory_comes_back_and_is_counted_truly() {
                let before = bytes();
                {
                    #[allow(unused_mut, reason = "some rings push through `&self`")]
                    let (mut tx, mut rx) = $ring::on_heap::<usize>().expect("memory");
                    let empty = bytes();
                    for (push, pop) in [(1, 0), (1000, 500), (0, 300), (10_000, 9_000)] {
                        assert_eq!(tx.try_push_iter(&mut (0..push)), Ok(push));
                        assert_eq!(rx.drain(pop).count(), pop);
                        assert_eq!(tx.memory().bytes() as isize, bytes() - empty);
                    }
                }
                assert_eq!(bytes(), before);
            }

            #[test]
            fn a_push_without_memory_hands_the_value_back() {
                let before = bytes();
                {
                    #[allow(unused_mut, reason = "some rings push through `&self`")]
                    let (mut tx, mut rx) = $ring::on_heap::<usize>().expect("memory");
                    let refused = starved(|| tx.try_push(7));
                    assert_eq!(refused, Err(TryPushError::OutOfMemory(7)));
                    assert_eq!((tx.len(), rx.try_pop()), (0, Err(TryPopError::Empty)));
                    assert_eq!(tx.try_push(0), Ok(()));
                    let mut values = 1..2 * BLOCK;
                    let refused = starved(|| tx.try_push_iter(&mut values));
                    let (pushed, error) = (BLOCK - 1, TryPushError::OutOfMemory(BLOCK));
                    assert_eq!(refused, Err(Refused { pushed, error }));
                    assert_eq!(values, BLOCK + 1..2 * BLOCK);
                    let refused = starved(|| PushEnd::try_push(&mut tx, 9));
                    assert!(
                        refused.is_err_and(|error| error.is_full()),
                        "try again later"
                    );
                    // A pop is none the worse, and the next push neither.
                    assert_eq!(rx.try_pop(), Ok(0));
                    assert_eq!(tx.try_push(BLOCK), Ok(()));
                    assert!(rx.drain(usize::MAX).eq(1..=BLOCK));
                    // An emptied block needs no allocator.
                    let mut values = BLOCK..3 * BLOCK;
                    let refused = starved(|| tx.try_push_iter(&mut values));
                    assert!(refused.is_err_and(|refused| refused.pushed == 2 * BLOCK - 1));
                }
                assert_eq!(bytes(), before);
            }

            #[test]
            fn a_header_without_memory_is_an_error() {
                let refused = starved(|| $ring::on_heap::<usize>().err());
                assert_eq!(refused, Some(CapacityError::OutOfMemory));
            }
        }
    };
}

suite!(of_one_producer, spsc);
suite!(of_many_producers, mpsc);
