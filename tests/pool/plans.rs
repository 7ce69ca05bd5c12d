//! Plans of several restarts, and what comes between: a hook that gives one up, workers that are added, another end.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use shared_nothing::{
    pool::{
        PoolConfig, ResizeError, WorkerPool,
        supervise::{Escalation, Intensity, Restart, Strategy},
    },
    worker::{Context, Worker},
};

use crate::{
    restarts::often,
    support::{Gate, LONG, assert_conserved, config, gate, pass},
};

/// Each worker begins so often, by its number, and never again.
struct Begins([u64; 3], Arc<[AtomicU64; 3]>);

impl Worker for Begins {
    type State = ();
    type Message = u64;
    type Error = String;

    fn init(&self, context: &Context<u64>) -> Result<(), String> {
        let Self(allowed, begun) = self;
        match begun[context.id()].fetch_add(1, Ordering::SeqCst) < allowed[context.id()] {
            true => Ok(()),
            false => Err("not again".to_owned()),
        }
    }

    fn handle_message(&self, (): &mut (), n: u64, _: &Context<u64>) -> Result<(), String> {
        assert!(n != 100, "{n} kills");
        Ok(())
    }
}

fn start_begins(config: PoolConfig, allowed: [u64; 3]) -> WorkerPool<u64> {
    let begun = Arc::new([const { AtomicU64::new(0) }; 3]);
    WorkerPool::start(config, move |_| Begins(allowed, Arc::clone(&begun))).unwrap()
}

fn await_running(pool: &WorkerPool<u64>, worker: usize) {
    let deadline = Instant::now() + LONG;
    while !pool.is_running(worker) {
        assert!(Instant::now() < deadline, "it is never told to begin");
        thread::yield_now();
    }
}

#[test]
fn others_of_a_plan_begin_although_the_hook_gives_one_of_them_up() {
    // One plan for both. Worker 0 is to begin first, cannot, and that is one restart too many.
    let limited = often()
        .with_strategy(Strategy::All)
        .with_intensity(Intensity {
            restarts: 1,
            period: Duration::from_secs(3600),
        })
        .with_escalation(Escalation::AskHook);
    let config = config(2)
        .with_supervision(limited)
        .with_escalation_hook(|_| Escalation::GiveUpWorker);
    let pool = start_begins(config, [1, 2, 0]);
    pool.send_to(0, 100).unwrap();
    while pool.try_send_to(0, 1).is_ok() {
        thread::yield_now();
    }
    await_running(&pool, 1);
    pool.send_to(1, 1).unwrap();
    let report = pool.stop();
    report.workers.iter().for_each(assert_conserved);
    assert_eq!(report.workers[1].counts.handled, 1);
}

#[test]
fn a_worker_that_could_not_be_added_is_not_waited_for() {
    let all = often().with_strategy(Strategy::All);
    let config = config(2).with_supervision(all).with_workers_max(3);
    let pool = start_begins(config, [2, 2, 0]);
    let refused = pool.add_worker();
    assert!(matches!(refused, Err(ResizeError::Start(_))), "{refused:?}");
    pool.send_to(0, 100).unwrap();
    for worker in [0, 1] {
        let deadline = Instant::now() + LONG;
        while pool.counts(worker).unwrap().restarts == 0 {
            assert!(
                Instant::now() < deadline,
                "it waits for one that is not there"
            );
            thread::yield_now();
        }
        await_running(&pool, worker);
        pool.send_to(worker, 1).unwrap();
    }
    let report = pool.stop();
    report.workers.iter().for_each(assert_conserved);
    let handled = report.workers[..2].iter().map(|one| one.counts.handled);
    assert!(handled.eq([1, 1]));
}

#[test]
fn a_pool_that_has_stopped_by_itself_adds_no_worker() {
    let never = often().with_attempts_max(0);
    let config = config(2)
        .with_supervision(never.with_escalation(Escalation::StopPool))
        .with_workers_max(3);
    let pool = start_begins(config, [9; 3]);
    pool.send_to(0, 100).unwrap();
    while pool.send_to(1, 1).is_ok() {
        thread::yield_now();
    }
    // Whoever sent to it would wait for ever: what ends from now on does not begin again.
    let refused = pool.add_worker();
    assert!(matches!(refused, Err(ResizeError::Stopping)), "{refused:?}");
    assert!(pool.send_to(2, 1).is_err());
    let report = pool.stop();
    report.workers.iter().for_each(assert_conserved);
}

/// The first state of the last worker waits at the gate as it is dropped.
struct Holds(Gate, Arc<AtomicU64>);
struct Held(Option<(Gate, Arc<AtomicU64>)>);

impl Drop for Held {
    fn drop(&mut self) {
        if let Some((gate, lives)) = &self.0 {
            lives.fetch_add(1000, Ordering::SeqCst);
            pass(gate);
        }
    }
}

impl Worker for Holds {
    type State = Held;
    type Message = u64;
    type Error = String;

    fn init(&self, context: &Context<u64>) -> Result<Held, String> {
        let is_first = context.id() == 2 && self.1.fetch_add(1, Ordering::SeqCst) == 0;
        let held = || (Arc::clone(&self.0), Arc::clone(&self.1));
        Ok(Held(is_first.then(held)))
    }

    fn handle_message(&self, _: &mut Held, n: u64, _: &Context<u64>) -> Result<(), String> {
        assert!(n != 100, "{n} kills");
        Ok(())
    }
}

#[test]
fn who_has_begun_again_by_itself_is_not_told_to_end() {
    let (open, gate) = gate();
    let lives = Arc::new(AtomicU64::new(0));
    let its_lives = Arc::clone(&lives);
    let all = often()
        .with_strategy(Strategy::All)
        .with_restart(Restart::Transient);
    let config = config(3).with_shards(3).with_supervision(all);
    let pool = WorkerPool::start(config, move |_| {
        Holds(Arc::clone(&gate), Arc::clone(&its_lives))
    });
    let pool = pool.unwrap();
    let until = |what: &dyn Fn() -> bool| {
        let deadline = Instant::now() + LONG;
        while !what() {
            assert!(Instant::now() < deadline);
            thread::yield_now();
        }
    };
    // The last one panics, and before it has told the others to end, they have panicked, too, and begun again.
    pool.send_to(2, 100).unwrap();
    until(&|| lives.load(Ordering::SeqCst) >= 1000);
    for worker in [0, 1] {
        pool.send_to(worker, 100).unwrap();
    }
    for worker in [0, 1] {
        until(&|| pool.counts(worker).unwrap().restarts == 1 && pool.is_running(worker));
    }
    open.send(()).unwrap();
    until(&|| pool.counts(2).unwrap().restarts == 1 && pool.is_running(2));
    for worker in 0..3 {
        pool.ping(worker).unwrap().wait().unwrap();
        until(&|| pool.is_running(worker));
        pool.send_to(worker, 1).unwrap();
    }
    let report = pool.stop();
    report.workers.iter().for_each(assert_conserved);
    for worker in &report.workers {
        assert_eq!((worker.counts.restarts, worker.counts.handled), (1, 1));
    }
}
