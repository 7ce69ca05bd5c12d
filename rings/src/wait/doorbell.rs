//! Waiting for a ring: look, announce, look again, park.
//!
//! A ring never waits. Whoever wants to wait for one does so on a [`Doorbell`], and the other end rings it after it has
//! pushed, popped or closed. While nobody waits, ringing is a fence and a load.
//!
//! ```
//! use shared_nothing_rings::{TryPopError, spsc, wait::Doorbell};
//!
//! let (mut tx, mut rx) = spsc::with_capacity::<u32>(4)?;
//! let bell = Doorbell::new();
//! std::thread::scope(|threads| {
//!     threads.spawn(|| {
//!         assert!(tx.try_push(7).is_ok());
//!         bell.ring();
//!     });
//!     let got = bell.wait(|| match rx.try_pop() {
//!         Err(TryPopError::Empty) => None,
//!         done => Some(done),
//!     });
//!     assert_eq!(got, Ok(7));
//! });
//! # Ok::<(), shared_nothing_rings::CapacityError>(())
//! ```
//!
//! # Why no wake is lost
//!
//! | who | first | then |
//! |---|---|---|
//! | waiter | ANNOUNCE: adds itself to `waiting` | RECHECK: looks at the ring |
//! | ringer | changes the ring | CHECK: loads `waiting` |
//!
//! Each has a sequentially consistent fence between its two steps. One of the fences comes first. If it is the
//! waiter's, the ringer's load sees the waiter and the ringer turns to the slow path; if it is the ringer's, the
//! waiter's second look sees the change. Both may happen, but never neither.
//!
//! On the slow path an `epoch` under a lock decides: the waiter reads it before its second look and sleeps only while
//! it is unchanged; the ringer changes it before it wakes. So a ring between the second look and the sleep is not lost
//! either. All waiters are woken: one that gives up at its deadline takes nobody's wake with it.
//!
//! # Verification
//!
//! `rings/tests/loom_wait.rs` models a push, a close and two waiters against the park; `rings/tests/stress.rs` counts
//! park and wake pairs on real threads.

use core::fmt;
use std::{sync::PoisonError, time::Instant};

use crossbeam_utils::CachePadded;

use crate::sync::{
    AtomicUsize, Condvar, Mutex, MutexGuard,
    Ordering::{Relaxed, SeqCst},
    fence,
};

/// Where threads wait for a condition that other threads make true.
///
/// Any number may wait and any number may ring.
pub struct Doorbell {
    /// Read by every [`ring`](Self::ring): on a line that is written only when somebody parks.
    waiting: CachePadded<AtomicUsize>,
    epoch: Mutex<u64>,
    bell: Condvar,
    spins: u32,
}

impl Doorbell {
    /// A doorbell whose waiters park at once.
    #[must_use]
    pub fn new() -> Self {
        Self::with_spins(0)
    }

    /// A doorbell whose waiters look `spins` more times, with a pause of the processor between, before they park.
    ///
    /// Spinning pays when the other end runs on another CPU and answers within a few microseconds, and only burns
    /// time when there are fewer CPUs than threads.
    #[must_use]
    pub fn with_spins(spins: u32) -> Self {
        Self {
            waiting: CachePadded::new(AtomicUsize::new(0)),
            epoch: Mutex::new(0),
            bell: Condvar::new(),
            spins,
        }
    }

    /// Wakes whoever waits. Call it after the change that they wait for.
    ///
    /// Costs a fence and a load while nobody waits; a system call while somebody is parked. Never blocks but for the
    /// few instructions for which another thread holds the lock.
    #[inline]
    pub fn ring(&self) {
        // CHECK: ordered after the caller's change by the fence; pairs with ANNOUNCE and RECHECK.
        fence(SeqCst);
        // RELAXED: the fence orders it.
        if self.waiting.load(Relaxed) != 0 {
            self.ring_loud();
        }
    }

    #[cold]
    fn ring_loud(&self) {
        let mut epoch = self.lock();
        *epoch = epoch.wrapping_add(1);
        drop(epoch);
        self.bell.notify_all();
    }

    /// Returns what `look` finds, parking until it finds something.
    ///
    /// `look` runs on this thread, with no lock held, at least once and after every ring.
    pub fn wait<R>(&self, look: impl FnMut() -> Option<R>) -> R {
        match self.wait_inner(None, look) {
            Some(found) => found,
            None => unreachable!("only a deadline ends a wait empty-handed"),
        }
    }

    /// As [`wait`](Self::wait), but gives up at `deadline` and returns `None`. `look` runs once more after it.
    pub fn wait_until<R>(&self, deadline: Instant, look: impl FnMut() -> Option<R>) -> Option<R> {
        self.wait_inner(Some(deadline), look)
    }

    fn wait_inner<R>(
        &self,
        deadline: Option<Instant>,
        mut look: impl FnMut() -> Option<R>,
    ) -> Option<R> {
        for _ in 0..self.spins {
            if let Some(found) = look() {
                return Some(found);
            }
            core::hint::spin_loop();
        }
        if let Some(found) = look() {
            return Some(found);
        }
        let _announced = Announced::new(&self.waiting);
        loop {
            let seen = *self.lock();
            // RECHECK: after ANNOUNCE, by the fence there.
            if let Some(found) = look() {
                return Some(found);
            }
            if !self.park(seen, deadline) {
                return look();
            }
        }
    }

    /// Sleeps while the epoch is `seen`; `false` at the deadline.
    fn park(&self, seen: u64, deadline: Option<Instant>) -> bool {
        let mut epoch = self.lock();
        while *epoch == seen {
            epoch = match deadline {
                None => self
                    .bell
                    .wait(epoch)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return false;
                    }
                    self.bell
                        .wait_timeout(epoch, left)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        // Nothing that can panic runs under the lock, so it is never really poisoned.
        self.epoch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counted among the waiters until it is dropped, also by a panic in `look`.
struct Announced<'b>(&'b AtomicUsize);

impl<'b> Announced<'b> {
    fn new(waiting: &'b AtomicUsize) -> Self {
        // ANNOUNCE: RELAXED, because the fence orders it before RECHECK; pairs with CHECK.
        waiting.fetch_add(1, Relaxed);
        fence(SeqCst);
        Self(waiting)
    }
}

impl Drop for Announced<'_> {
    fn drop(&mut self) {
        // RELAXED: a ringer that still counts this waiter rings once too often.
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Default for Doorbell {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Doorbell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Doorbell").finish_non_exhaustive()
    }
}
