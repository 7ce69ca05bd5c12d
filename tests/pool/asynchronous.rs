//! Handlers that wait.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    task::{self, Poll},
    thread,
    time::Duration,
};

use shared_nothing::{
    executor::{Executor, sleep, submit_to},
    pool::{Outcome, Reply, WorkerPool, supervise::Supervision},
    worker::{Async, AsyncWorker, Checkpoint, Context, Exported, MapSlots},
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
        assert_eq!(sum.wait_timeout(LONG), Ok(50));
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
    assert_eq!(sum.wait_timeout(LONG), Ok(5), "a new life");
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

/// Panics over odd numbers: over the copy, before there is a future, in it, or when it is dropped; and keeps copies.
struct Kept {
    seen: mpsc::Sender<u64>,
    panics: Where,
}

#[derive(Clone, Copy, PartialEq)]
enum Where {
    OverTheCopy,
    Before,
    Within,
    AtItsEnd,
}

struct PanicsOnDrop(bool);

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        assert!(!self.0, "at its end");
    }
}

/// A future that panics when it is dropped, done as it may be.
struct Ends {
    _last: PanicsOnDrop,
}

impl Future for Ends {
    type Output = Result<(), Infallible>;

    fn poll(self: Pin<&mut Self>, _: &mut task::Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(()))
    }
}

impl AsyncWorker for Kept {
    type State = u64;
    type Message = u64;
    type Error = Infallible;

    fn init(&self, _: &Context<u64>) -> Result<u64, Infallible> {
        Ok(0)
    }

    fn handle_message(
        &self,
        _: &mut u64,
        n: u64,
        _: &Context<u64>,
    ) -> impl Future<Output = Result<(), Infallible>> {
        self.seen.send(n).expect("the test listens");
        let is_bad = n % 2 == 1;
        assert!(!is_bad || self.panics != Where::Before, "before");
        let panics = self.panics;
        async move {
            sleep(Duration::from_micros(10)).await;
            assert!(!is_bad || panics != Where::Within, "within");
            let _last = PanicsOnDrop(is_bad && panics == Where::AtItsEnd);
            Ends { _last }.await
        }
    }

    fn keep(&self, n: &u64) -> Option<u64> {
        assert!(n % 2 == 0 || self.panics != Where::OverTheCopy, "a copy");
        Some(*n)
    }
}

#[test]
fn an_async_worker_that_panics_over_a_copy_begins_another_life() {
    let (seen, see) = mpsc::channel();
    let config = config(1)
        .with_supervision(Supervision::new())
        .with_redeliveries(2);
    let pool = WorkerPool::start(config, move |_| {
        let (seen, panics) = (seen.clone(), Where::OverTheCopy);
        Async(Kept { seen, panics })
    })
    .unwrap();
    for n in [2, 3, 4] {
        pool.send_to(0, n).unwrap();
    }
    let got = [(); 2].map(|()| see.recv_timeout(LONG));
    assert_eq!(got, [Ok(2), Ok(4)], "of 3 there is no copy");
    let report = pool.stop();
    let worker = &report.workers[0];
    assert_conserved(worker);
    let counts = worker.counts;
    assert_eq!(
        (counts.handled, counts.panicked, counts.restarts),
        (2, 1, 1)
    );
}

#[test]
fn h13_an_async_killer_is_handled_again_as_often_as_it_is_said_wherever_it_panics() {
    for panics in [Where::Before, Where::Within, Where::AtItsEnd] {
        let (seen, see) = mpsc::channel();
        let config = config(1)
            .with_supervision(Supervision::new())
            .with_redeliveries(2);
        let pool = WorkerPool::start(config, move |_| {
            let seen = seen.clone();
            Async(Kept { seen, panics })
        })
        .unwrap();
        for n in [2, 3, 4] {
            pool.send_to(0, n).unwrap();
        }
        let got: Vec<u64> = (0..5).map(|_| see.recv_timeout(LONG).unwrap()).collect();
        assert_eq!(got, [2, 3, 3, 3, 4], "before all others");
        let report = pool.stop();
        let worker = &report.workers[0];
        assert_conserved(worker);
        assert_eq!((worker.counts.handled, worker.counts.panicked), (2, 1));
        assert_eq!(
            (&worker.dead_letters[..], worker.counts.restarts),
            (&[3][..], 3)
        );
    }
}

