//! What was not delivered is tried again, by another worker if need be, and a worker that fails is spared.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};

use shared_nothing::{
    pool::{
        CallError, CarefulCallError, CarefulSender, NotSentReason, Pace, PoolConfig, Reply,
        WhileDown, WorkerPool,
        supervise::{
            Backoff, BreakerPolicy, BreakerState, BreakerWindow, Jitter, Retry, Supervision,
            failover,
        },
    },
    worker::{Context, Worker},
};

use super::support::{Gate, LONG, assert_conserved, config, gate, pass, run};

/// A clock that only waits move, and that does something while it waits.
struct Virtual<F> {
    now_ns: u64,
    waits: Vec<Duration>,
    meanwhile: F,
}

impl<F: FnMut(usize)> Pace for Virtual<F> {
    fn now_ns(&mut self) -> u64 {
        self.now_ns
    }

    fn wait(&mut self, duration: Duration) {
        self.now_ns += duration.as_nanos() as u64;
        self.waits.push(duration);
        (self.meanwhile)(self.waits.len());
    }
}

fn virtually<F: FnMut(usize)>(meanwhile: F) -> Virtual<F> {
    Virtual {
        now_ns: 1,
        waits: Vec::new(),
        meanwhile,
    }
}

fn retry(attempts: u32) -> Retry {
    Retry::new()
        .with_attempts(attempts)
        .with_backoff(Backoff::default().with_jitter(Jitter::None))
}

#[derive(Debug)]
enum Message {
    Nothing,
    Kill,
    Who(Reply<usize>),
    Forget(Reply<usize>),
}

fn start(settings: PoolConfig) -> WorkerPool<Message> {
    WorkerPool::start(settings, |_| {
        run(|message, context| match message {
            Message::Nothing => {}
            Message::Kill => panic!("as the test wants it"),
            Message::Who(reply) => reply.send(context.id()),
            Message::Forget(reply) => drop(reply),
        })
    })
    .unwrap()
}

/// Kills a worker, and returns when it has ended or is down.
fn kill(pool: &WorkerPool<Message>, worker: usize) {
    pool.send_to(worker, Message::Kill).unwrap();
    while pool.is_running(worker) || pool.try_send_to(worker, Message::Nothing).is_ok() {
        std::thread::yield_now();
    }
}

/// A key of this worker.
fn key_of(pool: &WorkerPool<Message>, worker: usize) -> u64 {
    let mut keys = 0..;
    keys.find(|key| pool.sender().worker_of(key) == worker)
        .unwrap()
}

#[test]
fn a_full_mailbox_is_tried_again_until_there_is_room() {
    let pool = start(config(1).with_capacity(1));
    pool.pause(0).unwrap();
    pool.ping(0).unwrap().wait_timeout(LONG).unwrap();
    pool.send_to(0, Message::Nothing).unwrap();
    let pace = virtually(|waits| {
        if waits == 3 {
            pool.resume(0).unwrap();
            while pool.counts(0).unwrap().handled < 1 {
                std::thread::yield_now();
            }
        }
    });
    let mut sender = CarefulSender::with_pace(pool.sender(), retry(10), pace).unwrap();
    assert_eq!(sender.send(&7_u64, Message::Nothing).unwrap(), 0);
    let waits = [10, 20, 40].map(Duration::from_millis);
    assert_eq!(sender.pace().waits, waits);
    drop(sender);
    let report = pool.stop();
    assert_eq!(report.workers[0].counts.handled, 2);
    assert_conserved(&report.workers[0]);
}

#[test]
fn what_no_attempt_delivered_comes_back() {
    let pool = start(config(2).with_capacity(1));
    let key = key_of(&pool, 0);
    pool.pause(0).unwrap();
    pool.ping(0).unwrap().wait_timeout(LONG).unwrap();
    pool.send_to(0, Message::Nothing).unwrap();
    // Room is waited for, also where another would have some: order comes first.
    let sender = CarefulSender::with_pace(pool.sender(), retry(3), virtually(|_| {}));
    let mut sender = sender.unwrap().with_failover();
    let error = sender.send(&key, Message::Kill).unwrap_err();
    assert!(matches!(error.message, Message::Kill));
    assert_eq!((error.attempts, error.reason), (3, NotSentReason::Full));
    assert_eq!(sender.pace().waits.len(), 2);
    assert_eq!(error.to_string(), "not sent in 3 attempts: mailbox is full");
    let report = pool.stop();
    report.workers.iter().for_each(assert_conserved);
    // Of a pool that has stopped no more is hoped.
    let error = sender.send(&key, Message::Nothing).unwrap_err();
    assert_eq!((error.attempts, error.reason), (1, NotSentReason::Closed));
}

#[test]
fn others_take_over_for_a_worker_that_has_ended() {
    let pool = start(config(4));
    let key = key_of(&pool, 2);
    let mut sender = CarefulSender::with_pace(pool.sender(), retry(3), virtually(|_| {})).unwrap();
    let who = |sender: &mut CarefulSender<Message, _>| sender.call(&key, LONG, Message::Who);
    assert_eq!(who(&mut sender).unwrap(), 2);
    kill(&pool, 2);
    match who(&mut sender).unwrap_err() {
        CarefulCallError::NotSent(error) => assert_eq!(error.reason, NotSentReason::Closed),
        other => panic!("{other}"),
    }
    let mut sender = sender.with_failover();
    let first = who(&mut sender).unwrap();
    assert_ne!(first, 2);
    assert_eq!(who(&mut sender).unwrap(), first, "always the same");
    kill(&pool, first);
    let second = who(&mut sender).unwrap();
    assert!(second != 2 && second != first);
    assert!(sender.pace().waits.is_empty());
    let report = pool.stop();
    report.workers.iter().for_each(assert_conserved);
    // The order is the policy's.
    let hash = shared_nothing::partition::StableHash::stable_hash(&key, 0);
    let order: Vec<usize> = failover(hash, 2, 4).take(2).collect();
    assert_eq!(order, [first, second]);
}

