//! The cell of a call: made and freed at home, served away.

use core::{
    cell::{Cell, UnsafeCell},
    marker::PhantomData,
    mem::MaybeUninit,
    panic::Location,
    ptr::{self, NonNull},
    task::{Poll, Waker},
};
use std::rc::Rc;

use super::{Complete, Work, phase::Phase};
use crate::executor::{
    CallError,
    shard::Shard,
    storage::Size,
    task::{clone_of, guarded, is_fine},
};

/// What can be done with a cell whose work's type is forgotten.
struct VTable {
    /// Takes the work out and serves it.
    serve: unsafe fn(NonNull<Header>, &Rc<Shard>),
    /// Drops work or outcome, whatever is there. `false`: that panicked.
    clear: unsafe fn(NonNull<Header>) -> bool,
    size: Size,
}

/// The begin of every cell: a line that stays at home, and the begin of the line that goes to the callee and back. A small
/// outcome lies in the rest of that.
#[repr(C)]
struct Header {
    /// The home's (C2).
    waker: Cell<Option<Waker>>,
    is_home: Cell<bool>,
    is_abandoned: Cell<bool>,
    has_credit: bool,
    is_served_at_once: bool,
    rest_of_line: [MaybeUninit<u8>; 44],
    /// The holder's (C1), from here on.
    vtable: &'static VTable,
    place: &'static Location<'static>,
    link: Cell<*mut Header>,
    caller: u16,
    callee: u16,
    /// The holder's, and read by the home while it watches (C4).
    phase: Phase,
}

#[cfg(all(target_pointer_width = "64", not(loom)))]
const _: () = assert!(core::mem::offset_of!(Header, vtable) == 64 && size_of::<Header>() == 96);

enum Stage<W: Work> {
    Work(W),
    /// Being served.
    Taken,
    Outcome(Result<W::Output, CallError>),
}

#[repr(C)]
struct CallCell<W: Work> {
    header: Header,
    stage: UnsafeCell<Stage<W>>,
}

impl<W: Work> CallCell<W> {
    const SIZE: Size = Size::of::<Self>();

    const VTABLE: VTable = VTable {
        serve: Self::serve,
        clear: Self::clear,
        size: Self::SIZE,
    };

    fn stage(cell: NonNull<Header>) -> *mut Stage<W> {
        let cell = cell.cast::<Self>().as_ptr();
        // SAFETY: `repr(C)`: a header is the begin of its cell. Only a field's address is taken.
        unsafe { (&raw const (*cell).stage).cast_mut().cast() }
    }

    /// # Safety
    ///
    /// 1. A living cell of this type, and the caller is its holder.
    unsafe fn serve(cell: NonNull<Header>, shard: &Rc<Shard>) {
        let reply = Reply::<W> {
            cell,
            shard: Rc::clone(shard),
            is_set: false,
            work: PhantomData,
        };
        // Nothing is written in its place: the line would go to a caller that watches it, and be waited for again.
        // SAFETY: duty 1 (C1). Read once: what is written there next is the outcome, by `reply`, which does so at its end.
        let stage = unsafe { ptr::read(Self::stage(cell)) };
        if let Stage::Work(work) = stage {
            // SAFETY: duty 1.
            let place = unsafe { cell.as_ref() }.place;
            work.serve(shard, place, reply);
        }
    }

    /// # Safety
    ///
    /// 1. As [`serve`](Self::serve).
    unsafe fn clear(cell: NonNull<Header>) -> bool {
        // SAFETY: duty 1 (C1).
        let stage = unsafe { ptr::replace(Self::stage(cell), Stage::Taken) };
        is_fine(guarded(|| drop(stage)))
    }
}

/// A shard's number, of which there are at most 448.
fn number(shard: usize) -> u16 {
    u16::try_from(shard).expect("no executor has so many shards")
}

/// A cell on its way, and whoever has this is its holder (C1).
///
/// A parcel that is dropped leaves its cell away for ever: the caller waits and the memory is leaked, but nothing is
/// touched that is not owned. The executor drops none.
#[must_use]
pub(crate) struct Parcel(NonNull<Header>);

// SAFETY: work and outcome are `Send` by the bounds of `Work`. The home's fields are not touched by the holder (C2),
// unless it is the home.
unsafe impl Send for Parcel {}

impl Parcel {
    fn header(&self) -> &Header {
        // SAFETY: a cell lives while it is away (C3). The holder touches the holder's fields only.
        unsafe { self.0.as_ref() }
    }

    /// Asks for the line that its holder reads first, ahead of the time.
    #[inline(always)]
    pub(crate) fn prefetch(&self) {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        {
            use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            let line = &raw const self.header().vtable;
            // SAFETY: a prefetch reads nothing, wherever it points to.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(line.cast()) };
        }
    }

    /// Whether it is served without waiting for anything.
    pub(crate) fn is_served_at_once(&self) -> bool {
        self.header().is_served_at_once
    }

    /// The shard that made it, and to which it comes back.
    pub(crate) fn caller(&self) -> usize {
        self.header().caller.into()
    }

