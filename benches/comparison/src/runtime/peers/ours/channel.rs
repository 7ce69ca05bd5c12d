//! The executor, and a channel of the rings between two of its shards' tasks: for messages of one's own.

use std::future::Future;

use comparison::report::{Class, Kind};
use shared_nothing::executor::Idle;
use shared_nothing_affinity::CpuId;
use shared_nothing_rings::channel::{SpscReceiver, SpscSender, spsc};

use super::executor::start;
use crate::runtime::{
    pair::{self, Pair, Rx, Tx},
    peer::{Figures, Peer},
    peers::channels::ends,
    plan::Plan,
    row::Row,
};

pub(crate) struct Channel;
pub(crate) const CHANNEL: Channel = Channel;

impl Peer for Channel {
    fn name(&self) -> &'static str {
        "executor, channel"
    }

    fn kind(&self) -> Kind {
        Kind::Ours
    }

    fn class(&self, row: Row) -> Class {
        if row == Row::Call {
            Class::Awake
        } else {
            Class::Plain
        }
    }

    fn rows(&self) -> Vec<Row> {
        pair::rows(&[])
    }

    fn run(&self, row: Row, plan: Plan) -> Figures {
        pair::run::<Self>(row, plan)
    }
}

fn channel(capacity: usize) -> (SpscSender<u64>, SpscReceiver<u64>) {
    spsc(capacity).expect("there is memory for a channel")
}

impl Pair for Channel {
    ends!(SpscSender<u64>, SpscReceiver<u64>, channel);

    /// An executor of one shard; the calling thread parks.
    fn block_on<T, F>(cpu: CpuId, code: impl FnOnce() -> F + Send + 'static) -> T
    where
        T: Send + 'static,
        F: Future<Output = T> + 'static,
    {
        let executor = start(vec![cpu], Idle::DEFAULT);
        let output = executor.block_on(0, code);
        let _report = executor.stop();
        output.expect("the code does not panic")
    }
}

impl Tx for SpscSender<u64> {
    async fn send(&mut self, message: u64) {
        let sent = self.send_async(message).await;
        assert!(sent.is_ok(), "the receiver is there");
    }

    fn try_send(&mut self, message: u64) -> bool {
        SpscSender::try_send(self, message).is_ok()
    }
}

impl Rx for SpscReceiver<u64> {
    async fn recv(&mut self) -> Option<u64> {
        self.recv_async().await.ok()
    }

    fn try_recv(&mut self) -> Option<u64> {
        SpscReceiver::try_recv(self).ok()
    }
}
