//! Models of frames at the end of the memory.
//!
//! All of them: 16 bytes, positions begin 4 bytes before the end and at the wrap of `usize`, so that a frame of 4
//! bytes skips one header; at most 3 preemptions. None can show a load that sees a store of its own future, nor how
//! long anything takes.
#![cfg(all(loom, feature = "std"))]

mod reached;

use std::collections::BTreeSet;

use loom::thread;
use reached::{outcomes, retry};
use shared_nothing_rings::{
    TryPopError,
    frames::{self, Consumer, Producer},
};

fn ring() -> (Producer<'static>, Consumer<'static>) {
    frames::with_capacity_at(16, usize::MAX).expect("a small ring")
}

/// PUBLISH and VACATE of the ring of bytes. 2 threads, 2 laps: each frame is written behind a skip or after one, and
/// the second needs the first's bytes.
#[test]
fn a_frame_behind_a_skip_is_seen_whole_and_given_back_whole() {
    let reached = outcomes(|| {
        let (mut tx, mut rx) = ring();
        let there = thread::spawn(move || {
            let mut was_full = false;
            for number in 1..=2u8 {
                was_full |= retry(|| tx.try_push(&[number; 4]).ok()).1;
            }
            was_full
        });
        let mut was_empty = false;
        for number in 1..=2u8 {
            let ((), waited) = retry(|| {
                let frame = rx.peek().ok()?;
                assert_eq!(frame[..], [number; 4]);
                frame.consume();
                Some(())
            });
            was_empty |= waited;
        }
        (there.join().unwrap(), was_empty)
    });
    let all = [(false, false), (false, true), (true, false), (true, true)];
    assert_eq!(reached, BTreeSet::from(all));
}

/// Nobody waits. 2 threads, 1 lap and the skip: the skipped bytes come back at the first look, those of a frame that
/// is only looked at do not.
#[test]
fn what_a_look_gives_back_is_the_skip_alone() {
    let reached = outcomes(|| {
        let (mut tx, mut rx) = ring();
        assert_eq!(tx.try_push(&[1; 4]), Ok(()));
        let there = thread::spawn(move || {
            // 12 of 16 bytes are taken, 8 once the skip is given back.
            [(); 3].map(|()| tx.try_push(&[]).is_ok())
        });
        for _look in 0..2 {
            assert_eq!(rx.peek().expect("kept")[..], [1; 4]);
        }
        there.join().unwrap()
    });
    // One frame of 4 bytes always fits, a second one in the bytes of the skip, and a third never.
    let all = [
        [true, false, false],
        [true, false, true],
        [true, true, false],
    ];
    assert_eq!(reached, BTreeSet::from(all));
}

/// CLOSE of the ring of bytes. 2 threads, 1 lap: the last frame, behind a skip, is not lost.
#[test]
fn close_meets_the_last_frame() {
    let reached = outcomes(|| {
        let (mut tx, mut rx) = ring();
        let there = thread::spawn(move || assert_eq!(tx.try_push(&[7; 4]), Ok(())));
        let (mut frames, mut was_empty) = (0, false);
        loop {
            match rx.peek() {
                Ok(frame) => {
                    assert_eq!(frame[..], [7; 4]);
                    frame.consume();
                    frames += 1;
                }
                Err(TryPopError::Empty) => {
                    was_empty = true;
                    thread::yield_now();
                }
                Err(TryPopError::Closed) => break,
            }
        }
        there.join().unwrap();
        (frames, was_empty)
    });
    assert_eq!(reached, BTreeSet::from([(1, false), (1, true)]));
}
