//! How lanes come, close and go: their number, their ends, and the memory they lie in.
#![cfg(all(feature = "alloc", not(loom)))]

use std::{
    alloc::{Layout, alloc, dealloc},
    panic::{AssertUnwindSafe, catch_unwind},
    ptr::NonNull,
    rc::Rc,
    sync::Arc,
    thread,
};

use shared_nothing_rings::{
    CapacityError, MemoryError, TryPopError, TryPushError, TryReserveError,
    lanes::{self, Consumer, LANES_MAX, Producer},
};

fn ring<T>(lanes: usize, capacity: usize) -> (Vec<Producer<'static, T>>, Consumer<'static, T>) {
    let (producers, rx) = lanes::with_capacity(lanes, capacity).expect("a small ring");
    (producers.collect(), rx)
}

fn push_many(tx: &mut Producer<'_, usize>, count: usize) {
    (0..count).for_each(|number| assert_eq!(tx.try_push(number), Ok(())));
}

#[test]
fn as_many_lanes_as_there_can_be() {
    let (mut txs, mut rx) = ring(LANES_MAX, 2);
    for tx in txs.iter_mut().rev() {
        assert_eq!(
            (tx.try_push(tx.lane()), tx.try_push(tx.lane())),
            (Ok(()), Ok(()))
        );
    }
    assert_eq!(
        (rx.len(), rx.is_full(), rx.capacity()),
        (2 * LANES_MAX, true, 2 * LANES_MAX)
    );
    let mut got: Vec<usize> = rx.drain(usize::MAX).collect();
    got.sort_unstable();
    assert!(got.into_iter().eq((0..2 * LANES_MAX).map(|i| i / 2)));
    assert!(rx.is_empty());
}

#[test]
fn impossible_numbers_of_lanes_are_errors() {
    let refused = |lanes, capacity| lanes::with_capacity::<u64>(lanes, capacity).err();
    assert_eq!(refused(0, 1), Some(CapacityError::Zero));
    assert_eq!(refused(1, 0), Some(CapacityError::Zero));
    assert_eq!(refused(LANES_MAX + 1, 1), Some(CapacityError::TooLarge));
    assert_eq!(refused(usize::MAX, 1), Some(CapacityError::TooLarge));
    assert_eq!(refused(1, usize::MAX), Some(CapacityError::TooLarge));
    // Each lane fits, all of them do not.
    assert_eq!(
        refused(16, 1 << (usize::BITS - 8)),
        Some(CapacityError::TooLarge)
    );
}

#[test]
fn the_ring_closes_when_the_last_of_its_producers_leaves() {
    let (mut txs, mut rx) = ring(3, 4);
    txs.iter_mut().for_each(|tx| push_many(tx, 1));
    let mut last = txs.pop().expect("three");
    drop(txs);
    assert!(!rx.is_closed());
    assert_eq!(rx.drain(usize::MAX).count(), 3);
    assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
    assert_eq!(last.try_push(9), Ok(()));
    last.close();
    last.close();
    assert!(rx.is_closed() && last.is_closed());
    assert_eq!(last.try_push(10), Err(TryPushError::Closed(10)));
    assert_eq!(
        (rx.try_pop(), rx.try_pop()),
        (Ok(9), Err(TryPopError::Closed))
    );
}

#[test]
fn producers_that_nobody_takes_close_their_lanes() {
    let (mut producers, mut rx) = lanes::with_capacity::<u8>(3, 1).expect("a small ring");
    assert_eq!(producers.len(), 3);
    let mut tx = producers.next().expect("three");
    drop(producers);
    assert_eq!((tx.try_push(1), rx.try_pop()), (Ok(()), Ok(1)));
    drop(tx);
    assert_eq!(rx.try_pop(), Err(TryPopError::Closed));
}

#[test]
fn the_source_of_producers_may_outlive_all_ends() {
    let (mut producers, rx) = lanes::with_capacity::<u8>(1, 1).expect("a small ring");
    let tx = producers.next().expect("one");
    drop((tx, rx));
    assert_eq!((producers.len(), producers.next().is_none()), (0, true));
}

#[test]
fn the_consumer_closes_every_lane() {
    let (mut txs, mut rx) = ring(70, 2);
    txs.iter_mut().for_each(|tx| push_many(tx, 1));
    rx.close();
    for tx in &mut txs {
        assert!(tx.is_closed());
        assert_eq!(tx.try_push(1), Err(TryPushError::Closed(1)));
        assert_eq!(tx.reserve(1).err(), Some(TryReserveError::Closed));
    }
    assert_eq!(rx.drain(usize::MAX).count(), 70);
    drop(txs);
    assert_eq!(rx.try_pop(), Err(TryPopError::Closed));
}

#[test]
fn a_producer_takes_back_what_nobody_will_pop() {
    let (mut txs, mut rx) = ring(2, 4);
    txs.iter_mut().for_each(|tx| push_many(tx, 3));
    assert_eq!(rx.try_pop(), Ok(0));
    assert_eq!(txs[1].reclaim().next(), None);
    drop(rx);
    assert!(txs[0].reclaim().eq(1..3) && txs[1].reclaim().eq(0..3));
}

