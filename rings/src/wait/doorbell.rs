//! Parking: threads and tasks wait here, one thread on a seat before one queue.
//!
//! # Why no wake is lost
//!
//! | who | first | then |
//! |---|---|---|
//! | waiter | ANNOUNCE: sits down, or adds itself to the queue | RECHECK: looks at the ring |
//! | ringer | changes the ring | CHECK: loads the word of the seat, which also says whether there is a queue |
//!
//! Each has a barrier between its two steps ([`Barrier`]), and in the single order of these barriers one comes first.
//! If it is the waiter's, the ringer's load sees the waiter, and the ringer turns to it; if it is the ringer's, the
//! waiter's second look sees the change. Both may happen, but never neither.
//!
//! A ringer takes waiters out of the queue, under its lock, and then wakes them. A waiter sleeps while its ticket is in
//! the queue. So a ring between the second look and the sleep is not lost: the ticket is gone.
//!
//! On Linux a thread that waits alone takes no lock: it sits ([`Seat`]), and sleeps on the word of the seat while that
//! says so. A ringer clears the word and then wakes who sleeps on it. The kernel looks at the word once more before it
//! puts a thread to sleep, so a ring between is not lost either. Nobody sits down while there is a queue: who sits has
//! waited longest, and is woken first.
//!
//! | edge | release end | acquire end | carries |
//! |---|---|---|---|
//! | WAKE | ringer clears the seat | who sat there finds it cleared | the change that was rung for |
//!
//! # Why a waiter that gives up takes nobody's wake with it
//!
//! A ring for one change wakes one waiter. If that waiter leaves for another reason (its deadline, a dropped future, or
//! because its second look found something), it finds its ticket gone, or its seat, and rings for the next.

use core::{fmt, time::Duration};
use std::{collections::VecDeque, sync::PoisonError, time::Instant};

use crossbeam_utils::CachePadded;

use super::{
    Wait, WaitUntil,
    barrier::Barrier,
    seat::{Seat, Sitting},
};
use crate::sync::{
    Mutex, MutexGuard, now, spin_loop,
    thread::{self, Thread},
};

/// Where threads and tasks wait for a condition that others make true: spins for a while, then parks.
///
/// Any number may wait and any number may ring. While nobody waits, a ring costs a load, and a fence where the kernel
/// refuses `membarrier(2)`.
pub struct Doorbell {
    /// Says whether anybody waits. Read by every ring: on a line that is written only when somebody parks.
    seat: CachePadded<Seat>,
    queue: Mutex<Queue>,
    barrier: Barrier,
    spins: u32,
    /// How many pauses of the processor lie between two looks of one who spins.
    pauses: u32,
    yields: u32,
    /// How often a task that waits wakes itself and looks again before it stands in the queue.
    #[cfg(feature = "async")]
    polls: u32,
}

/// Room in the queue from the start, so that the first to park allocate nothing.
const WAITERS: usize = 8;

struct Queue {
    entries: VecDeque<(Ticket, Waiter)>,
    last: Ticket,
}

/// Where a thread waits.
#[derive(Debug, Clone, Copy)]
enum Spot {
    Seat(Sitting),
    Queue(Ticket),
}

/// A waiter's place in the queue, never used twice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Ticket(u64);

/// Whom to wake.
pub(crate) enum Waiter {
    Thread(Thread),
    #[cfg(feature = "async")]
    Task(core::task::Waker),
}

