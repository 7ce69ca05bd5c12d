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
    Ordering::{AcqRel, Acquire, Relaxed},
};

/// The cell is in the foreign stack, or about to be.
const SCHEDULED: usize = 1;
/// All that holds the cell is counted in this word.
const SETTLED: usize = 2;
const REF: usize = 4;

/// Of either count: both together do not overflow. Only leaked wakers come to it.
const COUNT_MAX: isize = isize::MAX / 2;
const TOO_MANY: &str = "too many wakers of one task";

/// The future is gone.
pub(crate) const DONE: u8 = 1;
/// The future is to be dropped instead of polled.
pub(crate) const ABORT: u8 = 2;
/// Nobody wants the output: the join handle is gone.
pub(crate) const DETACHED: u8 = 4;
/// The task serves a call of another shard, or was spawned by one that does.
pub(crate) const SERVING: u8 = 8;

/// The future is being polled. That no task is cancelled meanwhile, its executor sees to; debug builds look twice.
pub(super) const POLLED: u8 = if cfg!(debug_assertions) { 16 } else { 0 };
/// The cell is in the run queue.
pub(super) const QUEUED: u8 = 32;
/// The executor has the task. Off once, for ever.
pub(super) const OWNED: u8 = 64;

/// The output is in the stage.
pub(super) const HAS_OUTPUT: u8 = 128;

/// What other threads touch: their wakers, the bit of the foreign stack, and, once the home thread's holds are over, all
/// wakers that are left.
///
/// Until then it counts the wakers that were cloned less those that were dropped away from home, which may be less than
/// none.
#[derive(Debug)]
pub(crate) struct State(AtomicUsize);

impl State {
    /// No wakers, and in no stack.
    #[inline]
    pub(super) fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    /// Wakes. `true`: the caller must push the cell to the foreign stack (T2).
    #[inline]
    #[must_use]
    pub(crate) fn schedule(&self) -> bool {
        // WAKE, release end: also when the bit is on already, since a read-modify-write goes on with the release of the
        // one before. LEAVE is not concerned: the caller holds a waker.
        self.0.fetch_or(SCHEDULED, AcqRel) & SCHEDULED == 0
    }

    /// The home thread has taken the cell out of the foreign stack. `true`: nothing else held it.
    #[inline]
    #[must_use]
    pub(crate) fn begin(&self) -> bool {
        // WAKE, acquire end: the poll that follows sees what the wakers did. LEAVE, acquire end: if this was the last.
        self.0.fetch_and(!SCHEDULED, AcqRel) == SCHEDULED | SETTLED
    }

    #[inline]
    pub(crate) fn add_ref(&self) {
        // RELAXED: the caller has a waker; nothing is handed over.
        let before = self.0.fetch_add(REF, Relaxed);
        assert!((before as isize) < COUNT_MAX, "{TOO_MANY}");
    }

    /// Gives a waker up. `true`: nothing else holds the cell.
    #[inline]
    #[must_use]
    pub(crate) fn leave(&self) -> bool {
        // LEAVE, both ends: what this holder did with the cell comes before its end.
        self.0.fetch_sub(REF, AcqRel) == REF | SETTLED
    }

    /// The home thread's holds are over, once; `wakers` is its count of clones less drops. `true`: nothing else holds the
    /// cell.
    #[inline]
    #[must_use]
    pub(super) fn settle(&self, wakers: isize) -> bool {
        // LEAVE, acquire end. If both counts are zero, there is no waker, so none can be made, and no read-modify-write
        // is needed to say so: whatever made one came before the home thread dropped the last that it knew of, and this
        // load cannot be older than that.
        if wakers == 0 && self.0.load(Acquire) == 0 {
            return true;
        }
        let add = (wakers as usize).wrapping_mul(REF) | SETTLED;
        // LEAVE, both ends: from now on this word counts all.
        self.0.fetch_add(add, AcqRel).wrapping_add(add) == SETTLED
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
    /// Clones less drops of wakers at home, until the cell is settled.
    wakers: Cell<isize>,
    /// The links of the lists (`list.rs`).
    pub(super) after: Cell<*mut Header>,
    pub(super) older: Cell<*mut Header>,
    pub(super) newer: Cell<*mut Header>,
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
            state: State::new(),
            link: UnsafeCell::new(core::ptr::null_mut()),
            home,
            vtable,
            // The owner, the queue and the join handle have it.
            flags: Cell::new(flags | OWNED | QUEUED),
            wakers: Cell::new(0),
            after: Cell::new(core::ptr::null_mut()),
            older: Cell::new(core::ptr::null_mut()),
            newer: Cell::new(core::ptr::null_mut()),
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

    #[inline]
    pub(super) fn unset(&self, flag: u8) {
        self.flags.set(self.flags.get() & !flag);
    }

    /// A wake at home. `true`: the caller must put the cell into the run queue.
    #[inline]
    #[must_use]
    pub(crate) fn schedule_here(&self) -> bool {
        let is_new = self.flags.get() & (OWNED | QUEUED) == OWNED;
        if is_new {
            self.set(QUEUED);
        }
        is_new
    }

    /// Whether owner, queue and join handle are gone, which is once and for ever: an owner that has gone has the task
    /// queued no more. From then on all wakers are counted in the state.
    #[inline]
    fn is_settled(&self) -> bool {
        self.flags.get() & (OWNED | QUEUED | DETACHED) == DETACHED
    }

    /// A waker is cloned at home.
    #[inline]
    pub(super) fn add_waker_here(&self) {
        if self.is_settled() {
            return self.state.add_ref();
        }
        let wakers = self.wakers.get();
        assert!(wakers < COUNT_MAX / REF as isize, "{TOO_MANY}");
        self.wakers.set(wakers + 1);
    }

    /// A waker is dropped at home. `true`: nothing else holds the cell.
    #[inline]
    #[must_use]
    pub(super) fn drop_waker_here(&self) -> bool {
        if self.is_settled() {
            return self.state.leave();
        }
        // As many were cloned elsewhere at least, so it comes not near its end.
        self.wakers.set(self.wakers.get() - 1);
        false
    }

    /// Owner, queue or join handle goes: `flags` says which from now on. `true`: nothing else holds the cell.
    #[inline]
    #[must_use]
    pub(super) fn leave_here(&self, flags: u8) -> bool {
        self.flags.set(flags);
        self.is_settled() && self.state.settle(self.wakers.get())
    }
}

/// `Rc` keeps handles on their thread.
pub(super) type NotSend = core::marker::PhantomData<Rc<()>>;
