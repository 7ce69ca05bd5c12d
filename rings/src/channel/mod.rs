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
//! A wait begins with some microseconds of looking again, where there is more than one CPU: a thread spins, a sender with
//! long pauses, so that a part of the ring is free when it goes on; a task wakes itself 128 times, so that its executor
//! goes on with others. After that a thread parks, and a task stands in a queue. Bells of one's own are set otherwise
//! ([`Doorbell`](crate::wait::Doorbell)).
//!
//! # Closing
//!
//! Dropping or closing an end wakes the other. A receiver gets everything that was sent before; a sender gets its value
//! back.

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
    /// A sender that finds the ring full looks again when a good part of it may be free, so that sender and receiver do
    /// not hand the same line to and fro for each slot. It is in no hurry: there is enough to receive.
    const PAUSES: u32 = 64;
    /// As long as a thread spins, about.
    #[cfg(feature = "async")]
    const POLLS: u32 = 128;
    // On one CPU nobody could end the wait while this end spins.
    let is_answered = matches!(std::thread::available_parallelism(), Ok(cpus) if cpus.get() > 1)
        && cfg!(not(any(loom, shuttle)));
    if !is_answered {
        return alloc::sync::Arc::default();
    }
    let mail = Doorbell::with_spins(SPINS);
    let space = Doorbell::with_spins(4 * SPINS / PAUSES).with_pauses(PAUSES);
    #[cfg(feature = "async")]
    let (mail, space) = (mail.with_polls(POLLS), space.with_polls(POLLS));
    alloc::sync::Arc::new(Bells::new(mail, space))
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
