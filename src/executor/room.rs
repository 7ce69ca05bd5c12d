//! Who waits for room in the lanes of a shard.
//!
//! # Why no wait is for ever
//!
//! | who | first | then |
//! |---|---|---|
//! | sender, before it sleeps, each time | ROOM: sets its bit | looks at the lane again |
//! | receiver, before it is idle, and at least once in `capacity / 2` parcels | vacates slots | ROOM: takes all bits |
//!
//! Both change one word by a read-modify-write, so one comes first. If it is the sender's, the receiver takes the bit
//! and rings. If it is the receiver's, the sender's second look sees the slots that were vacated before. So a sender
//! that parks with a full lane before it is woken when there is room: of the parcels that fill the lane then, none was
//! taken before the receiver's last take of bits, and after the first half of them comes another.
//!
//! The receiver has other senders, too, and takes the bits of all. So a sender may be rung while its own lane is as full
//! as before, or its bit be taken before it has announced that it sleeps, by a ring that finds nobody. That is why the bit
//! is set again in each look that comes after the announcement: a bit that was taken for a wake in vain was the last
//! otherwise, and the sender slept for ever beside an empty lane.
//!
//! | edge | release end | acquire end | carries |
//! |---|---|---|---|
//! | ROOM | receiver takes the bits | sender sets its bit | the slots that were vacated |
#![forbid(unsafe_code)]

use crate::sync::{AtomicUsize, Ordering::AcqRel};

const BITS: usize = usize::BITS as usize;

/// One bit a shard.
#[derive(Debug)]
pub(crate) struct Wanting {
    words: Box<[AtomicUsize]>,
}

impl Wanting {
    pub(crate) fn new(shards: usize) -> Self {
        let words = (0..shards.div_ceil(BITS)).map(|_| AtomicUsize::new(0));
        Self {
            words: words.collect(),
        }
    }

    /// Shard `sender` wants room, and looks at its lane once more after this.
    pub(crate) fn want(&self, sender: usize) {
        // ROOM, both ends: either this comes first and is taken, or what was vacated before is seen.
        self.words[sender / BITS].fetch_or(1 << (sender % BITS), AcqRel);
    }

    /// Takes all bits; `wake` is told the number of each.
    pub(crate) fn take(&self, mut wake: impl FnMut(usize)) {
        for (word, bits) in self.words.iter().enumerate() {
            // ROOM, both ends: as above.
            let mut bits = bits.swap(0, AcqRel);
            while bits != 0 {
                wake(word * BITS + bits.trailing_zeros() as usize);
                bits &= bits - 1;
            }
        }
    }
}

#[cfg(all(test, loom))]
mod models {
    use std::sync::Arc;

    use loom::{sync::atomic::AtomicUsize as Word, thread};

    use super::*;
    use crate::sync::Ordering::{Acquire, Relaxed, Release};

    /// 2 threads: a sender whose lane is full parks only if it will be woken. The lane is one word: vacated or not.
    #[test]
    fn h06_room_meets_a_sender_that_wants_it() {
        loom::model(|| {
            let shared = Arc::new((Wanting::new(1), Word::new(0), Word::new(0)));
            let receiver = Arc::clone(&shared);
            let other = thread::spawn(move || {
                let (wanting, vacated, woken) = &*receiver;
                vacated.store(1, Release);
                wanting.take(|_| woken.store(1, Relaxed));
            });
            let (wanting, vacated, woken) = &*shared;
            wanting.want(0);
            let saw_room = vacated.load(Acquire) != 0;
            other.join().unwrap();
            assert!(
                saw_room || woken.load(Relaxed) != 0,
                "it would park for ever"
            );
        });
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn each_bit_is_taken_once() {
        let wanting = Wanting::new(130);
        for sender in [0, 63, 64, 129] {
            wanting.want(sender);
        }
        let mut woken = Vec::new();
        wanting.take(|sender| woken.push(sender));
        assert_eq!(woken, [0, 63, 64, 129]);
        wanting.take(|_| unreachable!("taken before"));
    }
}
