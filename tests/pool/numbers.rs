//! The numbers of workers that have ended are used again, and nobody gets what was another's.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use shared_nothing::{
    pool::{
        PoolConfig, ResizeError, SendError, StartError, WorkerPool,
        supervise::{Backoff, Strategy, Supervision},
    },
    worker::{Context, Worker},
};

use crate::support::{LONG, assert_conserved, config, run};

/// No room for a third, so that one who is added has the number of one who was removed, if need be after a wait.
fn two() -> PoolConfig {
    config(2)
        .with_workers_max(2)
        .with_move_timeout(Duration::from_secs(20))
}

#[test]
fn a_pool_that_changes_for_ever_never_runs_out_of_numbers() {
    const ROUNDS: u64 = 300;
    let pool = WorkerPool::start(config(1).with_shards(1).with_workers_max(2), |_| {
        run(|_: u64, _: &Context<u64>| {})
    })
    .unwrap();
    let tx = pool.sender();
    for round in 0..ROUNDS {
        assert_eq!(pool.add_worker().unwrap(), 1);
        assert!(pool.is_running(1));
        tx.send_to(1, round).unwrap();
        pool.remove_worker(1).unwrap();
        assert_eq!(tx.send_to(1, round), Err(SendError::Closed(round)));
    }
    assert_eq!(tx.workers(), 2);
    let report = pool.stop();
    report.workers.iter().for_each(assert_conserved);
    let counts = report.workers[1].counts;
    assert_eq!((counts.sent, counts.handled), (ROUNDS, ROUNDS));
}

/// Until it is let go, the worker handles what it has; and then its place is free.
fn await_end<M: Send>(pool: &WorkerPool<M>, worker: usize) {
    while pool.is_running(worker) {
        thread::yield_now();
    }
}

#[test]
fn a_batcher_gets_back_what_one_worker_left_and_goes_on_with_the_next() {
    let handled = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&handled);
    let pool = WorkerPool::start(two(), move |_| {
        let count = Arc::clone(&count);
        run(move |n: u64, _: &Context<u64>| {
            count.fetch_add(n, Ordering::SeqCst);
        })
    })
    .unwrap();
    let mut batcher = pool.sender().batcher().unwrap();
    batcher.send_to(1, 1).unwrap();
    batcher.flush().unwrap();
    pool.remove_worker(1).unwrap();
    await_end(&pool, 1);
    // Its lane is closed, and nobody has the number.
    assert_eq!(batcher.send_to(1, 10), Err(SendError::Closed(10)));
    let mut other = pool.sender().batcher().unwrap();
    assert_eq!(other.send_to(1, 10), Err(SendError::Closed(10)));
    assert_eq!(pool.add_worker().unwrap(), 1);
    batcher.send_to(1, 100).unwrap();
    other.send_to(1, 1000).unwrap();
    batcher.flush().unwrap();
    other.flush().unwrap();
    pool.remove_worker(1).unwrap();
    assert_eq!(pool.add_worker().unwrap(), 1);
    let of_it = (0_u64..)
        .find(|key| pool.sender().worker_of(key) == 1)
        .unwrap();
    batcher.send_partitioned(&of_it, 10_000).unwrap();
    batcher.flush().unwrap();
    let report = pool.stop();
    report.workers.iter().for_each(assert_conserved);
    assert_eq!(handled.load(Ordering::SeqCst), 11_101);
}

#[test]
fn what_a_batcher_put_in_for_a_worker_that_panics_comes_back_though_another_has_its_number() {
    let pool = WorkerPool::start(two(), |_| {
        run(|n: u64, _: &Context<u64>| assert_ne!(n, 13, "as the test wants it"))
    })
    .unwrap();
    let mut batcher = pool.sender().batcher().unwrap();
    batcher.send_to(1, 1).unwrap();
    pool.send_to(1, 13).unwrap();
    await_end(&pool, 1);
    while let Err(error) = pool.remove_worker(1) {
        assert!(
            matches!(error, ResizeError::Ended { worker: 1 }),
            "{error:?}"
        );
    }
    assert_eq!(pool.add_worker().unwrap(), 1);
    // The batch goes on in the old lane until it is flushed.
    assert!(matches!(batcher.send_to(1, 2), Err(SendError::Closed(2))));
    let Err(SendError::Closed(unsent)) = batcher.flush() else {
        panic!("the first worker has not had it")
    };
    assert_eq!(unsent, [1]);
    batcher.send_to(1, 3).unwrap();
    batcher.flush().unwrap();
    let report = pool.stop();
    report.workers.iter().for_each(assert_conserved);
    let counts = report.workers[1].counts;
    assert_eq!((counts.panicked, counts.handled), (1, 1));
}

