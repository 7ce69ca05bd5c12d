//! A pool under everything at once, for as long as it is told: memory stays flat, no message is lost, none overtakes
//! another of its sender and key.
//!
//! `SOAK_SECONDS=600 tests/ladder soak`. Each pool lives for a second or so; then it is stopped in the middle of all sends,
//! and its books are closed: each message has a number, and the sum of the numbers that were accepted is the sum of those
//! that were handled, are dead letters, or came back. Then the next pool begins.

#[path = "pool/soak/books.rs"]
mod books;
#[path = "pool/soak/memory.rs"]
mod memory;
#[path = "pool/soak/senders.rs"]
mod senders;
#[path = "pool/soak/worker.rs"]
mod worker;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use shared_nothing::{
    pool::{
        PoolConfig, PoolReport, WorkerPool,
        supervise::{Backoff, Intensity, Strategy, Supervision},
    },
    worker::Async,
};

use books::{Books, Dice, Tally};
use memory::Memory;
use worker::{Later, Message, Soaked};

const WORKERS: usize = 3;
const WORKERS_MAX: usize = 6;
/// How long one pool lives.
const LIFE: Duration = Duration::from_millis(1500);

fn settings(dice: &mut Dice) -> PoolConfig {
    let supervision = Supervision::new()
        .with_strategy([Strategy::One, Strategy::Rest, Strategy::All][dice.roll(3) as usize])
        .with_intensity(Intensity {
            restarts: 60_000,
            period: Duration::from_millis(100),
        })
        .with_backoff(
            Backoff::default()
                .with_first(Duration::ZERO)
                .with_limit(Duration::from_micros(200)),
        );
    PoolConfig::new()
        .with_workers(WORKERS)
        .with_workers_max(WORKERS_MAX)
        .with_shards(2)
        .with_capacity([4, 64, 1024][dice.roll(3) as usize])
        .with_batch_max(1 + dice.roll(64) as usize)
        .with_urgent(16)
        .with_redeliveries(1)
        .with_tick_interval(Duration::from_millis(1))
        .with_supervision(supervision)
}

/// Adds, removes, moves, pauses and looks, until the life is over.
fn disturb(pool: &WorkerPool<Message>, books: &Books, dice: &mut Dice) {
    let end = Instant::now() + LIFE;
    while Instant::now() < end {
        let worker = dice.roll(WORKERS_MAX as u64) as usize;
        match dice.roll(7) {
            0 => books.count("adds", pool.add_worker()),
            1 => books.count("removals", pool.remove_worker(worker)),
            2 => books.count("rebalances", pool.rebalance()),
            3 => books.count("evenings", pool.even_out()),
            4 => {
                let paused = pool.pause(worker);
                let is_paused = paused.is_ok();
                books.count("pauses", paused);
                thread::yield_now();
                if is_paused {
                    pool.resume(worker).unwrap();
                }
            }
            5 => {
                // What is to be read while all goes on is not more than what there is.
                let total = pool.stats().total();
                assert!(total.accounted() <= total.sent, "{total:?}");
                books.count("snapshots", Ok::<_, ()>(()));
            }
            _ => {
                let call = pool.ping(worker);
                let answer = call.map(|call| call.wait_timeout(Duration::from_secs(60)));
                books.count(
                    "pings",
                    answer.map_err(drop).and_then(|one| one.map_err(drop)),
                );
            }
        }
    }
}

/// One pool, from its start to its report.
fn live(books: &Arc<Books>, dice: &mut Dice) {
    let its_books = Arc::clone(books);
    let waits = dice.roll(2) == 0;
    let soaked = move || Soaked::new(Arc::clone(&its_books));
    let pool = match waits {
        true => WorkerPool::start(settings(dice), move |_| Async(Later(soaked()))),
        false => WorkerPool::start(settings(dice), move |_| soaked()),
    };
    let pool = pool.expect("the first lives begin");
    books.may_fail(true);
    let is_over = AtomicBool::new(false);
    let (accepted, left) = thread::scope(|threads| {
        let senders = senders::all(threads, &pool, books, &is_over);
        disturb(&pool, books, dice);
        // In the middle of it. Whoever waits for an answer is told when the report, with the question in it, is dropped.
        let left = left_by(books, pool.stop());
        is_over.store(true, Ordering::SeqCst);
        let accepted: Tally = senders.into_iter().map(|one| one.join().unwrap()).sum();
        (accepted, left)
    });
    books.may_fail(false);
    let (handled, own) = books.take();
    assert_eq!(
        accepted + own,
        handled + left,
        "no message is lost, and none handled twice"
    );
    books.pool_is_closed(accepted + own);
}

/// What was not handled, once the counts of each worker add up.
fn left_by(books: &Books, report: PoolReport<Message>) -> Tally {
    let mut left = Tally::default();
    for worker in &report.workers {
        let counts = worker.counts;
        let returned = worker.returned.len() as u64;
        let known = counts.handled + counts.panicked + counts.dropped() + returned;
        assert_eq!(counts.sent, known, "{worker:?}");
        let dead = worker.dead_letters.len() as u64;
        assert_eq!(counts.panicked, dead, "{worker:?}");
        for message in worker.returned.iter().chain(&worker.dead_letters) {
            left.add(message.id);
        }
        books.add_counts(worker);
    }
    left
}

#[test]
#[ignore = "for as long as SOAK_SECONDS says"]
fn soak() {
    let seconds = std::env::var("SOAK_SECONDS").ok();
    let seconds = seconds.map_or(20, |text| text.parse().expect("SOAK_SECONDS is a number"));
    let end = Instant::now() + Duration::from_secs(seconds);
    let books = Arc::new(Books::default());
    let mut dice = Dice::new(seconds);
    worker::hide_panics();
    let mut memory = Memory::default();
    while Instant::now() < end {
        live(&books, &mut dice);
        memory.look();
    }
    println!("{books}{memory}");
    memory.check();
}
