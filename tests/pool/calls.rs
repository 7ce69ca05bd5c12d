//! Calls: an answer, or the reason why there is none, once.

use std::{sync::Arc, thread, time::Duration};

use shared_nothing::{
    executor::LocalExecutor,
    pool::{CallError, Reply, SendError, TrySendError, WorkerPool},
};

use crate::support::{LONG, assert_conserved, config, gate, pass, run};

enum Ask {
    Double(u64, Reply<u64>),
    Drop(Reply<u64>),
    Panic(Reply<u64>),
    Keep(Reply<u64>),
}

fn start(workers: usize) -> WorkerPool<Ask> {
    WorkerPool::start(config(workers), |_| {
        run(|ask, context| match ask {
            Ask::Double(n, reply) => reply.send(2 * n),
            Ask::Drop(reply) => drop(reply),
            Ask::Panic(_reply) => panic!("while an answer is owed"),
            Ask::Keep(reply) => {
                context.send_after(LONG, Ask::Keep(reply)).unwrap();
            }
        })
    })
    .unwrap()
}

#[test]
fn a_call_is_answered_to_a_thread_and_to_a_task() {
    let pool = start(2);
    let tx = pool.sender();
    let mut caller = tx.caller();
    for n in 0..200 {
        let call = tx.call(&n, |reply| Ask::Double(n, reply)).unwrap();
        assert_eq!(call.wait(), Ok(2 * n));
        let call = caller.call(&n, |reply| Ask::Double(n, reply)).unwrap();
        assert_eq!(call.wait_timeout(LONG), Ok(2 * n));
    }
    let sum = LocalExecutor::new().block_on(async {
        let mut calls = Vec::new();
        for n in 0..100 {
            calls.push(caller.call(&n, |reply| Ask::Double(n, reply)).unwrap());
        }
        let mut sum = 0;
        for call in calls {
            sum += call.await.unwrap();
        }
        sum
    });
    assert_eq!(sum, 99 * 100);
    pool.stop().workers.iter().for_each(assert_conserved);
}

#[test]
fn h12_an_answer_that_is_owed_and_not_given_is_cancelled() {
    let pool = start(1);
    let tx = pool.sender();
    let dropped = tx.call_to(0, Ask::Drop).unwrap();
    assert_eq!(dropped.wait_timeout(LONG), Err(CallError::Cancelled));
    let kept = tx.call_to(0, Ask::Keep).unwrap();
    let panicked = tx.call_to(0, Ask::Panic).unwrap();
    assert_eq!(panicked.wait_timeout(LONG), Err(CallError::Cancelled));
    // What the worker kept goes into the report, and with it the last who owes the answer.
    let report = pool.stop();
    assert_eq!(report.workers[0].returned.len(), 1);
    drop(report);
    assert_eq!(kept.wait_timeout(LONG), Err(CallError::Cancelled));
    match tx.call_to(0, Ask::Drop) {
        Err(SendError::Closed(Ask::Drop(reply))) => assert!(reply.is_abandoned()),
        other => panic!("{:?}", other.is_ok()),
    }
}

#[test]
fn h11_whoever_waits_for_a_worker_that_stops_is_told() {
    let (open, closed) = gate();
    let pool = WorkerPool::start(config(1), move |_| {
        let closed = Arc::clone(&closed);
        run(move |reply: Option<Reply<()>>, _| {
            if reply.is_none() {
                pass(&closed);
                panic!("gone");
            }
        })
    })
    .unwrap();
    let tx = pool.sender();
    tx.send_to(0, None).unwrap();
    let call = tx.call_to(0, Some).unwrap();
    let waiting = thread::spawn(move || call.wait());
    open.send(()).unwrap();
    drop(pool.stop());
    assert_eq!(waiting.join().unwrap(), Err(CallError::Cancelled));
}

#[test]
fn a_call_that_is_not_answered_in_time_says_so() {
    let pool = start(1);
    let call = pool.sender().call_to(0, Ask::Keep).unwrap();
    assert_eq!(
        call.wait_timeout(Duration::from_millis(1)),
        Err(CallError::TimedOut)
    );
    match pool.sender().try_call("key", |reply| Ask::Double(1, reply)) {
        Ok(call) => assert_eq!(call.wait(), Ok(2)),
        Err(TrySendError::Full(_)) => panic!("there is room"),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn a_caller_uses_its_cells_again_while_late_answers_are_under_way() {
    let pool = start(1);
    let mut caller = pool.sender().caller();
    let kept: Vec<_> = (0..300)
        .map(|_| caller.call("key", Ask::Keep).unwrap())
        .collect();
    for n in 0..1000 {
        // The call is given up, and its answer comes later: it must not be taken for another's.
        drop(caller.call("key", |reply| Ask::Double(7, reply)).unwrap());
        let call = caller.call("key", |reply| Ask::Double(n, reply)).unwrap();
        assert_eq!(call.wait_timeout(LONG), Ok(2 * n));
    }
    drop(pool.stop());
    assert!(
        kept.into_iter()
            .all(|call| call.wait() == Err(CallError::Cancelled))
    );
}
