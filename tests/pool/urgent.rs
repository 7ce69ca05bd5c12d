//! Urgent messages go first, the others have their share, and nothing is lost.

use std::sync::{Arc, Mutex, mpsc};

use shared_nothing::pool::{
    PoolConfig, Reply, SendError, TrySendError, WhileDown, WorkerPool,
    supervise::{Backoff, Supervision},
};

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
    pool.ping(0).unwrap().wait_timeout(LONG).unwrap();
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
fn urgent_messages_go_by_key_too() {
    let (pool, see) = start(config(2).with_urgent(2).with_batch_max(1));
    let sender = pool.sender();
    let of_first = (0_u64..).find(|key| sender.worker_of(key) == 0).unwrap();
    pause(&pool);
    sender.send_partitioned(&of_first, 1).unwrap();
    sender.send_urgent_partitioned(&of_first, 2).unwrap();
    sender.try_send_urgent_partitioned(&of_first, 3).unwrap();
    assert_eq!(
        sender.try_send_urgent_partitioned(&of_first, 4),
        Err(TrySendError::Full(4))
    );
    let waits = std::thread::spawn({
        let sender = sender.clone();
        move || sender.send_urgent_partitioned(&of_first, 4)
    });
    pool.resume(0).unwrap();
    assert_eq!(waits.join().unwrap(), Ok(()));
    let report = pool.stop();
    report.workers.iter().for_each(assert_conserved);
    let seen: Vec<u32> = see.iter().collect();
    assert_eq!(seen[..2], [2, 3]);
    assert_eq!(seen.len(), 4);
    assert_eq!(
        sender.send_urgent_partitioned(&of_first, 5),
        Err(SendError::Closed(5))
    );
    assert_eq!(
        sender.try_send_urgent_partitioned(&of_first, 5),
        Err(TrySendError::Closed(5))
    );
    assert_eq!(sender.send_urgent_to(2, 5), Err(SendError::NoSuchWorker(5)));
}

#[test]
fn a_worker_between_two_lives_refuses_urgent_messages_as_others() {
    let supervision =
        Supervision::new().with_backoff(Backoff::default().with_first(LONG).with_limit(LONG));
    let (pool, _see) = start(
        config(1)
            .with_urgent(2)
            .with_supervision(supervision.with_healthy_after(LONG))
            .with_while_down(WhileDown::Refuse),
    );
    let sender = pool.sender();
    // The second panic in a row is followed by a wait.
    while !matches!(
        sender.try_send_urgent_to(0, 13),
        Err(TrySendError::Down(13))
    ) {
        std::thread::yield_now();
    }
    assert_eq!(
        sender.send_urgent_partitioned(&7_u64, 1),
        Err(SendError::Down(1))
    );
    assert_conserved(&pool.stop().workers[0]);
}

#[test]
fn urgent_calls_are_answered_first() {
    let settings = config(1).with_urgent(4).with_batch_max(1);
    let mut answered = 0;
    let pool = WorkerPool::start(settings, move |_| {
        let answered = std::cell::Cell::new(0);
        run(move |reply: Reply<u32>, _| {
            answered.set(answered.get() + 1);
            reply.send(answered.get());
        })
    })
    .unwrap();
    pool.pause(0).unwrap();
    pool.ping(0).unwrap().wait_timeout(LONG).unwrap();
    let sender = pool.sender();
    let other = sender.call(&1_u64, |reply| reply).unwrap();
    let by_key = sender.call_urgent(&1_u64, |reply| reply).unwrap();
    let by_number = sender.call_urgent_to(0, |reply| reply).unwrap();
    pool.resume(0).unwrap();
    for call in [by_key, by_number, other] {
        answered += 1;
        assert_eq!(call.wait_timeout(LONG), Ok(answered));
    }
    drop(pool.stop());
    assert!(sender.call_urgent(&1_u64, |reply| reply).is_err());
    assert!(sender.call_urgent_to(0, |reply| reply).is_err());
}

#[test]
fn a_pool_without_them_sends_them_as_others() {
    let (pool, see) = start(config(1));
    pause(&pool);
    let sender = pool.sender();
    sender.send_to(0, 1).unwrap();
    sender.send_urgent_to(0, 2).unwrap();
    sender.try_send_urgent_to(0, 3).unwrap();
    sender.send_urgent_partitioned(&1_u64, 4).unwrap();
    sender.try_send_urgent_partitioned(&1_u64, 5).unwrap();
    assert_conserved(&pool.stop().workers[0]);
    assert_eq!(see.iter().collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
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
