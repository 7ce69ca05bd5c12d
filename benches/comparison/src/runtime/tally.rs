//! What every worker does with a message: the same for all peers, and checked at the end.
//!
//! A worker counts and sums in a cache line of its own, which others read when all is sent: so nothing is added to what
//! the peers do, and a peer that loses, repeats or changes a message is found out.

use std::{
    cell::RefCell,
    hint::black_box,
    sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering},
    time::Instant,
};

use super::plan::mixed;

/// A message with this bit has the time noted at which it is handled.
pub(crate) const NOTED: u64 = 1 << 63;

const WORKERS_MAX: usize = 64;

#[repr(align(128))]
struct Line {
    count: AtomicU64,
    sum: AtomicU64,
}

static LINES: [Line; WORKERS_MAX] = [const {
    Line {
        count: AtomicU64::new(0),
        sum: AtomicU64::new(0),
    }
}; WORKERS_MAX];
static TAKEN: AtomicUsize = AtomicUsize::new(0);
static WORK: AtomicU32 = AtomicU32::new(0);
static NOTED_AT_NS: AtomicU64 = AtomicU64::new(0);

/// A worker's part.
pub(crate) struct Tally {
    line: &'static Line,
    count: u64,
    sum: u64,
    work: u32,
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self {
            line: &LINES[TAKEN.fetch_add(1, Ordering::Relaxed)],
            count: 0,
            sum: 0,
            work: WORK.load(Ordering::Relaxed),
        }
    }

    /// Takes a message. Returns the answer to it, if one is asked for.
    #[inline]
    pub(crate) fn handle(&mut self, message: u64) -> u64 {
        if message & NOTED != 0 {
            NOTED_AT_NS.store(now_ns(), Ordering::Release);
        }
        if self.work != 0 {
            let worked = (0..self.work).fold(message, |value, _| mixed(value));
            black_box(worked);
        }
        self.count += 1;
        self.sum = self.sum.wrapping_add(message);
        self.line.sum.store(self.sum, Ordering::Relaxed);
        // With the sum.
        self.line.count.store(self.count, Ordering::Release);
        answer(message)
    }
}

/// What a worker must answer.
#[inline]
pub(crate) const fn answer(message: u64) -> u64 {
    message.wrapping_add(1)
}

thread_local! {
    static OWN: RefCell<Tally> = RefCell::new(Tally::new());
}

/// For peers whose messages are closures: the part of the thread that runs it.
#[inline]
pub(crate) fn handle(message: u64) -> u64 {
    OWN.with_borrow_mut(|tally| tally.handle(message))
}

/// How often workers mix a message from now on; those that are there already do not hear of it.
pub(crate) fn set_work(work: u32) {
    WORK.store(work, Ordering::Relaxed);
}

pub(crate) fn count() -> u64 {
    let lines = LINES.iter().take(TAKEN.load(Ordering::Relaxed));
    lines.map(|line| line.count.load(Ordering::Acquire)).sum()
}

fn sum() -> u64 {
    let lines = LINES.iter();
    lines.fold(0, |sum: u64, line| {
        sum.wrapping_add(line.sum.load(Ordering::Relaxed))
    })
}

/// Checks that the workers had each of `0..count` once, by number and by sum.
///
/// # Panics
///
/// If not.
pub(crate) fn assert_each_once(count: u64) {
    assert_sum(count, (0..count).fold(0, u64::wrapping_add));
}

/// # Panics
///
/// If the workers had not `messages` messages with this sum.
pub(crate) fn assert_sum(messages: u64, expected: u64) {
    assert_eq!(count(), messages, "messages were lost or repeated");
    assert_eq!(sum(), expected, "messages were changed");
}

/// When the last message with [`NOTED`] was handled, if one was since the last call.
pub(crate) fn take_noted() -> Option<u64> {
    match NOTED_AT_NS.load(Ordering::Acquire) {
        0 => None,
        at_ns => {
            NOTED_AT_NS.store(0, Ordering::Relaxed);
            Some(at_ns)
        }
    }
}

/// Nanoseconds since some time in this process's past.
pub(crate) fn now_ns() -> u64 {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    // Never 0, which says that nothing was noted.
    START.get_or_init(Instant::now).elapsed().as_nanos() as u64 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One test, because all tallies of a process are one.
    #[test]
    fn what_is_lost_changed_or_noted_is_seen() {
        let (mut one, mut other) = (Tally::new(), Tally::new());
        assert_eq!(one.handle(0), 1);
        assert_eq!(other.handle(2), 3);
        assert!(std::panic::catch_unwind(|| assert_each_once(3)).is_err());
        other.handle(1);
        assert_each_once(3);
        assert!(std::panic::catch_unwind(|| assert_sum(3, 4)).is_err());
        assert_eq!(take_noted(), None);
        one.handle(NOTED);
        assert!(take_noted().is_some());
        assert_eq!(take_noted(), None);
    }
}
