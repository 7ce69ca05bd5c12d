//! What a worker is told comes before what it is sent.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use shared_nothing::{
    affinity::usable_cpus,
    executor::Idle,
    pool::{
        CallError, NoSuchWorker, Overflow, PoolConfig, SendError, StartError, WorkerConfig,
        WorkerPool,
    },
    worker::Context,
};

use crate::support::{LONG, assert_conserved, config, gate, pass, run};

#[test]
fn a_paused_worker_answers_pings_and_handles_nothing_until_it_goes_on() {
    let handled = Arc::new(AtomicU64::new(0));
    let workers_count = Arc::clone(&handled);
    let config = config(2)
        .with_shards(1)
        .with_worker(0, WorkerConfig::new().with_paused());
    let pool = WorkerPool::start(config, move |_| {
        let handled = Arc::clone(&workers_count);
        run(move |(): (), _| {
            handled.fetch_add(1, Ordering::SeqCst);
        })
    })
    .unwrap();
    for _ in 0..10 {
        pool.send_to(0, ()).unwrap();
    }
    pool.ping(0).unwrap().wait_timeout(LONG).unwrap();
    assert_eq!(handled.load(Ordering::SeqCst), 0);
    assert!(pool.is_running(0), "it runs, and waits");
    pool.resume(0).unwrap();
    while handled.load(Ordering::SeqCst) != 10 {
        thread::yield_now();
    }
    pool.pause(0).unwrap();
    pool.ping(0).unwrap().wait_timeout(LONG).unwrap();
    pool.send_to(0, ()).unwrap();
    pool.ping(0).unwrap().wait_timeout(LONG).unwrap();
    assert_eq!(handled.load(Ordering::SeqCst), 10);
    assert_eq!(pool.pause(2), Err(NoSuchWorker { worker: 2 }));
    assert!(pool.ping(2).is_err());
    // A stop ends the pause: what was accepted is handled.
    let report = pool.stop();
    assert_eq!(report.workers[0].counts.handled, 11);
    report.workers.iter().for_each(assert_conserved);
}

