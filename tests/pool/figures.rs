//! How long a restart takes, and how long senders wait for a map slot that moves: figures for a quiet machine, by
//! `cargo test --release --test pool -- --ignored --nocapture figures`.

use std::{
    panic,
    sync::{Arc, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use shared_nothing::{
    pool::{
        WorkerPool,
        supervise::{Backoff, Intensity, Supervision},
    },
    stats::Latency,
    worker::Context,
};

use crate::support::{LONG, config, run};

fn print(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |per_mille: usize| times[(times.len() - 1) * per_mille / 1000];
    println!(
        "{what}: p50 {:?}, p99 {:?}, max {:?}",
        at(500),
        at(990),
        at(1000)
    );
}

#[test]
#[ignore = "figures, for a quiet machine"]
fn figures_from_a_panic_to_the_next_message() {
    panic::set_hook(Box::new(|_| {}));
    let supervision = Supervision::new()
        .with_intensity(Intensity {
            restarts: 10_000,
            period: Duration::from_secs(1),
        })
        .with_backoff(
            Backoff::default()
                .with_first(Duration::ZERO)
                .with_limit(Duration::ZERO),
        );
    let died = Arc::new(Mutex::new(Instant::now()));
    let (tell, hear) = mpsc::channel();
    let pool = WorkerPool::start(config(1).with_supervision(supervision), move |_| {
        let (died, tell) = (Arc::clone(&died), tell.clone());
        run(move |kills: bool, _: &Context<bool>| {
            if kills {
                *died.lock().unwrap_or_else(|lock| lock.into_inner()) = Instant::now();
                panic!("on purpose");
            }
            let died = *died.lock().unwrap_or_else(|lock| lock.into_inner());
            tell.send(died.elapsed()).unwrap();
        })
    })
    .unwrap();
    let times = (0..2000).map(|_| {
        pool.send_batch([(0_u64, true), (0_u64, false)]).unwrap();
        hear.recv_timeout(LONG).unwrap()
    });
    print("restart", times.collect());
    drop(panic::take_hook());
    drop(pool.stop());
}

#[test]
#[ignore = "figures, for a quiet machine"]
fn figures_of_the_wait_for_a_map_slot_that_moves() {
    let pool = WorkerPool::start(config(2).with_workers_max(512), |_| {
        run(|_: u64, _: &Context<u64>| {})
    })
    .unwrap();
    let is_over = std::sync::atomic::AtomicBool::new(false);
    let mut pauses: Option<Latency> = None;
    thread::scope(|threads| {
        let tx = pool.sender();
        let is_over = &is_over;
        threads.spawn(move || {
            let mut key = 0_u64;
            while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                key += 1;
                tx.send_partitioned(&key, key).unwrap();
            }
        });
        for _ in 0..100 {
            let worker = pool.add_worker().unwrap();
            let report = pool.remove_worker(worker).unwrap();
            match &mut pauses {
                Some(pauses) => pauses.merge(&report.pauses),
                None => pauses = Some(report.pauses),
            }
        }
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    println!("pause of a map slot: {pauses:?}");
    drop(pool.stop());
}
