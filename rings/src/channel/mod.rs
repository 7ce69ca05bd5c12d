//! A ring joined to a way of waiting: send and receive that may wait, on threads and in tasks.
//!
//! ```
//! use shared_nothing_rings::channel;
//!
//! let (mut tx, mut rx) = channel::spsc::<String>(8)?;
//! std::thread::spawn(move || {
//!     for word in ["to", "be"] {
//!         tx.send(word.to_owned()).expect("the receiver is there");
//!     }
//! });
//! assert_eq!(rx.recv().as_deref(), Ok("to"));
//! assert_eq!(rx.iter().collect::<Vec<_>>(), ["be"]);
//! # Ok::<(), shared_nothing_rings::CapacityError>(())
//! ```
//!
//! # Which parts
//!
//! A [`Sender`] is any [`PushEnd`] and a [`Receiver`] any [`PopEnd`]; what
//! both share is a pair of [`Bells`], one for mail and one for space, each a [`Wait`](crate::wait::Wait). [`spsc`] and [`mpsc`] join the
//! usual parts: a ring on the heap, and doorbells that spin a little and park. [`join`] takes any parts, also without
//! an allocator:
//!
//! ```
//! use shared_nothing_rings::{channel::{self, Bells}, spsc, wait::Spin};
//!
//! static RING: spsc::Ring<u8, 16> = spsc::Ring::new();
//! static BELLS: Bells<Spin> = Bells::new(Spin, Spin);
//!
//! let ends = RING.split_static().expect("nobody has split it before");
//! let (mut tx, mut rx) = channel::join(ends, &BELLS);
//! tx.send(1).expect("the receiver is there");
//! assert_eq!(rx.recv(), Ok(1));
//! ```
//!
//! # Cost
//!
//! A send is a push and a look whether the other end is parked: a load, and a fence only where the kernel refuses
//! `membarrier(2)`. No system call while the other end is awake. A receive likewise.
//!
//! # Closing
//!
//! Dropping or closing an end wakes the other. A receiver gets everything that was sent before; a sender gets its value
//! back.
//!
//! # Verification
//!
//! `rings/tests/loom_channel.rs` models futures that meet, that are dropped while their wake comes, that move to another
//! task, and that wait while an end goes; `rings/tests/channel.rs` runs every wait over every ring on real threads.

mod bells;
mod error;
mod permit;
mod receiver;
mod sender;
#[cfg(feature = "async")]
mod task;

pub use bells::{Bells, BellsRef};
pub use error::{RecvError, RecvTimeoutError, SendError, SendTimeoutError};
pub use permit::Permit;
pub use receiver::{Iter, Receiver, TryIter};
pub use sender::Sender;
#[cfg(feature = "async")]
pub use task::{Recv, RecvStream, Reserve, Send};

use crate::ends::{PopEnd, PushEnd};

/// Joins the ends of a ring to a pair of bells.
///
/// Both ends must be of the same ring, and every end of that ring must share the same bells; or else an end may wait
/// for a ring that never comes.
#[must_use]
pub fn join<P, C, B>(ends: (P, C), bells: B) -> (Sender<P, B>, Receiver<C, B>)
where
    P: PushEnd,
    C: PopEnd<Item = P::Item>,
    B: BellsRef,
{
    (
        Sender::new(ends.0, bells.clone()),
        Receiver::new(ends.1, bells),
    )
}

/// The usual bells, shared by count.
#[cfg(feature = "std")]
pub type ParkBells = alloc::sync::Arc<Bells<crate::wait::Doorbell>>;

/// A sender of [`spsc`].
#[cfg(feature = "std")]
pub type SpscSender<T> = Sender<crate::spsc::Producer<'static, T>, ParkBells>;
/// The receiver of [`spsc`].
#[cfg(feature = "std")]
pub type SpscReceiver<T> = Receiver<crate::spsc::Consumer<'static, T>, ParkBells>;
/// A sender of [`mpsc`].
#[cfg(feature = "std")]
pub type MpscSender<T> = Sender<crate::mpsc::Producer<'static, T>, ParkBells>;
/// The receiver of [`mpsc`].
#[cfg(feature = "std")]
pub type MpscReceiver<T> = Receiver<crate::mpsc::Consumer<'static, T>, ParkBells>;

#[cfg(feature = "std")]
fn park_bells() -> ParkBells {
    use crate::wait::Doorbell;

    /// Some microseconds: longer than a round trip between two CPUs, shorter than a system call and its wake.
    const SPINS: u32 = 100;
    // On one CPU nobody could end the wait while this end spins.
    let spins = match std::thread::available_parallelism() {
        Ok(cpus) if cpus.get() > 1 && cfg!(not(loom)) => SPINS,
        _ => 0,
    };
    alloc::sync::Arc::new(Bells::new(
        Doorbell::with_spins(spins),
        Doorbell::with_spins(spins),
    ))
}

/// A channel from one sender to one receiver that holds exactly `capacity` values; its ends spin a little, then park.
///
/// # Errors
///
/// [`CapacityError`](crate::CapacityError): `capacity` is 0, or there is no room for its slots.
#[cfg(feature = "std")]
pub fn spsc<T>(capacity: usize) -> Result<(SpscSender<T>, SpscReceiver<T>), crate::CapacityError> {
    Ok(join(crate::spsc::with_capacity(capacity)?, park_bells()))
}

/// A channel from many senders, by cloning, to one receiver that holds exactly `capacity` values; its ends spin a
/// little, then park.
///
/// # Errors
///
/// [`CapacityError`](crate::CapacityError): `capacity` is 0, or there is no room for its slots.
#[cfg(feature = "std")]
pub fn mpsc<T>(capacity: usize) -> Result<(MpscSender<T>, MpscReceiver<T>), crate::CapacityError> {
    Ok(join(crate::mpsc::with_capacity(capacity)?, park_bells()))
}
