//! Frames of bytes: against a model, at their limits, between threads.
#![cfg(all(feature = "alloc", not(loom)))]

#[path = "ops/frames.rs"]
mod ops;
mod steps;

use std::{
    collections::BTreeSet,
    mem::MaybeUninit,
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
};

use ops::{End, FrameOp, replay};
use proptest::prelude::*;
use shared_nothing_rings::{
    CapacityError, MemoryError, TryPopError,
    frames::{self, Consumer, Producer, TryReserveError},
};

// An end may move to another thread; it cannot be used from two.
static_assertions::assert_impl_all!(Producer<'static>: Send);
static_assertions::assert_impl_all!(Consumer<'static>: Send);
static_assertions::assert_not_impl_any!(Producer<'static>: Sync, Clone, Copy);
static_assertions::assert_not_impl_any!(Consumer<'static>: Sync, Clone, Copy);
static_assertions::assert_impl_all!(frames::FrameGrant<'static, 'static>: Send, Sync);

fn any_end() -> impl Strategy<Value = End> {
    prop_oneof![2 => Just(End::Done), 1 => Just(End::Left)]
}

fn any_op() -> impl Strategy<Value = FrameOp> {
    let len = prop_oneof![8 => 0u16..30, 1 => 0u16..80];
    prop_oneof![
        4 => len.clone().prop_map(|len| FrameOp::Push { len }),
        4 => (len.clone(), len, any_end())
            .prop_map(|(len, keep, end)| FrameOp::Reserve { len, keep, end }),
        7 => any_end().prop_map(|end| FrameOp::Peek { end }),
    ]
}

/// Steps before and after a close, which may not come.
fn any_ops() -> impl Strategy<Value = Vec<FrameOp>> {
    let closes = [FrameOp::CloseTx, FrameOp::CloseRx];
    steps::round_a_close(any_op, [0..120, 0..20], 4, closes)
}

proptest! {
    #![proptest_config(steps::config())]

    #[test]
    fn frames_agree_with_their_model(
        capacity in prop_oneof![Just(16usize), Just(64), 16usize..130],
        back in prop_oneof![0usize..200, Just(usize::MAX)],
        ops in any_ops(),
    ) {
        replay(capacity, usize::MAX - back, &ops);
    }
}

fn ring(capacity: usize) -> (Producer<'static>, Consumer<'static>) {
    frames::with_capacity(capacity).expect("a small ring")
}

#[test]
fn the_longest_frame_fits_an_empty_ring_at_every_position() {
    for capacity in [16, 20, 36, 64, 100, 128] {
        let mut positions = BTreeSet::new();
        for start in (0..256).step_by(4) {
            let (mut tx, mut rx) = frames::with_capacity_at(capacity, start).expect("small");
            let longest = vec![7; tx.frame_len_max()];
            assert_eq!(rx.frame_len_max(), longest.len());
            for _lap in 0..3 {
                assert_eq!(tx.try_push(&longest), Ok(()));
                assert_eq!(rx.peek().expect("just pushed")[..], longest);
                rx.peek().expect("still there").consume();
            }
            positions.insert(start % capacity.next_power_of_two());
            let len = longest.len() + 1;
            let max = longest.len();
            let too_long = TryReserveError::FrameTooLong { len, max };
            assert_eq!(tx.reserve(len).err(), Some(too_long));
            assert!(tx.reserve(usize::MAX).is_err());
        }
        assert_eq!(positions.len(), capacity.next_power_of_two() / 4);
    }
}

#[test]
fn a_ring_takes_frames_to_the_last_byte() {
    let (mut tx, mut rx) = ring(64);
    // Eight bytes each, header included.
    for number in 0..8 {
        assert_eq!(tx.try_push(&[number; 4]), Ok(()));
    }
    assert_eq!(tx.len(), 64);
    assert_eq!(tx.try_push(&[]), Err(TryReserveError::Full));
    rx.peek().expect("eight are there").consume();
    assert_eq!(tx.try_push(&[9; 5]), Err(TryReserveError::Full));
    assert_eq!(tx.try_push(&[9; 4]), Ok(()));
}

#[test]
fn an_empty_frame_is_a_frame() {
    let (mut tx, mut rx) = ring(16);
    assert_eq!(tx.try_push(&[]), Ok(()));
    assert!(!tx.is_empty() && !rx.is_empty());
    let frame = rx.peek().expect("just pushed");
    assert!(frame.is_empty());
    frame.consume();
    assert_eq!(rx.peek().err(), Some(TryPopError::Empty));
}

#[test]
fn a_grant_shows_no_memory_that_was_never_written() {
    let mut memory = vec![MaybeUninit::new(0xA5); 4096];
    let mut mapped = frames::in_memory(&mut memory, 1000).expect("enough");
    let mut heap = ring(1000);
    for (tx, rx) in [&mut mapped, &mut heap] {
        for lap in 0..2 {
            let grant = tx.reserve(496).expect("empty");
            assert!(grant.iter().all(|&byte| byte == 0), "lap {lap}");
            grant.commit(496);
            rx.peek().expect("just committed").consume();
        }
        // The memory has 1024 bytes, and the capacity does not reach the last ones at once.
        let grant = tx.reserve(20).expect("empty");
        assert!(grant.iter().all(|&byte| byte == 0));
    }
}

#[test]
fn a_commit_of_more_than_was_reserved_publishes_nothing() {
    let (mut tx, mut rx) = ring(64);
    let grant = tx.reserve(5).expect("empty");
    assert!(catch_unwind(AssertUnwindSafe(|| grant.commit(6))).is_err());
    assert_eq!(rx.peek().err(), Some(TryPopError::Empty));
    assert_eq!(tx.try_push(b"after"), Ok(()));
    assert_eq!(&rx.peek().expect("just pushed")[..], b"after");
}

#[test]
fn closing_loses_nothing() {
    let (mut tx, mut rx) = ring(64);
    assert_eq!(tx.try_push(b"last words"), Ok(()));
    drop(tx);
    assert!(rx.is_closed());
    assert_eq!(&rx.peek().expect("sent before")[..], b"last words");
    rx.peek().expect("still there").consume();
    for _ in 0..2 {
        assert_eq!(rx.peek().err(), Some(TryPopError::Closed));
    }
    let (mut tx, mut rx) = ring(64);
    assert_eq!(tx.try_push(b"sent"), Ok(()));
    rx.close();
    assert!(tx.is_closed());
    assert_eq!(tx.try_push(b"late"), Err(TryReserveError::Closed));
    assert_eq!(&rx.peek().expect("sent before")[..], b"sent");
}

#[test]
fn frames_stay_in_a_ring_that_is_split_again() {
    let mut ring = frames::Ring::<64>::new();
    assert_eq!(ring.split().0.try_push(b"kept"), Ok(()));
    let mut moved = ring;
    let (_tx, mut rx) = moved.split();
    assert_eq!(&rx.peek().expect("kept")[..], b"kept");

    static RING: frames::Ring<64> = frames::Ring::new();
    let (mut tx, rx) = RING.split_static().expect("the first");
    assert!(RING.split_static().is_none());
    assert_eq!(tx.try_push(b"kept"), Ok(()));
    drop((tx, rx));
    let (_tx, mut rx) = RING.split_static().expect("both are gone");
    assert_eq!(&rx.peek().expect("kept")[..], b"kept");
}

#[test]
fn impossible_capacities_are_errors() {
    assert_eq!(frames::with_capacity(0).err(), Some(CapacityError::Zero));
    for capacity in 1..16 {
        let small = Some(CapacityError::TooSmall);
        assert_eq!(frames::with_capacity(capacity).err(), small);
        assert_eq!(frames::layout(capacity).err(), small);
        let why = frames::in_memory(&mut [], capacity).err();
        assert_eq!(why, small.map(MemoryError::Capacity));
    }
    let large = frames::with_capacity(usize::MAX).err();
    assert_eq!(large, Some(CapacityError::TooLarge));
    let layout = frames::layout(100).expect("small");
    let mut memory = vec![MaybeUninit::uninit(); layout.size() - 1];
    let why = frames::in_memory(&mut memory, 100).err();
    assert!(matches!(why, Some(MemoryError::TooSmall { needed, .. }) if needed >= layout.size()));
    assert_eq!(CapacityError::TooSmall.to_string(), "capacity is too small");
}

#[test]
fn errors_say_what_is_wrong() {
    let too_long = TryReserveError::FrameTooLong { len: 9, max: 4 };
    assert_eq!(too_long.to_string(), "frame of 9 bytes is longer than 4");
    assert_eq!(TryReserveError::Full.to_string(), "ring is full");
    assert_eq!(TryReserveError::Closed.to_string(), "ring is closed");
    let (tx, rx) = ring(16);
    assert!(format!("{tx:?} {rx:?}").contains("capacity: 16"));
}

#[test]
fn frames_of_all_lengths_arrive_whole_and_in_order() {
    const FRAMES: usize = 3_000;
    for capacity in [16, 100, 4096] {
        let (mut tx, mut rx) = ring(capacity);
        let len = |number: usize| number * 7919 % (frames::frame_len_max(capacity) + 1);
        thread::scope(|threads| {
            threads.spawn(move || {
                for number in 0..FRAMES {
                    let len = len(number);
                    loop {
                        if let Ok(mut grant) = tx.reserve(len) {
                            grant.fill(number as u8);
                            break grant.commit(len);
                        }
                        thread::yield_now();
                    }
                }
            });
            let mut next = 0;
            loop {
                match rx.peek() {
                    Ok(frame) => {
                        assert_eq!(frame.len(), len(next));
                        assert!(frame.iter().all(|&byte| byte == next as u8));
                        frame.consume();
                        next += 1;
                    }
                    Err(TryPopError::Empty) => thread::yield_now(),
                    Err(TryPopError::Closed) => break,
                }
            }
            assert_eq!(next, FRAMES);
        });
    }
}
