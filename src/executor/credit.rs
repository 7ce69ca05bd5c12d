//! How many calls a shard may have under way to another, and who waits for one to end.
#![forbid(unsafe_code)]

use core::{cell::Cell, task::Waker};
use std::{cell::RefCell, collections::VecDeque};

/// The credits from one shard to another. Used on one thread.
///
/// A credit that comes back goes to whoever has waited longest, by name: nobody overtakes, and who gives up waiting
/// passes on what was meant for it.
#[derive(Debug)]
pub(crate) struct Credits {
    left: Cell<usize>,
    waiting: RefCell<VecDeque<(Ticket, Waker)>>,
    last: Cell<u64>,
}

/// A place in the queue, never used twice. The queue is in the order of tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(u64);

impl Credits {
    pub(crate) fn new(count: usize) -> Self {
        Self {
            left: Cell::new(count),
            waiting: RefCell::new(VecDeque::new()),
            last: Cell::new(0),
        }
    }

    pub(crate) fn try_take(&self) -> bool {
        let left = self.left.get();
        if left != 0 {
            self.left.set(left - 1);
        }
        left != 0
    }

    /// Waits for a credit: look for it with [`has_come`](Self::has_come).
    pub(crate) fn wait(&self, waker: Waker) -> Ticket {
        let ticket = Ticket(self.last.get() + 1);
        self.last.set(ticket.0);
        self.waiting.borrow_mut().push_back((ticket, waker));
        ticket
    }

    /// Whether the waiter has got its credit. If not, its waker is from now on this.
    pub(crate) fn has_come(&self, ticket: Ticket, waker: &Waker) -> bool {
        let mut new = waker.clone();
        let mut waiting = self.waiting.borrow_mut();
        match waiting.binary_search_by_key(&ticket, |entry| entry.0) {
            Ok(at) => core::mem::swap(&mut waiting[at].1, &mut new),
            Err(_) => return true,
        }
        drop(waiting);
        false
    }

    /// A waiter gives up. Returns whom to wake, if its credit had come already.
    #[must_use]
    pub(crate) fn leave(&self, ticket: Ticket) -> Option<Waker> {
        let mut waiting = self.waiting.borrow_mut();
        match waiting.binary_search_by_key(&ticket, |entry| entry.0) {
            Ok(at) => {
                let entry = waiting.remove(at);
                drop(waiting);
                drop(entry);
                None
            }
            Err(_) => {
                drop(waiting);
                self.give()
            }
        }
    }

    /// A credit comes back. Returns whom to wake.
    #[must_use]
    pub(crate) fn give(&self) -> Option<Waker> {
        match self.waiting.borrow_mut().pop_front() {
            Some((_, waker)) => Some(waker),
            None => {
                self.left.set(self.left.get() + 1);
                None
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn h07_who_gives_up_passes_its_credit_on() {
        let noop = Waker::noop();
        let credits = Credits::new(1);
        assert!(credits.try_take() && !credits.try_take());
        let [a, b, c] = [(); 3].map(|()| credits.wait(noop.clone()));
        assert!(credits.give().is_some());
        assert!(credits.has_come(a, noop) && !credits.has_come(b, noop));
        // The first has it and does not want it; the second is gone before.
        assert!(credits.leave(b).is_none());
        assert!(credits.leave(a).is_some());
        assert!(credits.has_come(c, noop));
        assert!(credits.leave(c).is_none());
        assert!(
            credits.try_take(),
            "the last one leaves it to whoever comes"
        );
    }
}
