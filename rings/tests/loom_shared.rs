//! Models of every edge of the ring between processes: to the memory, a process is a thread.
//!
//! All of them: at most 3 preemptions, positions begin at the wrap of 64 bits. None can show a load that sees a store
//! of its own future, nor a process that dies: dead here is an end that is forgotten.
#![cfg(all(loom, feature = "std"))]

mod reached;

use std::{
    alloc::{Layout, alloc_zeroed, dealloc},
    collections::BTreeSet,
    ptr::NonNull,
    sync::Arc,
};

use loom::thread;
use reached::{outcomes, retry};
use shared_nothing_rings::shared::{self, AttachError, Owner, Ring, TryPopError};

/// Memory that lives as long as any thread of the model has it.
struct Memory {
    start: NonNull<u8>,
    layout: Layout,
}

// SAFETY: rings alone touch it, atomically.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Memory {
    fn new(capacity: usize) -> Arc<Self> {
        let layout = shared::layout::<u64>(capacity).expect("small");
        // SAFETY: not of size 0.
        let start = NonNull::new(unsafe { alloc_zeroed(layout) }).expect("memory");
        // SAFETY: new memory, with room.
        unsafe { shared::zero_for_a_model::<u64>(start, capacity) };
        Arc::new(Self { start, layout })
    }

    /// The model's threads drop their ends before they drop the memory.
    fn create(&self, capacity: usize) -> Ring<'static, u64> {
        // SAFETY: the memory lives longer than its ends (above), and rings alone touch it.
        unsafe { shared::create_at(self.start, self.layout.size(), capacity, u64::MAX) }
            .expect("room")
    }

    fn attach(&self) -> Result<Ring<'static, u64>, AttachError> {
        // SAFETY: as above.
        unsafe { shared::attach(self.start, self.layout.size()) }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout.
        unsafe { dealloc(self.start.as_ptr(), self.layout) };
    }
}

fn owner(pid: u32) -> Owner {
    Owner::new(pid, 1).expect("an id")
}

/// PUBLISH and VACATE. 2 threads, capacity 1, 3 laps.
#[test]
fn a_pop_meets_a_push_on_each_of_three_laps() {
    let reached = outcomes(|| {
        let memory = Memory::new(1);
        let ring = memory.create(1);
        let (mut tx, mut rx) = (
            ring.producer(owner(1)).unwrap(),
            ring.consumer(owner(2)).unwrap(),
        );
        let there = thread::spawn(move || {
            (1..=3).fold(false, |waited, item| {
                waited | retry(|| tx.try_push(item).ok()).1
            })
        });
        let mut was_empty = false;
        for item in 1..=3 {
            let (got, waited) = retry(|| rx.try_pop().ok());
            assert_eq!(got, item);
            was_empty |= waited;
        }
        let was_full = there.join().unwrap();
        drop(rx);
        (was_full, was_empty)
    });
    // To take turns three times without a wait takes more preemptions than the bound.
    let all = [(false, true), (true, false), (true, true)];
    assert_eq!(reached, BTreeSet::from(all));
}

/// PUBLISH and VACATE of batches. 2 threads, capacity 2, 1 lap and 1: items come whole and in order, and a slot is
/// written again only after its drain.
#[test]
fn drains_meet_batches() {
    let reached = outcomes(|| {
        let memory = Memory::new(2);
        let ring = memory.create(2);
        let (mut tx, mut rx) = (
            ring.producer(owner(1)).unwrap(),
            ring.consumer(owner(2)).unwrap(),
        );
        let there = thread::spawn(move || {
            let mut items = 1..=3;
            while !items.is_empty() {
                retry(|| tx.try_push_iter(&mut items).ok());
            }
        });
        let (mut got, mut drains) = (Vec::new(), Vec::new());
        while got.len() < 3 {
            let before = got.len();
            got.extend(rx.drain(usize::MAX));
            match got.len() - before {
                0 => thread::yield_now(),
                count => drains.push(count),
            }
        }
        assert_eq!(got, [1, 2, 3]);
        there.join().unwrap();
        drop(rx);
        drains
    });
    assert_eq!(reached, BTreeSet::from([vec![2, 1]]));
}