impl Waiter {
    fn wake(self) {
        match self {
            Self::Thread(thread) => thread.unpark(),
            #[cfg(feature = "async")]
            Self::Task(waker) => waker.wake(),
        }
    }
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
            seat: CachePadded::new(Seat::new()),
            queue: Mutex::new(Queue {
                entries: VecDeque::with_capacity(WAITERS),
                last: Ticket::default(),
            }),
            barrier: Barrier::new(),
            spins,
            pauses: 1,
            yields: 0,
            #[cfg(feature = "async")]
            polls: 0,
        }
    }

    /// Puts `pauses` pauses of the processor, not one, between the looks of a waiter that spins.
    ///
    /// A look takes the line that it reads from the CPU that writes it. Who waits for a ring that is full, say, does well
    /// to let some slots come free before it looks again: both ends then move several items for each line that changes
    /// hands. A pause takes from ten to fifty nanoseconds, and the wait ends later by up to so many.
    #[must_use]
    pub fn with_pauses(self, pauses: u32) -> Self {
        Self { pauses, ..self }
    }

    /// Lets waiters, after they have spun, give the CPU to whoever wants it and look again, `yields` times, before
    /// they park.
    ///
    /// With fewer CPUs than threads this hands the CPU to the thread that ends the wait, without the cost of a wake.
    #[must_use]
    pub fn with_yields(self, yields: u32) -> Self {
        Self { yields, ..self }
    }

    /// Lets a task that waits look again `polls` times before it stands in the queue: it wakes itself, so that its
    /// executor runs whoever else is ready and then polls it again.
    ///
    /// To stand in the queue costs a lock, and where the kernel grants `membarrier(2)` an interruption of all other CPUs
    /// that run the process, some microseconds: more than it takes a task on another CPU to answer. Meanwhile the
    /// executor has something to do, and does not park. With fewer CPUs than executors it only keeps others from running.
    #[cfg(feature = "async")]
    #[must_use]
    pub fn with_polls(self, polls: u32) -> Self {
        Self { polls, ..self }
    }

    #[cfg(feature = "async")]
    pub(crate) const fn polls(&self) -> u32 {
        self.polls
    }

    /// Wakes whoever waits. Call it after the change that they wait for.
    ///
    /// Never blocks but for the few instructions for which another thread holds the lock of the queue. A thread that
    /// waits alone is woken without that lock.
    #[inline]
    pub fn ring(&self) {
        self.ring_for(usize::MAX);
    }

    /// Wakes up to `count` waiters, those that have waited longest: for a change that serves as many.
    #[inline]
    pub fn ring_for(&self, count: usize) {
        if self.is_awaited() {
            self.wake(count);
        }
    }

    /// Whether anybody waits who may not have seen a change that was made before.
    #[inline(always)]
    fn is_awaited(&self) -> bool {
        self.barrier.light();
        self.seat.is_anybody_there()
    }

    #[cold]
    fn wake(&self, count: usize) {
        if count == 0 {
            return;
        }
        let left = count - usize::from(self.seat.wake());
        if left == 0 || !self.seat.is_anybody_queued() {
            return;
        }
        // Those in the queue now, and not those who come back to it while this goes on.
        let mut left = left.min(self.lock().entries.len());
        while left != 0 {
            let Some(waiter) = self.take_first() else {
                break;
            };
            // Outside the lock: a task's waker is foreign code.
            waiter.wake();
            left -= 1;
        }
    }

    fn take_first(&self) -> Option<Waiter> {
        let mut queue = self.lock();
        let (_, waiter) = queue.entries.pop_front()?;
        self.count(&queue);
        Some(waiter)
    }

    /// Returns what `look` finds, parking until it finds something.
    ///
    /// `look` runs on this thread, with no lock held, at least once and after every wake.
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
            self.pause();
        }
        for _ in 0..self.yields {
            if let Some(found) = look() {
                return Some(found);
            }
            thread::yield_now();
        }
        if let Some(found) = look() {
            return Some(found);
        }
        loop {
            let place = Place {
                spot: self.take_spot(),
                bell: self,
            };
            self.barrier.heavy();
            // RECHECK: after ANNOUNCE, by the barrier.
            if let Some(found) = look() {
                return Some(found);
            }
            while self.is_waiting(place.spot) {
                let left = deadline.map(|deadline| deadline.saturating_duration_since(now()));
                if left.is_some_and(|left| left.is_zero()) {
                    return look();
                }
                self.sleep(place.spot, left);
            }
            // The wake is this waiter's own, to be spent on this look. If the look panics, the place passes it on.
            let found = look();
            core::mem::forget(place);
            if found.is_some() {
                return found;
            }
        }
    }

    fn pause(&self) {
        (0..self.pauses).for_each(|_| spin_loop());
    }

    /// ANNOUNCE: a place for this thread. RECHECK comes after it.
    fn take_spot(&self) -> Spot {
        match self.seat.sit() {
            Some(sitting) => Spot::Seat(sitting),
            None => Spot::Queue(self.enter(Waiter::Thread(thread::current()))),
        }
    }

    fn is_waiting(&self, spot: Spot) -> bool {
        match spot {
            Spot::Seat(sitting) => self.seat.sits(sitting),
            Spot::Queue(ticket) => self.is_queued(ticket),
        }
    }

    /// Sleeps for a while: until it is woken, or for no reason, but not longer than `left`.
    fn sleep(&self, spot: Spot, left: Option<Duration>) {
        match (spot, left) {
            (Spot::Seat(sitting), left) => self.seat.sleep(sitting, left),
            (Spot::Queue(_), None) => thread::park(),
            (Spot::Queue(_), Some(left)) => thread::park_timeout(left),
        }
    }

    /// ANNOUNCE: adds a waiter to the queue. RECHECK comes after it.
    #[cfg(feature = "async")]
    pub(crate) fn announce(&self, waiter: Waiter) -> Ticket {
        let ticket = self.enter(waiter);
        self.barrier.heavy();
        ticket
    }

    fn enter(&self, waiter: Waiter) -> Ticket {
        let mut queue = self.lock();
        queue.last.0 += 1;
        let ticket = queue.last;
        queue.entries.push_back((ticket, waiter));
        self.count(&queue);
        ticket
    }

    pub(crate) fn is_queued(&self, ticket: Ticket) -> bool {
        self.lock()
            .entries
            .iter()
            .any(|(queued, _)| *queued == ticket)
    }

    /// Gives a task that is still in the queue its waker of now; `false` if it is not in the queue any more.
    #[cfg(feature = "async")]
    pub(crate) fn replace(&self, ticket: Ticket, waker: &core::task::Waker) -> bool {
        // Cloned before the lock is taken, and the old one dropped after: a waker is foreign code.
        let mut waiter = Waiter::Task(waker.clone());
        let mut queue = self.lock();
        let entry = queue
            .entries
            .iter_mut()
            .find(|(queued, _)| *queued == ticket);
        let Some((_, old)) = entry else { return false };
        core::mem::swap(old, &mut waiter);
        drop(queue);
        true
    }

    /// A waiter leaves that does not wait for its wake. If the wake has come already, the next waiter gets it.
    pub(crate) fn leave(&self, ticket: Ticket) {
        let mut queue = self.lock();
        let queued = queue
            .entries
            .iter()
            .position(|(queued, _)| *queued == ticket);
        let removed = queued.and_then(|index| queue.entries.remove(index));
        self.count(&queue);
        drop(queue);
        if removed.is_none() {
            self.wake(1);
        }
    }

    /// Writes down whether there is a queue, under its lock.
    fn count(&self, queue: &Queue) {
        self.seat.say_queued(!queue.entries.is_empty());
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing that can panic runs under the lock, so it is never really poisoned.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place that is given up when the waiter returns, also by a panic in its look.
struct Place<'b> {
    bell: &'b Doorbell,
    spot: Spot,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        match self.spot {
            Spot::Queue(ticket) => self.bell.leave(ticket),
            Spot::Seat(sitting) => {
                if !self.bell.seat.rise(sitting) {
                    self.bell.wake(1);
                }
            }
        }
    }
}

impl Wait for Doorbell {
    #[inline]
    fn ring_for(&self, count: usize) {
        Doorbell::ring_for(self, count);
    }

    #[inline]
    fn may_be_awaited(&self) -> bool {
        self.is_awaited()
    }

    fn wait<R>(&self, look: impl FnMut() -> Option<R>) -> R {
        Doorbell::wait(self, look)
    }

    fn wait_again<R>(&self, look: impl FnMut() -> Option<R>) -> R {
        if self.spins != 0 {
            self.pause();
        }
        Doorbell::wait(self, look)
    }
}

impl WaitUntil for Doorbell {
    fn wait_until<R>(&self, deadline: Instant, look: impl FnMut() -> Option<R>) -> Option<R> {
        Doorbell::wait_until(self, deadline, look)
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
