//! The timers of one thread: a heap of deadlines whose entries know their place, so that any can be taken out.
//!
//! Setting, cancelling and firing one of *n* cost log₄ *n* steps each, the next deadline one look, and none a system
//! call. Timers of one deadline fire in the order in which they were set.
#![forbid(unsafe_code)]

use alloc::vec::Vec;
use core::task::Waker;

use super::slab::Slab;

/// Children of a node: four lie in two lines.
const ARITY: usize = 4;

/// Not in the heap: fired.
const FIRED: usize = usize::MAX;

#[derive(Debug)]
struct Timer {
    waker: Option<Waker>,
    /// Where it stands in the heap.
    spot: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Node {
    deadline_ns: u64,
    order: u64,
    key: usize,
}

/// Set timers, and those that have fired and were not put away yet.
#[derive(Debug)]
pub(crate) struct Timers {
    heap: Vec<Node>,
    timers: Slab<Timer>,
    set: u64,
}

impl Timers {
    pub(crate) const fn new() -> Self {
        Self {
            heap: Vec::new(),
            timers: Slab::new(),
            set: 0,
        }
    }

    pub(crate) fn next_deadline_ns(&self) -> Option<u64> {
        Some(self.heap.first()?.deadline_ns)
    }

    /// Sets a timer. It is there until [`remove`](Self::remove).
    pub(crate) fn set(&mut self, deadline_ns: u64, waker: Waker) -> usize {
        let spot = self.heap.len();
        let waker = Some(waker);
        let key = self.timers.insert(|_| Timer { waker, spot });
        self.set += 1;
        self.heap.push(Node {
            deadline_ns,
            order: self.set,
            key,
        });
        self.rise(spot);
        key
    }

    /// Whom to wake from now on. Returns the former.
    pub(crate) fn change(&mut self, key: usize, waker: Waker) -> Option<Waker> {
        self.timers.get_mut(key)?.waker.replace(waker)
    }

    /// Takes a timer out, fired or not.
    pub(crate) fn remove(&mut self, key: usize) -> Option<Waker> {
        let timer = self.timers.remove(key)?;
        if timer.spot != FIRED {
            self.take_node(timer.spot);
        }
        timer.waker
    }

    /// The waker of a timer whose deadline has come; call it until there is none.
    pub(crate) fn fire(&mut self, now_ns: u64) -> Option<Waker> {
        while self.next_deadline_ns()? <= now_ns {
            let key = self.heap[0].key;
            self.take_node(0);
            let Some(timer) = self.timers.get_mut(key) else {
                continue;
            };
            timer.spot = FIRED;
            if let Some(waker) = timer.waker.take() {
                return Some(waker);
            }
        }
        None
    }

    fn take_node(&mut self, spot: usize) {
        self.heap.swap_remove(spot);
        if spot < self.heap.len() {
            self.rise(spot);
            self.sink(spot);
        }
    }

    fn note(&mut self, spot: usize) {
        if let Some(timer) = self.timers.get_mut(self.heap[spot].key) {
            timer.spot = spot;
        }
    }

    fn rise(&mut self, mut spot: usize) {
        while spot != 0 {
            let parent = (spot - 1) / ARITY;
            if self.heap[parent] <= self.heap[spot] {
                break;
            }
            self.heap.swap(parent, spot);
            self.note(spot);
            spot = parent;
        }
        self.note(spot);
    }

    fn sink(&mut self, mut spot: usize) {
        loop {
            let children = ARITY * spot + 1..(ARITY * spot + 1 + ARITY).min(self.heap.len());
            let Some(least) = children.min_by_key(|child| self.heap[*child]) else {
                break;
            };
            if self.heap[spot] <= self.heap[least] {
                break;
            }
            self.heap.swap(least, spot);
            self.note(spot);
            spot = least;
        }
        self.note(spot);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::{
        sync::{Arc, Mutex},
        task::Wake,
    };

    use super::*;

    struct Note(u64, Arc<Mutex<Vec<u64>>>);

    impl Wake for Note {
        fn wake(self: Arc<Self>) {
            self.1.lock().unwrap().push(self.0);
        }
    }

    #[test]
    fn thousands_fire_in_order_and_those_removed_do_not() {
        let (mut timers, fired) = (Timers::new(), Arc::new(Mutex::new(Vec::new())));
        let mut seed = 1_u64;
        let mut expected = Vec::new();
        for order in 0..5_000_u64 {
            seed = seed
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            let deadline = seed >> 54;
            let id = deadline << 32 | order;
            let key = timers.set(deadline, Arc::new(Note(id, Arc::clone(&fired))).into());
            if order % 3 == 0 {
                assert!(timers.remove(key).is_some());
            } else {
                expected.push(id);
            }
        }
        expected.sort_unstable();
        for now in 0..1 << 10 {
            while let Some(waker) = timers.fire(now) {
                waker.wake();
            }
            assert!(timers.next_deadline_ns().is_none_or(|next| next > now));
        }
        assert_eq!(*fired.lock().unwrap(), expected);
    }

    #[test]
    fn a_timer_that_fired_is_put_away_by_its_owner() {
        let mut timers = Timers::new();
        let key = timers.set(5, Waker::noop().clone());
        assert!(timers.fire(4).is_none());
        assert!(timers.fire(5).is_some());
        assert!(timers.fire(5).is_none());
        assert!(timers.remove(key).is_none());
        assert_eq!(timers.set(9, Waker::noop().clone()), key);
        assert_eq!(timers.next_deadline_ns(), Some(9));
    }
}