#[test]
fn what_was_put_in_for_a_place_without_a_worker_is_not_the_next_ones() {
    let handled = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&handled);
    let pool = WorkerPool::start(two(), move |_| {
        let count = Arc::clone(&count);
        run(move |n: u64, _: &Context<u64>| {
            assert_ne!(n, u64::MAX, "as the test wants it");
            count.fetch_add(1, Ordering::SeqCst);
        })
    })
    .unwrap();
    let tx = pool.sender();
    pool.send_to(1, u64::MAX).unwrap();
    await_end(&pool, 1);
    // Told something, the empty place answers nobody.
    assert!(pool.ping(1).unwrap().wait_timeout(LONG).is_err());
    // The map slots are still those of the worker that has ended, and what is put in is not published.
    let mut batcher = tx.batcher().unwrap();
    let its_keys: Vec<u64> = (0..)
        .filter(|key| tx.worker_of(key) == 1)
        .take(40)
        .collect();
    for key in &its_keys {
        batcher.send_partitioned(key, *key).unwrap();
    }
    pool.remove_worker(1).unwrap();
    assert_eq!(pool.add_worker().unwrap(), 1);
    assert!(its_keys.iter().any(|key| tx.worker_of(key) == 0));
    let Err(SendError::Closed(unsent)) = batcher.flush() else {
        panic!("no worker of that place has had these keys")
    };
    assert_eq!(unsent, its_keys);
    batcher.send_partitioned(&its_keys[0], 1).unwrap();
    batcher.send_to(1, 1).unwrap();
    batcher.flush().unwrap();
    let report = pool.stop();
    report.workers.iter().for_each(assert_conserved);
    assert_eq!(handled.load(Ordering::SeqCst), 2);
}

#[test]
fn a_worker_that_stops_itself_leaves_its_number_to_the_next() {
    let pool = WorkerPool::start(two(), |_| {
        run(|stops: bool, context: &Context<bool>| {
            if stops {
                context.stop();
                assert!(context.send_to_self(false).is_err());
            }
        })
    })
    .unwrap();
    pool.pause(1).unwrap();
    pool.send_to(1, true).unwrap();
    pool.send_to(1, false).unwrap();
    pool.resume(1).unwrap();
    await_end(&pool, 1);
    pool.remove_worker(1).unwrap();
    assert_eq!(pool.add_worker().unwrap(), 1);
    pool.send_to(1, false).unwrap();
    let report = pool.stop();
    report.workers.iter().for_each(assert_conserved);
    assert_eq!(report.workers[1].counts.handled, 3);
}

/// Fails to begin while it is told to; panics over `true`.
struct Fickle {
    fails: Arc<AtomicBool>,
}

impl Worker for Fickle {
    type State = ();
    type Message = bool;
    type Error = &'static str;

    fn init(&self, _: &Context<bool>) -> Result<(), &'static str> {
        match self.fails.load(Ordering::SeqCst) {
            true => Err("not today"),
            false => Ok(()),
        }
    }

    fn handle_message(&self, (): &mut (), bad: bool, _: &Context<bool>) -> Result<(), Self::Error> {
        assert!(!bad, "as the test wants it");
        Ok(())
    }
}

