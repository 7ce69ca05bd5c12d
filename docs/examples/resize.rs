//! A pool that grows and shrinks while it is used: state moves with its keys, and no message is lost or out of order.
//!
//! ```text
//! cargo run --release --example resize
//! ```
//!
//! A session counter: each key has its count at one worker. While a thread sends, a worker is added, then another is
//! removed. Each time a part of the map slots moves, and the counts of their keys with them. At the end a call for each
//! key must find all that was sent for it.

use std::{collections::HashMap, convert::Infallible, time::Duration};

use shared_nothing::{
    pool::{PoolConfig, Reply, WorkerPool},
    worker::{Context, Exported, MapSlots, Worker},
};

const KEYS: u64 = 1_000;
const ROUNDS: u64 = 200;

enum Message {
    Visit(u64),
    Count(u64, Reply<u64>),
}

struct Sessions;

impl Worker for Sessions {
    type State = HashMap<u64, u64>;
    type Message = Message;
    type Error = Infallible;

    fn init(&self, _: &Context<Message>) -> Result<Self::State, Infallible> {
        Ok(HashMap::new())
    }

    fn handle_message(
        &self,
        counts: &mut Self::State,
        message: Message,
        _: &Context<Message>,
    ) -> Result<(), Infallible> {
        match message {
            Message::Visit(key) => *counts.entry(key).or_default() += 1,
            Message::Count(key, reply) => reply.send(counts.get(&key).copied().unwrap_or(0)),
        }
        Ok(())
    }

    /// Gives away what belongs to the slots that move.
    fn export(
        &self,
        counts: &mut Self::State,
        slots: &MapSlots,
        _: &Context<Message>,
    ) -> Option<Exported> {
        let (moved, stays): (HashMap<_, _>, HashMap<_, _>) =
            counts.drain().partition(|(key, _)| slots.contains_key(key));
        *counts = stays;
        Some(Box::new(moved))
    }

    /// Takes it.
    fn import(
        &self,
        counts: &mut Self::State,
        _: &MapSlots,
        exported: Exported,
        _: &Context<Message>,
    ) -> Result<(), Infallible> {
        if let Ok(moved) = exported.downcast::<Self::State>() {
            counts.extend(*moved);
        }
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = WorkerPool::start(PoolConfig::new().with_workers(2), |_| Sessions)?;
    let sender = pool.sender();
    std::thread::scope(|scope| -> Result<(), Box<dyn std::error::Error>> {
        let visits = scope.spawn(move || {
            for _ in 0..ROUNDS {
                for key in 0..KEYS {
                    let sent = sender.send_partitioned(&key, Message::Visit(key));
                    assert!(sent.is_ok(), "a message came back");
                }
            }
        });
        let worker = pool.add_worker()?;
        println!("worker {worker} is there, and has its share of the keys");
        let report = pool.remove_worker(0)?;
        println!(
            "worker 0 has gone: {} map slots moved, senders to one waited for {:?} at most",
            report.moved,
            report.pauses.max()
        );
        visits.join().expect("all was sent");
        Ok(())
    })?;

    let sender = pool.sender();
    for key in 0..KEYS {
        let count = sender.call(&key, |reply| Message::Count(key, reply));
        let count = count.map_err(|_| "the pool is closed")?;
        assert_eq!(
            count.wait_timeout(Duration::from_secs(60))?,
            ROUNDS,
            "key {key}"
        );
    }
    println!("{KEYS} keys, {ROUNDS} visits each: none lost");
    Ok(())
}
