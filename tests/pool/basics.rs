//! What every pool does: order, conservation, starts that fail, bad settings.

use std::{
    collections::HashMap,
    convert::Infallible,
    rc::Rc,
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use shared_nothing::{
    affinity::{CpuId, Demand, Placement, Shortfall, current_cpu, usable_cpus},
    executor,
    pool::{Outcome, PoolConfig, SendError, StartError, TrySendError, WorkerPool},
    worker::{Batch, Context, Worker},
};

/// Runs a closure for each message; the state is an `Rc`, which no other thread could hold.
struct Run<M, F> {
    handle: F,
    message: std::marker::PhantomData<fn(M)>,
}

fn run<M, F: Fn(usize, M)>(handle: F) -> Run<M, F> {
    Run {
        handle,
        message: std::marker::PhantomData,
    }
}

impl<M: Send + 'static, F: Fn(usize, M) + 'static> Worker for Run<M, F> {
    type State = Rc<usize>;
    type Message = M;
    type Error = Infallible;

    fn init(&self, context: &Context<M>) -> Result<Rc<usize>, Infallible> {
        Ok(Rc::new(context.id()))
    }

    fn handle_message(
        &self,
        id: &mut Rc<usize>,
        message: M,
        _: &Context<M>,
    ) -> Result<(), Infallible> {
        (self.handle)(**id, message);
        Ok(())
    }
}

fn config(workers: usize) -> PoolConfig {
    PoolConfig::new().with_workers(workers)
}

/// A gate that keeps a worker inside a handler until the test opens it.
fn gate() -> (mpsc::Sender<()>, Arc<Mutex<mpsc::Receiver<()>>>) {
    let (open, closed) = mpsc::channel();
    (open, Arc::new(Mutex::new(closed)))
}

#[test]
fn every_message_goes_to_the_worker_of_its_key_in_order() {
    let seen = Arc::new(Mutex::new(HashMap::<u64, Vec<(usize, u64)>>::new()));
    let workers_see = Arc::clone(&seen);
    let pool = WorkerPool::start(config(3).with_capacity(16), move |_| {
        let seen = Arc::clone(&workers_see);
        run(move |worker, (key, n): (u64, u64)| {
            seen.lock()
                .unwrap()
                .entry(key)
                .or_default()
                .push((worker, n));
        })
    })
    .unwrap();
    thread::scope(|threads| {
        for sender in 0..3_u64 {
            let tx = pool.sender();
            threads.spawn(move || {
                let mut batcher = tx.batcher().unwrap();
                for n in 0..300 {
                    let key = sender * 10 + n % 7;
                    batcher.send_partitioned(&key, (key, n)).unwrap();
                }
                batcher.flush().unwrap();
            });
        }
    });
    let owner: HashMap<u64, usize> = (0..30)
        .map(|key| (key, pool.sender().worker_of(&key)))
        .collect();
    let report = pool.stop();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.values().map(Vec::len).sum::<usize>(), 900);
    for (key, got) in &*seen {
        assert!(got.iter().all(|(worker, _)| *worker == owner[key]));
        assert!(got.is_sorted_by_key(|(_, n)| *n), "key {key} out of order");
    }
    for worker in &report.workers {
        assert_eq!(worker.outcome, Outcome::Stopped);
        assert_eq!(worker.counts.sent, worker.counts.handled);
        assert!(worker.returned.is_empty());
    }
}

#[test]
fn stop_handles_what_was_accepted_and_hands_later_messages_back() {
    let (open, closed) = gate();
    let pool = WorkerPool::start(config(1).with_capacity(8), move |_| {
        let closed = Arc::clone(&closed);
        run(move |_, n: u32| {
            if n == 0 {
                closed.lock().unwrap().recv().unwrap();
            }
        })
    })
    .unwrap();
    let late = pool.sender();
    for n in 0..8 {
        pool.send_to(0, n).unwrap();
    }
    let report = thread::scope(|threads| {
        let stopping = threads.spawn(|| pool.stop());
        // The stop closes the mailbox first; the worker is still in its first message.
        while late.try_send_to(0, 99) != Err(TrySendError::Closed(99)) {
            thread::yield_now();
        }
        open.send(()).unwrap();
        stopping.join().unwrap()
    });
    let counts = report.workers[0].counts;
    assert_eq!(counts.sent, counts.handled);
    assert!(counts.handled >= 8);
    assert_eq!(late.send_to(0, 7), Err(SendError::Closed(7)));
    assert_eq!(late.send_partitioned("key", 8).unwrap_err().into_inner(), 8);
}

