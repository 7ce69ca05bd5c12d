//! [tokio](https://docs.rs/tokio): a local runtime a thread without drivers, and its channels.

use std::future::Future;

use shared_nothing_affinity::CpuId;
use tokio::{
    runtime::Builder,
    sync::mpsc::{Receiver, Sender, channel},
    task,
};

use super::{channels::ends, paired::Paired};
use crate::runtime::{
    drive,
    pair::{Pair, Rx, Tx, shard},
    peer::{Figures, not_offered},
    plan::Plan,
    row::Row,
    tally::answer,
};

pub(crate) struct Local;

pub(crate) const TOKIO: Paired<Local> =
    Paired::new("tokio-local").with(&[Row::Spawn, Row::Yield], tasks);

impl Pair for Local {
    ends!(Sender<u64>, Receiver<u64>, channel);

    fn block_on<T, F>(_: CpuId, code: impl FnOnce() -> F + Send + 'static) -> T
    where
        T: Send + 'static,
        F: Future<Output = T> + 'static,
    {
        let runtime = Builder::new_current_thread().build_local(Default::default());
        runtime.expect("it needs nothing").block_on(code())
    }
}

impl Tx for Sender<u64> {
    async fn send(&mut self, message: u64) {
        let sent = Sender::send(self, message).await;
        sent.expect("the receiver is there");
    }

    fn try_send(&mut self, message: u64) -> bool {
        Sender::try_send(self, message).is_ok()
    }
}

impl Rx for Receiver<u64> {
    async fn recv(&mut self) -> Option<u64> {
        Receiver::recv(self).await
    }

    fn try_recv(&mut self) -> Option<u64> {
        Receiver::try_recv(self).ok()
    }
}

fn tasks(row: Row, plan: Plan) -> Figures {
    // In a task: what `block_on` is given is polled by other rules.
    let client = shard::<Local, _, _>(plan.client, move || async move {
        let client = task::spawn_local(async move {
            match row {
                Row::Spawn => {
                    let task = async |message| {
                        let task = task::spawn_local(async move { answer(message) });
                        task.await.expect("it does not panic")
                    };
                    drive::spawns(plan, task).await
                }
                Row::Yield => drive::yields(plan, task::yield_now).await,
                _ => not_offered(row),
            }
        });
        client.await.expect("it does not panic")
    });
    client.join().expect("it gave its figures")
}
