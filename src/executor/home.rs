//! Where the tasks of one thread are at home: their queue, the stack that other threads wake them through, their
//! memory.
//!
//! | field | written by | read by |
//! |---|---|---|
//! | `refs` | home in bulk, others when they free a cell | whoever leaves |
//! | `foreign` | wakers on other threads push | the home thread takes all |
//! | `own` | the home thread | the home thread |
//!
//! A wake from another thread pushes the cell itself, by the link that lies in it: it takes no lock, allocates nothing
//! and waits for nobody (a push is repeated only if another has succeeded). The edges are those of
//! [`task`](super::task).

use alloc::boxed::Box;
use core::{
    cell::{Cell, UnsafeCell},
    future::Future,
    marker::PhantomData,
    panic::Location,
    ptr::{self, NonNull},
};

use super::{
    storage::{Blocks, Size},
    task::{Header, JoinHandle, Queued, RunQueue, TaskRef},
};
use crate::sync::{
    AtomicPtr, AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};

/// Counts of references that the home thread keeps at hand, so that a spawn costs no read-modify-write for them.
const STASH: usize = 1 << 10;

/// One thread's tasks, as their cells see it.
pub(crate) struct Home {
    refs: AtomicUsize,
    foreign: AtomicPtr<Header>,
    signal: Box<dyn Fn() + Send + Sync>,
    own: Own,
}

/// Touched on the home thread only, and never while a user's code runs within.
struct Own {
    run: RunQueue,
    blocks: UnsafeCell<Blocks>,
    stash: Cell<usize>,
    is_closed: Cell<bool>,
    /// Debug builds remember whose it is.
    #[cfg(all(debug_assertions, feature = "std", not(loom)))]
    thread: usize,
}

// What stands in `foreign` when nobody will take from it any more.
fn closed() -> *mut Header {
    ptr::without_provenance_mut(1)
}

#[cfg(all(feature = "std", not(loom)))]
std::thread_local! {
    static HERE: Cell<*const Home> = const { Cell::new(ptr::null()) };
}
#[cfg(all(feature = "std", loom))]
loom::thread_local! {
    static HERE: Cell<*const Home> = Cell::new(ptr::null());
}

/// A number of the calling thread, which no other has while it lives.
#[cfg(all(debug_assertions, feature = "std", not(loom)))]
fn thread() -> usize {
    HERE.try_with(|here| ptr::from_ref(here).addr())
        .unwrap_or_default()
}

/// Whether the calling thread is the home thread and says so. Without threads to ask, nobody is: all goes by the way
/// that is right for everyone.
#[inline]
pub(super) fn is_here(home: NonNull<Home>) -> bool {
    #[cfg(feature = "std")]
    return HERE
        .try_with(|here| here.get() == home.as_ptr().cast_const())
        .unwrap_or(false);
    #[cfg(not(feature = "std"))]
    {
        let _ = home;
        false
    }
}

impl Home {
    /// A reference for a new cell, and its memory.
    ///
    /// # Safety
    ///
    /// 1. The caller is on the home thread.
    #[inline]
    pub(super) unsafe fn take_ref_and_block(&self, size: Size) -> NonNull<u8> {
        let stash = &self.own.stash;
        if stash.get() == 0 {
            // RELAXED: the caller has a reference; nothing is handed over.
            self.refs.fetch_add(STASH, Relaxed);
            stash.set(STASH);
        }
        stash.set(stash.get() - 1);
        // SAFETY: duty 1, and no other borrow is alive: nothing else runs meanwhile.
        unsafe { &mut *self.own.blocks.get() }.take(size)
    }

    /// A cell is no more. On its home thread, its memory is kept.
    ///
    /// # Safety
    ///
    /// 1. The block and a reference came from [`take_ref_and_block`](Self::take_ref_and_block) of this home, and this
    ///    gives them back once.
    pub(super) unsafe fn give_ref_and_block(home: NonNull<Self>, block: NonNull<u8>, size: Size) {
        if is_here(home) {
            // SAFETY: the reference keeps it alive.
            let own = &unsafe { home.as_ref() }.own;
            own.stash.set(own.stash.get() + 1);
            // SAFETY: duty 1; the home thread, and no other borrow is alive.
            unsafe { (*own.blocks.get()).give(block, size) };
        } else {
            // SAFETY: duty 1.
            unsafe {
                Blocks::free(block, size);
                Self::leave(home, 1);
            }
        }
    }

