//! [compio-dispatcher](https://docs.rs/compio-dispatcher): closures for whichever of its threads is free. A message is a
//! closure; its queue has no bound, and a key cannot choose a thread.

use std::{collections::HashSet, num::NonZeroUsize};

use ::compio_dispatcher::Dispatcher;
use compio_runtime::Runtime;
use shared_nothing_affinity::CpuId;

use super::compio;
use crate::runtime::{
    ask::{self, Ask},
    peer::{Figures, Peer},
    plan::Plan,
    row::Row,
    tally::handle,
};

pub(crate) struct OfDispatcher;
pub(crate) const DISPATCHER: OfDispatcher = OfDispatcher;

impl Peer for OfDispatcher {
    fn name(&self) -> &'static str {
        "compio-dispatcher"
    }

    fn rows(&self) -> Vec<Row> {
        ask::rows(&[])
    }

    fn hindrance(&self) -> Option<String> {
        compio::hindrance()
    }

    fn run(&self, row: Row, plan: Plan) -> Figures {
        ask::run::<Dispatcher>(row, plan)
    }
}

impl Ask for Dispatcher {
    fn run(cpus: Vec<CpuId>, client: impl AsyncFnOnce(&Self) -> Figures) -> Figures {
        let threads = NonZeroUsize::new(cpus.len()).expect("there is a worker");
        let dispatcher = Self::builder()
            .worker_threads(threads)
            .thread_affinity(move |thread| HashSet::from([cpus[thread].0 as usize]))
            .build()
            .expect("a runtime was made before");
        let runtime = Runtime::new().expect("one was made before");
        runtime.block_on(async {
            let figures = client(&dispatcher).await;
            dispatcher.join().await.expect("its threads end");
            figures
        })
    }

    async fn call(&self, message: u64) -> u64 {
        let answer = self.dispatch(move || async move { handle(message) });
        let answer = answer.unwrap_or_else(|_| panic!("its threads are there"));
        answer.await.expect("it does not panic")
    }

    async fn tell(&self, message: u64) {
        let told = self.dispatch(move || async move {
            handle(message);
        });
        drop(told.unwrap_or_else(|_| panic!("its threads are there")));
    }
}
