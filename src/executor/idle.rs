//! What a shard does when there is nothing to do: looks again for a while, then parks.
//!
//! # Why no wake is lost
//!
//! Whatever gives a shard work is published first, and then its doorbell is rung: a parcel in a lane, a task on the
//! foreign stack, a call from outside, room in a lane, the stop of the executor. The shard parks in that doorbell by a
//! [`wait`](Doorbell::wait) whose look finds all of these, so the doorbell's proof holds here: it announces the waiter
//! and then looks, the ringer changes and then looks for waiters, with barriers between, and one of both is first.
//! That the room is rung for is asked in each look (`room.rs`): a shard that is woken in vain asks again.
//! Where the kernel grants `membarrier(2)`, the ringer's barrier costs nothing; elsewhere both are fences.
//!
//! [`Doorbell::wait`]: shared_nothing_rings::wait::Doorbell::wait
#![forbid(unsafe_code)]

use core::{cell::Cell, time::Duration};

use super::shard::Shard;
use crate::sys;

/// What an idle shard does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Idle {
    /// Looks again for up to this long before it parks, as long as that pays: when waits turn out longer, it parks at
    /// once, and tries only now and then.
    Spin(Duration),
    /// Parks at once.
    Park,
    /// Looks for ever: the quickest answer, for a CPU that nobody else needs.
    BusyPoll,
}

impl Idle {
    /// Up to 50 microseconds: what a park and its wake cost on common machines.
    pub const DEFAULT: Self = Self::Spin(Duration::from_micros(50));
    /// Up to 200 microseconds.
    pub const LOW_LATENCY: Self = Self::Spin(Duration::from_micros(200));
}

/// Looks between two readings of the clock.
const LOOKS: usize = 16;

/// Of so many waits one spins although spinning does not pay: to notice when it does.
const PROBE: u32 = 32;

/// Whether spinning pays, by what became of the last spins.
///
/// A spin that found something counts up, one that did not counts down, and the last eight or so decide: at least one
/// in four must find something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Score {
    score: u32,
    skipped: u32,
}

impl Score {
    const MAX: u32 = 256;

    const fn new() -> Self {
        Self {
            score: Self::MAX / 2,
            skipped: 0,
        }
    }

    /// Whether to spin this time.
    const fn next(&mut self) -> bool {
        if self.score >= Self::MAX / 4 {
            return true;
        }
        self.skipped = (self.skipped + 1) % PROBE;
        self.skipped == 0
    }

    const fn learn(&mut self, found: bool) {
        self.score -= self.score / 8;
        if found {
            self.score += Self::MAX / 8;
        }
    }
}

/// How one shard waits.
#[derive(Debug)]
pub(crate) struct Waiter {
    spin_ns: u64,
    yields: u32,
    score: Cell<Score>,
    parks: Cell<u64>,
}

impl Waiter {
    /// With fewer CPUs than shards, spinning takes the CPU from whoever would end the wait: it parks after it has let
    /// others run a few times.
    pub(crate) fn new(idle: Idle, has_cpus: bool, yields: Option<u32>) -> Self {
        let spin_ns = match idle {
            Idle::BusyPoll => u64::MAX,
            Idle::Spin(cap) if has_cpus => u64::try_from(cap.as_nanos()).unwrap_or(u64::MAX),
            Idle::Spin(_) | Idle::Park => 0,
        };
        Self {
            spin_ns,
            yields: yields.unwrap_or(if has_cpus { 0 } else { 8 }),
            score: Cell::new(Score::new()),
            parks: Cell::new(0),
        }
    }

    pub(crate) fn parks(&self) -> u64 {
        self.parks.get()
    }

    /// Returns when there may be something to do.
    pub(crate) fn wait(&self, shard: &Shard) {
        if self.spin(shard) {
            return;
        }
        for _ in 0..self.yields {
            sys::yield_now();
            if shard.look() {
                return;
            }
        }
        self.park(shard);
    }

