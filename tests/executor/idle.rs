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

/// Each call finds one or both shards parked. A minute or more.
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