    pub(crate) fn is_reply(&self) -> bool {
        self.header().phase.is_reply()
    }

    /// Serves the call. The reply is sent by itself, now or later.
    pub(crate) fn serve(self, shard: &Rc<Shard>) {
        // SAFETY: a parcel makes its owner the holder, and passes that on to the reply.
        unsafe { (self.header().vtable.serve)(self.0, shard) };
    }

    /// Goes back to its caller, served or not: in the second case the work is still in it.
    #[inline]
    pub(crate) fn go_back(self, shard: &Shard) {
        let (header, caller) = (self.header(), self.caller());
        if header.phase.is_watched() {
            // From here on the cell is its home's, which may free it.
            header.phase.answer();
            shard.shared().peers[caller].bell.ring();
        } else {
            header.phase.turn_back();
            shard.post(caller, self);
        }
    }

    /// A reply has come to its caller's shard. Returns whom to wake, and from whose shard a credit comes back.
    ///
    /// # Panics
    ///
    /// If it is not at home.
    pub(crate) fn come_home(self, shard: &Shard) -> (Option<Waker>, Option<usize>) {
        let header = self.header();
        assert!(usize::from(header.caller) == shard.id());
        let credit = header.has_credit.then_some(header.callee.into());
        header.is_home.set(true);
        if header.is_abandoned.get() {
            // SAFETY: the call's future is gone, and this is the home and the holder.
            unsafe { free(self.0, shard) };
            return (None, credit);
        }
        (header.waker.take(), credit)
    }
}

/// Drops what is in a cell, and keeps its memory for the next.
///
/// # Safety
///
/// 1. The cell is at home, and nobody uses it after this.
unsafe fn free(cell: NonNull<Header>, shard: &Shard) {
    // SAFETY: duty 1.
    let (vtable, waker) = unsafe { (cell.as_ref().vtable, cell.as_ref().waker.take()) };
    // SAFETY: duty 1.
    let fine = unsafe { (vtable.clear)(cell) };
    let fine = is_fine(guarded(|| drop(waker))) && fine;
    shard.core().count_panic(fine);
    // SAFETY: it came from this core with this size (`Sent::new`), and is used no more.
    unsafe { shard.core().give_block(cell.cast(), vtable.size) };
}

/// What is owed to the caller while the call is served. It is the holder of the cell.
struct Reply<W: Work> {
    cell: NonNull<Header>,
    shard: Rc<Shard>,
    /// Whether the outcome is there.
    is_set: bool,
    work: PhantomData<W>,
}

impl<W: Work> Reply<W> {
    #[inline]
    fn set(&mut self, outcome: Result<W::Output, CallError>) {
        // SAFETY: the holder (C1). What was there was moved out (`serve`), and needs no drop.
        unsafe { ptr::write(CallCell::<W>::stage(self.cell), Stage::Outcome(outcome)) };
        self.is_set = true;
    }
}

impl<W: Work> Complete<W::Output> for Reply<W> {
    const IS_OWED_TO_A_SHARD: bool = true;

    fn complete(mut self, outcome: Result<W::Output, CallError>) {
        self.set(outcome);
    }
}

impl<W: Work> Drop for Reply<W> {
    #[inline]
    fn drop(&mut self) {
        if !self.is_set {
            self.set(Err(CallError::Cancelled));
        }
        Parcel(self.cell).go_back(&self.shard);
    }
}

/// The caller's hold of a cell that it has sent: to be asked for its [`outcome`](Self::outcome), or to be
/// [`left`](Self::leave). One that is dropped before leaks its cell.
pub(super) struct Sent<W: Work> {
    /// Until the outcome was had.
    cell: Option<NonNull<Header>>,
    work: PhantomData<W>,
}

impl<W: Work> Sent<W> {
    /// A new cell, whose return wakes `waker`, and the parcel that is to be posted; at once if its shard waits for it
    /// alone.
    #[inline]
    pub(super) fn new(
        shard: &Shard,
        callee: usize,
        work: W,
        has_credit: bool,
        waker: Waker,
        place: &'static Location<'static>,
    ) -> (Self, Parcel, bool) {
        let is_watched = W::IS_SERVED_AT_ONCE && callee != shard.id() && shard.is_alone();
        let block = shard.core().take_block(CallCell::<W>::SIZE);
        let cell = block.cast::<CallCell<W>>();
        let value = CallCell {
            header: Header {
                waker: Cell::new(Some(waker)),
                is_home: Cell::new(false),
                is_abandoned: Cell::new(false),
                has_credit,
                is_served_at_once: W::IS_SERVED_AT_ONCE,
                rest_of_line: [MaybeUninit::uninit(); 44],
                vtable: &CallCell::<W>::VTABLE,
                place,
                link: Cell::new(ptr::null_mut()),
                caller: number(shard.id()),
                callee: number(callee),
                phase: Phase::new(is_watched),
            },
            stage: UnsafeCell::new(Stage::Work(work)),
        };
        // SAFETY: a new block of this size.
        unsafe { cell.write(value) };
        let cell = cell.cast();
        if is_watched {
            shard.watch().begin(cell);
        }
        let sent = Self {
            cell: Some(cell),
            work: PhantomData,
        };
        (sent, Parcel(cell), is_watched)
    }