/// CLOSE, and LEAVE by the way. 2 threads, capacity 2, 1 lap: the last item is not lost.
#[test]
fn close_meets_the_last_push() {
    let reached = outcomes(|| {
        let memory = Memory::new(2);
        let ring = memory.create(2);
        let (mut tx, mut rx) = (
            ring.producer(owner(1)).unwrap(),
            ring.consumer(owner(2)).unwrap(),
        );
        let there = thread::spawn(move || {
            assert_eq!(tx.try_push(7), Ok(()));
            drop(tx);
        });
        let (mut got, mut was_empty) = (Vec::new(), false);
        loop {
            match rx.try_pop() {
                Ok(item) => got.push(item),
                Err(TryPopError::Empty) => {
                    was_empty = true;
                    thread::yield_now();
                }
                Err(why) => break assert_eq!(why, TryPopError::Closed),
            }
        }
        there.join().unwrap();
        assert_eq!(got, [7]);
        drop(rx);
        was_empty
    });
    assert_eq!(reached, BTreeSet::from([false, true]));
}

/// LEAVE. 2 threads, capacity 1, 2 laps: the next owner of the writing end goes on where the last one stopped, and
/// takes no slot that is full.
#[test]
fn a_new_producer_goes_on_where_the_last_one_stopped() {
    let reached = outcomes(|| {
        let memory = Memory::new(2);
        let ring = memory.create(2);
        let mut tx = ring.producer(owner(1)).unwrap();
        let mut rx = ring.consumer(owner(2)).unwrap();
        let there = thread::spawn(move || assert_eq!(tx.try_push(1), Ok(())));
        let (mut tx, waited) = retry(|| ring.producer(owner(3)).ok());
        assert_eq!(tx.len(), 1);
        assert_eq!(tx.try_push(2), Ok(()));
        assert_eq!((rx.try_pop(), rx.try_pop()), (Ok(1), Ok(2)));
        there.join().unwrap();
        drop((tx, rx));
        waited
    });
    assert_eq!(reached, BTreeSet::from([false, true]));
}

/// PUBLISH by a restored end. 2 threads, capacity 2, 1 lap: a consumer that comes while the producer pushes gets
/// whole items.
#[test]
fn a_new_consumer_meets_a_push() {
    let reached = outcomes(|| {
        let memory = Memory::new(2);
        let ring = memory.create(2);
        let mut tx = ring.producer(owner(1)).unwrap();
        std::mem::forget(ring.consumer(owner(2)).unwrap());
        let there = thread::spawn(move || {
            assert_eq!(tx.try_push(7), Ok(()));
            std::mem::forget(tx);
        });
        let mut rx = ring.take_over_consumer(owner(3), |_| true).unwrap();
        let known = rx.len();
        let got = rx.try_pop();
        assert!(got == Ok(7) || got == Err(TryPopError::Empty));
        there.join().unwrap();
        (known, got.is_ok())
    });
    assert_eq!(reached, BTreeSet::from([(0, false), (0, true), (1, true)]));
}

/// VACATE by a restored end. 2 threads, capacity 1, 2 laps: a producer that comes while the consumer pops writes no
/// slot that is being read.
#[test]
fn a_new_producer_meets_a_pop() {
    let reached = outcomes(|| {
        let memory = Memory::new(1);
        let ring = memory.create(1);
        let mut tx = ring.producer(owner(1)).unwrap();
        let mut rx = ring.consumer(owner(2)).unwrap();
        assert_eq!(tx.try_push(1), Ok(()));
        std::mem::forget(tx);
        let there = thread::spawn(move || {
            assert_eq!(rx.try_pop(), Ok(1));
            std::mem::forget(rx);
        });
        let mut tx = ring.take_over_producer(owner(3), |_| true).unwrap();
        let known = tx.len();
        let pushed = tx.try_push(2).is_ok();
        there.join().unwrap();
        (known, pushed)
    });
    let all = [(0, true), (1, false), (1, true)];
    assert_eq!(reached, BTreeSet::from(all));
}

/// Claims. 2 threads: one of them gets the end, and either may.
#[test]
fn of_two_claims_at_once_one_succeeds() {
    let reached = outcomes(|| {
        let memory = Memory::new(1);
        let ring = memory.create(1);
        let claim = move |me| ring.producer(owner(me)).map(std::mem::forget).is_ok();
        let there = thread::spawn(move || claim(1));
        let here = claim(2);
        (here, there.join().unwrap())
    });
    assert_eq!(reached, BTreeSet::from([(false, true), (true, false)]));
}

/// READY. 2 threads: whoever attaches while the ring is created finds it whole, or not ready.
#[test]
fn a_ring_that_is_found_is_whole() {
    let reached = outcomes(|| {
        let memory = Memory::new(2);
        let there = thread::spawn({
            let memory = Arc::clone(&memory);
            move || match memory.attach() {
                Ok(ring) => Some(ring.capacity()),
                Err(why) => {
                    assert_eq!(why, AttachError::NotReady);
                    None
                }
            }
        });
        assert_eq!(memory.create(2).capacity(), 2);
        there.join().unwrap()
    });
    assert_eq!(reached, BTreeSet::from([None, Some(2)]));
}
