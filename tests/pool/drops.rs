//! What is the user's may panic when it is dropped, wherever the worker's task lets go of it: that is a panic of the
//! worker, and nothing is lost by it.

use std::{
    convert::Infallible,
    future::pending,
    panic::panic_any,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use shared_nothing::{
    executor::Executor,
    pool::{
        Outcome, PoolConfig, WorkerPool,
        supervise::{Backoff, Escalation, Intensity, Restart, Supervision},
    },
    worker::{Async, AsyncWorker, Batch, Checkpoint, Context, Exported, MapSlots, Worker},
};

use crate::support::{LONG, assert_conserved, config, run};

/// Panics with its text when it is dropped, if it has one.
struct Fragile(Option<&'static str>);

impl Drop for Fragile {
    fn drop(&mut self) {
        if let Some(text) = self.0 {
            panic!("{text}");
        }
    }
}

fn supervised() -> PoolConfig {
    let supervision = Supervision::new()
        .with_intensity(Intensity {
            restarts: 1000,
            period: Duration::from_secs(1),
        })
        .with_backoff(
            Backoff::default()
                .with_first(Duration::ZERO)
                .with_limit(Duration::ZERO),
        );
    config(1).with_supervision(supervision)
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < LONG, "{what}");
        thread::yield_now();
    }
}

/// Leaves numbered checkpoints, of which those in `bad` are fragile. A message is added to the state, or kills.
struct Keeper {
    bad: fn(u64) -> bool,
    made: Arc<AtomicU64>,
    restored: mpsc::Sender<u64>,
}

const KILL: u64 = u64::MAX;

impl Worker for Keeper {
    type State = u64;
    type Message = u64;
    type Error = Infallible;

    fn init(&self, _: &Context<u64>) -> Result<u64, Infallible> {
        Ok(0)
    }

    fn handle_message(&self, sum: &mut u64, n: u64, _: &Context<u64>) -> Result<(), Infallible> {
        assert_ne!(n, KILL, "told to");
        *sum += n;
        Ok(())
    }

    fn checkpoint(&self, _: &mut u64, _: &Context<u64>) -> Option<Checkpoint> {
        let number = self.made.fetch_add(1, Ordering::SeqCst);
        let bomb = (self.bad)(number).then_some("an old checkpoint");
        Some(Box::new((number, Fragile(bomb))))
    }

    fn restore(&self, checkpoint: Checkpoint, _: &Context<u64>) -> Result<u64, Infallible> {
        let mut checkpoint = checkpoint.downcast::<(u64, Fragile)>().expect("its own");
        checkpoint.1.0 = None;
        self.restored.send(checkpoint.0).expect("the test listens");
        Ok(0)
    }
}

fn keeper(
    bad: fn(u64) -> bool,
) -> (
    impl Fn(&Context<u64>) -> Keeper,
    Arc<AtomicU64>,
    mpsc::Receiver<u64>,
) {
    let made = Arc::new(AtomicU64::new(0));
    let (restored, see) = mpsc::channel();
    let its_made = Arc::clone(&made);
    let make = move |_: &Context<u64>| Keeper {
        bad,
        made: Arc::clone(&its_made),
        restored: restored.clone(),
    };
    (make, made, see)
}

#[test]
fn a_checkpoint_that_is_replaced_and_panics_is_a_panic_of_its_worker() {
    let (make, _, see) = keeper(|number| number == 2);
    let config = supervised().with_tick_interval(Duration::from_micros(1));
    let pool = WorkerPool::start(config, make).unwrap();
    for n in 0..100 {
        pool.send_to(0, n).unwrap();
    }
    assert_eq!(
        see.recv_timeout(LONG),
        Ok(3),
        "begins with the one that came after"
    );
    for n in 0..100 {
        pool.send_to(0, n).unwrap();
    }
    let report = pool.stop();
    let worker = &report.workers[0];
    assert_conserved(worker);
    assert_eq!((worker.counts.handled, worker.counts.restarts), (200, 1));
    assert_eq!(worker.outcome, Outcome::Stopped);
}

