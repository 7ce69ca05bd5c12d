//! What workers count can be read at any time, adds up, and stops nobody.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use shared_nothing::{
    pool::{
        Overflow, PoolConfig, WorkerPool,
        supervise::{Pulse, StuckPolicy},
    },
    stats::{ChannelKind, DropReason, WorkerStats},
    worker::Context,
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
    pool.ping(0).unwrap().wait_timeout(LONG).unwrap();
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

/// Handles what comes and holds the worker at 0; sends itself something for each 7.
fn held(settings: PoolConfig) -> (WorkerPool<u32>, mpsc::Sender<()>, mpsc::Receiver<()>) {
    let (open, gate) = gate();
    let (begun, has_begun) = mpsc::channel();
    let begun = Mutex::new(begun);
    let pool = WorkerPool::start(settings, move |_| {
        let (gate, begun) = (Arc::clone(&gate), begun.lock().unwrap().clone());
        run(move |message: u32, context: &Context<u32>| match message {
            0 => {
                begun.send(()).unwrap();
                pass(&gate);
            }
            7 => context.send_to_self(1).unwrap(),
            _ => {}
        })
    });
    (pool.unwrap(), open, has_begun)
}

/// Sent, received, refused, depth and the most of it.
fn numbers(stats: &WorkerStats, kind: ChannelKind) -> [u64; 5] {
    let one = stats.channel(kind).unwrap_or_else(|| panic!("{kind:?}"));
    assert_eq!(one.sent, one.received + one.depth);
    [
        one.sent,
        one.received,
        one.refused,
        one.depth,
        one.depth_max,
    ]
}

#[test]
fn each_way_to_a_worker_has_numbers_of_its_own() {
    let settings = config(1)
        .with_capacity(4)
        .with_urgent(2)
        .with_batch_max(1)
        .with_overflow(Overflow::Fail);
    let (pool, open, has_begun) = held(settings);
    let sender = pool.sender();
    let mut batcher = sender.batcher().unwrap();
    sender.send_to(0, 0).unwrap();
    has_begun.recv_timeout(LONG).unwrap();
    // The worker is held: all of it queues, until there is no room.
    for n in [7, 7, 1, 1] {
        sender.send_to(0, n).unwrap();
    }
    sender.send_to(0, 1).unwrap_err();
    sender.try_send_to(0, 1).unwrap_err();
    sender
        .send_to_timeout(0, 1, Duration::from_nanos(1))
        .unwrap_err();
    for _ in 0..2 {
        sender.send_urgent_to(0, 1).unwrap();
    }
    sender.try_send_urgent_to(0, 1).unwrap_err();
    for _ in 0..3 {
        batcher.send_to(0, 1).unwrap();
    }
    batcher.flush().unwrap();
    let stats = pool.worker_stats(0).unwrap();
    assert_eq!(numbers(&stats, ChannelKind::Mailbox)[..4], [5, 1, 3, 4]);
    assert_eq!(numbers(&stats, ChannelKind::Urgent), [2, 0, 1, 2, 2]);
    assert_eq!(numbers(&stats, ChannelKind::Lane), [3, 0, 0, 3, 3]);
    assert_eq!(numbers(&stats, ChannelKind::Own), [0; 5]);
    assert_eq!(stats.channel(ChannelKind::FormerLanes), None);
    let capacities = [ChannelKind::Mailbox, ChannelKind::Urgent, ChannelKind::Lane];
    let capacities = capacities.map(|kind| stats.channel(kind).unwrap().capacity);
    assert_eq!(capacities, [4, 2, 4]);

    open.send(()).unwrap();
    // It sends itself something only while it is not told to stop.
    while pool.counts(0).unwrap().handled < 12 {
        std::thread::yield_now();
    }
    drop(batcher);
    let _report = pool.stop();
    let stats = sender.worker_stats(0).unwrap();
    assert_eq!(numbers(&stats, ChannelKind::Mailbox)[..4], [5, 5, 3, 0]);
    assert_eq!(numbers(&stats, ChannelKind::Urgent), [2, 2, 1, 0, 2]);
    assert_eq!(numbers(&stats, ChannelKind::FormerLanes), [3, 3, 0, 0, 3]);
    assert_eq!(stats.channel(ChannelKind::Lane), None);
    assert_eq!(numbers(&stats, ChannelKind::Own)[..4], [2, 2, 0, 0]);
    let by_way: u64 = stats.channels.iter().map(|one| one.received).sum();
    assert_eq!(
        (by_way, stats.handled),
        (12, 12),
        "the ways are all that there are"
    );
    // Whoever was refused before is not after.
    sender.send_to(0, 1).unwrap_err();
    sender.try_send_urgent_to(0, 1).unwrap_err();
    sender.send_urgent_to(0, 1).unwrap_err();
    sender.send_batch([(1_u64, 1), (1, 2)]).unwrap_err();
    let stats = sender.stats();
    assert_eq!(numbers(&stats.workers[0], ChannelKind::Mailbox)[2], 6);
    assert_eq!(numbers(&stats.workers[0], ChannelKind::Urgent)[2], 3);
    let table = stats.to_string();
    for line in [
        "0            mailbox     5         5        6",
        "former_lanes     3",
    ] {
        assert!(table.contains(line), "{table}");
    }
}

