//! Workers as tasks: several on a shard, beside other tasks, and in a simulation.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    time::Duration,
};

use shared_nothing::{
    executor::{Executor, yield_now},
    pool::{Outcome, SendError, TrySendError, WorkerPool},
};

use shared_nothing::worker::Context;

use crate::support::{config, run};

#[test]
fn several_workers_live_on_one_shard_and_each_gets_its_messages_in_order() {
    let seen = Arc::new(Mutex::new(vec![Vec::new(); 5]));
    let workers_see = Arc::clone(&seen);
    let pool = WorkerPool::start(config(5).with_shards(2).with_capacity(4), move |_| {
        let seen = Arc::clone(&workers_see);
        run(move |n: u64, context| {
            assert_eq!(context.shard(), context.id() % 2);
            seen.lock().unwrap()[context.id()].push(n);
        })
    })
    .unwrap();
    for n in 0..1000 {
        pool.send_to(n as usize % 5, n).unwrap();
    }
    let report = pool.stop();
    assert!(
        report
            .workers
            .iter()
            .all(|worker| worker.counts.handled == 200)
    );
    for (worker, seen) in seen.lock().unwrap().iter().enumerate() {
        assert!(seen.iter().all(|n| *n as usize % 5 == worker) && seen.is_sorted());
    }
}

#[test]
fn h04_a_worker_with_a_full_mailbox_sends_itself_three() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let worker_sees = Arc::clone(&seen);
    let (handled, wait) = mpsc::channel();
    let pool = WorkerPool::start(config(1).with_capacity(1), move |_| {
        let (seen, handled) = (Arc::clone(&worker_sees), handled.clone());
        run(move |n: u32, context: &Context<u32>| {
            if n == 0 {
                // The mailbox fills behind the back of the handler.
                while context.sender().try_send_to(0, 100).is_ok() {}
                for own in 1..=3 {
                    context.send_to_self(own).unwrap();
                }
                assert_eq!(
                    context.send_to(7, 7),
                    Err(TrySendError::NoSuchWorker(7)),
                    "what finds no worker comes back"
                );
            }
            seen.lock().unwrap().push(n);
            if n == 3 {
                handled.send(()).unwrap();
            }
        })
    })
    .unwrap();
    pool.send_to(0, 0).unwrap();
    wait.recv().unwrap();
    let report = pool.stop();
    let counts = report.workers[0].counts;
    assert_eq!(counts.sent, counts.handled);
    let own: Vec<u32> = seen.lock().unwrap().iter().copied().collect();
    assert!(own.into_iter().filter(|n| *n < 100).eq(0..=3));
}

#[test]
fn a_worker_that_sends_itself_for_ever_keeps_nobody_waiting_and_stops() {
    let (heard, hear) = mpsc::channel();
    let pool = WorkerPool::start(config(2).with_shards(1), move |context| {
        let (heard, id) = (heard.clone(), context.id());
        run(move |n: u32, context: &Context<u32>| {
            if n == 0 {
                // Refused once the pool stops, and so it ends.
                let _refused = context.send_to_self(0);
            } else {
                heard.send((id, n)).unwrap();
            }
        })
    })
    .unwrap();
    pool.send_to(0, 0).unwrap();
    for round in 1..100 {
        for worker in 0..2 {
            pool.send_to(worker, round).unwrap();
            assert_eq!(hear.recv().unwrap(), (worker, round));
        }
    }
    let report = pool.stop();
    for worker in &report.workers {
        assert_eq!(worker.outcome, Outcome::Stopped);
        assert_eq!(worker.counts.sent, worker.counts.handled);
    }
}

#[test]
fn a_worker_that_stops_itself_handles_what_it_has_and_refuses_the_rest() {
    let pool = WorkerPool::start(config(2).with_shards(1), |_| {
        run(|n: u32, context: &Context<u32>| {
            if n == 0 {
                context.send_after(Duration::from_secs(3600), 9).unwrap();
                context.send_to_self(1).unwrap();
                context.stop();
                assert_eq!(context.send_to_self(2), Err(SendError::Closed(2)));
            }
        })
    })
    .unwrap();
    pool.send_to(0, 0).unwrap();
    while pool.send_to(0, 5).is_ok() {}
    assert!(!pool.is_running(0) || pool.counts(0).is_some());
    pool.send_to(1, 5).unwrap();
    let report = pool.stop();
    let [first, second] = &report.workers[..] else {
        panic!("two workers")
    };
    assert_eq!(first.outcome, Outcome::Stopped);
    assert_eq!(first.returned, [9], "what was not due comes back");
    assert_eq!(first.counts.sent, first.counts.handled + 1);
    assert_eq!(second.counts.handled, 1);
}

#[test]
fn a_pool_on_a_running_executor_leaves_it_running_and_ends_with_it() {
    let executor = Executor::builder().with_shards(2).start().unwrap();
    let handle = executor.handle();
    let start = || WorkerPool::start_on(&handle, config(3), |_| run(|_: u32, _| {})).unwrap();
    let pool = start();
    for n in 0..90 {
        pool.send_partitioned(&n, n).unwrap();
    }
    let report = pool.stop();
    let handled = report.workers.iter().map(|worker| worker.counts.handled);
    assert_eq!(handled.sum::<u64>(), 90);
    assert_eq!(executor.block_on(1, || async { 7 }).unwrap(), 7);

    // The executor goes first: workers are cancelled, and what they had comes back.
    let pool = start();
    let tx = pool.sender();
    let reports = executor.stop();
    assert_eq!(reports.len(), 2);
    assert!(matches!(tx.send_to(0, 1), Err(SendError::Closed(1))));
    for worker in pool.stop().workers {
        assert_eq!(worker.outcome, Outcome::Cancelled);
        assert_eq!(
            worker.counts.sent,
            worker.counts.handled + worker.returned.len() as u64
        );
    }
    match WorkerPool::start_on(&handle, config(1), |_| run(|_: u32, _| {})) {
        Err(shared_nothing::pool::StartError::Call { .. }) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_pool_dropped_on_its_own_shard_does_not_wait_for_itself() {
    let executor = Executor::builder().with_shards(1).start().unwrap();
    let handled = Arc::new(AtomicU64::new(0));
    let workers_count = Arc::clone(&handled);
    executor
        .block_on(0, move || async move {
            let pool = WorkerPool::start_here(config(1), move |_| {
                let handled = Arc::clone(&workers_count);
                run(move |(): (), _| {
                    handled.fetch_add(1, Ordering::Relaxed);
                })
            });
            let pool = pool.await.unwrap();
            pool.send_to(0, ()).unwrap();
            drop(pool);
            yield_now().await;
        })
        .unwrap();
    let reports = executor.stop();
    assert_eq!(reports[0].tasks.spawned, reports[0].tasks.ended);
    assert!(handled.load(Ordering::Relaxed) <= 1);
}
