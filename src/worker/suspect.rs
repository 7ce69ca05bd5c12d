//! A message that a worker panicked over, if there is a copy of it: handled again by the next life, or a dead letter.
#![forbid(unsafe_code)]

use super::caught::let_go;
use crate::pool::supervise::{Poison, PoisonVerdict};

/// At most one message is under suspicion, for it is handled before all others.
pub(crate) struct Suspect<M> {
    redeliveries: u32,
    poison: Poison,
    /// A copy of the message that is being handled.
    pub(crate) kept: Option<M>,
    /// The message that is handled again.
    pub(crate) again: Option<M>,
}

/// The number under which the one suspect is known.
const ONE: u64 = 0;

impl<M> Suspect<M> {
    pub(crate) fn new(redeliveries: u32) -> Self {
        Self {
            redeliveries,
            poison: Poison::redeliver(redeliveries),
            kept: None,
            again: None,
        }
    }

    /// Whether copies are of use.
    pub(crate) const fn keeps(&self) -> bool {
        self.redeliveries != 0
    }

    /// Handlers have returned. `is_again`: the suspect's has.
    ///
    /// # Errors
    ///
    /// The copy panicked when it was dropped, with this text.
    #[inline]
    pub(crate) fn done(&mut self, is_again: bool) -> Result<(), String> {
        if is_again {
            self.poison.on_done(ONE);
        }
        match self.kept.take() {
            None => Ok(()),
            Some(kept) => let_go(kept),
        }
    }

    /// The worker handles no more. Hands back what was to be handled again.
    pub(crate) fn give_up(&mut self) -> Option<M> {
        let _panic = let_go(self.kept.take());
        self.again.take()
    }

    /// The message that is being handled has killed its worker. `true`: it will be handled again.
    pub(crate) fn killed(&mut self, dead_letters: &mut Vec<M>) -> bool {
        let Some(message) = self.kept.take() else {
            return false;
        };
        match self.poison.on_kill(ONE) {
            PoisonVerdict::Redeliver => {
                self.again = Some(message);
                true
            }
            PoisonVerdict::DeadLetter => {
                dead_letters.push(message);
                false
            }
        }
    }
}
