//! A random life of a pool, by a seed: everything happens to it, and nothing is lost.
//!
//! `sim.rs` has a thousand of them in a simulation; here are some on threads, and a thousand by `tests/ladder soak`.

use std::{
    collections::HashMap,
    rc::Rc,
    sync::{Arc, Mutex},
    time::Duration,
};

use shared_nothing::{
    executor::{Executor, ExecutorConfig, sleep, spawn_local, submit_async_to, yield_now},
    pool::{
        Overflow, Sender, WorkerPool,
        supervise::{Backoff, Intensity, Strategy, Supervision},
    },
    worker::{Context, Exported, MapSlots, Worker},
};

use crate::support::{assert_conserved, config};

/// Numbers that look random, by the seed of the run: the order in which tasks come to ask.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Key, sender, number of the sender for the key.
type Message = (u64, u64, u64);

type Seen = HashMap<(u64, u64), u64>;

/// What all workers have seen, outside of their states, which panics and ends take with them.
#[derive(Default)]
struct Log {
    handled: u64,
    /// What workers sent themselves.
    own: u64,
    last: Seen,
}

/// Checks the order of each sender and key; panics now and then, after it has noted the message.
struct Checked {
    log: Arc<Mutex<Log>>,
    panics: bool,
}

impl Worker for Checked {
    type State = Rc<()>;
    type Message = Message;
    type Error = String;

    fn init(&self, _: &Context<Message>) -> Result<Rc<()>, String> {
        Ok(Rc::new(()))
    }

    fn handle_message(
        &self,
        _: &mut Rc<()>,
        (key, sender, n): Message,
        context: &Context<Message>,
    ) -> Result<(), String> {
        let mut log = self.log.lock().unwrap();
        log.handled += 1;
        let last = log.last.entry((key, sender)).or_default();
        let is_next = n > *last;
        *last = n;
        drop(log);
        if self.panics && n % 13 == 12 {
            panic!("{n} of {sender} for {key} kills");
        }
        // Some are sent on, by the sender's number of this worker.
        if n % 7 == 3 && sender < 1000 {
            let on = (key, 1000 + context.id() as u64, 0);
            if context.send_to_self(on).is_ok() {
                self.log.lock().unwrap().own += 1;
            }
        }
        match is_next || sender >= 1000 {
            true => Ok(()),
            false => Err(format!("{n} of {sender} for {key} comes late")),
        }
    }

    fn export(&self, _: &mut Rc<()>, slots: &MapSlots, _: &Context<Message>) -> Option<Exported> {
        Some(Box::new(slots.len()))
    }

    fn import(
        &self,
        _: &mut Rc<()>,
        slots: &MapSlots,
        exported: Exported,
        _: &Context<Message>,
    ) -> Result<(), String> {
        let len = exported.downcast::<usize>().map_err(|_| "another's")?;
        (*len == slots.len())
            .then_some(())
            .ok_or("another's".to_owned())
    }
}

/// Sends for a while, to keys and to workers. Returns how many were accepted.
async fn send_some(tx: Sender<Message>, sender: u64, mut dice: Dice) -> u64 {
    let mut numbers: HashMap<u64, u64> = HashMap::new();
    let mut accepted = 0;
    for _ in 0..40 {
        let key = dice.roll(9);
        let number = numbers.entry(key).or_default();
        *number += 1;
        let mut message = (key, sender, *number);
        let mut tries = 0;
        loop {
            match tx.try_send_partitioned(&key, message) {
                Ok(()) => {
                    accepted += 1;
                    break;
                }
                Err(error) => message = error.into_inner(),
            }
            tries += 1;
            if tries == 200 {
                break;
            }
            match dice.roll(4) {
                0 => sleep(Duration::from_micros(dice.roll(300))).await,
                _ => yield_now().await,
            }
        }
        if dice.roll(3) == 0 {
            yield_now().await;
        }
    }
    accepted
}

