//! Urgent messages go first, the others have their share, and nothing is lost.

use std::sync::{Arc, Mutex, mpsc};

use shared_nothing::pool::{PoolConfig, TrySendError, WorkerPool};

use super::support::{LONG, assert_conserved, config, run};

/// Notes what it is sent, and panics over 13.
fn start(settings: PoolConfig) -> (WorkerPool<u32>, mpsc::Receiver<u32>) {
    let (seen, see) = mpsc::channel();
    let seen = Mutex::new(seen);
    let pool = WorkerPool::start(settings, move |_| {
        let seen = seen.lock().unwrap().clone();
        run(move |message, _| {
            let _over = seen.send(message);
            assert_ne!(message, 13, "as the test wants it");
        })
    });
    (pool.unwrap(), see)
}

fn pause(pool: &WorkerPool<u32>) {
    pool.pause(0).unwrap();
    pool.ping(0).unwrap().wait_within(LONG).unwrap();
}

const URGENT: u32 = 1000;

#[test]
fn urgent_messages_go_first_and_the_others_have_their_share() {
    let (pool, see) = start(config(1).with_urgent(64).with_batch_max(1));
    pause(&pool);
    let sender = pool.sender();
    for n in 100..110 {
        sender.send_to(0, n).unwrap();
    }
    for n in 0..40 {
        sender.send_urgent_to(0, URGENT + n).unwrap();
    }
    let report = pool.stop();
    assert_conserved(&report.workers[0]);
    let seen: Vec<u32> = see.iter().collect();
    // Eight urgent ones, one other, and so on, each in its order; then the rest.
    let mut expected = Vec::new();
    for run in 0..5 {
        expected.extend((0..8).map(|n| URGENT + 8 * run + n));
        expected.push(100 + run);
    }
    expected.extend(105..110);
    assert_eq!(seen, expected);
}

#[test]
fn too_many_urgent_messages_come_back_or_wait() {
    let (pool, see) = start(config(1).with_urgent(2));
    pause(&pool);
    let sender = pool.sender();
    sender.send_urgent_to(0, 1).unwrap();
    sender.send_urgent_to(0, 2).unwrap();
    assert_eq!(sender.try_send_urgent_to(0, 3), Err(TrySendError::Full(3)));
    assert_eq!(
        sender.try_send_urgent_to(1, 3),
        Err(TrySendError::NoSuchWorker(3))
    );
    let waits = std::thread::spawn({
        let sender = sender.clone();
        move || sender.send_urgent_to(0, 4)
    });
    pool.resume(0).unwrap();
    assert_eq!(waits.join().unwrap(), Ok(()));
    let report = pool.stop();
    assert_conserved(&report.workers[0]);
    assert_eq!(see.iter().collect::<Vec<_>>(), [1, 2, 4]);
    assert_eq!(
        sender.try_send_urgent_to(0, 5),
        Err(TrySendError::Closed(5))
    );
}

#[test]
fn a_pool_without_them_sends_them_as_others() {
    let (pool, see) = start(config(1));
    pause(&pool);
    let sender = pool.sender();
    sender.send_to(0, 1).unwrap();
    sender.send_urgent_to(0, 2).unwrap();
    sender.try_send_urgent_to(0, 3).unwrap();
    assert_conserved(&pool.stop().workers[0]);
    assert_eq!(see.iter().collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn urgent_messages_of_a_worker_that_ends_come_back() {
    let (pool, _see) = start(config(1).with_urgent(8).with_batch_max(1));
    pause(&pool);
    pool.send_to(0, 1).unwrap();
    for n in [12, 13, 14, 15] {
        pool.sender().send_urgent_to(0, n).unwrap();
    }
    let report = pool.stop();
    let worker = &report.workers[0];
    assert_conserved(worker);
    assert_eq!((worker.counts.handled, worker.counts.panicked), (1, 1));
    assert_eq!(worker.returned, [14, 15, 1]);
}

#[test]
fn nothing_is_lost_when_senders_of_both_kinds_meet_a_stop() {
    for round in 0..50 {
        let (pool, see) = start(config(1).with_urgent(4).with_capacity(4));
        let accepted = Arc::new(Mutex::new(0_u64));
        let senders = [false, true].map(|is_urgent| {
            let (sender, accepted) = (pool.sender(), Arc::clone(&accepted));
            std::thread::spawn(move || {
                for n in 100.. {
                    let sent = match is_urgent {
                        true => sender.send_urgent_to(0, n),
                        false => sender.send_to(0, n),
                    };
                    if sent.is_err() {
                        return;
                    }
                    *accepted.lock().unwrap() += 1;
                }
            })
        });
        for _ in 0..round {
            see.recv_timeout(LONG).unwrap();
        }
        let report = pool.stop();
        senders
            .into_iter()
            .for_each(|sender| sender.join().unwrap());
        let worker = &report.workers[0];
        assert_conserved(worker);
        assert_eq!(worker.counts.sent, *accepted.lock().unwrap());
    }
}
