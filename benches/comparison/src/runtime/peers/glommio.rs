//! [glommio](https://docs.rs/glommio): an executor a thread over io_uring, and channels shared by two of them.

use std::{future::Future, time::Duration};

use ::glommio::{
    LocalExecutorBuilder, Placement,
    channels::shared_channel::{
        ConnectedReceiver, ConnectedSender, SharedReceiver, SharedSender, new_bounded,
    },
    executor, spawn_local,
};
use shared_nothing_affinity::CpuId;

use super::paired::Paired;
use crate::runtime::{
    drive,
    pair::{Pair, Rx, Tx, shard},
    peer::{Figures, not_offered},
    plan::Plan,
    row::Row,
    tally::answer,
};

/// Executors that look again for so many microseconds before they park.
pub(crate) struct Glommio<const SPIN_US: u64>;

pub(crate) const PARK: Paired<Glommio<0>> = Paired::new("glommio")
    .with(&[Row::Spawn, Row::Yield], tasks)
    .unless(hindrance);
pub(crate) const SPIN: Paired<Glommio<100>> = Paired::new("glommio-spin")
    .awake_in(&[Row::Call])
    .unless(hindrance);

/// It panics, or refuses, where io_uring or locked memory is not granted.
fn hindrance() -> Option<String> {
    let try_one = || {
        LocalExecutorBuilder::new(Placement::Unbound)
            .make()
            .map(drop)
    };
    match std::panic::catch_unwind(try_one) {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(format!("no executor can be made: {error}")),
        Err(_) => Some("no executor can be made: io_uring is refused".to_owned()),
    }
}

impl<const SPIN_US: u64> Pair for Glommio<SPIN_US> {
    type Tx = ConnectedSender<u64>;
    type Rx = ConnectedReceiver<u64>;
    type HalfTx = SharedSender<u64>;
    type HalfRx = SharedReceiver<u64>;
    // Its receiver has no `try_recv`.
    const HAS_TRY: bool = false;

    fn channel(capacity: usize) -> (Self::HalfTx, Self::HalfRx) {
        new_bounded(capacity)
    }

    async fn connect_tx(half: Self::HalfTx) -> Self::Tx {
        half.connect().await
    }

    async fn connect_rx(half: Self::HalfRx) -> Self::Rx {
        half.connect().await
    }

    fn block_on<T, F>(_: CpuId, code: impl FnOnce() -> F + Send + 'static) -> T
    where
        T: Send + 'static,
        F: Future<Output = T> + 'static,
    {
        let mut builder = LocalExecutorBuilder::new(Placement::Unbound);
        if SPIN_US != 0 {
            builder = builder.spin_before_park(Duration::from_micros(SPIN_US));
        }
        let executor = builder.make().expect("an executor was made before");
        executor.run(code())
    }
}

impl Tx for ConnectedSender<u64> {
    async fn send(&mut self, message: u64) {
        let sent = ConnectedSender::send(self, message).await;
        assert!(sent.is_ok(), "the receiver is there");
    }

    fn try_send(&mut self, message: u64) -> bool {
        ConnectedSender::try_send(self, message).is_ok()
    }
}

impl Rx for ConnectedReceiver<u64> {
    async fn recv(&mut self) -> Option<u64> {
        ConnectedReceiver::recv(self).await
    }

    fn try_recv(&mut self) -> Option<u64> {
        None
    }
}

fn tasks(row: Row, plan: Plan) -> Figures {
    let client = shard::<Glommio<0>, _, _>(plan.client, move || async move {
        match row {
            Row::Spawn => {
                let task = async |message| spawn_local(async move { answer(message) }).await;
                drive::spawns(plan, task).await
            }
            Row::Yield => drive::yields(plan, async || executor().yield_now().await).await,
            _ => not_offered(row),
        }
    });
    client.join().expect("it gave its figures")
}