#[test]
fn a_checkpoint_that_nobody_needs_any_more_ends_nothing() {
    let (make, made, _see) = keeper(|_| true);
    // The first is not replaced for a long time.
    let config = supervised()
        .with_workers(2)
        .with_tick_interval(Duration::from_secs(3600));
    let pool = WorkerPool::start(config, make).unwrap();
    drop((pool.stop(), made));
    let (make, made, _see) = keeper(|_| true);
    let config = supervised()
        .with_workers(2)
        .with_workers_max(2)
        .with_tick_interval(Duration::from_millis(20));
    let pool = WorkerPool::start(config, make).unwrap();
    until("both have one", || made.load(Ordering::SeqCst) >= 2);
    pool.remove_worker(1).unwrap();
    assert_eq!(pool.add_worker().unwrap(), 1, "the number is used again");
    pool.send_to(1, 7).unwrap();
    let report = pool.stop();
    report.workers.iter().for_each(assert_conserved);
}

#[test]
fn a_checkpoint_of_a_life_that_does_not_begin_ends_nothing() {
    let (make, made, _see) = keeper(|_| true);
    let makes = AtomicU64::new(0);
    let config = supervised().with_tick_interval(Duration::from_millis(50));
    let pool = WorkerPool::start(config, move |context: &Context<u64>| {
        assert_ne!(makes.fetch_add(1, Ordering::SeqCst), 1, "the second");
        make(context)
    })
    .unwrap();
    until("it has one", || made.load(Ordering::SeqCst) != 0);
    pool.send_to(0, KILL).unwrap();
    pool.send_to(0, 7).unwrap();
    let report = pool.stop();
    let worker = &report.workers[0];
    assert_conserved(worker);
    assert_eq!((worker.counts.handled, worker.counts.panicked), (1, 1));
}

/// A number, and whether it is a copy: copies of odd ones are fragile.
struct Number(
    u64,
    #[expect(dead_code, reason = "for its drop")] Option<Fragile>,
);

impl Number {
    fn kept(&self) -> Option<Self> {
        let bomb = (self.0 % 2 == 1).then_some("a copy");
        Some(Self(self.0, Some(Fragile(bomb))))
    }
}

struct Copies(mpsc::Sender<u64>);

impl Worker for Copies {
    type State = ();
    type Message = Number;
    type Error = Infallible;

    fn init(&self, _: &Context<Number>) -> Result<(), Infallible> {
        Ok(())
    }

    fn handle_message(
        &self,
        (): &mut (),
        n: Number,
        _: &Context<Number>,
    ) -> Result<(), Infallible> {
        self.0.send(n.0).expect("the test listens");
        Ok(())
    }

    fn keep(&self, message: &Number) -> Option<Number> {
        message.kept()
    }
}

impl AsyncWorker for Copies {
    type State = ();
    type Message = Number;
    type Error = Infallible;

    fn init(&self, _: &Context<Number>) -> Result<(), Infallible> {
        Ok(())
    }

    async fn handle_message(
        &self,
        (): &mut (),
        n: Number,
        _: &Context<Number>,
    ) -> Result<(), Infallible> {
        self.0.send(n.0).expect("the test listens");
        Ok(())
    }

    fn keep(&self, message: &Number) -> Option<Number> {
        message.kept()
    }
}

