//! Handlers that wait.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use shared_nothing::{
    executor::{Executor, sleep, submit_to},
    pool::{Outcome, Reply, WorkerPool, supervise::Supervision},
    worker::{Async, AsyncWorker, Context},
};

use crate::support::{LONG, assert_conserved, config};

/// Waits for another shard, and for a time, between reading its state and writing it.
struct Waits {
    begun: Arc<AtomicBool>,
}

enum Message {
    Add(u64),
    Get(Reply<u64>),
    Panic,
    Never,
}

impl AsyncWorker for Waits {
    type State = u64;
    type Message = Message;
    type Error = Infallible;

    fn init(&self, _: &Context<Message>) -> Result<u64, Infallible> {
        Ok(0)
    }

    async fn handle_message(
        &self,
        sum: &mut u64,
        message: Message,
        context: &Context<Message>,
    ) -> Result<(), Infallible> {
        match message {
            Message::Add(n) => {
                let before = *sum;
                let other = context.shard() ^ 1;
                let n = submit_to(other, move || n).await.expect("shards run");
                sleep(Duration::from_micros(10)).await;
                assert_eq!(*sum, before, "one at a time");
                *sum += n;
            }
            Message::Get(reply) => reply.send(*sum),
            Message::Panic => {
                sleep(Duration::from_micros(10)).await;
                panic!("after a while");
            }
            Message::Never => {
                self.begun.store(true, Ordering::SeqCst);
                sleep(LONG * 1000).await;
            }
        }
        Ok(())
    }
}

#[test]
fn a_handler_that_waits_has_its_state_to_itself_and_its_shard_goes_on() {
    let pool = WorkerPool::start(config(4).with_shards(2), |_| {
        Async(Waits {
            begun: Arc::default(),
        })
    })
    .unwrap();
    for n in 0..200_usize {
        pool.send_to(n % 4, Message::Add(1)).unwrap();
    }
    for worker in 0..4 {
        let sum = pool.sender().call_to(worker, Message::Get).unwrap();
        assert_eq!(sum.wait_within(LONG), Ok(50));
    }
    pool.stop().workers.iter().for_each(assert_conserved);
}

#[test]
fn a_panic_behind_an_await_is_one_of_the_worker() {
    let config = config(1)
        .with_shards(2)
        .with_supervision(Supervision::new());
    let pool = WorkerPool::start(config, |_| {
        Async(Waits {
            begun: Arc::default(),
        })
    })
    .unwrap();
    pool.send_to(0, Message::Add(7)).unwrap();
    pool.send_to(0, Message::Panic).unwrap();
    pool.send_to(0, Message::Add(5)).unwrap();
    let sum = pool.sender().call_to(0, Message::Get).unwrap();
    assert_eq!(sum.wait_within(LONG), Ok(5), "a new life");
    let report = pool.stop();
    assert_conserved(&report.workers[0]);
    assert_eq!(report.workers[0].counts.panicked, 1);
}

#[test]
fn a_handler_that_is_cut_off_is_counted() {
    let executor = Executor::builder().with_shards(2).start().unwrap();
    let begun = Arc::new(AtomicBool::new(false));
    let its_begun = Arc::clone(&begun);
    let pool = WorkerPool::start_on(&executor.handle(), config(1), move |_| {
        Async(Waits {
            begun: Arc::clone(&its_begun),
        })
    })
    .unwrap();
    pool.send_to(0, Message::Never).unwrap();
    pool.send_to(0, Message::Add(1)).unwrap();
    while !begun.load(Ordering::SeqCst) {
        thread::yield_now();
    }
    drop(executor);
    let report = pool.stop();
    let worker = &report.workers[0];
    assert_conserved(worker);
    assert_eq!(worker.outcome, Outcome::Cancelled);
    assert_eq!((worker.counts.cancelled, worker.returned.len()), (1, 1));
}
