//! Which worker takes over for a key whose own worker does not answer.
//!
//! ```
//! use shared_nothing::{partition::StableHash, pool::supervise::failover};
//!
//! let hash = "user:42".stable_hash(0);
//! let order: Vec<usize> = failover(hash, 1, 4).collect();
//! assert_eq!(order.len(), 3, "each of the others once");
//! assert!(!order.contains(&1));
//! let next_alive = failover(hash, 1, 4).find(|worker| *worker != order[0]);
//! assert_eq!(next_alive, Some(order[1]));
//! ```
//!
//! The order is that of a rendezvous: each worker bids for the key, higher bids come first. So the keys of one worker
//! that is down are spread over all the others, the order is the same in every process, and when workers come or go the
//! others keep their order among each other.
//!
//! Only for workers without state of their own for a key, or with state that can be had elsewhere.
#![forbid(unsafe_code)]

use crate::partition::hash_u64;

/// Bids depend on this number; another one would be another order.
const BID_SEED: u64 = 0x6661_696c_6f76_6572;

/// The workers `0..workers` but `owner`, best first, for a key with this hash. Nothing is allocated; each step looks
/// at every worker once.
#[must_use]
pub const fn failover(hash: u64, owner: usize, workers: usize) -> Failover {
    Failover {
        hash,
        owner,
        workers,
        last: None,
    }
}

/// The order of [`failover`].
#[derive(Debug, Clone)]
pub struct Failover {
    hash: u64,
    owner: usize,
    workers: usize,
    /// The bid and the number that came last: the next one is below.
    last: Option<(u64, usize)>,
}

impl Iterator for Failover {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let bids = (0..self.workers)
            .filter(|worker| *worker != self.owner)
            .map(|worker| (hash_u64(self.hash ^ BID_SEED, worker as u64), worker));
        let below = bids.filter(|bid| self.last.is_none_or(|last| *bid < last));
        self.last = below.max();
        if self.last.is_none() {
            // Nobody is left, and nobody will be.
            self.workers = 0;
        }
        self.last.map(|(_, worker)| worker)
    }
}

impl core::iter::FusedIterator for Failover {}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(hash: u64, owner: usize, workers: usize) -> Vec<usize> {
        failover(hash, owner, workers).collect()
    }

    #[test]
    fn every_other_worker_comes_once() {
        for workers in 0..10 {
            for owner in 0..workers.max(1) {
                let mut order = order(workers as u64, owner, workers);
                order.sort_unstable();
                let others: Vec<usize> = (0..workers).filter(|worker| *worker != owner).collect();
                assert_eq!(order, others);
            }
        }
        let mut ended = failover(1, 0, 2);
        assert_eq!(
            (ended.next(), ended.next(), ended.next()),
            (Some(1), None, None)
        );
    }

    #[test]
    fn the_order_of_the_others_stays_when_workers_come() {
        for key in 0..200 {
            let hash = hash_u64(key, 0);
            let mut more = order(hash, 0, 9);
            more.retain(|worker| *worker < 8);
            assert_eq!(more, order(hash, 0, 8));
        }
    }

    #[test]
    fn the_keys_of_a_dead_worker_are_spread_evenly() {
        let mut pairs = [[0_u32; 8]; 8];
        for key in 0..84_000 {
            let mut order = failover(hash_u64(key, 0), 3, 8);
            let (first, second) = (order.next().unwrap(), order.next().unwrap());
            pairs[first][second] += 1;
        }
        // 2000 for each ordered pair of the other seven: when two are down, their keys are spread again.
        for (first, row) in pairs.iter().enumerate() {
            for (second, count) in row.iter().enumerate() {
                let is_pair = first != second && first != 3 && second != 3;
                let expected = if is_pair { 1_800..2_200 } else { 0..1 };
                assert!(expected.contains(count), "{first} {second}: {count}");
            }
        }
    }

    #[test]
    fn the_order_is_the_same_everywhere() {
        // By a second program, in another language.
        assert_eq!(order(1, 0, 6), [3, 4, 5, 2, 1]);
        assert_eq!(order(0xdead_beef, 2, 6), [1, 4, 0, 3, 5]);
    }
}
