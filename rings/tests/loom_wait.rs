//! Models of the doorbell: announce, look again, park, against a change and a ring.
//!
//! A lost wake is a deadlock, which loom reports. At most 3 preemptions. Every waiter parks at once (no spins). A
//! deadline in a model has either passed or never comes, so the race of a time-out with a ring is left to real
//! threads (`wait.rs`, `stress.rs`).
#![cfg(all(loom, feature = "std"))]

mod reached;

use std::{collections::BTreeSet, sync::Arc, time::Instant};

use loom::{
    sync::atomic::{
        AtomicUsize,
        Ordering::{Acquire, Relaxed, Release},
    },
    thread,
};
use reached::outcomes;
use shared_nothing_rings::{
    TryPopError, mpsc, spsc,
    wait::{Doorbell, Spin, Wait, Yield},
};

/// Pops, or waits at the bell for what ends the wait; counts the looks.
fn wait_to_pop(
    bell: &Doorbell,
    rx: &mut spsc::Consumer<'_, u32>,
) -> (Result<u32, TryPopError>, u32) {
    let mut looks = 0;
    let done = bell.wait(|| {
        looks += 1;
        match rx.try_pop() {
            Err(TryPopError::Empty) => None,
            done => Some(done),
        }
    });
    (done, looks)
}

/// 2 threads, capacity 1, 1 lap, 1 ring. Looks: 1 found it, 2 the recheck, 3 after the park.
#[test]
fn a_push_meets_the_park() {
    let reached = outcomes(|| {
        let (mut tx, mut rx) = spsc::with_capacity(1).expect("a small ring");
        let bell = Arc::new(Doorbell::new());
        let ringer = Arc::clone(&bell);
        let there = thread::spawn(move || {
            assert_eq!(tx.try_push(7), Ok(()));
            ringer.ring();
        });
        let (done, looks) = wait_to_pop(&bell, &mut rx);
        there.join().unwrap();
        assert_eq!(done, Ok(7));
        looks
    });
    assert_eq!(reached, BTreeSet::from([1, 2, 3]));
}

/// As above, with the leaving of the producer for the push.
#[test]
fn a_close_meets_the_park() {
    let reached = outcomes(|| {
        let (mut tx, mut rx) = spsc::with_capacity(1).expect("a small ring");
        let bell = Arc::new(Doorbell::new());
        let ringer = Arc::clone(&bell);
        let there = thread::spawn(move || {
            tx.close();
            ringer.ring();
        });
        let (done, looks) = wait_to_pop(&bell, &mut rx);
        there.join().unwrap();
        assert_eq!(done, Err(TryPopError::Closed));
        looks
    });
    assert_eq!(reached, BTreeSet::from([1, 2, 3]));
}

/// 2 threads that wait for each other, capacity 1, 2 laps, a bell for each direction.
#[test]
fn a_full_ring_and_an_empty_one_wake_each_other() {
    let reached = outcomes(|| {
        let (mut tx, mut rx) = spsc::with_capacity(1).expect("a small ring");
        let bells = Arc::new((Doorbell::new(), Doorbell::new()));
        let others = Arc::clone(&bells);
        let there = thread::spawn(move || {
            let (filled, emptied) = &*others;
            let mut looks = 0;
            for value in [1, 2] {
                emptied.wait(|| {
                    looks += 1;
                    tx.try_push(value).ok()
                });
                filled.ring();
            }
            looks > 2
        });
        let (filled, emptied) = &*bells;
        let mut looks = 0;
        for value in [1, 2] {
            let (done, more) = wait_to_pop(filled, &mut rx);
            assert_eq!(done, Ok(value));
            looks += more;
            emptied.ring();
        }
        (there.join().unwrap(), looks > 2)
    });
    let all = [(false, false), (false, true), (true, false), (true, true)];
    assert_eq!(reached, BTreeSet::from(all));
}

