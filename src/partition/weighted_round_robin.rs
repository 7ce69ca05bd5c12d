//! Turns in proportion to weights, spread as evenly as turns can be.
//!
//! ```
//! use shared_nothing::partition::WeightedRoundRobin;
//!
//! let mut turns = WeightedRoundRobin::new(&[5, 1, 1])?;
//! let first: Vec<usize> = (0..7).map(|_| turns.next_worker()).collect();
//! assert_eq!(first, [0, 0, 1, 0, 0, 2, 0]); // not 0 five times in a row
//! # Ok::<(), shared_nothing::partition::PartitionError>(())
//! ```
//!
//! After any number of turns `k`, each worker has had its part `k * weight / sum`, give or take less than one
//! turn; after `sum` turns (the weights reduced by their common divisor) exactly its part. The smooth
//! weighted round robin of nginx, which gives the turn to whoever is most behind, keeps no such bound for
//! those who wait; here the turn goes to the earliest deadline among those who are due.
//!
//! Cost: one load for a turn. The order of one period is worked out in advance: 2 bytes for each turn, and
//! `sum * workers` steps to make it.
//!
//! Reference: R. Tijdeman, *The chairman assignment problem*, Discrete Mathematics 32, 1980.
#![forbid(unsafe_code)]

extern crate std;

use std::{boxed::Box, vec::Vec};

use super::PartitionError;
use super::slot_table::check_workers;

/// The most turns of one period.
pub const PERIOD_MAX: usize = 1 << 16;

/// Workers in proportion to their weights; see the [module](self).
#[derive(Clone, PartialEq, Eq)]
pub struct WeightedRoundRobin {
    period: Box<[u16]>,
    next: usize,
    workers: usize,
}

impl WeightedRoundRobin {
    /// As many workers as `weights` is long. One with weight 0 gets no turn.
    ///
    /// # Errors
    ///
    /// [`PartitionError::NoWorkers`] where none has a weight, [`PartitionError::TooManyWorkers`] above
    /// [`WORKERS_MAX`](super::WORKERS_MAX), [`PartitionError::WeightsTooLarge`] where the sum of the reduced
    /// weights is above [`PERIOD_MAX`].
    pub fn new(weights: &[u32]) -> Result<Self, PartitionError> {
        check_workers(weights.len())?;
        let divisor = weights.iter().fold(0, |a, &b| common_divisor(a, b));
        if divisor == 0 {
            return Err(PartitionError::NoWorkers);
        }
        let sum: u64 = weights
            .iter()
            .map(|&weight| u64::from(weight / divisor))
            .sum();
        if sum > PERIOD_MAX as u64 {
            return Err(PartitionError::WeightsTooLarge {
                sum,
                limit: PERIOD_MAX,
            });
        }
        let weighted = (0..).zip(weights).filter(|(_, weight)| **weight > 0);
        let turns: Vec<Turns> = weighted
            .map(|(worker, weight)| Turns {
                worker,
                weight: i64::from(weight / divisor),
                due: 0,
            })
            .collect();
        Ok(Self {
            period: order(turns, sum as i64),
            next: 0,
            workers: weights.len(),
        })
    }

    /// Whose turn it is.
    #[inline]
    pub fn next_worker(&mut self) -> usize {
        let worker = self.period[self.next];
        self.next = if self.next + 1 == self.period.len() {
            0
        } else {
            self.next + 1
        };
        usize::from(worker)
    }

    /// How many worker numbers there are.
    #[must_use]
    pub const fn workers(&self) -> usize {
        self.workers
    }

    /// After how many turns the order begins again.
    #[must_use]
    pub const fn period(&self) -> usize {
        self.period.len()
    }
}

/// A worker in the making of a period.
struct Turns {
    worker: u16,
    weight: i64,
    /// Turns that it should have had by now, less those it had; in units of `1 / sum`.
    due: i64,
}

/// One period by Tijdeman's rule: of those who are due by at least `1 / (2 n - 2)` turns, the one who reaches
/// the bound `1 - 1 / (2 n - 2)` first.
fn order(mut turns: Vec<Turns>, sum: i64) -> Box<[u16]> {
    let scale = 2 * turns.len() as i64 - 2; // everything times this, to stay with integers
    let mut period = Vec::with_capacity(sum as usize);
    for _ in 0..sum {
        turns.iter_mut().for_each(|turn| turn.due += turn.weight);
        let due = turns
            .iter_mut()
            .filter(|turn| turn.due * scale >= sum || scale == 0);
        // Turns until the bound, as a fraction: (bound - due) / weight.
        let until = |turn: &Turns| {
            (
                i128::from(sum * (scale - 1) - turn.due * scale),
                i128::from(turn.weight),
            )
        };
        let next = due.min_by(|a, b| {
            let ((a_left, a_weight), (b_left, b_weight)) = (until(a), until(b));
            (a_left * b_weight).cmp(&(b_left * a_weight))
        });
        // The dues sum up to one turn, so somebody is due by 1 / n or more.
        let Some(turn) = next else { break };
        turn.due -= sum;
        period.push(turn.worker);
    }
    period.into_boxed_slice()
}

fn common_divisor(mut a: u32, mut b: u32) -> u32 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

impl core::fmt::Debug for WeightedRoundRobin {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("WeightedRoundRobin")
            .field("workers", &self.workers)
            .field("period", &self.period.len())
            .field("next", &self.next)
            .finish()
    }
}
