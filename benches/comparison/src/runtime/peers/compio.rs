//! [compio](https://docs.rs/compio): a runtime a thread over io_uring, with flume's channels.

use std::future::Future;

use compio_runtime::Runtime;
use shared_nothing_affinity::CpuId;

use super::{channels::ends, paired::Paired};
use crate::runtime::{
    drive,
    pair::{Pair, shard},
    peer::{Figures, not_offered},
    plan::Plan,
    row::Row,
    tally::answer,
};

pub(crate) struct WithFlume;

pub(crate) const FLUME: Paired<WithFlume> = Paired::new("compio+flume")
    .with(&[Row::Spawn, Row::Yield], tasks)
    .unless(hindrance);

pub(crate) fn hindrance() -> Option<String> {
    let error = Runtime::new().err()?;
    Some(format!("no runtime can be made: {error}"))
}

impl Pair for WithFlume {
    ends!(flume::Sender<u64>, flume::Receiver<u64>, flume::bounded);

    fn block_on<T, F>(_: CpuId, code: impl FnOnce() -> F + Send + 'static) -> T
    where
        T: Send + 'static,
        F: Future<Output = T> + 'static,
    {
        let runtime = Runtime::new().expect("one was made before");
        runtime.block_on(code())
    }
}

fn tasks(row: Row, plan: Plan) -> Figures {
    let client = shard::<WithFlume, _, _>(plan.client, move || async move {
        match row {
            Row::Spawn => {
                let task = async |message| {
                    let task = compio_runtime::spawn(async move { answer(message) });
                    task.await.expect("it does not panic")
                };
                drive::spawns(plan, task).await
            }
            // It has no `yield_now`.
            Row::Yield => drive::yields(plan, drive::yield_once).await,
            _ => not_offered(row),
        }
    });
    client.join().expect("it gave its figures")
}
