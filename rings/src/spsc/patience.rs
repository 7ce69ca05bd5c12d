//! When a consumer that has used up what it knew may wait a moment before it looks at the producer's position.
//!
//! A look takes the line with the position away from the producer. A consumer that looks as often as it can gets it at
//! every value, one that waits a moment finds many values at once. Waiting is for a consumer that was too fast before,
//! and not for one whose producer has nothing more to say:
//!
//! - It begins to wait when a look found something, and the look before found nothing.
//! - It stops when it finds that it need not have waited.
//! - If it waited and there was nothing, it lets 1, 3, 7 and so on up to 63 such occasions go by before it waits again.

use crate::sync::{Private, const_constructor};

/// The last look found something, or there was none.
const CALM: usize = 0;
/// The next look is worth a wait.
const EAGER: usize = 1;
/// The last look found nothing.
const STARVED: usize = 2;

/// How many occasions it lets go by at most.
const SKIPS_MAX: usize = if cfg!(any(loom, shuttle)) { 1 } else { 63 };

/// What a consumer remembers of its looks. It alone touches it.
#[derive(Debug)]
pub(crate) struct Patience {
    mood: Private,
    /// Occasions to let go by.
    skips: Private,
    /// How many it let go by after the last wait that was in vain; 0 once a wait was not.
    skips_last: Private,
}

impl Patience {
    const_constructor! {
        pub(super) fn new() -> Self {
            Self { mood: Private::new(CALM), skips: Private::new(0), skips_last: Private::new(0) }
        }
    }

    /// Whether a look is to be just a look.
    ///
    /// # Safety
    ///
    /// 1. The caller is the consumer that owns this; no other thread touches it meanwhile.
    #[inline(always)]
    pub(super) unsafe fn is_calm(&self) -> bool {
        // SAFETY: duty 1.
        unsafe { self.mood.get() == CALM }
    }

    /// Whether the next look is worth a wait.
    ///
    /// # Safety
    ///
    /// 1. As for [`is_calm`](Self::is_calm).
    pub(super) unsafe fn is_eager(&self) -> bool {
        // SAFETY: duty 1.
        unsafe { self.mood.get() == EAGER }
    }

    /// It need not have waited, or need not wait.
    ///
    /// # Safety
    ///
    /// 1. As for [`is_calm`](Self::is_calm).
    pub(super) unsafe fn calm_down(&self) {
        // SAFETY: duty 1.
        unsafe { self.mood.set(CALM) };
    }

    /// A look found something.
    ///
    /// # Safety
    ///
    /// 1. As for [`is_calm`](Self::is_calm).
    pub(super) unsafe fn found(&self) {
        // SAFETY: duty 1, for all of them.
        unsafe {
            match (self.mood.get(), self.skips.get()) {
                (EAGER, _) => self.skips_last.set(0),
                (STARVED, 0) => self.mood.set(EAGER),
                (STARVED, skips) => {
                    self.skips.set(skips - 1);
                    self.mood.set(CALM);
                }
                _ => {}
            }
        }
    }

    /// A look found nothing.
    ///
    /// # Safety
    ///
    /// 1. As for [`is_calm`](Self::is_calm).
    pub(super) unsafe fn found_nothing(&self) {
        // SAFETY: duty 1, for all of them.
        unsafe {
            if self.mood.get() == EAGER {
                let skips = (2 * self.skips_last.get() + 1).min(SKIPS_MAX);
                self.skips_last.set(skips);
                self.skips.set(skips);
            }
            self.mood.set(STARVED);
        }
    }
}

#[cfg(all(test, not(loom), not(shuttle)))]
mod tests {
    use super::*;

    /// One occasion to wait: a look that finds nothing, one that finds something. Whether the next would wait.
    fn occasion(patience: &Patience) -> bool {
        // SAFETY: one thread.
        unsafe {
            patience.found_nothing();
            assert!(!patience.is_eager() && !patience.is_calm());
            patience.found();
            patience.is_eager()
        }
    }

    #[test]
    fn who_waits_in_vain_waits_ever_more_seldom() {
        let patience = Patience::new();
        // SAFETY: one thread.
        assert!(unsafe { patience.is_calm() });
        for skipped in [0, 1, 3, 7, 15, 31, 63, 63] {
            for _ in 0..skipped {
                assert!(!occasion(&patience));
            }
            assert!(occasion(&patience));
        }
    }

    #[test]
    fn a_wait_that_is_paid_ends_all_doubt() {
        let patience = Patience::new();
        assert!(occasion(&patience) && !occasion(&patience) && occasion(&patience));
        // SAFETY: one thread.
        unsafe { patience.found() };
        assert!(!occasion(&patience) && occasion(&patience));
        // SAFETY: one thread.
        unsafe { patience.calm_down() };
        assert!(occasion(&patience));
    }
}