/// 3 threads: two wait for one change that is rung once. Both are woken.
#[test]
fn one_ring_wakes_two_waiters() {
    let reached = outcomes(|| {
        let shared = Arc::new((Doorbell::new(), AtomicUsize::new(0)));
        let wait = |shared: Arc<(Doorbell, AtomicUsize)>| {
            move || {
                let mut looks = 0;
                shared.0.wait(|| {
                    looks += 1;
                    (shared.1.load(Relaxed) != 0).then_some(())
                });
                looks
            }
        };
        let one = thread::spawn(wait(Arc::clone(&shared)));
        let two = thread::spawn(wait(Arc::clone(&shared)));
        shared.1.store(1, Relaxed);
        shared.0.ring();
        (one.join().unwrap(), two.join().unwrap())
    });
    let all = (1..=3).flat_map(|one| (1..=3).map(move |two| (one, two)));
    assert_eq!(reached, all.collect());
}

/// 3 threads: two wait for one thing each, and for each thing one of them is woken. A waiter that finds its thing by
/// another way than its wake passes the wake on.
#[test]
fn one_ring_each_for_two_changes_wakes_both() {
    let reached = outcomes(|| {
        let shared = Arc::new((Doorbell::new(), AtomicUsize::new(0)));
        let wait = |shared: Arc<(Doorbell, AtomicUsize)>| {
            move || {
                let take = |left: usize| left.checked_sub(1);
                let mut looks = 0;
                shared.0.wait(|| {
                    looks += 1;
                    shared.1.fetch_update(Relaxed, Relaxed, take).ok()
                });
                looks > 2
            }
        };
        let one = thread::spawn(wait(Arc::clone(&shared)));
        let two = thread::spawn(wait(Arc::clone(&shared)));
        for _ in 0..2 {
            shared.1.fetch_add(1, Relaxed);
            shared.0.ring_for(1);
        }
        (one.join().unwrap(), two.join().unwrap())
    });
    let all = [(false, false), (false, true), (true, false), (true, true)];
    assert_eq!(reached, BTreeSet::from(all));
}

/// 3 threads: one waiter's deadline has passed. It leaves without the other's wake.
#[test]
fn h07_a_waiter_that_gives_up_passes_the_wake_on() {
    let past = Instant::now();
    let reached = outcomes(move || {
        let shared = Arc::new((Doorbell::new(), AtomicUsize::new(0)));
        let take = |left: &AtomicUsize| {
            left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1))
                .ok()
        };
        let hasty = Arc::clone(&shared);
        let gives_up = thread::spawn(move || {
            let (bell, pile) = &*hasty;
            bell.wait_until(past, || take(pile)).is_some()
        });
        let patient = Arc::clone(&shared);
        let stays = thread::spawn(move || {
            let (bell, pile) = &*patient;
            let mut looks = 0;
            bell.wait(|| {
                looks += 1;
                take(pile)
            });
            looks > 2
        });
        let (bell, pile) = &*shared;
        pile.fetch_add(1, Relaxed);
        bell.ring_for(1);
        let took = gives_up.join().unwrap();
        if took {
            pile.fetch_add(1, Relaxed);
            bell.ring_for(1);
        }
        (took, stays.join().unwrap())
    });
    let all = [(false, false), (false, true), (true, false), (true, true)];
    assert_eq!(reached, BTreeSet::from(all));
}

/// 3 threads, capacity 2, 1 lap: two producers ring for one consumer, which parks up to twice.
#[test]
fn two_pushes_wake_one_consumer_twice() {
    let reached = outcomes(|| {
        let (tx, mut rx) = mpsc::with_capacity(2).expect("a small ring");
        let bell = Arc::new(Doorbell::new());
        let push = |value| {
            let (tx, bell) = (tx.clone(), Arc::clone(&bell));
            move || {
                assert_eq!(tx.try_push(value), Ok(()));
                bell.ring();
            }
        };
        let one = thread::spawn(push(1));
        let two = thread::spawn(push(2));
        let mut got = [0; 2];
        for value in &mut got {
            *value = bell.wait(|| rx.try_pop().ok());
        }
        one.join().unwrap();
        two.join().unwrap();
        got
    });
    assert_eq!(reached, BTreeSet::from([[1, 2], [2, 1]]));
}

