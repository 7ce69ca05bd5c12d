//! How often a message may kill a worker.
//!
//! ```
//! use shared_nothing::pool::supervise::{Poison, PoisonVerdict};
//!
//! let mut poison = Poison::redeliver(1);
//! assert_eq!(poison.on_kill(42), PoisonVerdict::Redeliver);
//! assert_eq!(poison.on_kill(42), PoisonVerdict::DeadLetter, "it killed the second one, too");
//! assert_eq!((poison.redelivered(), poison.dead_lettered()), (1, 1));
//! ```
//!
//! A message that panics each worker that takes it would keep a pool restarting for ever. By default it is not
//! delivered again: it goes to the dead letters at its first kill. It counts by itself, whichever worker it kills.
//!
//! Messages are known by a number that the pool gives them. Only the suspects are remembered: a message that killed and
//! was delivered again, until it kills once more or is handled. There are at most as many as there are deliveries under
//! way, so the search is a short one.
#![forbid(unsafe_code)]

/// What becomes of a message that killed a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PoisonVerdict {
    /// It is delivered again, before what is queued behind it.
    Redeliver,
    /// It goes to the dead letters.
    DeadLetter,
}

#[derive(Debug, Clone, Copy)]
struct Suspect {
    message: u64,
    kills: u32,
}

/// The count of kills. The default delivers no killer again.
#[derive(Debug, Clone, Default)]
pub struct Poison {
    redeliver: u32,
    suspects: Vec<Suspect>,
    redelivered: u64,
    dead_lettered: u64,
}

impl Poison {
    /// A message that killed is delivered again up to `times` times.
    #[must_use]
    pub const fn redeliver(times: u32) -> Self {
        Self {
            redeliver: times,
            suspects: Vec::new(),
            redelivered: 0,
            dead_lettered: 0,
        }
    }

    /// Message number `message` was being handled when a worker panicked.
    #[must_use = "the message is somewhere"]
    pub fn on_kill(&mut self, message: u64) -> PoisonVerdict {
        let at = self.place_of(message);
        let kills = at.map_or(1, |at| self.suspects[at].kills.saturating_add(1));
        if kills > self.redeliver {
            if let Some(at) = at {
                self.suspects.swap_remove(at);
            }
            self.dead_lettered += 1;
            return PoisonVerdict::DeadLetter;
        }
        match at {
            Some(at) => self.suspects[at].kills = kills,
            None => self.suspects.push(Suspect { message, kills }),
        }
        self.redelivered += 1;
        PoisonVerdict::Redeliver
    }

    /// Message number `message`, which was delivered again, is done: handled, or handed back.
    pub fn on_done(&mut self, message: u64) {
        if let Some(at) = self.place_of(message) {
            self.suspects.swap_remove(at);
        }
    }

    fn place_of(&self, message: u64) -> Option<usize> {
        self.suspects
            .iter()
            .position(|suspect| suspect.message == message)
    }

    /// Messages that killed, were delivered again, and of which no more is known.
    #[must_use]
    pub fn suspects(&self) -> usize {
        self.suspects.len()
    }

    /// Deliveries that were repeated.
    #[must_use]
    pub const fn redelivered(&self) -> u64 {
        self.redelivered
    }

    /// Messages that were given up.
    #[must_use]
    pub const fn dead_lettered(&self) -> u64 {
        self.dead_lettered
    }
}

#[cfg(test)]
mod tests {
    use super::{PoisonVerdict::*, *};

    #[test]
    fn h13_a_killer_is_not_delivered_again_by_default() {
        let mut poison = Poison::default();
        assert_eq!(poison.on_kill(7), DeadLetter);
        assert_eq!(
            (
                poison.redelivered(),
                poison.dead_lettered(),
                poison.suspects()
            ),
            (0, 1, 0)
        );
    }

    #[test]
    fn h13_each_message_has_its_own_count_and_ends_as_a_dead_letter() {
        let mut poison = Poison::redeliver(2);
        let table = [
            (1, Redeliver),
            (2, Redeliver),
            (1, Redeliver),
            (2, Redeliver),
            (1, DeadLetter),
            // It is forgotten: the number may come again.
            (1, Redeliver),
            (2, DeadLetter),
        ];
        for (at, (message, verdict)) in table.into_iter().enumerate() {
            assert_eq!(poison.on_kill(message), verdict, "event {at}");
        }
        assert_eq!(
            (
                poison.redelivered(),
                poison.dead_lettered(),
                poison.suspects()
            ),
            (5, 2, 1)
        );
    }

    #[test]
    fn a_message_that_is_handled_after_all_is_forgotten() {
        let mut poison = Poison::redeliver(1);
        assert_eq!(poison.on_kill(3), Redeliver);
        poison.on_done(3);
        poison.on_done(4);
        assert_eq!(poison.suspects(), 0);
        assert_eq!(poison.on_kill(3), Redeliver);
    }
}