    /// # Safety
    ///
    /// 1. The caller owns `count` references, and gives them up.
    unsafe fn leave(home: NonNull<Self>, count: usize) {
        // LEAVE, both ends: what was done with the home comes before its end.
        // SAFETY: duty 1 keeps it alive.
        if unsafe { home.as_ref() }.refs.fetch_sub(count, AcqRel) == count {
            // SAFETY: the last; it came from a box.
            drop(unsafe { Box::from_raw(home.as_ptr()) });
        }
    }

    /// Puts a cell into the run queue.
    ///
    /// # Safety
    ///
    /// 1. The caller is on the home thread, and has turned the cell's `QUEUED` on (T2).
    /// 2. `home` is the cell's.
    #[inline]
    pub(super) unsafe fn enqueue_here(home: NonNull<Self>, task: NonNull<Header>) {
        // SAFETY: the cell has a reference to its home; the rest is duty 1.
        unsafe { home.as_ref().own.run.push(task) };
    }

    /// Pushes a cell to the foreign stack, from any thread.
    ///
    /// # Safety
    ///
    /// 1. The caller has turned the cell's `SCHEDULED` on (T2), and holds a waker of the cell until this returns.
    /// 2. `home` is the cell's.
    pub(super) unsafe fn enqueue(home: NonNull<Self>, task: NonNull<Header>) {
        // SAFETY: the cell that duty 1 keeps has a reference to its home.
        let this = unsafe { home.as_ref() };
        // RELAXED: what is below is not looked at.
        let mut below = this.foreign.load(Relaxed);
        loop {
            if below == closed() {
                // SAFETY: duty 1.
                let _not_last = unsafe { task.as_ref() }.state.begin();
                return;
            }
            // SAFETY: T2: the link is this call's until the push has succeeded.
            unsafe { *task.as_ref().link.get() = below };
            // HAND, release end: the link. A failure looks at nothing, hence relaxed.
            match this
                .foreign
                .compare_exchange_weak(below, task.as_ptr(), Release, Relaxed)
            {
                Ok(_) => break,
                Err(changed) => below = changed,
            }
        }
        (this.signal)();
    }
}

// SAFETY: `own` is used on the home thread only, by the contracts above; the signal may be called from any.
unsafe impl Send for Home {}
// SAFETY: as above.
unsafe impl Sync for Home {}

/// The home thread's own hold of a home.
pub(crate) struct HomeRef {
    home: NonNull<Home>,
    stays: PhantomData<*const ()>,
}

impl HomeRef {
    /// `signal` is called after a wake from another thread.
    pub(crate) fn new(signal: Box<dyn Fn() + Send + Sync>) -> Self {
        let home = Box::new(Home {
            refs: AtomicUsize::new(1),
            foreign: AtomicPtr::new(ptr::null_mut()),
            signal,
            own: Own {
                run: RunQueue::new(),
                blocks: UnsafeCell::new(Blocks::new()),
                stash: Cell::new(0),
                is_closed: Cell::new(false),
                #[cfg(all(debug_assertions, feature = "std", not(loom)))]
                thread: thread(),
            },
        });
        Self {
            home: NonNull::from(Box::leak(home)),
            stays: PhantomData,
        }
    }

    /// # Panics
    ///
    /// In debug builds, on another thread than the one that made it: a type of the user's says that it may be sent, and
    /// is wrong.
    fn home(&self) -> &Home {
        // SAFETY: this holds a reference.
        let home = unsafe { self.home.as_ref() };
        #[cfg(all(debug_assertions, feature = "std", not(loom)))]
        assert_eq!(
            home.own.thread,
            thread(),
            "what belongs to one thread is used on another"
        );
        home
    }

    /// Says that the calling thread is the home thread, for as long as the guard lives.
    pub(crate) fn enter(&self) -> Entered {
        #[cfg(feature = "std")]
        return Entered {
            former: HERE.with(|here| here.replace(self.home.as_ptr().cast_const())),
            stays: PhantomData,
        };
        #[cfg(not(feature = "std"))]
        Entered { stays: PhantomData }
    }

