//! What the doorbell promises, with as many threads as it takes.
#![cfg(all(feature = "std", not(loom)))]

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Barrier,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

use shared_nothing_rings::wait::{Doorbell, Spin, Wait, Yield};

/// Counts how often it is asked, and answers as told.
fn counted(looks: &AtomicUsize, answer: bool) -> impl FnMut() -> Option<()> {
    move || {
        looks.fetch_add(1, SeqCst);
        answer.then_some(())
    }
}

#[test]
fn what_is_there_already_is_found_by_the_first_look() {
    for spins in [0, 5] {
        let looks = AtomicUsize::new(0);
        Doorbell::with_spins(spins).wait(counted(&looks, true));
        assert_eq!(looks.into_inner(), 1);
    }
}

#[test]
fn pauses_between_looks_change_when_one_looks_and_not_how_often() {
    for (spins, pauses) in [(0, 9), (5, 0), (5, 1), (5, 64)] {
        let bell = Doorbell::with_spins(spins).with_pauses(pauses);
        let mut left = spins;
        let mut look = || {
            left = left.checked_sub(1)?;
            (left == 0).then_some(())
        };
        if spins != 0 {
            bell.wait(&mut look);
            assert_eq!(left, 0, "found by the last look before it parks");
        }
        let looks = AtomicUsize::new(0);
        bell.wait_again(counted(&looks, true));
        assert_eq!(looks.into_inner(), 1);
    }
}

#[test]
fn only_a_way_to_wait_that_parks_is_awaited() {
    let bell = Doorbell::new();
    assert!(!Spin.may_be_awaited() && !Yield.may_be_awaited() && !bell.may_be_awaited());
    let done = AtomicUsize::new(0);
    thread::scope(|threads| {
        let waiter = threads.spawn(|| bell.wait(|| (done.load(SeqCst) != 0).then_some(())));
        // Queued or seated sooner or later: it never finds anything before it is told.
        while !bell.may_be_awaited() {
            thread::yield_now();
        }
        done.store(1, SeqCst);
        bell.ring();
        waiter.join().expect("nothing panics there");
    });
    assert!(!bell.may_be_awaited());
}

#[test]
fn a_deadline_that_has_passed_still_allows_a_look() {
    let bell = Doorbell::new();
    let now = Instant::now();
    assert_eq!(bell.wait_until(now, || Some(7)), Some(7));
    let looks = AtomicUsize::new(0);
    assert_eq!(bell.wait_until(now, counted(&looks, false)), None);
    assert!(looks.into_inner() >= 2, "one more look after the deadline");
}

#[test]
fn what_comes_with_the_deadline_is_still_found() {
    let deadline = Instant::now() + Duration::from_millis(100);
    let bell = Doorbell::new();
    let found = bell.wait_until(deadline, || (Instant::now() >= deadline).then_some(7));
    assert_eq!(found, Some(7));
}

#[test]
fn a_wait_ends_at_its_deadline_and_not_before() {
    let deadline = Instant::now() + Duration::from_millis(20);
    let nothing: Option<()> = Doorbell::with_spins(9).wait_until(deadline, || None);
    assert_eq!(nothing, None);
    assert!(Instant::now() >= deadline);
}

#[test]
fn a_deadline_in_the_far_future_does_not_overflow() {
    let bell = Doorbell::new();
    let far = Instant::now() + Duration::from_secs(u32::MAX.into());
    let there = AtomicBool::new(false);
    thread::scope(|threads| {
        let waiter = threads.spawn(|| bell.wait_until(far, || there.load(SeqCst).then_some(())));
        there.store(true, SeqCst);
        bell.ring();
        assert_eq!(waiter.join().expect("no panic"), Some(()));
    });
}

#[test]
fn every_waiter_is_woken() {
    let (bell, start) = (Doorbell::new(), Barrier::new(5));
    let (open, waiting) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|threads| {
        let waiters = [(); 4].map(|()| {
            threads.spawn(|| {
                start.wait();
                let mut looks = 0;
                bell.wait(|| {
                    looks += 1;
                    // The second look comes after the announcement: from then on it parks.
                    if looks == 2 {
                        waiting.fetch_add(1, SeqCst);
                    }
                    open.load(SeqCst).then_some(())
                });
            })
        });
        start.wait();
        while waiting.load(SeqCst) < 4 {
            thread::yield_now();
        }
        open.store(true, SeqCst);
        bell.ring();
        for thread in waiters {
            thread.join().expect("no panic");
        }
    });
}

/// Waits until `looks` says that a waiter is in the queue: it looks once before that and once after.
fn until_queued(looks: &AtomicUsize) {
    while looks.load(SeqCst) < 2 {
        thread::yield_now();
    }
}

/// Something to wait for: each taker gets one.
#[derive(Default)]
struct Pile(AtomicUsize);

impl Pile {
    fn take(&self, looks: &AtomicUsize) -> Option<()> {
        looks.fetch_add(1, SeqCst);
        let one_less = |left: usize| left.checked_sub(1);
        self.0.fetch_update(SeqCst, SeqCst, one_less).ok().map(drop)
    }

