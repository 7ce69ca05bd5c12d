//! What every task begins with, whatever its future: the state word, and what wakers need.

use alloc::rc::Rc;
use core::{
    cell::{Cell, UnsafeCell},
    panic::Location,
    ptr::NonNull,
    task::Waker,
};

use super::{super::home::Home, raw::VTable};
use crate::sync::{
    AtomicUsize,
    Ordering::{AcqRel, Relaxed},
};

/// The cell is in a queue.
const SCHEDULED: usize = 1;
const REF: usize = 2;

/// The future is gone; the output, if anybody wants it, is there.
pub(crate) const DONE: u8 = 1;
/// The future is to be dropped instead of polled.
pub(crate) const ABORT: u8 = 2;
/// Nobody wants the output.
pub(crate) const DETACHED: u8 = 4;
/// The task serves a call of another shard, or was spawned by one that does.
pub(crate) const SERVING: u8 = 8;

/// The future is being polled.
pub(super) const POLLED: u8 = 16;

/// References and the bit of the queue, in one word.
#[derive(Debug)]
pub(crate) struct State(AtomicUsize);

impl State {
    /// `refs` references, and in a queue.
    #[inline]
    pub(super) fn scheduled(refs: usize) -> Self {
        Self(AtomicUsize::new(refs * REF + SCHEDULED))
    }

    /// Wakes. `true`: the caller must put the cell into a queue (T2).
    #[inline]
    #[must_use]
    pub(crate) fn schedule(&self) -> bool {
        // WAKE, release end: also when the bit is on already, since a read-modify-write goes on with the release of the
        // one before. LEAVE is not concerned: the caller holds a reference.
        self.0.fetch_or(SCHEDULED, AcqRel) & SCHEDULED == 0
    }

    /// The home thread has taken the cell out of its queue. `true`: nothing else held it.
    #[inline]
    #[must_use]
    pub(crate) fn begin(&self) -> bool {
        // WAKE, acquire end: the poll that follows sees what the wakers did. LEAVE, acquire end: if this was the last.
        self.0.fetch_and(!SCHEDULED, AcqRel) == SCHEDULED
    }

    #[inline]
    pub(crate) fn add_ref(&self) {
        // RELAXED: the caller has a reference; nothing is handed over.
        let before = self.0.fetch_add(REF, Relaxed);
        assert!(before < usize::MAX / 2, "too many wakers of one task");
    }

    /// Gives a reference up. `true`: nothing else holds the cell.
    #[inline]
    #[must_use]
    pub(crate) fn leave(&self) -> bool {
        // LEAVE, both ends: what this holder did with the cell comes before its end.
        self.0.fetch_sub(REF, AcqRel) == REF
    }
}

/// The first field of every cell.
pub(crate) struct Header {
    pub(crate) state: State,
    /// The next cell of the foreign stack (T2).
    pub(crate) link: UnsafeCell<*mut Header>,
    /// Counted: see [`Home::take_ref`].
    pub(super) home: NonNull<Home>,
    pub(super) vtable: &'static VTable,
    /// Home thread only, from here on (T1).
    pub(crate) flags: Cell<u8>,
    pub(crate) key: Cell<usize>,
    pub(super) join_waker: Cell<Option<Waker>>,
    pub(crate) place: &'static Location<'static>,
}

impl Header {
    #[inline]
    pub(super) fn new(
        home: NonNull<Home>,
        vtable: &'static VTable,
        flags: u8,
        place: &'static Location<'static>,
    ) -> Self {
        Self {
            // The owner and the join handle.
            state: State::scheduled(2),
            link: UnsafeCell::new(core::ptr::null_mut()),
            home,
            vtable,
            flags: Cell::new(flags),
            key: Cell::new(usize::MAX),
            join_waker: Cell::new(None),
            place,
        }
    }

    #[inline]
    pub(crate) fn has(&self, flag: u8) -> bool {
        self.flags.get() & flag != 0
    }

    #[inline]
    pub(crate) fn set(&self, flag: u8) {
        self.flags.set(self.flags.get() | flag);
    }
}

/// `Rc` keeps handles on their thread.
pub(super) type NotSend = core::marker::PhantomData<Rc<()>>;
