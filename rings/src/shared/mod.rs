//! A ring between processes: one producer, one consumer, in memory that both have mapped.
//!
//! The mapping is the program's: a pointer and a length, however they came. Whoever comes first [creates](create) the
//! ring there, the others [attach], and each end is claimed once. The other process may be killed at any moment, be
//! another build of the program, or write what it likes: that is an error with a name, and never undefined behaviour.
//!
//! ```
//! use core::ptr::NonNull;
//! use shared_nothing_rings::shared::{self, Owner, TryPopError};
//!
//! // A program maps a file or a memfd as shared; here are two "processes" in one.
//! #[repr(align(4096))]
//! struct Page([u8; 4096]);
//! let mut page = Page([0; 4096]);
//! let (start, bytes) = (NonNull::from(&mut page).cast(), 4096);
//! assert!(shared::layout::<[u32; 4]>(100)?.size() <= bytes);
//!
//! // SAFETY: 1: the page outlives the ring. 2: it is used by the ring alone.
//! let here = unsafe { shared::create::<[u32; 4]>(start, bytes, 100)? };
//! // SAFETY: as above.
//! let there = unsafe { shared::attach::<[u32; 4]>(start, bytes)? };
//!
//! let mut tx = here.producer(Owner::new(1, 0).unwrap())?;
//! let mut rx = there.consumer(Owner::new(2, 0).unwrap())?;
//! assert!(there.producer(Owner::new(3, 0).unwrap()).is_err());
//! assert_eq!(tx.try_push([1, 2, 3, 4]), Ok(()));
//! assert_eq!(rx.try_pop(), Ok([1, 2, 3, 4]));
//! assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # When to use it
//!
//! Two processes of one machine, at the price of two threads. Within one process use [`spsc`](crate::spsc): it takes
//! any type, lends its slots, and trusts the other end. Items here are [`Plain`] data, copied in and out: a reference
//! into memory that another process may write would promise what nobody can keep.
//!
//! # Layout, version 1
//!
//! All words have 64 bits, at the same place on every machine. Whoever writes another version gets another number.
//!
//! | bytes | word | written by |
//! |---|---|---|
//! | 0 | magic, `SNrings1` as bytes | the creator, last |
//! | 8 | `0x0102030405060708` in the machine's byte order | the creator |
//! | 16 | layout version | the creator |
//! | 24, 32 | size and alignment of an item | the creator |
//! | 40 | capacity in items | the creator |
//! | 128 | `write_pos` | producer |
//! | 136 | owner of the producer's end; 0 while it is free | claims |
//! | 144 | beats of the producer | producer |
//! | 152 | 1 after the producer closed | producer |
//! | 256, 264, 272, 280 | the same for the consumer, `read_pos` first | consumer |
//! | 384 | slots: the capacity rounded up to a power of two, each a whole number of words | producer |
//!
//! # Invariants
//!
//! - **I1** `write_pos - read_pos` is in `0..=capacity`. Slots from `read_pos` to `write_pos` hold items.
//! - **I2** Each position is stored by one end only, and only grows. An end keeps its own position, and what it last saw
//!   of the other, in its handle: no process can take them away from it.
//! - **I3** What is read from the other process is checked against I1 and I2 before it is used: a position that lies
//!   makes the end [`Corrupt`](TryPopError::Corrupt) for good.
//! - **I4** Every access to the memory is atomic, items included, word by word. So nothing that another process does is
//!   a data race, and an item of [`Plain`] data is a valid value whatever its words are.
//!
//! # Edges
//!
//! | edge | release end | acquire end | carries |
//! |---|---|---|---|
//! | READY | creator stores the magic | whoever attaches loads it | the header is written |
//! | PUBLISH | producer stores `write_pos` | consumer loads it | the slot is written |
//! | VACATE | consumer stores `read_pos` | producer loads it | the item was copied out |
//! | CLOSE | producer stores its closed word | consumer loads it | `write_pos` is final |
//! | LEAVE | an end frees its owner word | the next owner claims it | the end's last position |
//!
//! # A process that dies
//!
//! An item is published by one store after all of it is written. A producer that is killed before that store has
//! published nothing; one that is killed after it has published all. What it published can be popped as ever. Then the
//! ring is [`Empty`](TryPopError::Empty), not closed: nobody has said that no more will come.
//!
//! [`Producer::peer`] and [`Consumer::peer`] name the owner of the other end. Whether that process lives, the operating
//! system knows: `Owner::is_alive` asks Linux (feature `std`), and anything else that the program trusts will do.
//! Counting [`beats`](Ring::producer_beats) tells a peer that lives and hangs. The end of a dead process is claimed
//! with [`Ring::take_over_producer`] and [`Ring::take_over_consumer`], and goes on where the dead one stopped: its
//! position lies in the ring. The consumer gives a slot back after it has returned from the pop, so an item that a
//! dead consumer took and did not work off is gone; if that matters, let the program answer by a ring of its own.
//!
//! # Progress and cost
//!
//! Every method of an end is wait-free and does no system call. As long as the other end is not caught up with, a push
//! or pop touches the item's slot and its own line. Items are copied by words, which costs what a copy costs for
//! small ones. A batch ([`Producer::try_push_iter`], [`Consumer::drain`], and the slices) costs one publication or
//! vacation. Handles hold positions: two of one process should not lie on one cache line.
//!
//! Both ends are [ends of any ring](crate::ends), too. To those a corrupt ring is a closed one, and what is closed may
//! be opened again by another owner.
//!
//! # Limits
//!
//! The memory must stay mapped and as long as it was: a process that truncates the file under it makes the other's
//! access a `SIGBUS`. Seal a memfd against that. 64-bit atomics are needed, whose loads need writable memory on some
//! 32-bit machines. Processes must see the same process ids: share their pid namespace.
//!
//! # Verification
//!
//! Two real processes, one of them killed with `SIGKILL` at 200 moments and its end taken over each time
//! (`rings/tests/shared_processes.rs`); headers and positions that lie (`rings/tests/shared_lies.rs`); loom models of the
//! edges (`rings/tests/loom_shared.rs`).
//! Each edge is also a litmus test, with its verdicts under five memory models (`rings/tests/litmus`).
//!
//! # References
//!
//! Lamport, *Proving the Correctness of Multiprocess Programs*, 1977. `proc_pid_stat(5)`, `memfd_create(2)`.

