//! Models of a task cell that other threads wake and let go of.
//!
//! In a turn the model's main thread is the home thread, so that wakers are counted and tasks woken in both ways.

use core::{
    future::poll_fn,
    task::{Poll, Waker},
};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use loom::{
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
};

use super::super::LocalExecutor;

/// Runs a model; what its runs came to.
fn outcomes<R: Ord + Send + 'static>(model: impl Fn() -> R + Send + Sync + 'static) -> BTreeSet<R> {
    let reached = Arc::new(Mutex::new(BTreeSet::new()));
    let all = Arc::clone(&reached);
    loom::model(move || {
        let outcome = model();
        all.lock().unwrap().insert(outcome);
    });
    let outcomes = core::mem::take(&mut *reached.lock().unwrap());
    outcomes
}

/// An executor whose memory is looked for at the end: a cell that was never freed keeps it.
fn executor() -> LocalExecutor {
    let kept = loom::sync::Arc::new(());
    LocalExecutor::with_signal(move || {
        let _kept = &kept;
    })
}

/// A task that is ready when `flag` has come to `wakers`; it hands out as many wakers in its first poll.
fn waits_for(
    local: &LocalExecutor,
    flag: &Arc<AtomicUsize>,
    wakers: usize,
) -> (super::JoinHandle<usize>, Vec<Waker>) {
    let given = Arc::new(Mutex::new(Vec::new()));
    let (out, flag) = (Arc::clone(&given), Arc::clone(flag));
    let mut polls = 0;
    let task = local.spawn_local(poll_fn(move |cx| {
        polls += 1;
        if polls == 1 {
            out.lock()
                .unwrap()
                .extend((0..wakers).map(|_| cx.waker().clone()));
            return Poll::Pending;
        }
        // RELAXED, on purpose: the wake alone orders it.
        if flag.load(Relaxed) >= wakers {
            Poll::Ready(polls)
        } else {
            Poll::Pending
        }
    }));
    local.turn(0);
    let wakers = core::mem::take(&mut *given.lock().unwrap());
    (task, wakers)
}

/// 2 threads: a store, then a wake by value, against turns: the poll that the wake leads to sees the store.
#[test]
fn h06_a_wake_meets_a_turn() {
    let reached = outcomes(|| {
        let local = executor();
        let flag = Arc::new(AtomicUsize::new(0));
        let (task, wakers) = waits_for(&local, &flag, 1);
        let store = Arc::clone(&flag);
        let other = thread::spawn(move || {
            for waker in wakers {
                store.store(1, Relaxed);
                waker.wake();
            }
        });
        let early = local.turn(0).polls;
        other.join().unwrap();
        let late = local.turn(0).polls;
        assert!(task.is_finished(), "the wake is not lost");
        (early, late)
    });
    assert_eq!(reached, BTreeSet::from([(0, 1), (1, 0)]));
}

/// 3 threads: two wakes of one task, each behind a store: what both stored is seen, in one poll or two.
#[test]
fn two_wakes_of_one_task_lead_to_one_poll_or_two() {
    let reached = outcomes(|| {
        let local = executor();
        let flag = Arc::new(AtomicUsize::new(0));
        let (task, mut wakers) = waits_for(&local, &flag, 2);
        let wake = |waker: Waker| {
            let flag = Arc::clone(&flag);
            move || {
                flag.fetch_add(1, Relaxed);
                waker.wake_by_ref();
            }
        };
        let one = thread::spawn(wake(wakers.pop().unwrap()));
        let two = thread::spawn(wake(wakers.pop().unwrap()));
        local.turn(0);
        one.join().unwrap();
        two.join().unwrap();
        local.turn(0);
        assert!(task.is_finished());
        local.counts().polls
    });
    assert_eq!(reached, BTreeSet::from([2, 3]));
}

/// 2 threads: a wake and the last reference against the end of the executor: the cell is freed once.
#[test]
fn the_last_waker_goes_while_the_executor_ends() {
    let reached = outcomes(|| {
        let local = executor();
        let flag = Arc::new(AtomicUsize::new(0));
        let (task, wakers) = waits_for(&local, &flag, 1);
        drop(task);
        let other = thread::spawn(move || {
            for waker in wakers {
                waker.wake_by_ref();
                drop(waker);
            }
        });
        let polls = local.turn(0).polls;
        drop(local);
        other.join().unwrap();
        polls
    });
    assert_eq!(reached, BTreeSet::from([0, 1]));
}

/// 2 threads: a task is done and its cell freed while another thread wakes it.
#[test]
fn a_wake_meets_the_end_of_its_task() {
    outcomes(|| {
        let local = executor();
        let flag = Arc::new(AtomicUsize::new(2));
        let (task, wakers) = waits_for(&local, &flag, 2);
        let other = thread::spawn(move || wakers.into_iter().for_each(Waker::wake));
        local.turn(0);
        task.abort();
        drop(task);
        local.turn(0);
        other.join().unwrap();
        local.turn(0);
    });
}

/// 2 threads: wakers that were cloned at home go elsewhere, and those cloned elsewhere go at home, while the task ends.
#[test]
fn wakers_that_change_threads_are_counted_once() {
    outcomes(|| {
        let local = executor();
        let flag = Arc::new(AtomicUsize::new(1));
        let (task, mut wakers) = waits_for(&local, &flag, 1);
        let given = Arc::new(Mutex::new(Vec::new()));
        let give = Arc::clone(&given);
        let waker = wakers.pop().unwrap();
        let other = thread::spawn(move || {
            give.lock().unwrap().push(waker.clone());
            waker.wake();
        });
        // A task that drops, and wakes, at home what the other thread has given.
        let home = local.spawn_local(poll_fn(move |_| {
            let given = core::mem::take(&mut *given.lock().unwrap());
            given.into_iter().for_each(Waker::wake);
            Poll::Ready(())
        }));
        drop(task);
        local.turn(0);
        other.join().unwrap();
        local.turn(0);
        drop((home, local));
    });
}
