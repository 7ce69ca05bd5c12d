//! [affinitypool](https://docs.rs/affinitypool): closures for whichever of its threads is free. A message is a closure,
//! and a key cannot choose a thread. A closure whose future is dropped may not run: as many futures are kept as a
//! mailbox holds.

use std::{
    cell::RefCell, collections::VecDeque, future::Future, pin::Pin, sync::Arc, sync::Barrier,
};

use ::affinitypool::{Builder, Threadpool};
use shared_nothing_affinity::CpuId;

use crate::runtime::{
    ask::{self, Ask},
    drive::{block_on_parked, settle_on},
    peer::{Figures, Peer},
    plan::{CAPACITY, Plan},
    row::Row,
    tally::handle,
};

pub(crate) struct Affinitypool;
pub(crate) const POOL: Affinitypool = Affinitypool;

impl Peer for Affinitypool {
    fn name(&self) -> &'static str {
        "affinitypool"
    }

    fn rows(&self) -> Vec<Row> {
        ask::rows(&[])
    }

    fn run(&self, row: Row, plan: Plan) -> Figures {
        ask::run::<Pool>(row, plan)
    }
}

type Told = Pin<Box<dyn Future<Output = ()>>>;

pub(crate) struct Pool {
    pool: Threadpool,
    told: RefCell<VecDeque<Told>>,
}

impl Pool {
    /// Returns the oldest if there are too many.
    fn keep(&self, told: Told) -> Option<Told> {
        let mut all = self.told.borrow_mut();
        all.push_back(told);
        if all.len() > CAPACITY {
            all.pop_front()
        } else {
            None
        }
    }
}

impl Ask for Pool {
    fn run(cpus: Vec<CpuId>, client: impl AsyncFnOnce(&Self) -> Figures) -> Figures {
        let pool = Builder::new().worker_threads(cpus.len()).build();
        block_on_parked(async move {
            // Each thread pins itself: they meet, so that none takes two of these.
            let all_there = Arc::new(Barrier::new(cpus.len()));
            let pin = |cpu| {
                let all_there = Arc::clone(&all_there);
                pool.spawn(move || {
                    all_there.wait();
                    settle_on(cpu);
                })
            };
            futures_util::future::join_all(cpus.iter().copied().map(pin)).await;
            let told = RefCell::default();
            client(&Self { pool, told }).await
        })
    }

    async fn call(&self, message: u64) -> u64 {
        self.pool.spawn(move || handle(message)).await
    }

    async fn tell(&self, message: u64) {
        let told = self.pool.spawn(move || {
            handle(message);
        });
        if let Some(oldest) = self.keep(Box::pin(told)) {
            oldest.await;
        }
    }
}
