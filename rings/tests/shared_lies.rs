//! Shared memory that lies: headers, positions and owners that cannot be.
#![cfg(all(feature = "std", target_has_atomic = "64", not(loom)))]

mod pages;

use std::{
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    thread,
};

use pages::{Dice, Pages, SLOTS, owner};
use shared_nothing_rings::shared::{AttachError, ClaimError, TryPopError, TryPushError};

const MAGIC: usize = 0;
const BYTE_ORDER: usize = 8;
const VERSION: usize = 16;
const ITEM_BYTES: usize = 24;
const ITEM_ALIGN: usize = 32;
const CAPACITY: usize = 40;
const WRITE_POS: usize = 128;
const PRODUCER_OWNER: usize = 136;
const READ_POS: usize = 256;
const CONSUMER_OWNER: usize = 264;

#[test]
fn each_field_of_the_header_is_checked() {
    let pages = Pages::new(4096);
    let ring = pages.create::<u64>(4, 0);
    assert_eq!(ring.capacity(), 4);
    assert_eq!(&pages.word(MAGIC).load(SeqCst).to_ne_bytes(), b"SNrings1");
    let known = 1;
    let why = |field: usize, found: u64| {
        let before = pages.word(field).swap(found, SeqCst);
        let why = pages.attach::<u64>().err();
        pages.word(field).store(before, SeqCst);
        assert!(pages.attach::<u64>().is_ok());
        why
    };
    assert_eq!(why(MAGIC, 9), Some(AttachError::NotARing));
    assert_eq!(why(BYTE_ORDER, 9), Some(AttachError::NotARing));
    let foreign = 0x0102_0304_0506_0708u64.swap_bytes();
    assert_eq!(
        why(BYTE_ORDER, foreign),
        Some(AttachError::ForeignByteOrder)
    );
    let version = AttachError::Version { found: 2, known };
    assert_eq!(why(VERSION, 2), Some(version));
    // A 32-bit process may align a `u64` differently: then it is not the same item.
    let align = align_of::<u64>() as u64;
    let found = (9, align);
    assert_eq!(why(ITEM_BYTES, 9), Some(AttachError::Item { found }));
    let found = (8, 2);
    assert_eq!(why(ITEM_ALIGN, 2), Some(AttachError::Item { found }));
    for found in [0, u64::MAX, 1 << 61, isize::MAX as u64 / 8] {
        assert_eq!(why(CAPACITY, found), Some(AttachError::Capacity { found }));
    }
    let needed = SLOTS + 512 * 8;
    let given = 4096;
    let small = AttachError::TooSmall { needed, given };
    assert_eq!(why(CAPACITY, 500), Some(small));
    let found = (8, align);
    assert_eq!(
        pages.attach::<u32>().err(),
        Some(AttachError::Item { found })
    );
    assert_eq!(
        pages.attach::<[u8; 8]>().err(),
        Some(AttachError::Item { found })
    );
}

#[test]
fn a_write_position_that_lies_is_noticed() {
    let first = u64::MAX - 2;
    // 3 items are in the ring of 4, and the consumer has seen them.
    for lie in [first, first + 2, 4, 5, u64::MAX / 2, first - 1] {
        let pages = Pages::new(4096);
        let ring = pages.create::<u64>(4, first);
        let mut tx = ring.producer(owner(1)).expect("free");
        let mut rx = ring.consumer(owner(2)).expect("free");
        assert_eq!(tx.try_push_slice(&[1, 2, 3]), Ok(3));
        assert_eq!(rx.try_pop(), Ok(1));
        pages.word(WRITE_POS).store(lie, SeqCst);
        assert!(rx.len() <= 4);
        assert_eq!(
            rx.try_pop_slice(&mut [0; 4]),
            Err(TryPopError::Corrupt),
            "{lie}"
        );
        // It stays so, whatever the word says later.
        pages.word(WRITE_POS).store(first.wrapping_add(3), SeqCst);
        assert_eq!(rx.try_pop(), Err(TryPopError::Corrupt));
        assert_eq!(rx.try_pop_slice(&mut [0; 1]), Err(TryPopError::Corrupt));
    }
}