/// 2 threads, capacity 1: a push and the producer's leaving behind it, against a wait that only looks again. Looks: 1
/// found the value, more did not at first.
fn looked_again<W: Wait + Default>() -> BTreeSet<bool> {
    outcomes(|| {
        let (mut tx, mut rx) = spsc::with_capacity(1).expect("a small ring");
        let there = thread::spawn(move || assert_eq!(tx.try_push(7), Ok(())));
        let mut looks = 0;
        let mut pop = |again: bool| {
            let look = || {
                looks += 1;
                match rx.try_pop() {
                    Err(TryPopError::Empty) => None,
                    done => Some(done),
                }
            };
            let wait = W::default();
            if again {
                wait.wait_again(look)
            } else {
                wait.wait(look)
            }
        };
        assert_eq!(pop(false), Ok(7));
        assert_eq!(pop(true), Err(TryPopError::Closed));
        there.join().unwrap();
        looks > 2
    })
}

#[test]
fn a_push_and_a_close_end_a_wait_that_spins() {
    assert_eq!(looked_again::<Spin>(), BTreeSet::from([false, true]));
}

#[test]
fn a_push_and_a_close_end_a_wait_that_yields() {
    assert_eq!(looked_again::<Yield>(), BTreeSet::from([false, true]));
}

/// 3 threads: of two changes the later one is made first, and its ring is in vain, since who looks takes them in order.
/// The waiter that is woken for the other passes the wake on, if anybody waits by then. Who took which.
#[test]
fn who_is_woken_passes_the_wake_on_to_who_waits() {
    let reached = outcomes(|| {
        let taken = Arc::new(AtomicUsize::new(0));
        let first = Arc::new(AtomicUsize::new(0));
        let bell = Arc::new(Doorbell::new());
        let take = |taken: &AtomicUsize, first: &AtomicUsize| {
            // Nothing can be taken before the first change, and everything after it.
            if first.load(Acquire) == 0 {
                return None;
            }
            Some(taken.fetch_add(1, Relaxed))
        };
        let waiter = {
            let (bell, taken, first) = (Arc::clone(&bell), Arc::clone(&taken), Arc::clone(&first));
            move || {
                let which = bell.wait(|| take(&taken, &first));
                if bell.may_be_awaited() && taken.load(Relaxed) < 2 {
                    bell.ring_for(1);
                }
                which
            }
        };
        let one = thread::spawn(waiter.clone());
        let two = thread::spawn(waiter);
        // The change behind is there, and what it rings for finds nothing yet.
        bell.ring_for(1);
        first.store(1, Release);
        bell.ring_for(1);
        [one.join().unwrap(), two.join().unwrap()]
    });
    assert_eq!(reached, BTreeSet::from([[0, 1], [1, 0]]));
}

/// 2 threads: who rings only if anybody may wait, after a change that no other step orders.
#[test]
fn a_change_meets_a_park_by_the_look_whether_anybody_waits() {
    let reached = outcomes(|| {
        let shared = Arc::new((Doorbell::new(), AtomicUsize::new(0)));
        let other = Arc::clone(&shared);
        let there = thread::spawn(move || {
            let (bell, changed) = &*other;
            changed.store(1, Relaxed);
            let is_awaited = bell.may_be_awaited();
            if is_awaited {
                bell.ring();
            }
            is_awaited
        });
        let (bell, changed) = &*shared;
        let mut looks = 0;
        bell.wait(|| {
            looks += 1;
            (changed.load(Relaxed) != 0).then_some(())
        });
        (there.join().unwrap(), looks)
    });
    let all = [(false, 1), (true, 2), (false, 2), (true, 3)];
    assert_eq!(reached, BTreeSet::from(all));
}