/// One random life of a pool: senders, panics, restarts, resizes, pauses, a stop in the middle of it.
pub(crate) async fn random_life(seed: u64, shards: usize) {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let log = Arc::new(Mutex::new(Log::default()));
    let its_log = Arc::clone(&log);
    let panics = dice.roll(2) == 0;
    let strategy = [Strategy::One, Strategy::Rest, Strategy::All][dice.roll(3) as usize];
    let supervision = Supervision::new()
        .with_strategy(strategy)
        .with_intensity(Intensity {
            restarts: [2, 1000][dice.roll(2) as usize],
            period: Duration::from_secs(1),
        })
        .with_backoff(
            Backoff::default()
                .with_first(Duration::from_micros(20))
                .with_limit(Duration::from_micros(200)),
        );
    let mut config = config(1 + dice.roll(3) as usize)
        .with_capacity(1 + dice.roll(8) as usize)
        .with_batch_max(1 + dice.roll(5) as usize)
        .with_move_timeout(Duration::from_millis(5))
        .with_overflow([Overflow::Block, Overflow::DropOldest][dice.roll(2) as usize]);
    if dice.roll(4) != 0 {
        config = config.with_supervision(supervision);
    }
    let pool = WorkerPool::start_here(config, move |_| Checked {
        log: Arc::clone(&its_log),
        panics,
    });
    let pool = pool.await.unwrap();
    let senders: Vec<_> = (0..3)
        .map(|sender| {
            let (tx, dice) = (pool.sender(), Dice(dice.roll(u64::MAX)));
            let shard = sender as usize % shards;
            spawn_local(submit_async_to(shard, move || send_some(tx, sender, dice)))
        })
        .collect();
    for _ in 0..dice.roll(6) {
        match dice.roll(6) {
            0 => drop(pool.add_worker_here().await),
            1 => drop(pool.remove_worker_here(dice.roll(3) as usize).await),
            2 => drop(pool.rebalance_here().await),
            3 => {
                let worker = dice.roll(3) as usize;
                if pool.pause(worker).is_ok() {
                    sleep(Duration::from_micros(dice.roll(300))).await;
                    pool.resume(worker).unwrap();
                }
            }
            4 => sleep(Duration::from_micros(dice.roll(500))).await,
            _ => yield_now().await,
        }
    }
    // Half of the time the stop comes in the middle.
    let mut accepted = 0;
    let report = if dice.roll(2) == 0 {
        let report = pool.stop_here().await;
        for sender in senders {
            accepted += sender.await.unwrap().unwrap();
        }
        report
    } else {
        for sender in senders {
            accepted += sender.await.unwrap().unwrap();
        }
        pool.stop_here().await
    };
    report.workers.iter().for_each(assert_conserved);
    let counts = report.workers.iter().map(|worker| worker.counts);
    let sum = |of: fn(&shared_nothing::stats::WorkerCounts) -> u64| {
        counts.clone().map(|c| of(&c)).sum::<u64>()
    };
    let log = log.lock().unwrap();
    assert_eq!(
        log.handled,
        sum(|c| c.handled) + sum(|c| c.panicked),
        "each once"
    );
    assert_eq!(sum(|c| c.failed), 0, "{:?}", report.workers);
    // What was accepted, and what workers sent themselves.
    assert_eq!(sum(|c| c.sent), accepted + log.own);
}

/// So many lives, on one shard to four.
fn lives_on_threads(seeds: u64) {
    for count in 1..=4_usize {
        let executor = Executor::start(ExecutorConfig::new().with_shards(count)).unwrap();
        for seed in (0..seeds).filter(|seed| *seed as usize % 4 + 1 == count) {
            if let Err(error) = executor.block_on(0, move || random_life(seed, count)) {
                panic!("seed {seed}: {error}");
            }
        }
    }
}

#[test]
fn h08_nothing_is_lost_and_nothing_overtaken_over_random_lives_on_threads() {
    lives_on_threads(40);
}

#[test]
#[ignore = "a minute or more: a step of tests/ladder"]
fn h08_nothing_is_lost_and_nothing_overtaken_over_a_thousand_lives_on_threads() {
    lives_on_threads(1000);
}
