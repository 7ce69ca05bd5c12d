//! A worker that panics: it is made again at once, its queue is kept, and every message is accounted for.
//!
//! ```text
//! cargo run --release --example restart
//! ```
//!
//! Workers add up numbers. Every 1000th number kills its worker.
//! The supervisor has it made again, on its own shard; the number that killed it is tried once more, and is a dead
//! letter when it kills again. At the end the ledger must balance to the message.

use std::time::Duration;

use shared_nothing::{
    pool::{
        PoolConfig, WorkerPool,
        supervise::{Backoff, Intensity, Supervision},
    },
    worker::{Context, Worker},
};

const NUMBERS: u64 = 10_000;
const WORKERS: usize = 2;

struct Adder;

impl Worker for Adder {
    type State = u64;
    type Message = u64;
    type Error = String;

    fn init(&self, _: &Context<u64>) -> Result<u64, String> {
        Ok(0)
    }

    fn handle_message(&self, sum: &mut u64, number: u64, _: &Context<u64>) -> Result<(), String> {
        assert!(number % 1000 != 999, "{number} is poison");
        *sum += number;
        Ok(())
    }

    /// A copy of a message while it is handled: what makes a second try, and a dead letter, possible.
    fn keep(&self, number: &u64) -> Option<u64> {
        Some(*number)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // What panics print is not wanted here: it is in the report.
    std::panic::set_hook(Box::new(|_| {}));
    let supervision = Supervision::new()
        .with_intensity(Intensity {
            restarts: 100,
            period: Duration::from_secs(1),
        })
        .with_backoff(
            Backoff::default()
                .with_first(Duration::ZERO)
                .with_limit(Duration::ZERO),
        );
    let config = PoolConfig::new()
        .with_workers(WORKERS)
        .with_supervision(supervision)
        .with_redeliveries(1);
    let pool = WorkerPool::start(config, |_| Adder)?;
    for number in 0..NUMBERS {
        pool.send_partitioned(&number, number)?;
    }
    let report = pool.stop();

    println!("worker  sent  handled  panicked  restarts  dead letters");
    let (mut handled, mut dead) = (0, 0);
    for worker in &report.workers {
        let (counts, letters) = (&worker.counts, worker.dead_letters.len() as u64);
        println!(
            "{:>6} {:>5} {:>8} {:>9} {:>9} {letters:>13}",
            worker.id, counts.sent, counts.handled, counts.panicked, counts.restarts,
        );
        handled += counts.handled;
        dead += letters;
        assert!(worker.returned.is_empty(), "all lives have ended well");
    }
    // Every number was handled, but for those that kill: each killed twice, and lies in the dead letters.
    assert_eq!((handled, dead), (NUMBERS - NUMBERS / 1000, NUMBERS / 1000));
    println!("{handled} handled, {dead} dead letters, nothing lost");
    Ok(())
}
