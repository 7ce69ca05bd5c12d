//! Every message is accounted for: senders, panics, restarts, resizes and a stop in the middle of it, on real threads.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use shared_nothing::{
    pool::{
        SendError, WorkerPool,
        supervise::{Backoff, Intensity, Strategy, Supervision},
    },
    worker::Context,
};

use crate::support::{assert_conserved, config, run};

#[test]
fn h08_what_was_sent_is_handled_or_handed_back_whatever_happens() {
    for (round, strategy) in [Strategy::One, Strategy::Rest, Strategy::All]
        .into_iter()
        .cycle()
        .take(9)
        .enumerate()
    {
        let handled = Arc::new(AtomicU64::new(0));
        let workers_count = Arc::clone(&handled);
        let supervision = Supervision::new()
            .with_strategy(strategy)
            .with_intensity(Intensity {
                restarts: 10_000,
                period: Duration::from_secs(1),
            })
            .with_backoff(
                Backoff::default()
                    .with_first(Duration::ZERO)
                    .with_limit(Duration::ZERO),
            );
        let config = config(2)
            .with_shards(2)
            .with_capacity([1, 8, 64][round % 3])
            .with_supervision(supervision);
        let pool = WorkerPool::start(config, move |_| {
            let handled = Arc::clone(&workers_count);
            run(move |n: u64, _: &Context<u64>| {
                handled.fetch_add(1, Ordering::Relaxed);
                assert!(n % 211 != 210, "{n} kills");
            })
        })
        .unwrap();
        let (accepted, report) = thread::scope(|threads| {
            let senders: Vec<_> = (0..3_u64)
                .map(|sender| {
                    let tx = pool.sender();
                    threads.spawn(move || {
                        let mut batcher = (sender == 2).then(|| tx.batcher().unwrap());
                        let mut accepted = 0;
                        loop {
                            let n = accepted * 3 + sender;
                            let sent = match &mut batcher {
                                None => tx.send_partitioned(&n, n),
                                Some(batcher) => batcher.send_partitioned(&n, n),
                            };
                            if sent.is_err() {
                                break;
                            }
                            accepted += 1;
                            if let (0, Some(batcher)) = (n % 64, &mut batcher) {
                                if let Err(refused) = batcher.flush() {
                                    accepted -= refused.into_inner().len() as u64;
                                    break;
                                }
                            }
                        }
                        // What came back is the sender's again.
                        match batcher.map(|mut batcher| batcher.flush()) {
                            Some(Err(SendError::Closed(unsent))) => accepted - unsent.len() as u64,
                            _ => accepted,
                        }
                    })
                })
                .collect();
            for worker in 0..2 {
                // A worker that panics in the middle of it may hold a move up: nothing has changed then.
                let _added = pool.add_worker();
                let _removed = pool.remove_worker(worker);
            }
            while handled.load(Ordering::Relaxed) < 3000 {
                thread::yield_now();
            }
            let report = pool.stop();
            let accepted = senders.into_iter().map(|sender| sender.join().unwrap());
            (accepted.sum::<u64>(), report)
        });
        report.workers.iter().for_each(assert_conserved);
        let sum = |of: fn(&shared_nothing::stats::WorkerCounts) -> u64| {
            let counts = report.workers.iter().map(|worker| of(&worker.counts));
            counts.sum::<u64>()
        };
        let (done, panicked) = (sum(|counts| counts.handled), sum(|counts| counts.panicked));
        assert_eq!(handled.load(Ordering::Relaxed), done + panicked);
        assert!(panicked > 0 && sum(|counts| counts.restarts) > 0);
        assert_eq!(sum(|counts| counts.sent), accepted, "round {round}");
    }
}