mod consumer;
mod ends;
mod error;
mod header;
mod owner;
mod plain;
mod producer;
mod raw;

use core::{alloc::Layout, fmt, marker::PhantomData, ptr::NonNull};

pub use consumer::{Consumer, Drain};
pub use error::{AttachError, ClaimError, CreateError, TryPopError, TryPushError};
pub use owner::Owner;
pub use plain::Plain;
pub use producer::Producer;

use header::EndLine;
use raw::Raw;

use crate::{
    CapacityError,
    sync::Ordering::{Acquire, Relaxed},
};

/// A ring in shared memory, whose ends can be claimed. Made by [`create`] and [`attach`].
///
/// It is a pointer and may be copied; it keeps nothing alive.
pub struct Ring<'a, T> {
    raw: Raw<T>,
    memory: PhantomData<&'a ()>,
}

impl<T> Clone for Ring<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Ring<'_, T> {}

// SAFETY: all that is done through it is atomic (I4), and items are `Send`, as `Plain` demands.
unsafe impl<T: Plain> Send for Ring<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Plain> Sync for Ring<'_, T> {}

/// Size and alignment of a ring that holds `capacity` items.
///
/// # Errors
///
/// [`CapacityError`]: `capacity` is 0, or too large for any memory.
pub fn layout<T: Plain>(capacity: usize) -> Result<Layout, CapacityError> {
    raw::layout::<T>(capacity)
}

/// Lays a new ring into shared memory.
///
/// The memory's first word must be 0, as it is in a new mapping. Of several processes that create at once, one
/// succeeds. One that dies in between leaves the memory [`InUse`](CreateError::InUse) and never ready, until somebody
/// sets the word to 0.
///
/// # Errors
///
/// [`CreateError`]: no ring can have this capacity; the memory is too small, not aligned, or holds something already.
///
/// # Safety
///
/// 1. For as long as `'a`, the `bytes` bytes from `start` on can be read and written.
/// 2. For as long as `'a`, this process touches them through this module alone. What other processes do is their
///    affair.
pub unsafe fn create<'a, T: Plain>(
    start: NonNull<u8>,
    bytes: usize,
    capacity: usize,
) -> Result<Ring<'a, T>, CreateError> {
    // SAFETY: the same duties.
    unsafe { create_at(start, bytes, capacity, 0) }
}

/// [`create`] with positions that begin at `first`, for tests at the wrap of 64 bits.
///
/// # Errors
///
/// As [`create`].
///
/// # Safety
///
/// The duties of [`create`].
#[doc(hidden)]
pub unsafe fn create_at<'a, T: Plain>(
    start: NonNull<u8>,
    bytes: usize,
    capacity: usize,
    first: u64,
) -> Result<Ring<'a, T>, CreateError> {
    // SAFETY: the same duties; `'a` is kept by the handle.
    let raw = unsafe { Raw::create(start, bytes, capacity, first)? };
    Ok(Ring {
        raw,
        memory: PhantomData,
    })
}

/// Makes memory of a model what zeroed memory is to a program.
///
/// # Safety
///
/// 1. The memory is aligned, has room for a ring of `capacity` items, and is nobody else's.
#[cfg(loom)]
#[doc(hidden)]
pub unsafe fn zero_for_a_model<T: Plain>(start: NonNull<u8>, capacity: usize) {
    // SAFETY: duty 1.
    unsafe { Raw::<T>::zero(start, capacity) };
}

