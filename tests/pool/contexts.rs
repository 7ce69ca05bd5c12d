//! What a worker knows of itself, and what it may do.

use std::{
    sync::{Mutex, mpsc},
    time::Duration,
};

use shared_nothing::{
    pool::{SendError, TrySendError, WorkerPool},
    stats::WorkerCounts,
    worker::Context,
};

use crate::support::{LONG, assert_conserved, config, run};

enum Ask {
    /// Sends a number on: to the owner of a key, to a worker, to itself.
    ByKey(u64, u64),
    To(usize, u64),
    Number(u64),
    Who,
    Stop,
}

/// Id, workers, shard, what prints, and the counts.
type Who = (usize, usize, usize, String, WorkerCounts);

fn start(tell: mpsc::Sender<(usize, u64)>, who: mpsc::Sender<Who>) -> WorkerPool<Ask> {
    let ends = Mutex::new((tell, who));
    WorkerPool::start(config(3).with_shards(2).with_capacity(4), move |_| {
        let (tell, who) = ends.lock().unwrap().clone();
        run(move |ask: Ask, context: &Context<Ask>| match ask {
            Ask::ByKey(key, n) => context.send_partitioned(&key, Ask::Number(n)).unwrap(),
            Ask::To(worker, n) => {
                let sent = context.send_to(worker, Ask::Number(n));
                if let Err(refused) = sent {
                    assert!(matches!(refused, TrySendError::NoSuchWorker(_)));
                    tell.send((usize::MAX, n)).unwrap();
                }
            }
            Ask::Number(n) => tell.send((context.id(), n)).unwrap(),
            Ask::Who => {
                let known = (
                    context.id(),
                    context.workers(),
                    context.shard(),
                    format!("{context:?}"),
                    context.counts(),
                );
                who.send(known).unwrap();
            }
            Ask::Stop => {
                context.stop();
                let late = context.send_after(Duration::ZERO, Ask::Number(0));
                assert!(matches!(late, Err(SendError::Closed(Ask::Number(0)))));
                let late = context.send_to(context.id(), Ask::Number(0));
                assert!(matches!(late, Err(TrySendError::Closed(_))));
            }
        })
    })
    .unwrap()
}

#[test]
fn a_worker_knows_where_it_is_and_sends_to_whom_it_likes() {
    let ((tell, told), (who, known)) = (mpsc::channel(), mpsc::channel());
    let pool = start(tell, who);
    let tx = pool.sender();
    let of = |worker| (0_u64..).find(|key| tx.worker_of(key) == worker).unwrap();
    let next = || told.recv_timeout(LONG).unwrap();
    // Its own key goes by its own list; another's by the other's mailbox.
    for (ask, expected) in [
        (Ask::ByKey(of(1), 10), (1, 10)),
        (Ask::ByKey(of(2), 20), (2, 20)),
        (Ask::To(1, 30), (1, 30)),
        (Ask::To(0, 40), (0, 40)),
        (Ask::To(9, 50), (usize::MAX, 50)),
    ] {
        tx.send_to(1, ask).unwrap();
        assert_eq!(next(), expected);
    }
    tx.send_to(2, Ask::Who).unwrap();
    let (id, workers, shard, debug, counts) = known.recv_timeout(LONG).unwrap();
    assert_eq!((id, workers, shard), (2, 3, 0));
    assert!(
        debug.starts_with("Context { id: 2, workers: 3, cpu: "),
        "{debug}"
    );
    // The batch at hand is not in it.
    assert_eq!((counts.sent, counts.handled), (2, 1));
    tx.send_to(0, Ask::Stop).unwrap();
    let report = pool.stop();
    report.workers.iter().for_each(assert_conserved);
    assert!(report.workers.iter().all(|worker| worker.check().is_ok()));
}