#[test]
fn a_lane_that_has_no_room_says_so_and_lanes_add_up() {
    let (pool, open, has_begun) = held(config(1).with_capacity(2));
    let sender = pool.sender();
    sender.send_to(0, 0).unwrap();
    has_begun.recv_timeout(LONG).unwrap();
    let mut batchers = [sender.batcher().unwrap(), sender.batcher().unwrap()];
    for batcher in &mut batchers {
        batcher.send_to(0, 1).unwrap();
        batcher.send_to(0, 2).unwrap();
    }
    std::thread::scope(|threads| {
        let [first, _] = &mut batchers;
        threads.spawn(move || first.send_to(0, 3).unwrap());
        // It is refused once, at least, and then waits for the worker.
        while numbers(&pool.worker_stats(0).unwrap(), ChannelKind::Lane)[2] == 0 {
            std::thread::yield_now();
        }
        open.send(()).unwrap();
    });
    for batcher in &mut batchers {
        batcher.flush().unwrap();
    }
    let lanes = |stats: &WorkerStats| {
        let lanes = stats.channels.iter();
        lanes.filter(|one| one.kind == ChannelKind::Lane).count()
    };
    assert_eq!(lanes(&pool.worker_stats(0).unwrap()), 2);
    let report = pool.stop();
    assert_eq!(report.workers[0].counts.handled, 6);
    let stats = sender.worker_stats(0).unwrap();
    assert_eq!(numbers(&stats, ChannelKind::FormerLanes)[..2], [5, 5]);
}

#[test]
fn busy_and_idle_shares_say_who_works() {
    let pool = WorkerPool::start(config(3).with_shards(2), |_| {
        run(|work: Duration, _: &Context<Duration>| {
            let begun = Instant::now();
            while begun.elapsed() < work {}
        })
    })
    .unwrap();
    // Worker 0 of shard 0 works all the time, beside worker 2; worker 1 has a shard to itself and does nothing. How much
    // of the time that is depends on who else uses the machine.
    let begun = Instant::now();
    let stats = loop {
        pool.send_to(0, Duration::from_millis(1)).unwrap();
        pool.ping(0).unwrap().wait_timeout(LONG).unwrap();
        let stats = pool.stats();
        let are_old = |worker: &WorkerStats| worker.age >= Duration::from_millis(200);
        if stats.workers[0].busy_share() > 0.02 && stats.workers.iter().all(are_old) {
            break stats;
        }
        assert!(begun.elapsed() < LONG, "{stats}");
    };
    let shares: Vec<f64> = stats.workers.iter().map(WorkerStats::busy_share).collect();
    assert!(shares[0] > 0.02 && shares[0] <= 1.0, "{shares:?}");
    assert_eq!(shares[1..], [0.0, 0.0]);
    let of_shard: Vec<(usize, usize)> = stats
        .shards()
        .iter()
        .map(|shard| (shard.shard, shard.workers))
        .collect();
    assert_eq!(of_shard, [(0, 2), (1, 1)]);
    assert_eq!(stats.shards()[0].busy_share, shares[0]);
    let oldest = stats.workers.iter().map(|worker| worker.age).min();
    assert!(oldest >= Some(Duration::from_millis(200)), "{oldest:?}");
    let table = stats.to_string();
    assert!(table.contains("\n\nshard  workers "), "{table}");
    assert!(table.ends_with("0.0%  100.0%"), "{table}");
    drop(pool.stop());
}

#[test]
fn a_heartbeat_is_young_where_a_worker_waits_and_grows_where_it_is_held() {
    let (pool, open, has_begun) = held(config(2));
    pool.send_to(0, 0).unwrap();
    has_begun.recv_timeout(LONG).unwrap();
    let age = |worker: usize| pool.worker_stats(worker).unwrap().heartbeat_age;
    while age(0) < Duration::from_millis(10) {
        std::thread::yield_now();
    }
    pool.send_to(1, 1).unwrap();
    pool.ping(1).unwrap().wait_timeout(LONG).unwrap();
    let (held, waits) = (age(0), age(1));
    assert!(waits < held, "{waits:?} {held:?}");
    assert!(pool.worker_stats(0).unwrap().is_busy);
    open.send(()).unwrap();
    drop(pool.stop());
}
