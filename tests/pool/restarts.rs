//! Supervision enacted: who begins another life, when, and what becomes of messages.

use std::{
    cell::Cell,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use shared_nothing::{
    pool::{
        Outcome, PoolConfig, SendError, WhileDown, WorkerPool,
        supervise::{Backoff, Escalation, Intensity, Restart, Strategy, Supervision},
    },
    worker::{Checkpoint, Context, Worker},
};

use crate::support::{LONG, assert_conserved, config, gate, pass};

/// Counts lives; panics over odd hundreds.
struct Mortal {
    lives: Arc<Mutex<Vec<usize>>>,
    keeps: bool,
}

#[derive(Default)]
struct Life {
    handled: Cell<u64>,
}

impl Worker for Mortal {
    type State = Life;
    type Message = u64;
    type Error = String;

    fn init(&self, context: &Context<u64>) -> Result<Life, String> {
        self.lives.lock().unwrap().push(context.id());
        Ok(Life::default())
    }

    fn handle_message(&self, life: &mut Life, n: u64, _: &Context<u64>) -> Result<(), String> {
        assert!(n % 200 != 100, "{n} kills");
        life.handled.set(life.handled.get() + 1);
        Ok(())
    }

    fn keep(&self, message: &u64) -> Option<u64> {
        self.keeps.then_some(*message)
    }
}

pub(crate) fn often() -> Supervision {
    Supervision::new()
        .with_intensity(Intensity {
            restarts: 1000,
            period: Duration::from_secs(1),
        })
        .with_backoff(
            Backoff::default()
                .with_first(Duration::ZERO)
                .with_limit(Duration::ZERO),
        )
}

type Lives = Arc<Mutex<Vec<usize>>>;

fn start(config: PoolConfig, keeps: bool) -> (WorkerPool<u64>, Lives) {
    let lives = Lives::default();
    let its_lives = Arc::clone(&lives);
    let pool = WorkerPool::start(config, move |_| Mortal {
        lives: Arc::clone(&its_lives),
        keeps,
    });
    (pool.unwrap(), lives)
}

#[test]
fn h13_a_worker_that_panics_goes_on_with_its_queue_and_without_the_killer() {
    let (pool, lives) = start(config(1).with_supervision(often()), false);
    for n in 1..=1000 {
        pool.send_to(0, n).unwrap();
    }
    let report = pool.stop();
    let worker = &report.workers[0];
    assert_conserved(worker);
    assert_eq!(worker.outcome, Outcome::Stopped);
    assert_eq!((worker.counts.handled, worker.counts.panicked), (995, 5));
    assert_eq!(worker.counts.restarts, 5);
    assert_eq!(lives.lock().unwrap().len(), 6);
    assert!(worker.dead_letters.is_empty(), "no copy was kept");
}

#[test]
fn h13_a_killer_is_handled_again_as_often_as_it_is_said_and_is_a_dead_letter_then() {
    let config = config(1).with_supervision(often()).with_redeliveries(2);
    let (pool, lives) = start(config, true);
    for n in 99..=300 {
        pool.send_to(0, n).unwrap();
    }
    let report = pool.stop();
    let worker = &report.workers[0];
    assert_conserved(worker);
    assert_eq!(worker.dead_letters, [100, 300]);
    assert_eq!((worker.counts.handled, worker.counts.panicked), (200, 2));
    assert_eq!(lives.lock().unwrap().len(), 1 + 2 * 3);
}

#[test]
fn strategies_take_along_whom_they_say() {
    for (strategy, expected) in [
        (Strategy::One, vec![1]),
        (Strategy::Rest, vec![1, 2, 3]),
        (Strategy::All, vec![0, 1, 2, 3]),
    ] {
        let config = config(4)
            .with_shards(2)
            .with_supervision(often().with_strategy(strategy));
        let (pool, lives) = start(config, false);
        lives.lock().unwrap().clear();
        for round in 1..=5 {
            pool.send_to(1, 100).unwrap();
            let began = Instant::now();
            while lives.lock().unwrap().len() < expected.len() * round {
                assert!(began.elapsed() < LONG, "{strategy:?}: {:?}", lives.lock());
                thread::yield_now();
            }
            // All take messages again.
            for worker in 0..4 {
                while !pool.is_running(worker) {
                    thread::yield_now();
                }
                pool.send_to(worker, 1).unwrap();
                pool.ping(worker).unwrap().wait_timeout(LONG).unwrap();
            }
        }
        let report = pool.stop();
        report.workers.iter().for_each(assert_conserved);
        let handled: u64 = report.workers.iter().map(|w| w.counts.handled).sum();
        assert_eq!(handled, 20, "{strategy:?}");
        let lives = lives.lock().unwrap();
        for round in lives.chunks(expected.len()) {
            assert_eq!(round, expected, "{strategy:?}: in this order");
        }
    }
}

#[test]
fn h14_too_many_restarts_stop_the_pool_or_one_worker_or_ask() {
    let limited = often().with_intensity(Intensity {
        restarts: 2,
        period: Duration::from_secs(3600),
    });
    for (escalation, stops) in [
        (Escalation::StopPool, true),
        (Escalation::GiveUpWorker, false),
        (Escalation::AskHook, false),
    ] {
        let asked = Arc::new(AtomicU64::new(0));
        let hook_counts = Arc::clone(&asked);
        let config = config(2)
            .with_supervision(limited.with_escalation(escalation))
            .with_escalation_hook(move |escalated| {
                assert_eq!((escalated.worker, escalated.recent), (0, 2));
                hook_counts.fetch_add(1, Ordering::SeqCst);
                Escalation::GiveUpWorker
            });
        let (pool, lives) = start(config, false);
        pool.pause(0).unwrap();
        pool.ping(0).unwrap().wait().unwrap();
        for n in [100, 1, 300, 2, 500, 3] {
            pool.send_to(0, n).unwrap();
        }
        pool.resume(0).unwrap();
        while pool.send_to(0, 4).is_ok() {
            thread::yield_now();
        }
        assert!(!pool.is_running(0));
        if stops {
            while pool.send_to(1, 1).is_ok() {
                thread::yield_now();
            }
        } else {
            pool.send_to(1, 1).unwrap();
        }
        let report = pool.stop();
        report.workers.iter().for_each(assert_conserved);
        let (bad, good) = (&report.workers[0], &report.workers[1]);
        assert_eq!(bad.outcome, Outcome::Panicked("500 kills".to_owned()));
        assert_eq!((bad.counts.panicked, bad.counts.restarts), (3, 2));
        assert_eq!(bad.returned[0], 3);
        assert_eq!(good.outcome, Outcome::Stopped);
        assert_eq!(lives.lock().unwrap().len(), 4);
        let expected = u64::from(escalation == Escalation::AskHook);
        assert_eq!(asked.load(Ordering::SeqCst), expected);
    }
}

/// Is down for as long as the gate is closed: its second `init` waits.
struct Slow {
    inits: Arc<AtomicU64>,
    gate: crate::support::Gate,
}

impl Worker for Slow {
    type State = ();
    type Message = u64;
    type Error = String;

    fn init(&self, _: &Context<u64>) -> Result<(), String> {
        if self.inits.fetch_add(1, Ordering::SeqCst) == 1 {
            pass(&self.gate);
        }
        Ok(())
    }

    fn handle_message(&self, (): &mut (), n: u64, _: &Context<u64>) -> Result<(), String> {
        assert_ne!(n, 0, "zero kills");
        Ok(())
    }
}

#[test]
fn h10_h15_while_a_worker_is_down_sends_queue_or_come_back_as_the_policy_says() {
    for policy in [WhileDown::Queue, WhileDown::Refuse] {
        let (open, closed) = gate();
        let inits = Arc::new(AtomicU64::new(0));
        let its_inits = Arc::clone(&inits);
        let config = config(1)
            .with_capacity(1)
            .with_supervision(often())
            .with_while_down(policy);
        let pool = WorkerPool::start(config, move |_| Slow {
            inits: Arc::clone(&its_inits),
            gate: Arc::clone(&closed),
        })
        .unwrap();
        pool.send_to(0, 0).unwrap();
        while inits.load(Ordering::SeqCst) != 2 {
            thread::yield_now();
        }
        assert!(!pool.is_running(0), "it is down, and says so");
        match policy {
            WhileDown::Refuse => {
                assert_eq!(pool.send_to(0, 5), Err(SendError::Down(5)));
                open.send(()).unwrap();
                while pool.send_to(0, 5).is_err() {
                    thread::yield_now();
                }
            }
            _ => {
                // H15: a mailbox of one, a hundred sends before `init` is over.
                thread::scope(|threads| {
                    let tx = pool.sender();
                    let sends = threads.spawn(move || (1..=100).all(|n| tx.send_to(0, n).is_ok()));
                    while pool.counts(0).unwrap().sent < 2 {
                        thread::yield_now();
                    }
                    open.send(()).unwrap();
                    assert!(sends.join().unwrap());
                });
            }
        }
        let report = pool.stop();
        assert_conserved(&report.workers[0]);
        assert_eq!(report.workers[0].outcome, Outcome::Stopped);
    }
}

#[test]
fn a_worker_that_stops_while_it_is_down_hands_its_queue_back() {
    let (pool, _) = start(
        config(1).with_supervision(
            often().with_backoff(
                Backoff::default()
                    .with_first(Duration::from_secs(3600))
                    .with_limit(Duration::from_secs(3600))
                    .with_jitter(shared_nothing::pool::supervise::Jitter::None),
            ),
        ),
        false,
    );
    pool.send_to(0, 100).unwrap();
    // The first restart is at once; the next one takes an hour.
    while pool.counts(0).unwrap().restarts == 0 {
        thread::yield_now();
    }
    pool.send_to(0, 100).unwrap();
    while pool.is_running(0) {
        thread::yield_now();
    }
    pool.send_to(0, 7).unwrap();
    pool.ping(0).unwrap().wait_timeout(LONG).unwrap();
    let report = pool.stop();
    assert_eq!(report.workers[0].returned, [7]);
    assert_conserved(&report.workers[0]);
}

/// Fails to begin its second and third life.
struct Clumsy {
    inits: Arc<AtomicU64>,
    /// The sum of the last checkpoint.
    kept: Arc<AtomicU64>,
}

impl Worker for Clumsy {
    type State = u64;
    type Message = u64;
    type Error = String;

    fn init(&self, _: &Context<u64>) -> Result<u64, String> {
        match self.inits.fetch_add(1, Ordering::SeqCst) {
            1 => Err("no luck".to_owned()),
            2 => panic!("no luck at all"),
            _ => Ok(0),
        }
    }

    fn handle_message(&self, sum: &mut u64, n: u64, _: &Context<u64>) -> Result<(), String> {
        assert_ne!(n, 0, "zero kills");
        *sum += n;
        Ok(())
    }

    fn tick(&self, _: &mut u64, _: &Context<u64>) -> Result<(), String> {
        Ok(())
    }

    fn checkpoint(&self, sum: &mut u64, _: &Context<u64>) -> Option<Checkpoint> {
        self.kept.store(*sum, Ordering::SeqCst);
        Some(Box::new(*sum))
    }

    fn restore(&self, checkpoint: Checkpoint, context: &Context<u64>) -> Result<u64, String> {
        self.init(context)?;
        Ok(*checkpoint.downcast::<u64>().expect("it is this worker's"))
    }

    fn shutdown(&self, sum: u64, _: &Context<u64>) -> Result<(), String> {
        Err(format!("sum {sum}"))
    }
}

#[test]
fn a_life_that_does_not_begin_is_followed_by_another() {
    let inits = Arc::new(AtomicU64::new(0));
    let its_inits = Arc::clone(&inits);
    let pool = WorkerPool::start(config(1).with_supervision(often()), move |_| Clumsy {
        inits: Arc::clone(&its_inits),
        kept: Arc::default(),
    })
    .unwrap();
    pool.send_to(0, 0).unwrap();
    pool.send_to(0, 5).unwrap();
    let report = pool.stop();
    assert_conserved(&report.workers[0]);
    assert_eq!(
        report.workers[0].outcome,
        Outcome::Failed("sum 5".to_owned())
    );
    assert_eq!(inits.load(Ordering::SeqCst), 4);
    assert_eq!(report.workers[0].counts.restarts, 1, "one life has begun");
}

#[test]
fn the_next_life_begins_with_the_last_checkpoint() {
    let inits = Arc::new(AtomicU64::new(3));
    let config = config(1)
        .with_supervision(often())
        .with_tick_interval(Duration::from_millis(1));
    let kept = Arc::new(AtomicU64::new(0));
    let its_kept = Arc::clone(&kept);
    let pool = WorkerPool::start(config, move |_| Clumsy {
        inits: Arc::clone(&inits),
        kept: Arc::clone(&its_kept),
    })
    .unwrap();
    pool.send_to(0, 40).unwrap();
    while kept.load(Ordering::SeqCst) != 40 {
        thread::yield_now();
    }
    pool.send_to(0, 0).unwrap();
    pool.send_to(0, 2).unwrap();
    let report = pool.stop();
    assert_eq!(
        report.workers[0].outcome,
        Outcome::Failed("sum 42".to_owned())
    );
}

#[test]
fn a_worker_that_is_temporary_stays_down_and_its_queue_comes_back() {
    let temporary = often().with_restart(Restart::Temporary);
    let (pool, lives) = start(config(1).with_supervision(temporary), false);
    pool.pause(0).unwrap();
    pool.ping(0).unwrap().wait().unwrap();
    for n in [100, 1, 2] {
        pool.send_to(0, n).unwrap();
    }
    pool.resume(0).unwrap();
    let (tx, rx) = mpsc::channel();
    thread::scope(|threads| {
        threads.spawn(|| {
            while pool.is_running(0) {
                thread::yield_now();
            }
            tx.send(()).unwrap();
        });
        rx.recv_timeout(LONG).unwrap();
    });
    let report = pool.stop();
    assert_eq!(report.workers[0].returned, [1, 2]);
    assert_eq!(lives.lock().unwrap().len(), 1);
}