    fn add_and_ring(&self, bell: &Doorbell) {
        self.0.fetch_add(1, SeqCst);
        bell.ring_for(1);
    }
}

#[test]
fn a_ring_for_one_wakes_who_has_waited_longest() {
    let (bell, pile) = (Doorbell::new(), Pile::default());
    let (first, second) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let late = Instant::now() + Duration::from_secs(4);
    thread::scope(|threads| {
        let one = threads.spawn(|| bell.wait_until(late, || pile.take(&first)));
        until_queued(&first);
        let two = threads.spawn(|| bell.wait_until(late, || pile.take(&second)));
        until_queued(&second);
        pile.add_and_ring(&bell);
        assert_eq!(one.join().expect("no panic"), Some(()));
        assert_eq!(second.load(SeqCst), 2, "the other was left asleep");
        pile.add_and_ring(&bell);
        assert_eq!(two.join().expect("no panic"), Some(()));
    });
}

#[test]
fn nobody_sits_down_before_a_queue() {
    let (bell, pile) = (Doorbell::new(), Pile::default());
    let looks = &[const { AtomicUsize::new(0) }; 3];
    let late = Instant::now() + Duration::from_secs(4);
    thread::scope(|threads| {
        let (bell, pile) = (&bell, &pile);
        let wait = move |looks: &AtomicUsize| bell.wait_until(late, || pile.take(looks));
        let one = threads.spawn(move || wait(&looks[0]));
        until_queued(&looks[0]);
        let two = threads.spawn(move || wait(&looks[1]));
        until_queued(&looks[1]);
        // The first has gone, and the second waits on: it comes before the third.
        pile.add_and_ring(bell);
        assert_eq!(one.join().expect("no panic"), Some(()));
        let three = threads.spawn(move || wait(&looks[2]));
        until_queued(&looks[2]);
        pile.add_and_ring(bell);
        assert_eq!(two.join().expect("no panic"), Some(()));
        assert_eq!(looks[2].load(SeqCst), 2, "the last was left asleep");
        pile.add_and_ring(bell);
        assert_eq!(three.join().expect("no panic"), Some(()));
    });
}

#[test]
fn h07_a_waiter_that_gives_up_passes_the_wake_on() {
    let (bell, pile) = (Doorbell::new(), Pile::default());
    for round in 0..100 {
        let (hasty, patient) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let late = Instant::now() + Duration::from_secs(4);
        let soon = Instant::now() + Duration::from_micros(100 + round);
        thread::scope(|threads| {
            // Gives up round about the moment of the ring.
            let gives_up = threads.spawn(|| bell.wait_until(soon, || pile.take(&hasty)));
            until_queued(&hasty);
            let stays = threads.spawn(|| bell.wait_until(late, || pile.take(&patient)));
            until_queued(&patient);
            // For one change one waiter is woken, the hasty one if it is still there.
            pile.add_and_ring(&bell);
            if gives_up.join().expect("no panic").is_some() {
                pile.add_and_ring(&bell);
            }
            assert_eq!(stays.join().expect("no panic"), Some(()));
            assert!(
                Instant::now() < late,
                "found by the deadline, not by a wake"
            );
        });
    }
}

#[test]
fn h07_a_look_that_panics_passes_the_wake_on() {
    let bell = Doorbell::new();
    let (open, first, second) = (
        AtomicBool::new(false),
        AtomicUsize::new(0),
        AtomicUsize::new(0),
    );
    thread::scope(|threads| {
        let panics = threads.spawn(|| {
            bell.wait(|| -> Option<()> {
                let looks = first.fetch_add(1, SeqCst);
                assert!(looks < 2, "planned: after the wake");
                None
            });
        });
        until_queued(&first);
        let patient = threads.spawn(|| {
            bell.wait_until(Instant::now() + Duration::from_secs(4), || {
                second.fetch_add(1, SeqCst);
                open.load(SeqCst).then_some(())
            })
        });
        until_queued(&second);
        open.store(true, SeqCst);
        bell.ring_for(1);
        assert!(panics.join().is_err());
        let woken = Instant::now();
        assert_eq!(patient.join().expect("no panic"), Some(()));
        assert!(
            woken.elapsed() < Duration::from_secs(2),
            "found by the deadline, not by a wake"
        );
    });
}

#[test]
fn a_look_that_panics_leaves_the_bell_in_order() {
    let bell = Doorbell::new();
    let mut looks = 0;
    let panics = AssertUnwindSafe(|| {
        bell.wait(|| -> Option<()> {
            looks += 1;
            assert!(looks < 2, "planned: after the announcement");
            None
        })
    });
    assert!(catch_unwind(panics).is_err());
    bell.ring();
    assert_eq!(bell.wait(|| Some(1)), 1);
    assert_eq!(bell.wait_until(Instant::now(), || None::<()>), None);
}

#[test]
fn a_look_may_ring_the_bell_it_waits_at() {
    let bell = Doorbell::new();
    let mut looks = 0;
    let found = bell.wait(|| {
        looks += 1;
        bell.ring();
        (looks == 3).then_some(looks)
    });
    assert_eq!(found, 3);
}
