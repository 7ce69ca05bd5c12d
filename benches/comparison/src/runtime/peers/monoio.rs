//! [monoio](https://docs.rs/monoio): a runtime a thread over io_uring. It has no channels; two kinds are put beside it.

use std::future::Future;

use ::monoio::{FusionDriver, RuntimeBuilder};
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
pub(crate) struct WithAsyncChannel;

pub(crate) const FLUME: Paired<WithFlume> =
    Paired::new("monoio+flume").with(&[Row::Spawn, Row::Yield], tasks);
pub(crate) const ASYNC_CHANNEL: Paired<WithAsyncChannel> = Paired::new("monoio+async-channel");

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = RuntimeBuilder::<FusionDriver>::new().build();
    runtime.expect("it falls back to epoll").block_on(future)
}

impl Pair for WithFlume {
    ends!(flume::Sender<u64>, flume::Receiver<u64>, flume::bounded);

    fn block_on<T, F>(_: CpuId, code: impl FnOnce() -> F + Send + 'static) -> T
    where
        T: Send + 'static,
        F: Future<Output = T> + 'static,
    {
        block_on(code())
    }
}

impl Pair for WithAsyncChannel {
    ends!(
        async_channel::Sender<u64>,
        async_channel::Receiver<u64>,
        async_channel::bounded
    );

    fn block_on<T, F>(_: CpuId, code: impl FnOnce() -> F + Send + 'static) -> T
    where
        T: Send + 'static,
        F: Future<Output = T> + 'static,
    {
        block_on(code())
    }
}

fn tasks(row: Row, plan: Plan) -> Figures {
    let client = shard::<WithFlume, _, _>(plan.client, move || async move {
        match row {
            Row::Spawn => {
                let task = async |message| ::monoio::spawn(async move { answer(message) }).await;
                drive::spawns(plan, task).await
            }
            // It has no `yield_now`.
            Row::Yield => drive::yields(plan, drive::yield_once).await,
            _ => not_offered(row),
        }
    });
    client.join().expect("it gave its figures")
}