    /// The outcome, once, and the end of the cell, if that is at home; if it is not, `waker` is woken when it is.
    ///
    /// # Panics
    ///
    /// If the outcome was had before.
    #[inline]
    pub(super) fn outcome(
        &mut self,
        shard: &Shard,
        waker: &Waker,
    ) -> Poll<Result<W::Output, CallError>> {
        let cell = self.cell.expect("a call is awaited once");
        // SAFETY: a cell lives while its future has it (C3). Only the home's fields are touched here (C2).
        let header = unsafe { cell.as_ref() };
        if !header.is_home.get() {
            let former = header.waker.replace(Some(clone_of(waker)));
            drop(former);
            return Poll::Pending;
        }
        self.cell = None;
        // The waker was taken when the cell came home, and none was put there since.
        // SAFETY: at home, so this is the holder (C1); the cell is used no more after this.
        let stage = unsafe { ptr::read(CallCell::<W>::stage(cell)) };
        // SAFETY: it came from this core with this size (`new`), and what was in it was moved out.
        unsafe { shard.core().give_block(cell.cast(), CallCell::<W>::SIZE) };
        Poll::Ready(match stage {
            Stage::Outcome(outcome) => outcome,
            Stage::Work(work) => {
                let fine = is_fine(guarded(|| drop(work)));
                shard.core().count_panic(fine);
                Err(CallError::NotRun)
            }
            Stage::Taken => Err(CallError::Cancelled),
        })
    }

    /// The outcome is wanted no more.
    pub(super) fn leave(&mut self, shard: &Shard) {
        let Some(cell) = self.cell.take() else {
            return;
        };
        // SAFETY: as in `outcome`.
        let header = unsafe { cell.as_ref() };
        if header.is_home.get() {
            // SAFETY: at home, and this was its last user.
            unsafe { free(cell, shard) };
            return;
        }
        header.is_abandoned.set(true);
        let waker = header.waker.take();
        is_fine(guarded(|| drop(waker)));
    }
}

/// The one call of a shard, if any, that is answered in its own cell: the shard looks there, and not in a lane.
#[derive(Debug)]
pub(crate) struct Watch(Cell<*mut Header>);

impl Watch {
    pub(crate) fn new() -> Self {
        Self(Cell::new(ptr::null_mut()))
    }

    /// Watches a cell that is about to be sent. None is watched.
    fn begin(&self, cell: NonNull<Header>) {
        debug_assert!(self.0.get().is_null());
        self.0.set(cell.as_ptr());
    }

    /// Whether the answer is there.
    #[inline(always)]
    pub(crate) fn has_answer(&self) -> bool {
        let Some(cell) = NonNull::new(self.0.get()) else {
            return false;
        };
        // SAFETY: a watched cell is away, and so alive (C3), until `take`. The word is an atomic, which its holder may
        // write meanwhile (C4).
        let phase = unsafe { &(*cell.as_ptr()).phase };
        phase.has_answer()
    }

    /// The call whose answer is there.
    #[inline(always)]
    pub(crate) fn take(&self) -> Option<Parcel> {
        if !self.has_answer() {
            return None;
        }
        let cell = NonNull::new(self.0.replace(ptr::null_mut()))?;
        Some(Parcel(cell))
    }
}

/// Parcels in the order in which they were put, linked through their cells: no room to run out of, nothing to allocate.
#[derive(Debug)]
pub(crate) struct Outbox {
    first: Cell<*mut Header>,
    last: Cell<*mut Header>,
    len: Cell<usize>,
}

impl Outbox {
    pub(crate) fn new() -> Self {
        Self {
            first: Cell::new(ptr::null_mut()),
            last: Cell::new(ptr::null_mut()),
            len: Cell::new(0),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len.get()
    }

    pub(crate) fn put(&self, parcel: Parcel) {
        parcel.header().link.set(ptr::null_mut());
        let new = parcel.0.as_ptr();
        match NonNull::new(self.last.replace(new)) {
            None => self.first.set(new),
            // SAFETY: a parcel in the list is held by the list (C1), and so alive (C3).
            Some(last) => unsafe { last.as_ref() }.link.set(new),
        }
        self.len.set(self.len.get() + 1);
    }

    pub(crate) fn take_first(&self) -> Option<Parcel> {
        let first = NonNull::new(self.first.get())?;
        // SAFETY: as in `put`.
        let next = unsafe { first.as_ref() }.link.get();
        self.first.set(next);
        if next.is_null() {
            self.last.set(next);
        }
        self.len.set(self.len.get() - 1);
        Some(Parcel(first))
    }
}

/// Takes parcels out of the box as long as there are any.
impl Iterator for &Outbox {
    type Item = Parcel;

    fn next(&mut self) -> Option<Parcel> {
        self.take_first()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.len(), Some(self.len()))
    }
}