    /// `true`: there is something to do.
    fn spin(&self, shard: &Shard) -> bool {
        let mut score = self.score.get();
        let spins = self.spin_ns != 0 && (self.spin_ns == u64::MAX || score.next());
        if spins {
            let found = self.spin_until_found(shard);
            score.learn(found);
            self.score.set(score);
            return found;
        }
        self.score.set(score);
        false
    }

    fn spin_until_found(&self, shard: &Shard) -> bool {
        let core = shard.core();
        let deadline_ns = core.next_deadline_ns().unwrap_or(u64::MAX);
        // The clock is read after the first looks: an answer that comes at once does not pay for it.
        let mut end_ns = None;
        loop {
            for _ in 0..LOOKS {
                if shard.look() {
                    return true;
                }
                core::hint::spin_loop();
            }
            let now_ns = core.now_ns();
            if now_ns >= deadline_ns {
                return true;
            }
            if now_ns >= *end_ns.get_or_insert(now_ns.saturating_add(self.spin_ns)) {
                return false;
            }
        }
    }

    fn park(&self, shard: &Shard) {
        let shared = shard.shared();
        // Barriers of several shards at a time would wait for each other in the kernel: who comes second looks again
        // meanwhile.
        if !shared.try_announce() {
            sys::yield_now();
            return;
        }
        let announcing = Announcing {
            shard,
            is_over: Cell::new(false),
        };
        shard.end_bursts();
        self.parks.set(self.parks.get() + 1);
        let looks = Cell::new(0_u32);
        let look = || {
            looks.set(looks.get() + 1);
            // The second comes after the barrier.
            if looks.get() == 2 {
                announcing.end();
            }
            // ROOM: in each look, for a wake by this takes the wish with it, and there may be no room yet in the lane that
            // this shard waits for.
            shard.want_room();
            shard.look().then_some(())
        };
        let bell = &shard.peer().bell;
        let core = shard.core();
        match core.next_deadline_ns() {
            None => bell.wait(look),
            Some(deadline_ns) => {
                let left = Duration::from_nanos(deadline_ns.saturating_sub(core.now_ns()));
                match sys::now().checked_add(left) {
                    None => bell.wait(look),
                    Some(deadline) => {
                        let _in_time = bell.wait_until(deadline, look);
                    }
                }
            }
        }
    }
}

/// The right to announce a park, given back once.
struct Announcing<'s> {
    shard: &'s Shard,
    is_over: Cell<bool>,
}

impl Announcing<'_> {
    fn end(&self) {
        if !self.is_over.replace(true) {
            self.shard.shared().end_announce();
        }
    }
}

impl Drop for Announcing<'_> {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn spins_that_find_nothing_become_rare_and_come_back() {
        let mut score = Score::new();
        let mut spins = 0;
        for _ in 0..1_000 {
            if score.next() {
                spins += 1;
                score.learn(false);
            }
        }
        assert!(spins < 50, "{spins}");
        let mut waits = 0;
        while score.score < Score::MAX / 4 {
            waits += 1;
            if score.next() {
                score.learn(true);
            }
        }
        assert!(waits < 200, "{waits}");
        assert!((0..100).all(|_| {
            score.learn(true);
            score.next()
        }));
    }

    #[test]
    fn one_in_four_is_enough() {
        let mut score = Score::new();
        for round in 0..1_000 {
            assert!(score.next(), "in round {round}");
            score.learn(round % 3 == 0);
        }
    }

    #[test]
    fn with_fewer_cpus_than_shards_nobody_spins() {
        let waiter = Waiter::new(Idle::LOW_LATENCY, false, None);
        assert_eq!((waiter.spin_ns, waiter.yields), (0, 8));
        assert_eq!(Waiter::new(Idle::DEFAULT, true, None).spin_ns, 50_000);
        assert_eq!(Waiter::new(Idle::BusyPoll, false, None).spin_ns, u64::MAX);
        assert_eq!(Waiter::new(Idle::Park, true, None).spin_ns, 0);
    }
}