#[test]
fn h10_after_a_panic_the_worker_is_known_to_be_gone_and_its_queue_comes_back() {
    let (open, closed) = gate();
    let pool = WorkerPool::start(config(2).with_capacity(64), move |_| {
        let closed = Arc::clone(&closed);
        run(move |_, n: u32| {
            if n == 3 {
                closed.lock().unwrap().recv().unwrap();
                panic!("three is bad");
            }
        })
    })
    .unwrap();
    for n in 0..10 {
        pool.send_to(0, n).unwrap();
    }
    pool.send_to(1, 1).unwrap();
    assert!(pool.is_running(0));
    open.send(()).unwrap();
    // A blocking send neither hangs nor is lost: it ends with the message.
    let refused = loop {
        match pool.send_to(0, 77) {
            Ok(()) => thread::yield_now(),
            Err(error) => break error,
        }
    };
    assert_eq!(refused, SendError::Closed(77));
    assert!(!pool.is_running(0));
    assert!(pool.is_running(1));
    assert!(!pool.is_running(2), "no such worker");
    let report = pool.stop();
    let [bad, good] = &report.workers[..] else {
        panic!("two workers")
    };
    assert_eq!(bad.outcome, Outcome::Panicked("three is bad".to_owned()));
    assert_eq!((bad.counts.handled, bad.counts.panicked), (3, 1));
    assert_eq!(bad.returned[..6], [4, 5, 6, 7, 8, 9]);
    assert_eq!(bad.counts.sent, 4 + bad.returned.len() as u64);
    assert_eq!(good.outcome, Outcome::Stopped);
}

#[test]
fn a_sender_parked_on_a_full_mailbox_is_released_by_a_panic() {
    let (open, closed) = gate();
    let pool = WorkerPool::start(config(1).with_capacity(1), move |_| {
        let closed = Arc::clone(&closed);
        run(move |_, _: u32| {
            closed.lock().unwrap().recv().unwrap();
            panic!("on purpose");
        })
    })
    .unwrap();
    pool.send_to(0, 0).unwrap();
    while pool.try_send_to(0, 1).is_ok() {}
    thread::scope(|threads| {
        let waiting = threads.spawn(|| {
            let mut n = 2;
            loop {
                if let Err(error) = pool.send_to(0, n) {
                    return (n, error);
                }
                n += 1;
            }
        });
        open.send(()).unwrap();
        let (n, error) = waiting.join().unwrap();
        assert_eq!(error, SendError::Closed(n));
    });
    let report = pool.stop();
    let worker = &report.workers[0];
    assert_eq!(worker.counts.sent, 1 + worker.returned.len() as u64);
}

#[test]
fn h09_a_pool_stops_with_senders_alive_and_when_it_is_dropped() {
    let pool = WorkerPool::start(config(2), |_| run(|_, _: u32| {})).unwrap();
    let tx = pool.sender();
    drop(pool);
    assert_eq!(tx.send_to(1, 5), Err(SendError::Closed(5)));
    assert_eq!(tx.workers(), 2);
}

#[test]
fn h23_a_thousand_pools_start_and_stop_in_one_process() {
    for round in 0..1000_u64 {
        let pool = WorkerPool::start(config(1).with_capacity(2), |_| run(|_, _: u64| {})).unwrap();
        pool.send_partitioned(&round, round).unwrap();
        assert_eq!(pool.stop().workers[0].counts.handled, 1);
    }
}

#[test]
fn a_batcher_gets_back_what_a_gone_worker_left() {
    for flush_first in [false, true] {
        let (open, closed) = gate();
        let pool = WorkerPool::start(config(1), move |_| {
            let closed = Arc::clone(&closed);
            run(move |_, _: u32| {
                closed.lock().unwrap().recv().unwrap();
                panic!("gone");
            })
        })
        .unwrap();
        let mut batcher = pool.sender().batcher().unwrap();
        pool.send_to(0, 99).unwrap();
        for n in 0..100 {
            batcher.send_partitioned("key", n).unwrap();
        }
        if flush_first {
            batcher.flush().unwrap();
        }
        open.send(()).unwrap();
        while pool.is_running(0) {
            thread::yield_now();
        }
        // What was published before the end may be in the worker's report; the rest comes back here.
        let mut unsent = match batcher.flush() {
            Err(SendError::Closed(unsent)) => unsent,
            Err(other) => panic!("{other}"),
            Ok(()) => Vec::new(),
        };
        let worker = pool.stop().workers.remove(0);
        assert_eq!(batcher.send_to(0, 1), Err(SendError::Closed(1)));
        assert_eq!(batcher.send_to(1, 1), Err(SendError::NoSuchWorker(1)));
        assert_eq!(worker.counts.sent, 1 + worker.returned.len() as u64);
        let mut all = worker.returned;
        all.append(&mut unsent);
        assert_eq!(all, (0..100).collect::<Vec<_>>());
    }
}

