//! Threads of the standard library, and channels whose ends block.

use std::{future::Future, thread};

use crossbeam_channel as crossbeam;
use shared_nothing_affinity::CpuId;

use super::{channels::ends, paired::Paired};
use crate::runtime::{
    drive::{self, block_on_ready, settle_on},
    pair::{Pair, Rx, Tx},
    peer::Figures,
    plan::{CAPACITY, Plan, WINDOW},
    row::Row,
    tally::Tally,
};

pub(crate) struct Crossbeam;
pub(crate) struct Flume;

/// Its ends spin and yield before they park.
pub(crate) const CROSSBEAM: Paired<Crossbeam> = Paired::new("std+crossbeam")
    .awake_in(&[Row::Call])
    .with(&[Row::TellBatch], |_, plan| batched(plan));
pub(crate) const FLUME: Paired<Flume> = Paired::new("std+flume");

impl Pair for Crossbeam {
    ends!(
        crossbeam::Sender<u64>,
        crossbeam::Receiver<u64>,
        crossbeam::bounded
    );

    fn block_on<T, F>(_: CpuId, code: impl FnOnce() -> F + Send + 'static) -> T
    where
        T: Send + 'static,
        F: Future<Output = T> + 'static,
    {
        block_on_ready(code())
    }
}

impl Tx for crossbeam::Sender<u64> {
    async fn send(&mut self, message: u64) {
        let sent = crossbeam::Sender::send(self, message);
        sent.expect("the receiver is there");
    }

    fn try_send(&mut self, message: u64) -> bool {
        crossbeam::Sender::try_send(self, message).is_ok()
    }
}

impl Rx for crossbeam::Receiver<u64> {
    async fn recv(&mut self) -> Option<u64> {
        crossbeam::Receiver::recv(self).ok()
    }

    fn try_recv(&mut self) -> Option<u64> {
        crossbeam::Receiver::try_recv(self).ok()
    }
}

/// It has no batches: a message is a vector then.
fn batched(plan: Plan) -> Figures {
    let (tx, rx) = crossbeam::bounded::<Vec<u64>>(CAPACITY / WINDOW);
    let worker = thread::spawn(move || {
        settle_on(plan.worker);
        let mut tally = Tally::new();
        for message in rx.into_iter().flatten() {
            tally.handle(message);
        }
    });
    settle_on(plan.client);
    let count = plan.messages();
    let mut batch = Vec::with_capacity(WINDOW);
    let figures = block_on_ready(drive::told(count, async |message| {
        batch.push(message);
        if batch.len() == WINDOW || message + 1 == count {
            let next = Vec::with_capacity(WINDOW);
            let sent = tx.send(std::mem::replace(&mut batch, next));
            sent.expect("the receiver is there");
        }
    }));
    drop(tx);
    worker.join().expect("it does not panic");
    figures
}

/// Flume's ends, by its blocking methods.
pub(crate) struct BlockingTx(flume::Sender<u64>);
pub(crate) struct BlockingRx(flume::Receiver<u64>);

fn bounded(capacity: usize) -> (BlockingTx, BlockingRx) {
    let (tx, rx) = flume::bounded(capacity);
    (BlockingTx(tx), BlockingRx(rx))
}

impl Pair for Flume {
    ends!(BlockingTx, BlockingRx, bounded);

    fn block_on<T, F>(_: CpuId, code: impl FnOnce() -> F + Send + 'static) -> T
    where
        T: Send + 'static,
        F: Future<Output = T> + 'static,
    {
        block_on_ready(code())
    }
}

impl Tx for BlockingTx {
    async fn send(&mut self, message: u64) {
        self.0.send(message).expect("the receiver is there");
    }

    fn try_send(&mut self, message: u64) -> bool {
        self.0.try_send(message).is_ok()
    }
}

impl Rx for BlockingRx {
    async fn recv(&mut self) -> Option<u64> {
        self.0.recv().ok()
    }

    fn try_recv(&mut self) -> Option<u64> {
        self.0.try_recv().ok()
    }
}