#[test]
fn a_worker_that_does_not_begin_leaves_the_number_free_and_the_next_is_supervised() {
    let fails = Arc::new(AtomicBool::new(false));
    let its_fails = Arc::clone(&fails);
    let supervision = Supervision::new().with_backoff(
        Backoff::default()
            .with_first(Duration::ZERO)
            .with_limit(Duration::ZERO),
    );
    let config = two().with_supervision(supervision);
    let pool = WorkerPool::start(config, move |_| Fickle {
        fails: Arc::clone(&its_fails),
    })
    .unwrap();
    pool.remove_worker(0).unwrap();
    await_end(&pool, 0);
    fails.store(true, Ordering::SeqCst);
    match pool.add_worker() {
        Err(ResizeError::Start(StartError::Init { worker: 0, text })) => {
            assert_eq!(text, "not today");
        }
        other => panic!("{other:?}"),
    }
    assert!(!pool.is_running(0));
    assert_eq!(pool.send_to(0, false), Err(SendError::Closed(false)));
    // Told things, nobody answers.
    assert!(pool.ping(0).unwrap().wait_timeout(LONG).is_err());
    fails.store(false, Ordering::SeqCst);
    assert_eq!(pool.add_worker().unwrap(), 0);
    pool.send_to(0, true).unwrap();
    pool.send_to(0, false).unwrap();
    pool.ping(0).unwrap().wait_timeout(LONG).unwrap();
    let report = pool.stop();
    report.workers.iter().for_each(assert_conserved);
    let counts = report.workers[0].counts;
    assert_eq!(
        (counts.panicked, counts.restarts, counts.handled),
        (1, 1, 1)
    );
}

#[test]
fn a_worker_that_never_began_is_waited_for_by_nobody() {
    let fails = Arc::new(AtomicBool::new(false));
    let its_fails = Arc::clone(&fails);
    let supervision = Supervision::new()
        .with_strategy(Strategy::All)
        .with_backoff(
            Backoff::default()
                .with_first(Duration::ZERO)
                .with_limit(Duration::ZERO),
        );
    let config = two().with_workers_max(3).with_supervision(supervision);
    let pool = WorkerPool::start(config, move |_| Fickle {
        fails: Arc::clone(&its_fails),
    })
    .unwrap();
    fails.store(true, Ordering::SeqCst);
    let refused = pool.add_worker();
    assert!(
        matches!(
            refused,
            Err(ResizeError::Start(StartError::Init { worker: 2, .. }))
        ),
        "{refused:?}"
    );
    fails.store(false, Ordering::SeqCst);
    // All are restarted together: the two that there are.
    pool.send_to(0, true).unwrap();
    for worker in [0, 1] {
        pool.send_to(worker, false).unwrap();
    }
    while pool.counts(1).unwrap().restarts == 0 {
        thread::yield_now();
    }
    let report = pool.stop();
    report.workers.iter().for_each(assert_conserved);
    let restarts: Vec<u64> = report
        .workers
        .iter()
        .map(|one| one.counts.restarts)
        .collect();
    assert_eq!(restarts, [1, 1, 0]);
}

#[test]
fn nothing_is_lost_when_senders_by_number_meet_a_removal() {
    let pool = WorkerPool::start(two().with_capacity(4), |_| {
        run(|_: u64, _: &Context<u64>| {})
    })
    .unwrap();
    let is_over = AtomicBool::new(false);
    let accepted: u64 = thread::scope(|threads| {
        let is_over = &is_over;
        let senders: Vec<_> = (0..3)
            .map(|sender| {
                let tx = pool.sender();
                threads.spawn(move || {
                    let mut batcher = (sender == 2).then(|| tx.batcher().unwrap());
                    let mut accepted = 0;
                    while !is_over.load(Ordering::SeqCst) {
                        let sent = match &mut batcher {
                            Some(batcher) => batcher.send_to(1, 7),
                            None => tx.send_to(1, 7),
                        };
                        accepted += u64::from(sent.is_ok());
                        if let Some(Err(back)) = batcher.as_mut().map(|one| one.flush()) {
                            accepted -= back.into_inner().len() as u64;
                        }
                    }
                    accepted
                })
            })
            .collect();
        for _ in 0..20 {
            // A batcher may be in the middle of a batch for as long as the machine has others to run.
            while pool.remove_worker(1).is_err() {}
            assert_eq!(pool.add_worker().unwrap(), 1);
        }
        is_over.store(true, Ordering::SeqCst);
        senders
            .into_iter()
            .map(|sender| sender.join().unwrap())
            .sum()
    });
    let report = pool.stop();
    report.workers.iter().for_each(assert_conserved);
    assert_eq!(report.workers[1].counts.sent, accepted);
}