#[test]
fn an_async_worker_that_keeps_no_copies_panics_once_before_there_is_a_future() {
    let (seen, see) = mpsc::channel();
    let config = config(1).with_supervision(Supervision::new());
    let pool = WorkerPool::start(config, move |_| {
        Async(Kept {
            seen: seen.clone(),
            panics: Where::Before,
        })
    })
    .unwrap();
    pool.send_to(0, 1).unwrap();
    pool.send_to(0, 2).unwrap();
    assert_eq!(
        [see.recv_timeout(LONG), see.recv_timeout(LONG)],
        [Ok(1), Ok(2)]
    );
    let report = pool.stop();
    let worker = &report.workers[0];
    assert_conserved(worker);
    let counts = worker.counts;
    assert_eq!(
        (counts.handled, counts.panicked, counts.cancelled),
        (1, 1, 0)
    );
    assert!(worker.dead_letters.is_empty());
}

/// Counts; leaves its count to the next life; its state moves with map slots.
struct Counts {
    moved: Arc<AtomicU64>,
}

impl AsyncWorker for Counts {
    type State = u64;
    type Message = Option<Reply<u64>>;
    type Error = &'static str;

    fn init(&self, _: &Context<Self::Message>) -> Result<u64, &'static str> {
        Ok(0)
    }

    async fn handle_message(
        &self,
        count: &mut u64,
        asked: Self::Message,
        _: &Context<Self::Message>,
    ) -> Result<(), &'static str> {
        sleep(Duration::from_micros(10)).await;
        *count += 1;
        match asked {
            Some(reply) => reply.send(*count),
            None if *count == 4 => panic!("after four"),
            None => {}
        }
        Ok(())
    }

    fn tick(&self, _: &mut u64, _: &Context<Self::Message>) -> Result<(), &'static str> {
        Err("it ticks")
    }

    fn checkpoint(&self, count: &mut u64, _: &Context<Self::Message>) -> Option<Checkpoint> {
        Some(Box::new(*count))
    }

    fn restore(
        &self,
        checkpoint: Checkpoint,
        _: &Context<Self::Message>,
    ) -> Result<u64, &'static str> {
        let count = checkpoint.downcast::<u64>().map_err(|_| "another's")?;
        Ok(*count + 100)
    }

    fn export(
        &self,
        _: &mut u64,
        slots: &MapSlots,
        _: &Context<Self::Message>,
    ) -> Option<Exported> {
        Some(Box::new(slots.len() as u64))
    }

    fn import(
        &self,
        _: &mut u64,
        _: &MapSlots,
        exported: Exported,
        _: &Context<Self::Message>,
    ) -> Result<(), &'static str> {
        let slots = exported.downcast::<u64>().map_err(|_| "another's")?;
        self.moved.fetch_add(*slots, Ordering::SeqCst);
        Ok(())
    }

    fn shutdown(&self, _: u64, _: &Context<Self::Message>) -> Result<(), &'static str> {
        Err("not so")
    }
}

#[test]
fn an_async_worker_ticks_leaves_a_checkpoint_moves_its_state_and_ends_as_others_do() {
    let moved = Arc::new(AtomicU64::new(0));
    let its_moved = Arc::clone(&moved);
    let config = config(1)
        .with_supervision(Supervision::new())
        .with_tick_interval(Duration::from_micros(1));
    let pool = WorkerPool::start(config, move |_| {
        Async(Counts {
            moved: Arc::clone(&its_moved),
        })
    })
    .unwrap();
    let tx = pool.sender();
    let ask = || tx.call_to(0, Some).unwrap().wait_timeout(LONG);
    pool.send_to(0, None).unwrap();
    assert_eq!(ask(), Ok(2));
    // A tick comes in between, and with it a checkpoint of two or three.
    while pool.counts(0).unwrap().failed < 2 {
        thread::yield_now();
    }
    pool.send_to(0, None).unwrap();
    pool.send_to(0, None).unwrap();
    let after = ask().unwrap();
    assert!((103..=104).contains(&after), "{after}");
    let added = pool.add_worker().unwrap();
    assert_eq!((added, moved.load(Ordering::SeqCst)), (1, 8192));
    let report = pool.stop();
    report.workers.iter().for_each(assert_conserved);
    assert_eq!(report.workers[0].outcome, Outcome::Failed("not so".into()));
    assert_eq!(report.workers[0].last_error.as_deref(), Some("it ticks"));
}