#[test]
fn a_batcher_of_a_stopped_pool_has_its_messages_back() {
    let pool = WorkerPool::start(config(2), |_| run(|_, _: u64| {})).unwrap();
    let mut batcher = pool.sender().batcher().unwrap();
    for n in 0..10 {
        batcher.send_partitioned(&n, n).unwrap();
    }
    let handled: u64 = pool
        .stop()
        .workers
        .iter()
        .map(|worker| worker.counts.handled)
        .sum();
    assert_eq!(handled, 0, "nothing was published");
    let Err(SendError::Closed(mut unsent)) = batcher.flush() else {
        panic!("all come back")
    };
    unsent.sort_unstable();
    assert_eq!(unsent, (0..10).collect::<Vec<_>>());
    assert!(batcher.flush().is_ok());
}

struct Failing(&'static str);

impl Worker for Failing {
    type State = Vec<u32>;
    type Message = u32;
    type Error = String;

    fn init(&self, context: &Context<u32>) -> Result<Vec<u32>, String> {
        match self.0 {
            "init" if context.id() == 1 => Err("no state".to_owned()),
            "panic" if context.id() == 1 => panic!("no luck"),
            _ => Ok(Vec::new()),
        }
    }

    fn handle_message(
        &self,
        seen: &mut Vec<u32>,
        message: u32,
        _: &Context<u32>,
    ) -> Result<(), String> {
        seen.push(message);
        if message % 2 == 1 {
            Err(format!("{message} is odd"))
        } else {
            Ok(())
        }
    }

    fn shutdown(&self, seen: Vec<u32>, _: &Context<u32>) -> Result<(), String> {
        if self.0 == "shutdown" {
            Err(format!("{} seen", seen.len()))
        } else {
            Ok(())
        }
    }
}

#[test]
fn a_failing_start_says_who_and_why_and_leaves_no_thread() {
    for (how, reason) in [("init", "no state"), ("panic", "panicked: no luck")] {
        match WorkerPool::start(config(3), move |_| Failing(how)) {
            Err(StartError::Init { worker: 1, text }) => assert_eq!(text, reason),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_handlers_error_is_counted_and_loses_no_message() {
    let pool = WorkerPool::start(config(1), |_| Failing("shutdown")).unwrap();
    for n in 0..10 {
        pool.send_to(0, n).unwrap();
    }
    let report = pool.stop();
    let worker = &report.workers[0];
    assert_eq!((worker.counts.handled, worker.counts.failed), (10, 5));
    assert_eq!(worker.last_error.as_deref(), Some("9 is odd"));
    assert_eq!(worker.outcome, Outcome::Failed("10 seen".to_owned()));
}

struct OneByOne;

impl Worker for OneByOne {
    type State = (u64, u64);
    type Message = u64;
    type Error = String;

    fn init(&self, _: &Context<u64>) -> Result<(u64, u64), String> {
        Ok((0, 0))
    }

    fn handle_message(&self, _: &mut (u64, u64), _: u64, _: &Context<u64>) -> Result<(), String> {
        Err("only batches come".to_owned())
    }

    fn handle_batch(
        &self,
        state: &mut (u64, u64),
        batch: &mut Batch<'_, u64>,
        _: &Context<u64>,
    ) -> Result<(), String> {
        // Takes one and leaves the rest in the mailbox.
        state.0 += batch.next().ok_or("a batch is never empty")?;
        state.1 += 1;
        Ok(())
    }

    fn shutdown(&self, (sum, count): (u64, u64), _: &Context<u64>) -> Result<(), String> {
        Err(format!("{sum} in {count}"))
    }
}

#[test]
fn what_a_batch_handler_leaves_comes_again() {
    let pool = WorkerPool::start(config(1).with_batch_max(8), |_| OneByOne).unwrap();
    for n in 1..=100 {
        pool.send_to(0, n).unwrap();
    }
    let worker = pool.stop().workers.remove(0);
    assert_eq!(worker.outcome, Outcome::Failed("5050 in 100".to_owned()));
    assert_eq!(worker.counts.batches, 100);
}

struct Ticking(mpsc::SyncSender<()>);

impl Worker for Ticking {
    type State = ();
    type Message = ();
    type Error = Infallible;

    fn init(&self, _: &Context<()>) -> Result<(), Infallible> {
        Ok(())
    }

    fn handle_message(&self, (): &mut (), (): (), _: &Context<()>) -> Result<(), Infallible> {
        Ok(())
    }

    fn tick(&self, (): &mut (), _: &Context<()>) -> Result<(), Infallible> {
        let _full = self.0.try_send(());
        Ok(())
    }
}

#[test]
fn ticks_come_to_an_idle_worker_and_to_a_busy_one() {
    let (tx, rx) = mpsc::sync_channel(1);
    let config = config(1).with_tick_interval(Duration::from_millis(1));
    let pool = WorkerPool::start(config, move |_| Ticking(tx.clone())).unwrap();
    for _ in 0..3 {
        rx.recv().expect("an idle worker ticks");
    }
    for _ in 0..3 {
        while rx.try_recv().is_err() {
            pool.send_to(0, ()).expect("a busy one does, too");
        }
    }
}

#[test]
fn bad_settings_are_refused_with_their_names() {
    let cases = [
        ("workers", config(0)),
        ("workers", config(4097)),
        ("batch_max", config(1).with_batch_max(0)),
        (
            "tick_interval",
            config(1).with_tick_interval(Duration::ZERO),
        ),
    ];
    for (name, config) in cases {
        match WorkerPool::start(config, |_| run(|_, _: u32| {})) {
            Err(StartError::Invalid { setting, .. }) => assert_eq!(setting, name),
            other => panic!("{name}: {other:?}"),
        }
    }
    for capacity in [0, usize::MAX] {
        let config = config(1).with_capacity(capacity);
        match WorkerPool::start(config, |_| run(|_, _: u32| {})) {
            Err(StartError::Mailbox { worker: 0, .. }) => {}
            other => panic!("{capacity}: {other:?}"),
        }
    }
}

#[test]
fn a_cpu_that_is_not_there_fails_the_start_if_required_and_is_reported_if_not() {
    let cpu = CpuId(5000);
    let absent = config(1).with_placement(Placement::List(vec![cpu]));
    let require = absent.clone().with_demand(Demand::Require);
    match WorkerPool::start(require, |_| run(|_, _: u32| {})) {
        Err(StartError::Executor(executor::StartError::Placement(error))) => {
            assert_eq!(error.shortfalls, [Shortfall::NotUsable { cpu }]);
        }
        other => panic!("{other:?}"),
    }
    let pool = WorkerPool::start(absent, |_| run(|_, _: u32| {})).unwrap();
    assert_eq!(pool.shortfalls(), [Shortfall::NotUsable { cpu }]);
    let report = pool.stop();
    assert_eq!(report.workers[0].cpu, None);
    assert_eq!(report.shortfalls.len(), 1);
}

#[test]
fn a_pinned_worker_runs_where_it_says() {
    let last = usable_cpus().unwrap().last().unwrap();
    let (tx, rx) = mpsc::channel();
    let pinned = config(1)
        .with_placement(Placement::List(vec![last]))
        .with_demand(Demand::Require);
    let pool = WorkerPool::start(pinned, move |context| {
        let (tx, cpu) = (tx.clone(), context.cpu());
        run(move |_, (): ()| tx.send((cpu, current_cpu().unwrap())).unwrap())
    })
    .unwrap();
    pool.send_to(0, ()).unwrap();
    assert_eq!(rx.recv().unwrap(), (Some(last), last));
    assert_eq!(pool.stop().workers[0].cpu, Some(last));
}

#[test]
fn queue_wait_is_measured_on_every_64th_message() {
    let pool = WorkerPool::start(config(1), |_| run(|_, _: u32| {})).unwrap();
    for n in 0..640 {
        pool.send_to(0, n).unwrap();
    }
    assert_eq!(pool.stop().workers[0].queue_wait.count(), 10);
}