    /// A new task in the queue: its owner's reference, and its handle.
    #[inline]
    pub(crate) fn spawn<F: Future + 'static, const IS_GUARDED: bool>(
        &self,
        future: F,
        flags: u8,
        place: &'static Location<'static>,
    ) -> (TaskRef, JoinHandle<F::Output>) {
        // SAFETY: `HomeRef` stays on the home thread and keeps the home.
        let (owner, join) =
            unsafe { TaskRef::new::<F, IS_GUARDED>(self.home, future, flags, place) };
        // SAFETY: a new cell is scheduled, and is in no queue yet.
        unsafe { self.home().own.run.push(owner.as_ptr()) };
        // SAFETY: the output is this, and no other handle was made.
        (owner, unsafe { JoinHandle::new(join) })
    }

    #[cfg(feature = "std")]
    /// Memory of `size`, for cells that never leave a reference behind.
    pub(crate) fn take_block(&self, size: Size) -> NonNull<u8> {
        // SAFETY: the home thread, and no other borrow is alive.
        unsafe { (*self.home().own.blocks.get()).take(size) }
    }

    #[cfg(feature = "std")]
    /// # Safety
    ///
    /// 1. The block came from [`take_block`](Self::take_block) of any home with this size, and is used no more.
    pub(crate) unsafe fn give_block(&self, block: NonNull<u8>, size: Size) {
        // SAFETY: duty 1; the home thread, and no other borrow is alive.
        unsafe { (*self.home().own.blocks.get()).give(block, size) };
    }

    /// The next task to be polled.
    pub(crate) fn pop(&self) -> Option<Queued> {
        let task = self.home().own.run.pop()?;
        // SAFETY: taken out of the queue just now.
        Some(unsafe { Queued::new(task) })
    }

    /// Whether a task waits for its turn, those that other threads woke since the last look not counted.
    #[inline]
    pub(crate) fn has_queued(&self) -> bool {
        !self.home().own.run.is_empty()
    }

    /// The task that is polled last, of those that wait now.
    #[inline]
    pub(crate) fn last_queued(&self) -> Option<NonNull<Header>> {
        self.home().own.run.last()
    }

    /// Brings the queue into another order: `pick(n)` is less than `n`.
    pub(crate) fn shuffle(&self, pick: impl FnMut(usize) -> usize) {
        self.home().own.run.shuffle(pick);
    }

    /// Whether another thread has woken a task since the last [`take_foreign`](Self::take_foreign).
    pub(crate) fn has_foreign(&self) -> bool {
        // RELAXED: a look; whoever takes acquires.
        let top = self.home().foreign.load(Relaxed);
        !top.is_null() && top != closed()
    }

    /// Moves what other threads have woken into the queue, in the order of their wakes.
    #[inline]
    pub(crate) fn take_foreign(&self) {
        // A model takes without a look: loom misses interleavings of a word that a thread loads before it changes it.
        if self.has_foreign() || (cfg!(loom) && !self.home().own.is_closed.get()) {
            self.move_foreign(ptr::null_mut());
        }
    }

    #[inline(never)]
    fn move_foreign(&self, left: *mut Header) {
        // HAND, acquire end: the links of all that is taken.
        let mut top = self.home().foreign.swap(left, Acquire);
        // What was woken last is on top: it comes last.
        let mut first = ptr::null_mut();
        while let Some(task) = NonNull::new(top) {
            // SAFETY: T2: the stack owns the link of what is in it, until the bit is off.
            let link = unsafe { task.as_ref() }.link.get();
            // SAFETY: as above.
            top = unsafe { link.replace(first) };
            first = task.as_ptr();
        }
        while let Some(task) = NonNull::new(first) {
            // SAFETY: as above.
            first = unsafe { *task.as_ref().link.get() };
            // SAFETY: the bit holds the cell until here (T3), and it was taken out of the stack.
            if unsafe { TaskRef::take_in(task) } {
                // SAFETY: its flag was turned on just now (T2).
                unsafe { self.home().own.run.push(task) };
            }
        }
    }

    /// Lets go of all that is queued. Nothing that is woken from now on is queued again, but by this thread itself.
    pub(crate) fn close(&self) {
        if !self.home().own.is_closed.replace(true) {
            self.move_foreign(closed());
        }
        self.clear();
    }

    /// Lets go of what is queued now.
    pub(crate) fn clear(&self) {
        while let Some(queued) = self.pop() {
            drop(queued);
        }
    }
}

impl Drop for HomeRef {
    fn drop(&mut self) {
        let stash = self.home().own.stash.take();
        // SAFETY: these references are this thread's, and it uses the home no more.
        unsafe { Home::leave(self.home, stash + 1) };
    }
}

/// The calling thread is a home thread while this lives.
pub(crate) struct Entered {
    #[cfg(feature = "std")]
    former: *const Home,
    stays: PhantomData<*const ()>,
}

#[cfg(feature = "std")]
impl Drop for Entered {
    fn drop(&mut self) {
        HERE.with(|here| here.set(self.former));
    }
}
