//! One bug for each sanitizer, on purpose, so that `.ci/sanitizers` can see that the sanitizer is on. Nothing happens
//! unless `RINGS_CONTROL` names it.
#![cfg(all(feature = "std", not(any(loom, shuttle))))]

use std::{env, hint::black_box, mem::MaybeUninit, ptr, thread};

use shared_nothing_rings::spsc;

fn is_wanted(sanitizer: &str) -> bool {
    env::var("RINGS_CONTROL").is_ok_and(|wanted| wanted == sanitizer)
}

/// A pointer that may go to another thread.
struct Anywhere(*mut u64);

// SAFETY: what is done to the number is a bug on purpose.
unsafe impl Send for Anywhere {}

#[test]
fn a_race_is_reported() {
    if !is_wanted("thread") {
        return;
    }
    let (mut tx, mut rx) = spsc::with_capacity(1).expect("a small ring");
    let mut number = 0;
    let number = &raw mut number;
    assert!(tx.try_push(Anywhere(number)).is_ok());
    let other = thread::spawn(move || {
        let number = rx.try_pop().expect("pushed before").0;
        // SAFETY: none. It races with the write below.
        unsafe { number.write(1) };
    });
    // SAFETY: none. It races with the write above.
    unsafe { number.write(2) };
    other.join().expect("no panic");
}

#[test]
fn a_value_taken_after_it_is_freed_is_reported() {
    if !is_wanted("address") {
        return;
    }
    let (mut tx, mut rx) = spsc::with_capacity(1).expect("a small ring");
    let value = Box::new(7);
    // SAFETY: none. The box has two owners.
    let twin = unsafe { ptr::read(&raw const value) };
    assert!(tx.try_push(value).is_ok());
    drop(twin);
    assert_eq!(*rx.try_pop().expect("pushed before"), 7);
}

#[test]
fn a_value_that_was_never_written_is_reported() {
    if !is_wanted("memory") {
        return;
    }
    let (mut tx, mut rx) = spsc::with_capacity(1).expect("a small ring");
    assert!(tx.try_push(MaybeUninit::<u64>::uninit()).is_ok());
    let value = rx.try_pop().expect("pushed before");
    // SAFETY: none. Nobody has written it.
    if unsafe { black_box(value).assume_init() } == 7 {
        black_box(());
    }
}
