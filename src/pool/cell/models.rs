//! Models of a cell whose ends are on two threads, and whose keeper is on one of them.

use core::task::Waker;
use std::{collections::BTreeSet, sync::Arc, task::Wake};

use loom::{
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
};

use super::*;

const PATIENCE: Patience = Patience {
    spins: 0,
    yields: 0,
};

/// An answer whose drop is counted.
struct Answer(Arc<AtomicUsize>);

impl Drop for Answer {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// Runs a model; what its runs came to.
fn outcomes<R: Ord + Send + 'static>(model: impl Fn() -> R + Send + Sync + 'static) -> BTreeSet<R> {
    let reached = Arc::new(std::sync::Mutex::new(BTreeSet::new()));
    let all = Arc::clone(&reached);
    loom::model(move || {
        let outcome = model();
        all.lock().unwrap().insert(outcome);
    });
    let outcomes = core::mem::take(&mut *reached.lock().unwrap());
    outcomes
}

fn answer(drops: &Arc<AtomicUsize>) -> Answer {
    Answer(Arc::clone(drops))
}

/// ANSWER and WAIT. 2 threads: a task that finds nothing is woken, and finds what the worker did.
#[test]
fn an_answer_meets_a_task() {
    let reached = outcomes(|| {
        let drops = Arc::new(AtomicUsize::new(0));
        let woken = Arc::new(Count(AtomicUsize::new(0)));
        let (reply, mut call) = pair(PATIENCE);
        let sent = answer(&drops);
        let other = thread::spawn(move || reply.send(sent));
        let waker = Waker::from(Arc::clone(&woken));
        let mut was_pending = false;
        // Without a join before: what orders the answer is the cell's.
        while call.poll(&waker).is_none() {
            was_pending = true;
            while woken.0.load(Relaxed) == 0 {
                thread::yield_now();
            }
        }
        other.join().unwrap();
        drop(call);
        assert_eq!(drops.load(Relaxed), 1);
        was_pending
    });
    assert_eq!(reached, BTreeSet::from([false, true]));
}

/// ANSWER, with a park. 2 threads.
#[test]
fn an_answer_meets_a_thread_that_parks() {
    loom::model(|| {
        let drops = Arc::new(AtomicUsize::new(0));
        let (reply, call) = pair(PATIENCE);
        let sent = answer(&drops);
        let other = thread::spawn(move || reply.send(sent));
        assert!(call.wait().is_ok());
        other.join().unwrap();
        assert_eq!(drops.load(Relaxed), 1);
    });
}

/// LEAVE. 2 threads, 2 calls by one cell: it is used again only when both ends have gone, and is clean then.
#[test]
fn a_cell_is_used_again() {
    let reached = outcomes(|| {
        let drops = Arc::new(AtomicUsize::new(0));
        let mut kept = Kept::new(PATIENCE);
        let (reply, mut call) = kept.pair().unwrap();
        let sent = answer(&drops);
        let other = thread::spawn(move || reply.send(sent));
        let got = call.poll(Waker::noop()).is_some();
        drop(call);
        let again = kept.pair();
        let is_free = again.is_some();
        if let Some((reply, mut call)) = again {
            assert!(call.poll(Waker::noop()).is_none(), "an old answer");
            reply.send(answer(&drops));
            assert!(
                call.poll(Waker::noop())
                    .is_some_and(|answer| answer.is_ok())
            );
        }
        other.join().unwrap();
        drop(kept);
        assert_eq!(drops.load(Relaxed), 1 + usize::from(is_free));
        (got, is_free)
    });
    let all = [(false, false), (false, true), (true, true)];
    assert!(reached.is_superset(&BTreeSet::from(all)));
}

/// LEAVE. 3 threads: all owners go at once; the last one frees the cell, and the answer is dropped once.
#[test]
fn the_last_owner_frees_the_cell() {
    loom::model(|| {
        let drops = Arc::new(AtomicUsize::new(0));
        let mut kept = Kept::new(PATIENCE);
        let (reply, call) = kept.pair().unwrap();
        let sent = answer(&drops);
        let one = thread::spawn(move || reply.send(sent));
        let two = thread::spawn(move || drop(kept));
        drop(call);
        one.join().unwrap();
        two.join().unwrap();
        assert_eq!(drops.load(Relaxed), 1);
    });
}
