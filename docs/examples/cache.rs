//! A cache in front of a slow function: each key has one worker, asked by `call`, and no value is made twice at a time.
//!
//! ```text
//! cargo run --release --example cache
//! ```
//!
//! Threads ask for keys, mostly for the same few. All who ask for one key ask one worker, and a worker does one thing
//! after the other. So a value that many want at the same time is made once, without a lock and without a list of what
//! is under way; and each worker evicts by an order that it alone keeps. A cache on the shards of an executor, used by
//! its tasks, is in `sharded_cache.rs`.

use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    sync::Arc,
    thread,
    time::Duration,
};

use shared_nothing::{
    pool::{PoolConfig, Reply, Sender, WorkerPool},
    worker::{Context, Worker},
};

const WORKERS: usize = 2;
const CLIENTS: u64 = 4;
const REQUESTS: u64 = 20_000;
const HOT_KEYS: u64 = 100;
const PATIENCE: Duration = Duration::from_secs(60);

enum Message {
    Get(u64, Reply<Arc<str>>),
    Report(Reply<Counts>),
}

#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    hits: u64,
    made: u64,
    evicted: u64,
    held: usize,
}

/// One worker's part: values with the time of their last use, and keys by that time. No other thread ever sees it.
#[derive(Default)]
struct Part {
    values: HashMap<u64, (Arc<str>, u64)>,
    by_use: BTreeMap<u64, u64>,
    uses: u64,
    counts: Counts,
}

impl Part {
    const CAPACITY: usize = 200;

    fn get(&mut self, key: u64) -> Arc<str> {
        self.uses += 1;
        self.by_use.insert(self.uses, key);
        if let Some((value, last_use)) = self.values.get_mut(&key) {
            self.counts.hits += 1;
            self.by_use.remove(last_use);
            *last_use = self.uses;
            return Arc::clone(value);
        }
        self.counts.made += 1;
        let value: Arc<str> = slow(key).into();
        self.values.insert(key, (Arc::clone(&value), self.uses));
        if self.values.len() > Self::CAPACITY {
            let (_, oldest) = self.by_use.pop_first().expect("as many uses as values");
            self.values.remove(&oldest);
            self.counts.evicted += 1;
        }
        value
    }
}

/// What the cache is for: a query, a file, a render.
fn slow(key: u64) -> String {
    let same = (0..20_000).fold(key, |sum, n| std::hint::black_box(sum ^ n) ^ n);
    format!("the value of {same}")
}

struct Cache;

impl Worker for Cache {
    type State = Part;
    type Message = Message;
    type Error = Infallible;

    fn init(&self, _: &Context<Message>) -> Result<Part, Infallible> {
        Ok(Part::default())
    }

    fn handle_message(
        &self,
        part: &mut Part,
        message: Message,
        _: &Context<Message>,
    ) -> Result<(), Infallible> {
        match message {
            Message::Get(key, reply) => reply.send(part.get(key)),
            Message::Report(reply) => reply.send(Counts {
                held: part.values.len(),
                ..part.counts
            }),
        }
        Ok(())
    }
}

/// A client: nine requests of ten are for hot keys.
fn client(sender: &Sender<Message>, number: u64) {
    // It keeps the cell that the answers come in: no request allocates.
    let mut caller = sender.caller();
    for request in 0..REQUESTS {
        let key = match request % 10 {
            0 => HOT_KEYS + (number * REQUESTS + request) % 10_000,
            _ => request * 7 % HOT_KEYS,
        };
        let call = caller.call(&key, |reply| Message::Get(key, reply));
        let value = call.expect("the pool runs").wait_timeout(PATIENCE);
        assert_eq!(&*value.expect("an answer"), format!("the value of {key}"));
    }
}

fn report(pool: &WorkerPool<Message>) -> Vec<Counts> {
    let ask = |worker| {
        let call = pool.sender().call_to(worker, Message::Report);
        call.expect("the pool runs")
            .wait_timeout(PATIENCE)
            .expect("an answer")
    };
    (0..pool.workers()).map(ask).collect()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = WorkerPool::start(PoolConfig::new().with_workers(WORKERS), |_| Cache)?;

    // All clients begin with the same keys, at the same time.
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            let sender = pool.sender();
            scope.spawn(move || {
                let calls =
                    (0..HOT_KEYS).map(|key| sender.call(&key, |reply| Message::Get(key, reply)));
                // All are under way before the first answer is looked at.
                for call in calls.collect::<Vec<_>>() {
                    let answer = call.expect("the pool runs").wait_timeout(PATIENCE);
                    assert!(answer.is_ok());
                }
            });
        }
    });
    let counts = report(&pool);
    let made: u64 = counts.iter().map(|counts| counts.made).sum();
    assert_eq!(
        made, HOT_KEYS,
        "each value was made once, however many asked"
    );

    thread::scope(|scope| {
        for number in 0..CLIENTS {
            let sender = pool.sender();
            scope.spawn(move || client(&sender, number));
        }
    });
    for (worker, counts) in report(&pool).iter().enumerate() {
        println!("worker {worker}: {counts:?}");
        assert!(counts.held <= Part::CAPACITY && counts.evicted > 0);
        assert_eq!(counts.made, counts.held as u64 + counts.evicted);
        assert!(counts.hits > 5 * counts.made, "hot keys are not evicted");
    }

    println!("{} requests answered", CLIENTS * (REQUESTS + HOT_KEYS));
    let report = pool.stop();
    assert!(
        report
            .workers
            .iter()
            .all(|worker| worker.returned.is_empty())
    );
    Ok(())
}
