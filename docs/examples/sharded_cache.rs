//! A cache cut into shards: each key has one owner, and no lock is anywhere.
//!
//! ```text
//! cargo run --release --example sharded_cache
//! ```
//!
//! Every shard holds a part of the cache that it alone touches: a plain `HashMap`, by `&mut`, on its own thread and
//! core. Which shard a key belongs to is a function of its stable hash. A request from another shard is a call that is
//! awaited; to one's own shard it is a call of a function.

use std::collections::{HashMap, VecDeque};

use shared_nothing::{
    executor::{
        CallError, Executor, ExecutorConfig, Sharded, shard_count, spawn_local, submit_async_to,
    },
    partition::{MultiplyShift, Partitioner, StableHash},
};

/// What one shard holds. It need not be `Send`, and has no lock.
#[derive(Default)]
struct Part {
    values: HashMap<String, String>,
    /// Keys, oldest first.
    order: VecDeque<String>,
    counts: Counts,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Counts {
    hits: u64,
    misses: u64,
    evicted: u64,
    held: usize,
}

impl Part {
    const CAPACITY: usize = 500;

    fn get(&mut self, key: &str) -> Option<String> {
        let value = self.values.get(key).cloned();
        match value {
            Some(_) => self.counts.hits += 1,
            None => self.counts.misses += 1,
        }
        value
    }

    fn put(&mut self, key: String, value: String) {
        if self.values.insert(key.clone(), value).is_none() {
            self.order.push_back(key);
        }
        if self.values.len() > Self::CAPACITY {
            let oldest = self.order.pop_front().expect("as many keys as values");
            self.values.remove(&oldest);
            self.counts.evicted += 1;
        }
    }

    fn counts(&self) -> Counts {
        Counts {
            held: self.values.len(),
            ..self.counts
        }
    }
}

/// The cache, as its users see it: two numbers, to be copied anywhere.
#[derive(Clone, Copy)]
struct Cache {
    parts: Sharded<Part>,
    route: MultiplyShift,
}

impl Cache {
    async fn start() -> Result<Self, CallError> {
        let route = MultiplyShift::new(shard_count().expect("on a shard")).expect("some shard");
        let parts = Sharded::start(|_| Part::default()).await?;
        Ok(Self { parts, route })
    }

    fn owner_of(self, key: &str) -> usize {
        self.route.worker_of(key.stable_hash(0))
    }

    async fn get(self, key: String) -> Result<Option<String>, CallError> {
        self.parts
            .invoke_on(self.owner_of(&key), move |part| part.get(&key))
            .await
    }

    async fn put(self, key: String, value: String) -> Result<(), CallError> {
        self.parts
            .invoke_on(self.owner_of(&key), move |part| part.put(key, value))
            .await
    }

    /// What every shard counted, in one call to each.
    async fn counts(self) -> Result<Vec<Counts>, CallError> {
        self.parts.invoke_on_all(|part| part.counts()).await
    }
}

const KEYS: u64 = 600;

/// A client on some shard: writes its keys, reads them back, and asks for as many that nobody wrote.
async fn client(cache: Cache, number: u64) -> Result<(), CallError> {
    for key in 0..KEYS / 2 {
        cache
            .put(format!("{number}/{key}"), format!("value {key}"))
            .await?;
    }
    for key in 0..KEYS {
        let value = cache.get(format!("{number}/{key}")).await?;
        assert_eq!(value, (key < KEYS / 2).then(|| format!("value {key}")));
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let executor = Executor::start(ExecutorConfig::new().with_shards(2))?;
    let counts = executor.block_on(0, || async {
        let cache = Cache::start().await?;
        let clients: Vec<_> = (0..2)
            .map(|number| {
                let client = submit_async_to(number as usize, move || client(cache, number));
                spawn_local(client)
            })
            .collect();
        for client in clients {
            client.await.expect("no panic")??;
        }
        // 600 keys over two parts of 500: nothing was evicted. As many more, and some must go.
        assert!(
            cache
                .counts()
                .await?
                .iter()
                .all(|counts| counts.evicted == 0)
        );
        for key in 0..KEYS {
            cache.put(format!("late/{key}"), String::new()).await?;
        }
        cache.counts().await
    })??;
    for (shard, counts) in counts.iter().enumerate() {
        println!("shard {shard}: {counts:?}");
    }
    let sum = |of: fn(&Counts) -> u64| counts.iter().map(of).sum::<u64>();
    assert_eq!((sum(|c| c.hits), sum(|c| c.misses)), (KEYS, KEYS));
    assert_eq!(
        sum(|c| c.held as u64) + sum(|c| c.evicted),
        2 * KEYS,
        "every key is held or was evicted"
    );
    assert!(
        counts.iter().all(|counts| counts.evicted > 0),
        "both parts were full"
    );

    let reports = executor.stop();
    assert!(reports.iter().all(|report| report.tasks.panics == 0));
    Ok(())
}
