//! Rings in shared memory, by two handles of one process: items, claims, closes.
#![cfg(all(feature = "std", target_has_atomic = "64", not(loom)))]

mod pages;

use std::{collections::VecDeque, sync::atomic::Ordering::SeqCst, thread};

use pages::{Dice, Pages, SLOTS, owner};
use shared_nothing_rings::{
    CapacityError,
    shared::{
        self, AttachError, ClaimError, CreateError, Owner, Plain, Ring, TryPopError, TryPushError,
    },
};

/// Where the word lies that is 0 in new memory.
const MAGIC: usize = 0;

static_assertions::assert_not_impl_any!(bool: Plain);
static_assertions::assert_not_impl_any!(char: Plain);
static_assertions::assert_not_impl_any!(&'static u8: Plain);
static_assertions::assert_not_impl_any!(*const u8: Plain);
static_assertions::assert_not_impl_any!([Option<u8>; 2]: Plain);
static_assertions::assert_impl_all!([[f32; 3]; 2]: Plain);
// An end may move to another thread; it cannot be used from two.
static_assertions::assert_impl_all!(shared::Producer<'static, u8>: Send);
static_assertions::assert_impl_all!(shared::Consumer<'static, u8>: Send);
static_assertions::assert_not_impl_any!(shared::Producer<'static, u8>: Sync, Clone, Copy);
static_assertions::assert_not_impl_any!(shared::Consumer<'static, u8>: Sync, Clone, Copy);
static_assertions::assert_impl_all!(Ring<'static, u8>: Send, Sync, Copy);

#[test]
fn items_pass_as_in_a_model_from_any_position() {
    let mut dice = Dice(3);
    for (round, capacity) in [1, 2, 3, 5, 8, 1, 7, 4].into_iter().enumerate() {
        let pages = Pages::new(1 << 16);
        let first = [0, u64::MAX - 20, u64::from(u32::MAX) - 9][round % 3];
        let ring = pages.create::<[u32; 3]>(capacity, first);
        let mut tx = ring.producer(owner(1)).expect("free");
        let mut rx = pages
            .attach()
            .expect("ready")
            .consumer(owner(2))
            .expect("free");
        assert_eq!((tx.capacity(), rx.capacity()), (capacity, capacity));
        let (mut model, mut next) = (VecDeque::new(), 0);
        for _ in 0..2000 {
            let count = dice.roll() as usize % 4;
            match dice.roll() % 4 {
                0 => match tx.try_push([next, next + 1, next + 2]) {
                    Ok(()) => {
                        model.push_back(next);
                        next += 1;
                    }
                    Err(refused) => {
                        assert_eq!(refused, TryPushError::Full([next, next + 1, next + 2]));
                        assert_eq!(model.len(), capacity);
                    }
                },
                1 => {
                    let items: Vec<_> = (next..).map(|i| [i, i + 1, i + 2]).take(count).collect();
                    let room = (capacity - model.len()).min(count);
                    if room == 0 && count > 0 {
                        assert_eq!(tx.try_push_slice(&items), Err(TryPushError::Full(())));
                    } else {
                        assert_eq!(tx.try_push_slice(&items), Ok(room));
                    }
                    model.extend((next..).take(room));
                    next += room as u32;
                }
                2 => {
                    let want = model.pop_front().map(|i| [i, i + 1, i + 2]);
                    assert_eq!(rx.try_pop(), want.ok_or(TryPopError::Empty));
                }
                _ => {
                    let mut got = vec![[0; 3]; count];
                    let there = model.len().min(count);
                    if there == 0 && count > 0 {
                        assert_eq!(rx.try_pop_slice(&mut got), Err(TryPopError::Empty));
                    } else {
                        assert_eq!(rx.try_pop_slice(&mut got), Ok(there));
                    }
                    for (i, got) in model.drain(..there).zip(got) {
                        assert_eq!(got, [i, i + 1, i + 2]);
                    }
                }
            }
            assert_eq!((tx.len(), rx.len()), (model.len(), model.len()));
            assert_eq!(
                (tx.is_empty(), rx.is_empty()),
                (model.is_empty(), model.is_empty())
            );
            let full = model.len() == capacity;
            assert_eq!((tx.is_full(), rx.is_full()), (full, full));
        }
    }
}

#[test]
fn a_drain_gives_its_slots_back_at_its_end() {
    let pages = Pages::new(1 << 16);
    let ring = pages.create::<u32>(2, 0);
    let mut tx = ring.producer(owner(1)).expect("free");
    let mut rx = ring.consumer(owner(2)).expect("free");
    assert_eq!(tx.try_push_slice(&[1, 2]), Ok(2));
    let mut drain = rx.drain(2);
    assert_eq!(drain.next(), Some(1));
    assert_eq!(tx.try_push(3), Err(TryPushError::Full(3)));
    drop(drain);
    assert_eq!(tx.try_push(3), Ok(()));
}

#[test]
fn items_of_odd_sizes_come_back_to_the_byte() {
    fn passes<T: Plain + PartialEq + std::fmt::Debug>(items: [T; 3]) {
        let pages = Pages::new(4096);
        let ring = pages.create::<T>(2, u64::MAX);
        let mut tx = ring.producer(owner(1)).expect("free");
        let mut rx = ring.consumer(owner(1)).expect("the other end");
        for item in items {
            assert_eq!((tx.try_push(item), rx.try_pop()), (Ok(()), Ok(item)));
        }
        assert!(tx.try_push(items[0]).is_ok() && tx.try_push(items[1]).is_ok());
        assert_eq!(tx.try_push(items[2]), Err(TryPushError::Full(items[2])));
        assert_eq!((rx.try_pop(), rx.try_pop()), (Ok(items[0]), Ok(items[1])));
    }
    passes([(), (), ()]);
    passes([1u8, 0, 255]);
    passes([[1u8; 13], [2; 13], [3; 13]]);
    passes([[1u16, 2, 3], [4, 5, 6], [7, 8, 9]]);
    passes([u128::MAX, 1 << 64, 1]);
    passes([0.5f64, -1.0, f64::MAX]);
    passes([[1u64; 33], [2; 33], [u64::MAX; 33]]);
}

#[test]
fn memory_that_will_not_do_is_refused() {
    let pages = Pages::new(4096);
    assert_eq!(
        pages.try_create::<u64>(0).err(),
        Some(CapacityError::Zero.into())
    );
    for capacity in [usize::MAX, isize::MAX as usize / 8] {
        let too_large = CapacityError::TooLarge;
        assert_eq!(
            pages.try_create::<u64>(capacity).err(),
            Some(too_large.into())
        );
        assert_eq!(shared::layout::<u64>(capacity), Err(too_large));
    }
    let needed = shared::layout::<u64>(512).expect("small").size();
    assert_eq!(needed, SLOTS + 512 * 8);
    let given = 4096;
    let small = Some(CreateError::TooSmall { needed, given });
    assert_eq!(pages.try_create::<u64>(512).err(), small);
    assert_eq!(pages.try_create::<u64>(257).err(), small);
    // SAFETY: inside the pages.
    let odd = unsafe { pages.start.add(64) };
    // SAFETY: inside the pages, and nobody else is there.
    let created = unsafe { shared::create::<u64>(odd, 1024, 1) };
    assert_eq!(created.err(), Some(CreateError::Misaligned { align: 128 }));
    // SAFETY: as above.
    let attached = unsafe { shared::attach::<u64>(odd, 1024) };
    assert_eq!(attached.err(), Some(AttachError::Misaligned { align: 128 }));
    // SAFETY: as above.
    let attached = unsafe { shared::attach::<u64>(pages.start, SLOTS - 1) };
    let (needed, given) = (SLOTS, SLOTS - 1);
    assert_eq!(
        attached.err(),
        Some(AttachError::TooSmall { needed, given })
    );
}

#[test]
fn a_ring_is_created_once() {
    let pages = Pages::new(4096);
    assert_eq!(pages.attach::<u64>().err(), Some(AttachError::NotReady));
    assert!(pages.try_create::<u64>(4).is_ok());
    assert_eq!(pages.try_create::<u64>(4).err(), Some(CreateError::InUse));
    pages
        .word(MAGIC)
        .store(u64::from_ne_bytes(*b"creating"), SeqCst);
    assert_eq!(pages.try_create::<u64>(4).err(), Some(CreateError::InUse));
    assert_eq!(pages.attach::<u64>().err(), Some(AttachError::NotReady));
    pages.word(0).store(0, SeqCst);
    assert!(pages.try_create::<u64>(4).is_ok());
}

#[test]
fn each_end_is_claimed_once() {
    let pages = Pages::new(4096);
    let ring = pages.create::<u64>(4, 0);
    assert_eq!((ring.producer_owner(), ring.consumer_owner()), (None, None));
    let tx = ring.producer(owner(1)).expect("free");
    let rx = ring.consumer(owner(2)).expect("free");
    let there = pages.attach::<u64>().expect("ready");
    for me in [1, 2, 3] {
        let taken = ClaimError::Taken(owner(1));
        assert_eq!(there.producer(owner(me)).err(), Some(taken));
        let taken = ClaimError::Taken(owner(2));
        assert_eq!(there.consumer(owner(me)).err(), Some(taken));
    }
    assert_eq!((tx.peer(), rx.peer()), (Some(owner(2)), Some(owner(1))));
    drop((tx, rx));
    assert_eq!((ring.producer_owner(), ring.consumer_owner()), (None, None));
    let tx = there.producer(owner(3)).expect("free again");
    assert_eq!((tx.peer(), ring.producer_owner()), (None, Some(owner(3))));
}

#[test]
fn of_many_claims_at_once_one_succeeds() {
    let pages = Pages::new(4096);
    let ring = pages.create::<u64>(4, 0);
    for _round in 0..200 {
        thread::scope(|threads| {
            let claims: Vec<_> = (1..=3)
                .map(|me| threads.spawn(move || ring.producer(owner(me)).ok()))
                .collect();
            let claims = claims
                .into_iter()
                .map(|claim| claim.join().expect("no panic"));
            let claims: Vec<_> = claims.collect();
            assert_eq!(claims.iter().flatten().count(), 1);
        });
    }
}

#[test]
fn closing_loses_nothing_and_a_new_owner_opens_again() {
    let pages = Pages::new(4096);
    let ring = pages.create::<u64>(4, 0);
    let mut rx = ring.consumer(owner(2)).expect("free");
    for lap in 0..3 {
        let mut tx = ring.producer(owner(1)).expect("free");
        assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
        assert!(!rx.is_closed() && !tx.is_closed());
        assert_eq!(tx.try_push_slice(&[lap, 1, 2]), Ok(3));
        if lap == 1 {
            tx.close();
            assert_eq!(tx.try_push(9), Err(TryPushError::Closed(9)));
        }
        drop(tx);
        assert!(rx.is_closed());
        let mut got = [0; 9];
        assert_eq!(rx.try_pop_slice(&mut got), Ok(3));
        assert_eq!(got[..3], [lap, 1, 2]);
        assert_eq!(rx.try_pop(), Err(TryPopError::Closed));
    }
    let mut tx = ring.producer(owner(1)).expect("free");
    assert_eq!(tx.try_push(5), Ok(()));
    rx.close();
    assert!(tx.is_closed());
    assert_eq!(tx.try_push(6), Err(TryPushError::Closed(6)));
    assert_eq!(rx.try_pop(), Ok(5));
    assert_eq!(tx.try_push_slice(&[]), Ok(0));
    drop(rx);
    let mut rx = ring.consumer(owner(4)).expect("free");
    assert_eq!((tx.try_push(7), rx.try_pop()), (Ok(()), Ok(7)));
}

#[test]
fn an_end_of_the_dead_goes_on_where_it_stopped() {
    let pages = Pages::new(4096);
    let ring = pages.create::<u64>(4, u64::MAX - 1);
    let mut dead_tx = ring.producer(owner(1)).expect("free");
    let mut dead_rx = ring.consumer(owner(2)).expect("free");
    assert_eq!(dead_tx.try_push_slice(&[1, 2, 3]), Ok(3));
    assert_eq!(dead_rx.try_pop(), Ok(1));
    let beats = ring.producer_beats();

    let taken = ClaimError::Taken(owner(1));
    let refused = ring.take_over_producer(owner(3), |owner| owner.pid() != 1);
    assert_eq!(refused.err(), Some(taken));
    // Nobody is dead who asks.
    assert_eq!(
        ring.take_over_producer(owner(1), |_| true).err(),
        Some(taken)
    );
    assert!(!dead_tx.is_replaced());

    let mut tx = ring
        .take_over_producer(owner(3), |owner| owner.pid() == 1)
        .expect("dead");
    let mut rx = ring
        .take_over_consumer(owner(4), |owner| owner.pid() == 2)
        .expect("dead");
    assert!(dead_tx.is_replaced() && dead_rx.is_replaced());
    assert!(ring.producer_beats() > beats);
    assert_eq!(tx.try_push_slice(&[4, 5, 6]), Ok(2));
    // The former owners go at last, and change nothing.
    dead_tx.close();
    dead_rx.close();
    drop((dead_tx, dead_rx));
    assert_eq!((tx.peer(), rx.peer()), (Some(owner(4)), Some(owner(3))));
    assert!(!tx.is_closed() && !rx.is_closed());
    for item in 2..=5 {
        assert_eq!(rx.try_pop(), Ok(item));
    }
    assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
}

#[test]
fn an_end_that_somebody_else_took_meanwhile_is_not_taken_again() {
    let pages = Pages::new(4096);
    let ring = pages.create::<u64>(4, 0);
    let _dead = ring.producer(owner(1)).expect("free");
    let mut faster = None;
    let claimed = ring.take_over_producer(owner(2), |owner_now| {
        let is_dead = owner_now == owner(1);
        if is_dead {
            faster = ring.take_over_producer(owner(3), |_| true).ok();
        }
        is_dead
    });
    assert_eq!(claimed.err(), Some(ClaimError::Taken(owner(3))));
    assert!(faster.is_some_and(|tx| !tx.is_replaced()));
}

#[test]
fn beats_are_seen_by_the_peer() {
    let pages = Pages::new(4096);
    let ring = pages.create::<u64>(4, 0);
    let mut tx = ring.producer(owner(1)).expect("free");
    let mut rx = ring.consumer(owner(2)).expect("free");
    let before = (rx.peer_beats(), tx.peer_beats());
    tx.beat();
    rx.beat();
    rx.beat();
    assert_eq!(
        (rx.peer_beats(), tx.peer_beats()),
        (before.0 + 1, before.1 + 2)
    );
    assert_eq!(
        (ring.producer_beats(), ring.consumer_beats()),
        (before.0 + 1, before.1 + 2)
    );
}

#[test]
fn items_arrive_whole_and_in_order() {
    const ITEMS: u64 = 3_000;
    for capacity in [1, 3, 64] {
        let pages = Pages::new(1 << 14);
        let ring = pages.create::<[u64; 9]>(capacity, 1u64.wrapping_neg());
        thread::scope(|threads| {
            threads.spawn(move || {
                let mut tx = ring.producer(owner(1)).expect("free");
                for number in 0..ITEMS {
                    while tx.try_push([number; 9]).is_err() {
                        thread::yield_now();
                    }
                }
            });
            let mut rx = ring.consumer(owner(2)).expect("free");
            let mut next = 0;
            while next < ITEMS {
                match rx.try_pop() {
                    Ok(item) => {
                        assert_eq!(item, [next; 9]);
                        next += 1;
                    }
                    Err(_) => thread::yield_now(),
                }
            }
        });
    }
}

#[test]
fn errors_say_what_is_wrong() {
    let texts = [
        CreateError::InUse.to_string(),
        CreateError::Misaligned { align: 128 }.to_string(),
        CreateError::Capacity(CapacityError::Zero).to_string(),
        AttachError::NotReady.to_string(),
        AttachError::NotARing.to_string(),
        AttachError::ForeignByteOrder.to_string(),
        AttachError::Version { found: 2, known: 1 }.to_string(),
        AttachError::Item { found: (8, 4) }.to_string(),
        AttachError::Capacity { found: 0 }.to_string(),
        AttachError::TooSmall {
            needed: 9,
            given: 3,
        }
        .to_string(),
        ClaimError::Corrupt.to_string(),
        ClaimError::Taken(owner(4)).to_string(),
        TryPopError::Empty.to_string(),
        TryPopError::Closed.to_string(),
        TryPushError::Full(()).to_string(),
    ];
    for text in &texts {
        assert!(!text.is_empty() && !text.ends_with('.'), "{text}");
    }
    assert_eq!(texts[11], "end belongs to process 4");
    assert_eq!(TryPushError::Corrupt(3).into_inner(), 3);
    assert_eq!(TryPushError::Corrupt(3).to_string(), "ring is corrupt");
    assert_eq!(TryPopError::Corrupt.to_string(), "ring is corrupt");
}

#[cfg(target_os = "linux")]
#[test]
fn this_process_lives_and_another_of_its_id_does_not() {
    let me = Owner::this_process().expect("a /proc");
    assert_eq!(me.pid(), std::process::id());
    assert!(me.is_alive().expect("a /proc"));
    let later = Owner::new(me.pid(), me.started().wrapping_add(1)).expect("an id");
    assert!(!later.is_alive().expect("a /proc"));
    let nobody = Owner::new(u32::MAX, 0).expect("an id");
    assert!(!nobody.is_alive().expect("a /proc"));
}
