//! Waiting by letting others run.
#![forbid(unsafe_code)]

use std::time::Instant;

use super::{Wait, WaitUntil};
use crate::sync::{now, spin_loop, thread};

/// Spins for a few microseconds, then gives the CPU to whoever wants it between looks.
///
/// It never sleeps, so ringing costs nothing; a waiter burns what CPU is left over.
#[derive(Debug, Clone, Copy, Default)]
pub struct Yield;

const SPINS: u32 = 64;

impl Wait for Yield {
    #[inline(always)]
    fn ring_for(&self, _count: usize) {}

    #[inline(always)]
    fn may_be_awaited(&self) -> bool {
        false
    }

    #[inline]
    fn wait<R>(&self, mut look: impl FnMut() -> Option<R>) -> R {
        let mut pause = pauses();
        loop {
            if let Some(found) = look() {
                return found;
            }
            pause();
        }
    }
}

impl WaitUntil for Yield {
    fn wait_until<R>(&self, deadline: Instant, mut look: impl FnMut() -> Option<R>) -> Option<R> {
        let mut pause = pauses();
        loop {
            if let Some(found) = look() {
                return Some(found);
            }
            if now() >= deadline {
                return None;
            }
            pause();
        }
    }
}

/// A pause that becomes a yield after [`SPINS`] calls.
fn pauses() -> impl FnMut() {
    let mut spins = SPINS;
    move || match spins.checked_sub(1) {
        Some(left) => {
            spins = left;
            spin_loop();
        }
        None => thread::yield_now(),
    }
}