#[test]
fn a_read_position_that_lies_is_noticed() {
    let first = u64::MAX - 2;
    // 3 items are in the ring of 4, and the producer has seen that 2 were popped.
    for lie in [
        first,
        first + 1,
        first.wrapping_add(6),
        u64::MAX / 2,
        first - 1,
    ] {
        let pages = Pages::new(4096);
        let ring = pages.create::<u64>(4, first);
        let mut tx = ring.producer(owner(1)).expect("free");
        let mut rx = ring.consumer(owner(2)).expect("free");
        assert_eq!(tx.try_push_slice(&[1, 2, 3, 4]), Ok(4));
        assert_eq!(rx.try_pop_slice(&mut [0; 2]), Ok(2));
        assert_eq!(tx.try_push(5), Ok(()));
        pages.word(READ_POS).store(lie, SeqCst);
        assert!(tx.len() <= 4);
        let refused = tx.try_push_slice(&[6, 7]);
        assert_eq!(refused, Err(TryPushError::Corrupt(())), "{lie}");
        // It stays so, whatever the word says later.
        pages.word(READ_POS).store(first.wrapping_add(5), SeqCst);
        assert_eq!(tx.try_push(6), Err(TryPushError::Corrupt(6)));
        assert_eq!(tx.try_push_slice(&[6]), Err(TryPushError::Corrupt(())));
    }
}

#[test]
fn positions_that_contradict_each_other_are_no_ring_to_claim() {
    let pages = Pages::new(4096);
    let ring = pages.create::<u64>(4, 0);
    for lie in [5, u64::MAX, 1 << 40] {
        pages.word(WRITE_POS).store(lie, SeqCst);
        assert_eq!(ring.producer(owner(1)).err(), Some(ClaimError::Corrupt));
        assert_eq!(ring.consumer(owner(1)).err(), Some(ClaimError::Corrupt));
        // The end is not left claimed.
        assert_eq!((ring.producer_owner(), ring.consumer_owner()), (None, None));
    }
    pages.word(WRITE_POS).store(4, SeqCst);
    // An owner without an id.
    pages.word(PRODUCER_OWNER).store(9 << 32, SeqCst);
    pages.word(CONSUMER_OWNER).store(9 << 32, SeqCst);
    assert_eq!(
        ring.take_over_producer(owner(1), |_| true).err(),
        Some(ClaimError::Corrupt)
    );
    assert_eq!(
        ring.take_over_consumer(owner(1), |_| true).err(),
        Some(ClaimError::Corrupt)
    );
}

#[test]
fn a_header_that_changes_later_moves_nobody() {
    let pages = Pages::new(4096);
    let ring = pages.create::<u64>(4, 0);
    let mut tx = ring.producer(owner(1)).expect("free");
    let mut rx = ring.consumer(owner(2)).expect("free");
    for field in [MAGIC, BYTE_ORDER, VERSION, ITEM_BYTES, ITEM_ALIGN, CAPACITY] {
        pages.word(field).store(u64::MAX, SeqCst);
    }
    for lap in 0..9 {
        assert_eq!(tx.try_push_slice(&[lap; 9]), Ok(4));
        assert_eq!(rx.try_pop_slice(&mut [0; 9]), Ok(4));
    }
    // Its own position is the end's, whatever somebody writes over it.
    pages.word(WRITE_POS).store(77, SeqCst);
    pages.word(READ_POS).store(36, SeqCst);
    assert_eq!((tx.try_push(5), rx.try_pop()), (Ok(()), Ok(5)));
}

#[test]
fn a_peer_that_scribbles_everywhere_does_no_harm() {
    let pages = Pages::new(4096);
    let ring = pages.create::<[u64; 3]>(16, 0);
    /// Ends the other thread, also when an assertion fails.
    struct Done<'d>(&'d AtomicBool);
    impl Drop for Done<'_> {
        fn drop(&mut self) {
            self.0.store(true, SeqCst);
        }
    }
    let done = AtomicBool::new(false);
    thread::scope(|threads| {
        threads.spawn(|| {
            let mut dice = Dice(11);
            while !done.load(SeqCst) {
                let offset = dice.roll() as usize % 512 * 8;
                // Small numbers now and then: they are harder to tell from positions.
                let shift = dice.roll() % 64;
                pages.word(offset).store(dice.roll() >> shift, SeqCst);
            }
        });
        let _done = Done(&done);
        let (mut pushed, mut popped, mut corrupt) = (0, 0, 0);
        for me in 1..5_000 {
            let tx = ring.take_over_producer(owner(me), |_| true);
            let rx = ring.take_over_consumer(owner(me), |_| true);
            corrupt += usize::from(tx.is_err()) + usize::from(rx.is_err());
            let (Ok(mut tx), Ok(mut rx)) = (tx, rx) else {
                // What a program would do after it has thrown the ring away.
                pages.word(WRITE_POS).store(0, SeqCst);
                pages.word(READ_POS).store(0, SeqCst);
                continue;
            };
            for _ in 0..20 {
                pushed += usize::from(tx.try_push([1, 2, 3]).is_ok());
                popped += rx.try_pop_slice(&mut [[0; 3]; 5]).unwrap_or(0);
                assert!(tx.len() <= 16 && rx.len() <= 16);
            }
        }
        assert!(pushed > 0 && popped > 0 && corrupt > 0);
    });
}
