//! The seat before the queue: a thread that waits alone waits here, on one word, without a lock.
//!
//! Bit 0 of the word says that somebody sits, bit 1 that somebody is queued, the rest counts how often somebody sat
//! down. A thread sits down only when nobody sits or is queued, so that who sits has waited longest.
//!
//! A count of 30 bits names a sitting: one that is over is told from a later one, unless a thread is stopped between a
//! look and its sleep while exactly a multiple of 2^30 others sit and rise. Each takes a microsecond at least.
#![forbid(unsafe_code)]

use core::time::Duration;

use super::futex::Futex;
use crate::sync::Ordering::{Acquire, Relaxed, Release};

const SEATED: u32 = 1;
const QUEUED: u32 = 2;
const ONE_SITTING: u32 = 4;

#[derive(Debug)]
pub(super) struct Seat {
    state: Futex,
}

/// The word but for the bit of the queue, while this waiter sits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sitting(u32);

impl Seat {
    pub(super) fn new() -> Self {
        Self {
            state: Futex::new(0),
        }
    }

    /// Whether anybody waits, seated or queued. Between a change and this there is a barrier.
    #[inline(always)]
    pub(super) fn is_anybody_there(&self) -> bool {
        // RELAXED: the barrier orders it.
        self.state.word.load(Relaxed) & (SEATED | QUEUED) != 0
    }

    pub(super) fn is_anybody_queued(&self) -> bool {
        // RELAXED: the barrier orders it, as above; the queue itself is looked at under its lock.
        self.state.word.load(Relaxed) & QUEUED != 0
    }

    /// Says whether somebody is queued. Called under the lock of the queue.
    pub(super) fn say_queued(&self, is_queued: bool) {
        let word = &self.state.word;
        if is_queued {
            // RELAXED: the lock orders it among those who say so, and the barriers for those who ring.
            word.fetch_or(QUEUED, Relaxed);
        } else {
            // RELAXED: as above.
            word.fetch_and(!QUEUED, Relaxed);
        }
    }

    /// ANNOUNCE: sits down, if nobody waits. RECHECK comes after it.
    pub(super) fn sit(&self) -> Option<Sitting> {
        if !Futex::IS_THERE {
            return None;
        }
        let word = &self.state.word;
        // RELAXED: the barrier that follows orders it for those who ring.
        let empty = word.load(Relaxed);
        if empty & (SEATED | QUEUED) != 0 {
            return None;
        }
        let seated = empty.wrapping_add(ONE_SITTING) | SEATED;
        // RELAXED: as above.
        word.compare_exchange(empty, seated, Relaxed, Relaxed)
            .ok()
            .map(|_| Sitting(seated))
    }

    /// Whether this sitting goes on.
    pub(super) fn sits(&self, sitting: Sitting) -> bool {
        // WAKE, acquire end: if it is over, the change that was rung for is seen by the next look.
        self.state.word.load(Acquire) & !QUEUED == sitting.0
    }

    /// Sleeps while this sitting goes on, no longer than `left`. May return early.
    pub(super) fn sleep(&self, sitting: Sitting, left: Option<Duration>) {
        // RELAXED: whoever is back looks again.
        let word = self.state.word.load(Relaxed);
        if word & !QUEUED == sitting.0 {
            self.state.sleep(word, left);
        }
    }

    /// Rises, if the sitting goes on. If it does not, a wake has come that the caller has to spend or to pass on.
    pub(super) fn rise(&self, sitting: Sitting) -> bool {
        // WAKE, acquire end: a wake that is passed on goes with the change that it was rung for.
        let mut word = self.state.word.load(Acquire);
        while word & !QUEUED == sitting.0 {
            // WAKE, acquire end: as above, when the exchange fails; when it does not, nobody waits for it.
            match self
                .state
                .word
                .compare_exchange(word, word & !SEATED, Relaxed, Acquire)
            {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
        false
    }

    /// Wakes whoever sits. Says whether somebody did.
    pub(super) fn wake(&self) -> bool {
        // RELAXED: the exchange fails when it is outdated.
        let mut word = self.state.word.load(Relaxed);
        while word & SEATED != 0 {
            // WAKE, release end: whoever finds that it sits no more sees the change that is rung for. With fences the one
            // before CHECK would do, with membarrier there is none. RELAXED: when it fails it only says what there is.
            match self
                .state
                .word
                .compare_exchange(word, word & !SEATED, Release, Relaxed)
            {
                Ok(_) => {
                    self.state.wake();
                    return true;
                }
                Err(now) => word = now,
            }
        }
        false
    }
}
