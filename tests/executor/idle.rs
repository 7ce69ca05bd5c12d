//! How shards idle, wake, and are watched.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::mpsc;
use std::time::Duration;
use std::time::Instant;

use shared_nothing::executor::Idle;
use shared_nothing::executor::sleep;
use shared_nothing::executor::submit_to;

use super::{shards, start};

/// What the threads whose names begin with `name` have used: nanoseconds on a CPU, and how often they gave it up, each of
/// which is a system call.
#[cfg(target_os = "linux")]
fn used(name: &str) -> (u64, u64) {
    let mut sums = (0, 0);
    for task in std::fs::read_dir("/proc/self/task").unwrap() {
        let folder = task.unwrap().path();
        let read = |file| std::fs::read_to_string(folder.join(file)).unwrap_or_default();
        if !read("comm").starts_with(name) {
            continue;
        }
        let first = |text: &str| text.split_whitespace().next().and_then(|n| n.parse().ok());
        sums.0 += first(&read("schedstat")).unwrap_or(0);
        let status = read("status");
        let switches = status
            .lines()
            .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        sums.1 += switches.and_then(first).unwrap_or(0);
    }
    sums
}

/// Prints what four idle shards cost: `cargo test --test executor h25 -- --nocapture`.
#[cfg(target_os = "linux")]
#[test]
fn h25_idle_shards_cost_next_to_nothing() {
    for (name, idle) in [("spins", Idle::DEFAULT), ("parks", Idle::Park)] {
        let executor = shards(4).with_name(name).with_idle(idle).start().unwrap();
        // Calls among all, so that they know each other, and some timers that end.
        let rounds = || async {
            for to in 0..400 {
                submit_to(to % 4, || ()).await.unwrap();
                sleep(Duration::from_micros(50)).await;
            }
        };
        executor.block_on(0, rounds).unwrap();
        let rest = |ms| executor.block_on(0, move || sleep(Duration::from_millis(ms)));
        rest(100).unwrap();
        let (from, before) = (Instant::now(), used(name));
        rest(1_500).unwrap();
        let (took, after) = (from.elapsed(), used(name));
        let cpu = (after.0 - before.0) as f64 / took.as_nanos() as f64;
        let switches = (after.1 - before.1) as f64 / took.as_secs_f64();
        println!(
            "4 idle shards, {idle:?}: {:.4} % of a CPU, {switches:.1} switches/s",
            100.0 * cpu
        );
        assert!(before.1 > 100, "switches are counted: {before:?}");
        assert!(cpu < 0.002, "{cpu}");
        assert!(switches < 4.0 * 100.0, "{switches}");
    }
}

#[test]
fn h25_an_idle_shard_stays_parked() {
    let executor = start(4);
    executor
        .block_on(0, || async { sleep(Duration::from_millis(300)).await })
        .unwrap();
    let reports = executor.stop();
    for report in reports {
        assert!(
            report.parks <= 20,
            "shard {}: {} parks",
            report.shard,
            report.parks
        );
    }
}

#[test]
fn a_stall_is_reported_while_it_lasts() {
    let (tell, told) = mpsc::channel();
    let executor = shards(2)
        .with_watchdog(Duration::from_millis(20), move |stall| {
            let _heard = tell.send(*stall);
        })
        .start()
        .unwrap();
    let from = Instant::now();
    let line = line!() + 3;
    let stall = executor
        .handle()
        .submit_to(1, move || told.recv().unwrap())
        .wait()
        .unwrap();
    assert_eq!((stall.shard, stall.place.line()), (1, line));
    assert!(stall.held >= Duration::from_millis(20) && stall.held <= from.elapsed());
    assert!(stall.to_string().contains(file!()));
}

#[test]
fn every_way_to_idle_serves() {
    for idle in [Idle::DEFAULT, Idle::LOW_LATENCY, Idle::Park, Idle::BusyPoll] {
        let executor = shards(2).with_idle(idle).with_shuffle(7).start().unwrap();
        let sum = executor.block_on(0, || async {
            let mut sum = 0;
            for number in 0..200 {
                sum += submit_to(1, move || number).await.unwrap();
            }
            sleep(Duration::from_micros(100)).await;
            sum
        });
        assert_eq!(sum.unwrap(), 199 * 100, "{idle:?}");
    }
}

#[test]
fn h06_parks_and_wakes_lose_nothing() {
    let rounds = 20_000;
    let executor = start(2);
    let done = executor.block_on(0, move || async move {
        let count = Rc::new(Cell::new(0));
        for _ in 0..rounds {
            submit_to(1, || ()).await.unwrap();
            count.set(count.get() + 1);
        }
        count.get()
    });
    assert_eq!(done.unwrap(), rounds);
}

/// Each call finds one or both shards parked. Minutes:
/// `cargo test --release --test executor ten_million -- --ignored`.
#[test]
#[ignore = "takes minutes"]
fn h06_some_ten_million_parks_and_wakes_lose_nothing() {
    let executor = start(2);
    let done = executor.block_on(0, || async {
        for _ in 0..9_000_000 {
            submit_to(1, || ()).await.unwrap();
        }
    });
    assert!(done.is_ok());
    let parks: u64 = executor.stop().iter().map(|report| report.parks).sum();
    assert!(parks > 5_000_000, "{parks} parks");
}
