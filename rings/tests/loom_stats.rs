//! A model of how a line of counts goes from one end to the next. The counts themselves are relaxed, and nothing is
//! read by them.
//!
//! At most 3 preemptions. It cannot show a load that sees a store of its own future (load buffering).
#![cfg(all(loom, feature = "stats", feature = "alloc"))]

mod reached;

use std::{collections::BTreeSet, sync::Arc};

use loom::thread;
use reached::outcomes;
use shared_nothing_rings::{
    TryPushError,
    ends::PushEnd,
    stats::{Producer, Stats},
};

/// A ring that takes everything: what is modelled is what counts it.
struct Sink;

impl PushEnd for Sink {
    type Item = ();

    fn try_push(&mut self, (): ()) -> Result<(), TryPushError<()>> {
        Ok(())
    }

    fn capacity(&self) -> usize {
        usize::MAX
    }

    fn len(&self) -> usize {
        0
    }

    fn is_closed(&self) -> bool {
        false
    }

    fn close(&mut self) {}
}

/// LEAVE. 2 threads, 1 line: an end counts and goes, and another comes that takes its line, or counts on the line of
/// the rest. Nothing is lost. Which of the two it was cannot be seen from outside; that both were is seen by planting
/// the bug.
#[test]
fn an_end_that_comes_meets_one_that_goes() {
    let reached = outcomes(|| {
        let stats = Arc::new(Stats::<1>::new());
        let mut first = Producer::new(Sink, Arc::clone(&stats));
        let there = thread::spawn(move || {
            assert!(first.try_push(()).is_ok());
            assert!(first.try_push(()).is_ok());
        });
        let mut second = Producer::new(Sink, Arc::clone(&stats));
        assert!(second.try_push(()).is_ok());
        there.join().unwrap();
        drop(second);
        stats.read().sent
    });
    assert_eq!(reached, BTreeSet::from([3]));
}

/// 3 threads, 1 line: of two ends that come at once, one takes the line. The other counts on that of the rest, as
/// does a third.
#[test]
fn ends_beyond_the_lines_lose_no_count() {
    let reached = outcomes(|| {
        let stats = Arc::new(Stats::<1>::new());
        let push = |stats: Arc<Stats<1>>| {
            let mut end = Producer::new(Sink, stats);
            assert!(end.try_push(()).is_ok());
            end
        };
        let threads = [(); 2].map(|()| {
            let stats = Arc::clone(&stats);
            thread::spawn(move || push(stats))
        });
        let here = push(Arc::clone(&stats));
        let ends = threads.map(|there| there.join().unwrap());
        drop((here, ends));
        stats.read().sent
    });
    assert_eq!(reached, BTreeSet::from([3]));
}