/// Sends 1 to 4, all there at once, and says what was seen, handled, panicked over, and how often it was restarted.
fn copies<W: Worker<Message = Number> + 'static>(
    batch_max: usize,
    make: impl Fn(Copies) -> W + Send + Sync + 'static,
) -> (Vec<u64>, u64, u64, u64) {
    let (seen, see) = mpsc::channel();
    let config = supervised().with_redeliveries(1).with_batch_max(batch_max);
    let pool = WorkerPool::start(config, move |_| make(Copies(seen.clone()))).unwrap();
    pool.pause(0).unwrap();
    for n in 1..=4 {
        pool.send_to(0, Number(n, None)).unwrap();
    }
    pool.resume(0).unwrap();
    let report = pool.stop();
    let worker = &report.workers[0];
    assert_conserved(worker);
    assert_eq!(worker.outcome, Outcome::Stopped);
    let counts = worker.counts;
    (
        see.try_iter().collect(),
        counts.handled,
        counts.panicked,
        counts.restarts,
    )
}

#[test]
fn a_kept_copy_that_panics_is_a_panic_of_its_worker_and_no_message_is_lost() {
    let all = (vec![1, 2, 3, 4], 4, 0, 2);
    assert_eq!(copies(1, |copies| copies), all, "at the end of a batch");
    assert_eq!(copies(64, |copies| copies), all, "in the middle of one");
    assert_eq!(copies(64, Async), all);
}

/// Takes its suspect at the second offer only.
struct Hesitates(AtomicU64, Arc<AtomicU64>);

impl Worker for Hesitates {
    type State = ();
    type Message = u64;
    type Error = Infallible;

    fn init(&self, _: &Context<u64>) -> Result<(), Infallible> {
        Ok(())
    }

    fn handle_message(&self, (): &mut (), _: u64, _: &Context<u64>) -> Result<(), Infallible> {
        Ok(())
    }

    fn handle_batch(
        &self,
        (): &mut (),
        batch: &mut Batch<'_, u64>,
        _: &Context<u64>,
    ) -> Result<(), Infallible> {
        let lives = self.1.load(Ordering::SeqCst);
        if lives == 2 && self.0.fetch_add(1, Ordering::SeqCst) == 0 {
            return Ok(());
        }
        let _taken = batch.next();
        assert_ne!(lives, 1, "the first life");
        Ok(())
    }

    fn keep(&self, message: &u64) -> Option<u64> {
        Some(*message)
    }
}

#[test]
fn a_message_that_is_offered_again_and_not_taken_is_offered_once_more() {
    let lives = Arc::new(AtomicU64::new(0));
    let config = supervised().with_redeliveries(1);
    let pool = WorkerPool::start(config, move |_| {
        lives.fetch_add(1, Ordering::SeqCst);
        Hesitates(AtomicU64::new(0), Arc::clone(&lives))
    })
    .unwrap();
    pool.send_to(0, 7).unwrap();
    let report = pool.stop();
    let worker = &report.workers[0];
    assert_conserved(worker);
    assert_eq!((worker.counts.handled, worker.counts.restarts), (1, 1));
}

/// A worker, and a state, that are fragile each; over a message it panics with what is fragile, too.
struct Brittle {
    _own: Fragile,
}

impl Worker for Brittle {
    type State = Fragile;
    type Message = bool;
    type Error = Infallible;

    fn init(&self, _: &Context<bool>) -> Result<Fragile, Infallible> {
        Ok(Fragile(Some("a state")))
    }

    fn handle_message(
        &self,
        _: &mut Fragile,
        panics: bool,
        _: &Context<bool>,
    ) -> Result<(), Infallible> {
        if panics {
            panic_any(Fragile(Some("a payload")));
        }
        Ok(())
    }

    fn shutdown(&self, mut state: Fragile, _: &Context<bool>) -> Result<(), Infallible> {
        state.0 = None;
        Ok(())
    }
}

#[test]
fn a_worker_a_state_and_a_panic_that_panic_when_they_are_dropped_end_one_life() {
    let pool = WorkerPool::start(supervised(), |_| Brittle {
        _own: Fragile(Some("a worker")),
    })
    .unwrap();
    for panics in [false, true, false, true, false] {
        pool.send_to(0, panics).unwrap();
    }
    let report = pool.stop();
    let worker = &report.workers[0];
    assert_conserved(worker);
    let counts = worker.counts;
    assert_eq!(
        (counts.handled, counts.panicked, counts.restarts),
        (3, 2, 2)
    );
    assert_eq!(worker.outcome, Outcome::Panicked("a worker".to_owned()));
}