/// Its second life begins when the gate opens.
#[derive(Clone)]
struct Gated {
    gate: Gate,
    has_lived: Arc<AtomicBool>,
}

impl Worker for Gated {
    type State = ();
    type Message = Message;
    type Error = Infallible;

    fn init(&self, _: &Context<Message>) -> Result<(), Infallible> {
        if self.has_lived.swap(true, Ordering::Relaxed) {
            pass(&self.gate);
        }
        Ok(())
    }

    fn handle_message(
        &self,
        (): &mut (),
        message: Message,
        context: &Context<Message>,
    ) -> Result<(), Infallible> {
        match message {
            Message::Who(reply) => reply.send(context.id()),
            _ => panic!("as the test wants it"),
        }
        Ok(())
    }
}

#[test]
fn a_worker_between_two_lives_is_waited_for() {
    let (open, gate) = gate();
    let worker = Gated {
        gate,
        has_lived: Arc::default(),
    };
    let settings = config(1)
        .with_supervision(Supervision::new())
        .with_while_down(WhileDown::Refuse);
    let pool = WorkerPool::start(settings, move |_| worker.clone()).unwrap();
    pool.send_to(0, Message::Kill).unwrap();
    while pool.is_running(0) {
        std::thread::yield_now();
    }
    let pace = virtually(|waits| {
        if waits == 2 {
            open.send(()).unwrap();
            while !pool.is_running(0) {
                std::thread::yield_now();
            }
        }
    });
    let mut sender = CarefulSender::with_pace(pool.sender(), retry(5), pace).unwrap();
    assert_eq!(sender.call(&1_u64, LONG, Message::Who).unwrap(), 0);
    assert_eq!(sender.pace().waits.len(), 2);
    drop(sender);
    assert_conserved(&pool.stop().workers[0]);
}

#[test]
fn what_was_delivered_is_not_sent_again() {
    let pool = start(config(1));
    let mut sender = CarefulSender::with_pace(pool.sender(), retry(9), virtually(|_| {})).unwrap();
    let answer = sender.call(&1_u64, LONG, Message::Forget);
    assert!(matches!(
        answer,
        Err(CarefulCallError::Unknown(CallError::Cancelled))
    ));
    let report = pool.stop();
    assert_eq!(report.workers[0].counts.sent, 1);
}

#[test]
fn a_worker_that_fails_is_spared_until_probes_succeed() {
    let pool = start(config(2));
    let key = key_of(&pool, 0);
    let policy = BreakerPolicy::default()
        .with_window(BreakerWindow::Calls(4))
        .with_calls_min(4)
        .with_probes(1)
        .with_open_for(Duration::from_secs(5));
    let sender = CarefulSender::with_pace(pool.sender(), retry(1), virtually(|_| {})).unwrap();
    let mut sender = sender.with_breakers(policy).unwrap();
    assert_eq!(sender.breaker(0), None);
    for _ in 0..4 {
        let answer = sender.call(&key, LONG, Message::Forget);
        assert!(matches!(answer, Err(CarefulCallError::Unknown(_))));
    }
    assert_eq!(sender.breaker(0), Some(BreakerState::Open));
    let error = sender.send(&key, Message::Nothing).unwrap_err();
    let retry_after = policy.open_for;
    assert_eq!(error.reason, NotSentReason::BreakerOpen { retry_after });
    assert_eq!(pool.counts(0).unwrap().sent, 4, "it was spared");
    // Who fails over asks the other one.
    sender = sender.with_failover();
    assert_eq!(sender.call(&key, LONG, Message::Who).unwrap(), 1);
    sender.pace().wait(policy.open_for);
    assert_eq!(sender.call(&key, LONG, Message::Who).unwrap(), 0, "a probe");
    assert_eq!(sender.breaker(0), Some(BreakerState::Closed));
    let _report = pool.stop();
}

#[test]
fn retries_go_by_the_machine_s_clock_without_another() {
    let pool = start(config(1).with_capacity(1));
    let (paused, is_paused) = mpsc::channel();
    let sender = CarefulSender::new(pool.sender(), Retry::new().with_attempts(u32::MAX));
    let mut sender = sender.unwrap().with_seed(3);
    let sends = std::thread::spawn(move || {
        is_paused.recv_timeout(LONG).unwrap();
        sender.send("key", Message::Nothing).unwrap()
    });
    pool.pause(0).unwrap();
    pool.ping(0).unwrap().wait_timeout(LONG).unwrap();
    pool.send_to(0, Message::Nothing).unwrap();
    paused.send(()).unwrap();
    pool.resume(0).unwrap();
    assert_eq!(sends.join().unwrap(), 0);
    assert_eq!(pool.stop().workers[0].counts.handled, 2);
}

#[test]
fn a_policy_that_makes_no_sense_is_refused() {
    let pool = start(config(1));
    let no_attempt = Retry::new().with_attempts(0);
    assert!(CarefulSender::new(pool.sender(), no_attempt).is_err());
    let policy = BreakerPolicy::default().with_probes(0);
    let sender = CarefulSender::new(pool.sender(), Retry::new()).unwrap();
    assert!(sender.with_breakers(policy).is_err());
}