#[test]
fn h16_a_saturated_worker_hears_what_it_is_told_within_a_batch() {
    const BATCH: u64 = 4;
    let (handled, stop) = (
        Arc::new(AtomicU64::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let workers_count = Arc::clone(&handled);
    let (open, closed) = gate();
    let config = config(1).with_capacity(64).with_batch_max(BATCH as usize);
    let pool = WorkerPool::start(config, move |_| {
        let (handled, closed) = (Arc::clone(&workers_count), Arc::clone(&closed));
        run(move |is_first: bool, _| {
            if is_first {
                pass(&closed);
            }
            handled.fetch_add(1, Ordering::SeqCst);
        })
    })
    .unwrap();
    thread::scope(|threads| {
        pool.send_to(0, true).unwrap();
        let (tx, stop_here) = (pool.sender(), Arc::clone(&stop));
        threads.spawn(
            move || while !stop_here.load(Ordering::SeqCst) && tx.send_to(0, false).is_ok() {},
        );
        // The mailbox is full behind the first message when the worker is told.
        while pool.try_send_to(0, false).is_ok() {}
        pool.pause(0).unwrap();
        let ping = pool.ping(0).unwrap();
        open.send(()).unwrap();
        ping.wait_timeout(LONG).unwrap();
        let heard_after = handled.load(Ordering::SeqCst);
        assert!(heard_after <= BATCH, "{heard_after} messages came first");
        stop.store(true, Ordering::SeqCst);
        pool.resume(0).unwrap();
    });
    assert_conserved(&pool.stop().workers[0]);
}

#[test]
fn a_ping_to_a_worker_that_ended_is_cancelled() {
    let pool = WorkerPool::start(config(1), |_| run(|(): (), _| panic!("gone"))).unwrap();
    pool.send_to(0, ()).unwrap();
    while pool.is_running(0) {
        thread::yield_now();
    }
    for _ in 0..1000 {
        let answer = pool.ping(0).unwrap().wait_timeout(LONG);
        assert!(matches!(answer, Err(CallError::Cancelled)));
    }
}

#[test]
fn h09_a_stop_that_waits_too_long_hands_the_pool_back() {
    let (open, closed) = gate();
    let pool = WorkerPool::start(config(1), move |_| {
        let closed = Arc::clone(&closed);
        run(move |(): (), _| pass(&closed))
    })
    .unwrap();
    let tx = pool.sender();
    tx.send_to(0, ()).unwrap();
    let pool = pool
        .stop_timeout(Duration::from_millis(1))
        .expect_err("a handler runs");
    assert_eq!(tx.send_to(0, ()), Err(SendError::Closed(())));
    open.send(()).unwrap();
    let report = pool.stop_timeout(LONG).expect("it ends");
    assert_eq!(report.workers[0].counts.handled, 1);
}

#[test]
fn overflow_is_as_the_policy_says_and_counted() {
    for overflow in [
        Overflow::Fail,
        Overflow::Timeout(Duration::from_millis(1)),
        Overflow::DropNewest,
        Overflow::DropOldest,
    ] {
        let (open, closed) = gate();
        let (seen, see) = std::sync::mpsc::channel();
        let config = config(1).with_capacity(4).with_overflow(overflow);
        let pool = WorkerPool::start(config, move |_| {
            let (closed, seen) = (Arc::clone(&closed), seen.clone());
            run(move |n: u32, _| {
                seen.send(n).unwrap();
                if n == 0 {
                    pass(&closed);
                }
            })
        })
        .unwrap();
        pool.send_to(0, 0).unwrap();
        // It is in the handler, and four more fit.
        assert_eq!(see.recv_timeout(LONG), Ok(0));
        while pool.sender().try_send_to(0, 1).is_ok() {}
        match (overflow, pool.send_to(0, 9)) {
            (Overflow::Fail, Err(SendError::Full(9)))
            | (Overflow::Timeout(_), Err(SendError::TimedOut(9)))
            | (Overflow::DropNewest | Overflow::DropOldest, Ok(())) => {}
            other => panic!("{other:?}"),
        }
        let late = pool
            .sender()
            .send_to_timeout(0, 8, Duration::from_millis(1));
        assert_eq!(late, Err(SendError::TimedOut(8)));
        open.send(()).unwrap();
        let report = pool.stop();
        let worker = &report.workers[0];
        assert_conserved(worker);
        let nine = see.try_iter().any(|n| n == 9);
        assert_eq!(nine, overflow == Overflow::DropOldest);
        let (newest, oldest) = (worker.counts.dropped_newest, worker.counts.dropped_oldest);
        assert_eq!(newest, u64::from(overflow == Overflow::DropNewest));
        assert_eq!(oldest, u64::from(overflow == Overflow::DropOldest));
    }
}

#[test]
fn workers_have_settings_of_their_own_and_profiles_start() {
    let last = usable_cpus().unwrap().last().unwrap();
    let own = || WorkerConfig::new().with_cpu_affinity(last);
    let config = config(3)
        .with_worker(0, own())
        .with_worker(2, own().with_capacity(1).with_batch_max(1));
    let pool = WorkerPool::start(config, move |context| {
        assert_eq!((context.cpu(), context.shard()), (Some(last), 0));
        run(|(): (), _| {})
    })
    .unwrap();
    for _ in 0..10 {
        pool.send_to(2, ()).unwrap();
    }
    assert_eq!(pool.stop().workers[2].counts.handled, 10);
    for profile in [
        PoolConfig::balanced(),
        PoolConfig::low_latency().with_idle(Idle::Park),
        PoolConfig::throughput(),
    ] {
        let pool = WorkerPool::start(profile, |_| run(|(): (), _| {})).unwrap();
        assert!(pool.workers() >= 1);
        assert!(format!("{pool:?}").contains("WorkerPool"));
    }
    let nobody = PoolConfig::new()
        .with_workers(1)
        .with_worker(1, WorkerConfig::new());
    match WorkerPool::start(nobody, |_| run(|(): (), _| {})) {
        Err(StartError::Invalid {
            setting: "worker", ..
        }) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_oldest_is_dropped_also_while_its_worker_is_busy_with_older_ones() {
    let (open, gate) = gate();
    let (say, said) = mpsc::channel();
    let config = config(1)
        .with_capacity(4)
        .with_overflow(Overflow::DropOldest);
    let pool = WorkerPool::start(config, move |_| {
        let (gate, say) = (Arc::clone(&gate), say.clone());
        run(move |n: u64, _: &Context<u64>| {
            say.send(n).unwrap();
            if n == 1 {
                pass(&gate);
            }
        })
    })
    .unwrap();
    // All four are there when the worker looks, and it stays with the second.
    pool.pause(0).unwrap();
    pool.ping(0).unwrap().wait().unwrap();
    (0..4).for_each(|n| pool.send_to(0, n).unwrap());
    pool.resume(0).unwrap();
    assert_eq!(said.recv_timeout(LONG), Ok(0));
    assert_eq!(said.recv_timeout(LONG), Ok(1));
    let tx = pool.sender();
    let (sent, all_sent) = mpsc::channel();
    let sender = thread::spawn(move || {
        (4..10).for_each(|n| tx.send_to(0, n).unwrap());
        sent.send(()).unwrap();
    });
    let in_time = all_sent.recv_timeout(LONG / 8);
    open.send(()).unwrap();
    assert!(in_time.is_ok(), "a sender waits for room");
    sender.join().unwrap();
    let report = pool.stop();
    assert_conserved(&report.workers[0]);
    assert_eq!(report.workers[0].counts.dropped_oldest, 4);
    assert!(said.try_iter().eq(6..10), "the newest are handled");
}