/// Waits for ever, in a future that is fragile.
struct Hangs(mpsc::Sender<()>);

impl AsyncWorker for Hangs {
    type State = Fragile;
    type Message = ();
    type Error = Infallible;

    fn init(&self, _: &Context<()>) -> Result<Fragile, Infallible> {
        Ok(Fragile(Some("a state")))
    }

    async fn handle_message(
        &self,
        _: &mut Fragile,
        (): (),
        _: &Context<()>,
    ) -> Result<(), Infallible> {
        let _held = Fragile(Some("a future"));
        self.0.send(()).expect("the test listens");
        pending().await
    }
}

#[test]
fn a_handler_that_is_cut_off_and_panics_loses_nothing() {
    let executor = Executor::builder().with_shards(1).start().unwrap();
    let (begun, begins) = mpsc::channel();
    let pool = WorkerPool::start_on(&executor.handle(), config(1), move |_| {
        Async(Hangs(begun.clone()))
    })
    .unwrap();
    pool.send_to(0, ()).unwrap();
    pool.send_to(0, ()).unwrap();
    begins.recv_timeout(LONG).unwrap();
    drop(executor);
    let report = pool.stop();
    let worker = &report.workers[0];
    assert_conserved(worker);
    assert_eq!(worker.outcome, Outcome::Cancelled);
    assert_eq!((worker.counts.cancelled, worker.returned.len()), (1, 1));
}

/// Gives away what is fragile, and does not take it.
struct Gives;

impl Worker for Gives {
    type State = ();
    type Message = u64;
    type Error = Infallible;

    fn init(&self, _: &Context<u64>) -> Result<(), Infallible> {
        Ok(())
    }

    fn handle_message(&self, (): &mut (), _: u64, _: &Context<u64>) -> Result<(), Infallible> {
        Ok(())
    }

    fn export(&self, (): &mut (), _: &MapSlots, _: &Context<u64>) -> Option<Exported> {
        Some(Box::new(Fragile(Some("exported"))))
    }
}

#[test]
fn state_that_moves_and_panics_when_it_is_dropped_is_a_panic_of_the_taker() {
    let pool = WorkerPool::start(supervised(), |_| Gives).unwrap();
    for n in 0..100_u64 {
        pool.send_partitioned(&n, n).unwrap();
    }
    assert_eq!(pool.add_worker().unwrap(), 1);
    for n in 0..100_u64 {
        pool.send_partitioned(&n, n).unwrap();
    }
    let report = pool.stop();
    report.workers.iter().for_each(assert_conserved);
    let handled: u64 = report.workers.iter().map(|w| w.counts.handled).sum();
    assert_eq!(handled, 200);
    assert!(report.workers[1].counts.restarts >= 1);
}

#[test]
fn a_hook_that_panics_when_it_is_asked_stops_the_pool() {
    let supervision = Supervision::new()
        .with_restart(Restart::Permanent)
        .with_intensity(Intensity {
            restarts: 0,
            period: Duration::from_secs(1),
        })
        .with_escalation(Escalation::AskHook);
    let config = config(2)
        .with_supervision(supervision)
        .with_escalation_hook(|_| panic!("it does not know"));
    let pool =
        WorkerPool::start(config, |_| run(|n: u64, _: &Context<u64>| assert_eq!(n, 0))).unwrap();
    pool.send_to(0, 1).unwrap();
    until("it stops", || pool.send_to(1, 0).is_err());
    let report = pool.stop();
    report.workers.iter().for_each(assert_conserved);
    assert_eq!(report.workers[0].counts.panicked, 1);
}