#[test]
fn a_static_ring_of_lanes_is_split_again_only_when_all_ends_are_gone() {
    static RING: lanes::Ring<u8, 2, 2> = lanes::Ring::new();
    for lap in 0..4 {
        let ([mut a, mut b], mut rx) = RING.split_static().expect("nobody holds an end");
        assert!(RING.split_static().is_none());
        assert_eq!((a.is_closed(), rx.is_closed()), (false, false));
        if lap > 0 {
            assert!(rx.drain(9).eq([lap - 1; 2]), "left by the ends before");
        }
        assert_eq!((a.try_push(lap), b.try_push(lap)), (Ok(()), Ok(())));
        drop((a, rx));
        assert!(RING.split_static().is_none());
    }
}

#[test]
fn a_panic_in_the_drop_of_one_value_spares_no_lane() {
    struct Value {
        _token: Rc<()>,
        panics: bool,
    }
    impl Drop for Value {
        fn drop(&mut self) {
            assert!(!self.panics, "planned");
        }
    }
    for bomb in 0..6 {
        let token = Rc::new(());
        let burst = AssertUnwindSafe(|| {
            let (mut txs, _rx) = ring(3, 2);
            for number in 0..6 {
                let value = Value {
                    _token: token.clone(),
                    panics: number == bomb,
                };
                assert!(txs[number / 2].try_push(value).is_ok());
            }
        });
        assert!(catch_unwind(burst).is_err());
        assert_eq!(Rc::strong_count(&token), 1);
    }
}

/// Bytes of the allocator, which count their drops.
struct Owned {
    bytes: NonNull<[u8]>,
    layout: Layout,
    _alive: Arc<()>,
}

// SAFETY: plain bytes that this alone points to.
unsafe impl Send for Owned {}

// SAFETY: 1: an allocation stays where it is. 2: nothing else has the pointer.
unsafe impl lanes::Memory for Owned {
    fn bytes(&mut self) -> NonNull<[u8]> {
        self.bytes
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: allocated by `owned` with this layout, and freed once.
        unsafe { dealloc(self.bytes.cast().as_ptr(), self.layout) };
    }
}

fn owned(layout: Layout, alive: &Arc<()>) -> Owned {
    // SAFETY: not zero-sized: lanes have a header.
    let bytes = unsafe { alloc(layout) };
    let bytes = NonNull::new(bytes).expect("there is memory");
    let bytes = NonNull::slice_from_raw_parts(bytes, layout.size());
    Owned {
        bytes,
        layout,
        _alive: Arc::clone(alive),
    }
}

#[test]
fn lanes_keep_their_memory_until_the_last_end_is_gone() {
    let alive = Arc::new(());
    let layout = lanes::layout::<Arc<()>>(3, 5).expect("they fit");
    let memory = owned(layout, &alive);
    let (producers, mut rx) = lanes::with_memory(memory, 3, 5).expect("exactly enough");
    let mut ends: Vec<_> = producers.collect();
    let value = Arc::new(());
    for tx in &mut ends {
        let mut values = (0..9).map(|_| Arc::clone(&value));
        assert_eq!(tx.try_push_iter(&mut values), Ok(5));
    }
    assert_eq!(rx.drain(4).count(), 4);
    drop(rx);
    let last = ends.pop().expect("three of them");
    drop(ends);
    assert_eq!(Arc::strong_count(&alive), 2);
    thread::spawn(move || drop(last)).join().expect("no panic");
    assert_eq!(Arc::strong_count(&value), 1, "each was dropped");
    assert_eq!(Arc::strong_count(&alive), 1, "so was the memory");
}

#[test]
fn memory_that_is_too_small_is_refused_and_dropped() {
    let alive = Arc::new(());
    let layout = lanes::layout::<u64>(2, 4).expect("they fit");
    let short = Layout::from_size_align(layout.size() - 1, layout.align());
    let refused = lanes::with_memory::<u64>(owned(short.expect("a layout"), &alive), 2, 4);
    let (needed, given) = (layout.size(), layout.size() - 1);
    assert_eq!(refused.err(), Some(MemoryError::TooSmall { needed, given }));
    for (lanes, capacity, why) in [
        (0, 4, CapacityError::Zero),
        (2, 0, CapacityError::Zero),
        (LANES_MAX + 1, 4, CapacityError::TooLarge),
        (2, usize::MAX, CapacityError::TooLarge),
    ] {
        assert_eq!(lanes::layout::<u64>(lanes, capacity), Err(why));
        let refused = lanes::with_memory::<u64>(owned(layout, &alive), lanes, capacity);
        assert_eq!(refused.err(), Some(MemoryError::Capacity(why)));
    }
    assert_eq!(Arc::strong_count(&alive), 1);
}
