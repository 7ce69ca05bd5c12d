//! Batches and broadcasts.

use std::{
    sync::{Arc, Mutex},
    thread,
};

use shared_nothing::pool::{BatchError, SendError, WorkerPool};

use crate::support::{assert_conserved, config, run};

#[test]
fn h03_two_broadcasters_are_heard_in_one_order_by_all() {
    let seen = Arc::new(Mutex::new(vec![Vec::new(); 3]));
    let workers_see = Arc::clone(&seen);
    // Full mailboxes all the time, and others send between.
    let pool = WorkerPool::start(config(3).with_shards(2).with_capacity(2), move |_| {
        let seen = Arc::clone(&workers_see);
        run(move |n: Option<u32>, context| {
            if let Some(n) = n {
                seen.lock().unwrap()[context.id()].push(n);
            }
        })
    })
    .unwrap();
    thread::scope(|threads| {
        for sender in 0..3 {
            let tx = pool.sender();
            threads.spawn(move || {
                for n in 0..300 {
                    assert_eq!(tx.broadcast(Some(sender * 1000 + n)), Ok(3));
                    tx.send_to((n % 3) as usize, None).unwrap();
                }
            });
        }
    });
    let report = pool.stop();
    report.workers.iter().for_each(assert_conserved);
    let seen = seen.lock().unwrap();
    assert_eq!(seen[0].len(), 900);
    assert!(seen.iter().all(|order| *order == seen[0]), "one order");
    for sender in 0..3 {
        let own = seen[0].iter().filter(|n| **n / 1000 == sender);
        assert!(own.is_sorted(), "each sender's own is kept");
    }
}

#[test]
fn a_broadcast_passes_over_workers_that_have_ended() {
    let pool = WorkerPool::start(config(2), |_| {
        run(|n: u32, context| {
            if n == 0 {
                context.stop();
            }
        })
    })
    .unwrap();
    pool.send_to(0, 0).unwrap();
    while pool.is_running(0) {
        thread::yield_now();
    }
    assert_eq!(pool.broadcast(5), Ok(1));
    let tx = pool.sender();
    pool.stop().workers.iter().for_each(assert_conserved);
    assert_eq!(tx.broadcast(5), Err(SendError::Closed(5)));
}

#[test]
fn a_batch_arrives_in_order_and_what_is_refused_comes_back() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let workers_see = Arc::clone(&seen);
    let pool = WorkerPool::start(config(1).with_capacity(8), move |_| {
        let seen = Arc::clone(&workers_see);
        run(move |n: u32, context| {
            seen.lock().unwrap().push(n);
            if n == 999 {
                context.stop();
            }
        })
    })
    .unwrap();
    pool.sender().send_batch_to(0, 0..100).unwrap();
    pool.send_batch((100..200).map(|n| (n, n))).unwrap();
    let Err(BatchError {
        sent, rest, reason, ..
    }) = pool.sender().send_batch_to(0, 990..9000)
    else {
        panic!("it stops in between")
    };
    assert_eq!(reason, SendError::Closed(()));
    assert_eq!(sent + rest.len(), 8010);
    assert!(rest.iter().copied().eq(990 + sent as u32..9000));
    let missing = pool.sender().send_batch_to(7, [1, 2]).unwrap_err();
    assert_eq!((missing.sent, missing.rest), (0, vec![1, 2]));
    let report = pool.stop();
    assert_conserved(&report.workers[0]);
    let seen = seen.lock().unwrap();
    assert!(
        seen.iter()
            .copied()
            .eq((0..200).chain(990..990 + sent as u32))
    );
}

#[test]
fn a_batch_of_keys_arrives_in_order_and_what_is_refused_comes_back_from_there() {
    // Keys of one worker and of three; fewer places than a batch has messages.
    for (workers, capacity) in [(1, 10), (1, 1024), (3, 10), (3, 1024)] {
        let seen = Arc::new(Mutex::new(vec![Vec::new(); workers]));
        let workers_see = Arc::clone(&seen);
        let pool = WorkerPool::start(config(workers).with_capacity(capacity), move |_| {
            let seen = Arc::clone(&workers_see);
            run(move |n: u64, context| {
                seen.lock().unwrap()[context.id()].push(n);
                if n == 999 {
                    context.stop();
                }
            })
        })
        .unwrap();
        let tx = pool.sender();
        // Keys in their order, and then all of one worker beside each other.
        tx.send_batch((0..100).map(|n| (n, n))).unwrap();
        let mut sorted: Vec<u64> = (100..300).collect();
        sorted.sort_by_key(|n| tx.worker_of(n));
        tx.send_batch(sorted.into_iter().map(|n| (n, n))).unwrap();
        let refused = tx.send_batch((900..90_000).map(|n| (n, n)));
        let Err(BatchError {
            sent, rest, reason, ..
        }) = refused
        else {
            panic!("one of them stops in between")
        };
        assert_eq!(reason, SendError::Closed(()));
        assert!(rest.iter().copied().eq(900 + sent as u64..90_000));
        let mut expected = vec![Vec::new(); workers];
        for n in (0..300).chain(900..900 + sent as u64) {
            expected[tx.worker_of(&n)].push(n);
        }
        let report = pool.stop();
        report.workers.iter().for_each(assert_conserved);
        let refused: u64 = report
            .workers
            .iter()
            .map(|one| one.returned.len() as u64)
            .sum();
        let seen = seen.lock().unwrap();
        let handled: usize = seen.iter().map(Vec::len).sum();
        assert_eq!(handled as u64 + refused, 300 + sent as u64);
        for (seen, expected) in seen.iter().zip(&expected) {
            assert!(seen.iter().eq(&expected[..seen.len()]), "in order");
        }
    }
}
