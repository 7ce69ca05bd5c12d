//! Waiting for a ring: look, announce, look again, park.
//!
//! A ring never waits. Whoever wants to wait for one looks at it through a [`Wait`], and the other end rings after it
//! has pushed, popped or closed.
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
//! | strategy | idle waiter | ring | needs |
//! |---|---|---|---|
//! | [`Spin`] | burns its CPU | nothing | nothing |
//! | [`Yield`] | burns what others leave | nothing | `std` |
//! | [`Doorbell`] | sleeps, threads and tasks alike | a load; a system call when it must wake | `std` |
//!
//! A [`channel`](crate::channel) joins a ring to one of them.
//!
//! # Verification
//!
//! `rings/tests/loom_wait.rs` models a push, a close and two waiters against the park; `rings/tests/stress.rs` counts
//! park and wake pairs on real threads; `rings/tests/shuttle_channel.rs` draws schedules for channels of up to five
//! threads that wait, give up and close.
//! The protocol is also a litmus test, by fences and by membarrier, with its verdicts under five memory models
//! (`rings/tests/litmus`).

#[cfg(feature = "std")]
mod barrier;
#[cfg(feature = "std")]
mod doorbell;
#[cfg(feature = "std")]
mod futex;
#[cfg(feature = "std")]
mod seat;
mod spin;
#[cfg(feature = "std")]
mod yielding;

#[cfg(feature = "std")]
pub use barrier::Barrier;
#[cfg(feature = "std")]
pub use doorbell::Doorbell;
#[cfg(all(feature = "std", feature = "async"))]
pub(crate) use doorbell::{Ticket, Waiter};
pub use spin::Spin;
#[cfg(feature = "std")]
pub use yielding::Yield;

/// A way to wait for a condition that another thread makes true.
pub trait Wait {
    /// Wakes up to `count` waiters. Called after the change that they wait for.
    fn ring_for(&self, count: usize);

    /// Wakes all waiters.
    #[inline]
    fn ring(&self) {
        self.ring_for(usize::MAX);
    }

    /// Whether a ring now, after a change, could wake anybody. `false` spares the look that says whether to ring.
    ///
    /// As with a ring, who comes to wait later sees the change.
    #[inline]
    fn may_be_awaited(&self) -> bool {
        true
    }

    /// Returns what `look` finds, however long it takes.
    fn wait<R>(&self, look: impl FnMut() -> Option<R>) -> R;

    /// The same for one who has just looked in vain: it may pause before it looks again.
    #[inline]
    fn wait_again<R>(&self, look: impl FnMut() -> Option<R>) -> R {
        self.wait(look)
    }
}

/// A way to wait that can give up.
#[cfg(feature = "std")]
pub trait WaitUntil: Wait {
    /// Returns what `look` finds, or `None` at `deadline`.
    fn wait_until<R>(
        &self,
        deadline: std::time::Instant,
        look: impl FnMut() -> Option<R>,
    ) -> Option<R>;
}
