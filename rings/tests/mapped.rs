//! Rings in memory of the caller: how much they take, what they leave.
#![cfg(not(loom))]

use std::{
    cell::Cell,
    error::Error,
    mem::{self, MaybeUninit},
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
};

use shared_nothing_rings::{CapacityError, MemoryError, TryPopError, TryPushError, mpsc, spsc};

/// Counts its drops; the number `u32::MAX` also panics.
struct Counted<'c>(&'c Cell<u32>, u32);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
        assert_ne!(self.1, u32::MAX, "planned");
    }
}

#[repr(align(4096))]
struct Page(#[allow(dead_code, reason = "here for its size")] [u8; 4096]);

fn bytes(count: usize) -> Vec<MaybeUninit<u8>> {
    vec![MaybeUninit::uninit(); count]
}

/// The error of a constructor, whose ends print nothing.
fn refused<E>(made: Result<E, MemoryError>) -> MemoryError {
    match made {
        Ok(_) => panic!("made a ring"),
        Err(why) => why,
    }
}

macro_rules! suite {
    ($suite:ident, $ring:ident) => {
        mod $suite {
            use super::*;

            #[test]
            fn a_slice_one_byte_short_is_refused_and_the_size_named_will_do() {
                for capacity in [1, 3, 64] {
                    let layout = $ring::layout::<u32>(capacity).expect("a small ring");
                    let mut memory = bytes(layout.size() + 3 * layout.align());
                    for offset in 0..2 * layout.align() {
                        let memory = &mut memory[offset..];
                        let why = refused($ring::in_memory::<u32>(&mut memory[..5], capacity));
                        let MemoryError::TooSmall { needed, given: 5 } = why else {
                            panic!("{why:?}")
                        };
                        let skipped = memory.as_ptr().align_offset(layout.align());
                        assert_eq!(needed, skipped + layout.size());
                        let short = &mut memory[..needed - 1];
                        let why = refused($ring::in_memory::<u32>(short, capacity));
                        let given = needed - 1;
                        assert_eq!(why, MemoryError::TooSmall { needed, given });
                        #[allow(unused_mut, reason = "some rings push through `&self`")]
                        let (mut tx, mut rx) =
                            $ring::in_memory(&mut memory[..needed], capacity).expect("enough");
                        for _lap in 0..3 {
                            assert_eq!(tx.try_push_iter(&mut (0..99u32)), Ok(capacity));
                            assert!(rx.drain(usize::MAX).eq(0..capacity as u32));
                        }
                    }
                }
            }

            #[test]
            fn the_layout_has_the_alignment_of_the_values() {
                let layout = $ring::layout::<Page>(2).expect("a small ring");
                assert_eq!(layout.align(), 4096);
                assert!(layout.size() >= 3 * 4096);
            }

            #[test]
            fn nothing_is_written_outside_the_place() {
                let layout = $ring::layout::<u8>(5).expect("a small ring");
                let mut memory = vec![MaybeUninit::new(0xA5u8); layout.size() + 2 * layout.align()];
                let skipped = memory.as_ptr().align_offset(layout.align());
                {
                    #[allow(unused_mut, reason = "some rings push through `&self`")]
                    let (mut tx, mut rx) = $ring::in_memory::<u8>(&mut memory, 5).expect("enough");
                    for _lap in 0..9 {
                        assert_eq!(tx.try_push_iter(&mut [0; 9].into_iter()), Ok(5));
                        assert_eq!(rx.drain(usize::MAX).count(), 5);
                    }
                }
                let (before, place) = memory.split_at(skipped);
                for byte in before.iter().chain(&place[layout.size()..]) {
                    // SAFETY: all of it was initialised, and the ring was not to touch these.
                    assert_eq!(unsafe { byte.assume_init() }, 0xA5);
                }
            }

            #[test]
            fn impossible_capacities_are_errors() {
                let why = |capacity| refused($ring::in_memory::<u64>(&mut [], capacity));
                assert_eq!(why(0), MemoryError::Capacity(CapacityError::Zero));
                for capacity in [usize::MAX, usize::MAX / 2, isize::MAX as usize / 8] {
                    let too_large = CapacityError::TooLarge;
                    assert_eq!(why(capacity), MemoryError::Capacity(too_large));
                    assert_eq!($ring::layout::<u64>(capacity), Err(too_large));
                }
                assert_eq!($ring::layout::<()>(0), Err(CapacityError::Zero));
            }

            #[test]
            fn leftovers_are_dropped_once_whichever_end_goes_last() {
                for consumer_last in [true, false] {
                    let drops = Cell::new(0);
                    let mut memory = bytes(4096);
                    #[allow(unused_mut, reason = "some rings push through `&self`")]
                    let (mut tx, mut rx) =
                        $ring::in_memory_at(&mut memory, 4, usize::MAX - 5).expect("enough");
                    for number in 0..4 {
                        assert!(tx.try_push(Counted(&drops, number)).is_ok());
                    }
                    assert!(rx.try_pop().is_ok_and(|value| value.1 == 0));
                    assert_eq!(drops.get(), 1);
                    if consumer_last {
                        drop(tx);
                        assert_eq!(drops.get(), 1);
                        assert!(rx.try_pop().is_ok_and(|value| value.1 == 1));
                        drop(rx);
                    } else {
                        drop(rx);
                        assert_eq!(drops.get(), 1);
                        drop(tx);
                    }
                    assert_eq!(drops.get(), 4);
                    // The memory is the caller's again, and may hold anything.
                    memory.fill(MaybeUninit::new(0xFF));
                    let (tx, mut rx) = $ring::in_memory::<Counted>(&mut memory, 4).expect("enough");
                    assert_eq!(rx.try_pop().err(), Some(TryPopError::Empty));
                    assert!(tx.is_empty());
                    drop((tx, rx));
                    assert_eq!(drops.get(), 4);
                }
            }

            #[test]
            fn a_second_ring_in_the_same_memory_begins_empty() {
                let mut memory = bytes(4096);
                for value in 0..3 {
                    #[allow(unused_mut, reason = "some rings push through `&self`")]
                    let (mut tx, mut rx) = $ring::in_memory(&mut memory, 4).expect("enough");
                    let first = rx.try_pop();
                    if first != Err(TryPopError::Empty) {
                        // Such a ring may not survive its ends' drop.
                        mem::forget((tx, rx));
                        panic!("{first:?}");
                    }
                    assert_eq!(tx.try_push_iter(&mut [value; 4].into_iter()), Ok(4));
                }
            }

            #[test]
            fn a_panic_in_the_drop_of_a_leftover_stops_no_other() {
                let drops = Cell::new(0);
                let mut memory = bytes(4096);
                #[allow(unused_mut, reason = "some rings push through `&self`")]
                let (mut tx, rx) = $ring::in_memory(&mut memory, 4).expect("enough");
                for number in [0, u32::MAX, 2] {
                    assert!(tx.try_push(Counted(&drops, number)).is_ok());
                }
                drop(tx);
                assert!(catch_unwind(AssertUnwindSafe(|| drop(rx))).is_err());
                assert_eq!(drops.get(), 3);
            }

            #[test]
            fn forgotten_ends_leave_the_memory_alone() {
                let drops = Cell::new(0);
                let mut memory = bytes(4096);
                #[allow(unused_mut, reason = "some rings push through `&self`")]
                let (mut tx, rx) = $ring::in_memory(&mut memory, 2).expect("enough");
                assert!(tx.try_push(Counted(&drops, 1)).is_ok());
                drop(rx);
                mem::forget(tx);
                memory.fill(MaybeUninit::new(0xFF));
                assert_eq!(drops.get(), 0);
            }

            #[test]
            fn ends_carry_values_between_threads() {
                let mut memory = bytes(4096);
                #[allow(unused_mut, reason = "some rings push through `&self`")]
                let (mut tx, mut rx) = $ring::in_memory(&mut memory, 3).expect("enough");
                thread::scope(|threads| {
                    threads.spawn(move || {
                        for number in 0..1000 {
                            let mut value = Box::new(number);
                            while let Err(TryPushError::Full(back)) = tx.try_push(value) {
                                value = back;
                                thread::yield_now();
                            }
                        }
                    });
                    let mut next = 0;
                    loop {
                        match rx.try_pop() {
                            Ok(value) => {
                                assert_eq!(*value, next);
                                next += 1;
                            }
                            Err(TryPopError::Empty) => thread::yield_now(),
                            Err(TryPopError::Closed) => break,
                        }
                    }
                    assert_eq!(next, 1000);
                });
            }
        }
    };
}

suite!(of_one_producer, spsc);
suite!(of_many_producers, mpsc);

#[test]
fn the_error_says_what_is_missing() {
    let too_small = refused(spsc::in_memory::<u8>(&mut bytes(3), 1));
    let text = too_small.to_string();
    assert!(text.contains("3 were given"), "{text}");
    assert!(too_small.source().is_none());
    let zero = refused(spsc::in_memory::<u8>(&mut [], 0));
    assert_eq!(zero.to_string(), CapacityError::Zero.to_string());
    assert!(zero.source().is_some());
}