/// Finds a ring that another process has created in the memory, or this one before.
///
/// # Errors
///
/// [`AttachError`]: there is no ring, or not yet, or not one of these items, of this layout or machine; or the memory
/// is smaller than the ring.
///
/// # Safety
///
/// The duties of [`create`].
pub unsafe fn attach<'a, T: Plain>(
    start: NonNull<u8>,
    bytes: usize,
) -> Result<Ring<'a, T>, AttachError> {
    // SAFETY: the same duties; `'a` is kept by the handle.
    let raw = unsafe { Raw::attach(start, bytes)? };
    Ok(Ring {
        raw,
        memory: PhantomData,
    })
}

impl<'a, T: Plain> Ring<'a, T> {
    /// Claims the writing end, if nobody has it, and opens it if its last owner closed it.
    ///
    /// # Errors
    ///
    /// [`ClaimError`]: somebody has the end, or the positions in the ring contradict each other.
    pub fn producer(&self, me: Owner) -> Result<Producer<'a, T>, ClaimError> {
        self.take_over_producer(me, |_| false)
    }

    /// Claims the reading end, if nobody has it, and opens it if its last owner closed it.
    ///
    /// # Errors
    ///
    /// As [`producer`](Self::producer).
    pub fn consumer(&self, me: Owner) -> Result<Consumer<'a, T>, ClaimError> {
        self.take_over_consumer(me, |_| false)
    }

    /// Claims the writing end, also from an owner that is dead as `is_dead` says.
    ///
    /// It goes on behind the last item published. If the owner does live, nothing undefined happens, but items of the
    /// two get mixed up or the consumer finds the ring corrupt; [`Producer::is_replaced`] tells the former owner.
    ///
    /// # Errors
    ///
    /// As [`producer`](Self::producer); an owner is not dead as long as it asks itself.
    ///
    /// ```no_run
    /// # #[cfg(all(target_os = "linux", feature = "std"))] {
    /// # use shared_nothing_rings::shared::{Owner, Ring};
    /// # fn restart(ring: Ring<'_, u64>) -> std::io::Result<()> {
    /// let me = Owner::this_process()?;
    /// let tx = ring.take_over_producer(me, |owner| matches!(owner.is_alive(), Ok(false)));
    /// # Ok(()) }
    /// # }
    /// ```
    pub fn take_over_producer(
        &self,
        me: Owner,
        is_dead: impl FnMut(Owner) -> bool,
    ) -> Result<Producer<'a, T>, ClaimError> {
        let line = &self.raw.header().producer;
        claim(line, me, is_dead)?;
        Producer::restore(self.raw, me).inspect_err(|_| line.free(me))
    }

    /// Claims the reading end, also from an owner that is dead as `is_dead` says.
    ///
    /// It goes on behind the last item that the former owner took.
    ///
    /// # Errors
    ///
    /// As [`take_over_producer`](Self::take_over_producer).
    pub fn take_over_consumer(
        &self,
        me: Owner,
        is_dead: impl FnMut(Owner) -> bool,
    ) -> Result<Consumer<'a, T>, ClaimError> {
        let line = &self.raw.header().consumer;
        claim(line, me, is_dead)?;
        Consumer::restore(self.raw, me).inspect_err(|_| line.free(me))
    }

    /// How many items the ring holds at most.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.raw.capacity()
    }

    /// Who has the writing end.
    #[must_use]
    pub fn producer_owner(&self) -> Option<Owner> {
        self.raw.header().producer.owner()
    }

    /// Who has the reading end.
    #[must_use]
    pub fn consumer_owner(&self) -> Option<Owner> {
        self.raw.header().consumer.owner()
    }

    /// How often the writing end was claimed, or [beat](Producer::beat).
    #[must_use]
    pub fn producer_beats(&self) -> u64 {
        self.raw.header().producer.beats()
    }

    /// How often the reading end was claimed, or [beat](Consumer::beat).
    #[must_use]
    pub fn consumer_beats(&self) -> u64 {
        self.raw.header().consumer.beats()
    }
}

impl<T: Plain> fmt::Debug for Ring<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring")
            .field("capacity", &self.capacity())
            .finish_non_exhaustive()
    }
}

/// Makes `me` the owner of an end that is free, or whose owner is dead.
fn claim(
    line: &EndLine,
    me: Owner,
    mut is_dead: impl FnMut(Owner) -> bool,
) -> Result<(), ClaimError> {
    let mut former = 0;
    loop {
        // LEAVE, acquire end: where the last owner stopped.
        let claimed = line
            .owner
            .compare_exchange(former, me.to_word(), Acquire, Relaxed);
        let Err(found) = claimed else {
            line.opened();
            return Ok(());
        };
        former = match Owner::from_word(found) {
            // Free again since the last look.
            None if found == 0 => 0,
            None => return Err(ClaimError::Corrupt),
            Some(owner) if owner == me || !is_dead(owner) => return Err(ClaimError::Taken(owner)),
            // Only this owner is replaced: whoever was faster is another.
            Some(owner) => owner.to_word(),
        };
    }
}
