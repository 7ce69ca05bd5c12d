//! What workers count can be read at any time, adds up, and stops nobody.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};

use shared_nothing::{
    pool::{
        Overflow, WorkerPool,
        supervise::{Pulse, StuckPolicy},
    },
    stats::{DropReason, WorkerStats},
};

use super::support::{LONG, config, gate, pass, run};

/// Nothing is lost, in one row.
fn assert_adds_up(stats: &WorkerStats) {
    assert_eq!(
        stats.sent,
        stats.accounted() + stats.queue_depth,
        "{stats:?}"
    );
    assert!(stats.queue_depth <= stats.queue_depth_max);
}

#[test]
fn the_law_is_seen_in_one_row() {
    let (open, gate) = gate();
    let settings = config(1)
        .with_capacity(4)
        .with_batch_max(1)
        .with_overflow(Overflow::DropNewest);
    let (begun, has_begun) = mpsc::channel();
    let begun = Mutex::new(begun);
    let pool = WorkerPool::start(settings, move |_| {
        let (gate, begun) = (Arc::clone(&gate), begun.lock().unwrap().clone());
        run(move |message: u32, _| {
            if message == 0 {
                begun.send(()).unwrap();
                pass(&gate);
            }
            assert_ne!(message, 3, "as the test wants it");
        })
    })
    .unwrap();
    let sender = pool.sender();
    sender.send_to(0, 0).unwrap();
    has_begun.recv_timeout(LONG).unwrap();
    // One is at hand, and four more fit.
    for message in 1..10 {
        sender.send_to(0, message).unwrap();
    }
    let stats = pool.worker_stats(0).unwrap();
    assert_adds_up(&stats);
    let newest = stats.dropped.of(DropReason::Newest);
    assert_eq!((stats.sent, newest, stats.queue_depth), (10, 5, 5));
    assert!(stats.is_busy);
    assert!(pool.worker_stats(1).is_none());
    open.send(()).unwrap();

    // It panics over the fourth of them, so that three are handled and one comes back.
    let report = pool.stop();
    let stats = sender.worker_stats(0).unwrap();
    assert_adds_up(&stats);
    assert_eq!(
        (stats.handled, stats.panicked, stats.queue_depth),
        (3, 1, 0)
    );
    assert_eq!(stats.returned, report.workers[0].returned.len() as u64);
    assert_eq!((stats.queue_depth_max, stats.is_busy), (5, false));
    let table = sender.stats().to_string();
    assert!(table.ends_with("dropped: 5 newest"), "{table}");
}

#[test]
fn what_comes_back_counts_as_returned() {
    let pool = WorkerPool::start(config(1).with_batch_max(1), |_| {
        run(|message: u32, _| assert_ne!(message, 0, "as the test wants it"))
    })
    .unwrap();
    let sender = pool.sender();
    pool.pause(0).unwrap();
    pool.ping(0).unwrap().wait_within(LONG).unwrap();
    for message in 0..5 {
        pool.send_to(0, message).unwrap();
    }
    let report = pool.stop();
    let stats = sender.worker_stats(0).unwrap();
    assert_adds_up(&stats);
    let counts = (stats.sent, stats.panicked, stats.returned);
    assert_eq!(counts, (5, 1, 4));
    assert_eq!(report.workers[0].returned, [1, 2, 3, 4]);
}

#[test]
fn snapshots_are_taken_while_workers_work() {
    const MESSAGES: u64 = 20_000;
    let pool = WorkerPool::start(config(2), |_| run(|_: u64, _| {})).unwrap();
    let is_over = AtomicBool::new(false);
    let sender = pool.sender();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut last = [0; 2];
            while !is_over.load(Ordering::Relaxed) {
                let stats = pool.stats();
                stats.workers.iter().for_each(assert_adds_up);
                for (worker, last) in stats.workers.iter().zip(&mut last) {
                    assert!(worker.handled >= *last, "counts only grow");
                    *last = worker.handled;
                }
            }
        });
        for key in 0..MESSAGES {
            sender.send_partitioned(&key, key).unwrap();
        }
        is_over.store(true, Ordering::Relaxed);
    });
    let _report = pool.stop();
    let total = sender.stats().total();
    let counts = (total.sent, total.received, total.handled);
    assert_eq!(counts, (MESSAGES, MESSAGES, MESSAGES));
    // One of 64 for each worker.
    let samples = total.queue_wait.count();
    assert!(
        (MESSAGES / 64..=MESSAGES / 64 + 2).contains(&samples),
        "{samples}"
    );
    assert_eq!(total.handle_time.count(), samples);
    assert!(total.queue_depth_max > 0);
}

#[test]
fn a_stuck_worker_is_seen_while_it_is_stuck() {
    let (open, gate) = gate();
    let (seen, sees) = mpsc::channel();
    let seen = Mutex::new(seen);
    let policy = StuckPolicy::default()
        .with_slow_after(Duration::from_millis(2))
        .with_stuck_after(Duration::from_millis(20));
    let settings = config(2).with_stuck_watch(policy, move |worker, pulse| {
        let _gone = seen.lock().unwrap().send((worker, pulse));
    });
    let pool = WorkerPool::start(settings, move |_| {
        let gate = Arc::clone(&gate);
        run(move |_: (), _| pass(&gate))
    })
    .unwrap();
    pool.send_to(1, ()).unwrap();
    let held = loop {
        match sees.recv_timeout(LONG).unwrap() {
            (
                1,
                Pulse::Stuck {
                    held,
                    is_news: true,
                },
            ) => break held,
            (1, Pulse::Slow { is_news: true, .. }) => {}
            other => panic!("{other:?}"),
        }
    };
    assert!(held >= policy.stuck_after);
    let stats = pool.stats();
    assert!(stats.workers[1].is_busy && !stats.workers[0].is_busy);
    assert!(stats.workers[1].heartbeat_age >= held);
    open.send(()).unwrap();
    let sender = pool.sender();
    assert_eq!(pool.stop().workers[1].counts.handled, 1);
    let stall = &sender.stats().workers[1].stall;
    assert_eq!(stall.count(), 1);
    assert!(stall.max() >= policy.stuck_after);
}

#[test]
fn a_watch_that_makes_no_sense_is_refused() {
    let policy = StuckPolicy::default().with_slow_after(Duration::ZERO);
    let settings = config(1).with_stuck_watch(policy, |_, _| {});
    let error = WorkerPool::<()>::start(settings, |_| run(|(), _| {})).unwrap_err();
    assert!(error.to_string().contains("stuck"), "{error}");
}
