//! The executor's mesh: messages of one's own between its shards, one way.

use comparison::report::{Class, Kind};
use futures_util::future::join;
use shared_nothing::executor::{
    Idle,
    mesh::{Mesh, Receiver, Sender},
    spawn_local, submit_async_to,
};

use super::executor::start;
use crate::runtime::{
    drive,
    peer::{Figures, Peer, each, not_offered},
    plan::{CAPACITY, Plan},
    row::Row,
    tally::{self, Tally},
};

pub(crate) struct Streams;
pub(crate) const MESH: Streams = Streams;

impl Peer for Streams {
    fn name(&self) -> &'static str {
        "executor, mesh"
    }

    fn kind(&self) -> Kind {
        Kind::Ours
    }

    fn class(&self, _: Row) -> Class {
        Class::Plain
    }

    fn rows(&self) -> Vec<Row> {
        vec![Row::Tell, Row::Mesh]
    }

    fn run(&self, row: Row, plan: Plan) -> Figures {
        let executor = start(vec![plan.client, plan.worker], Idle::DEFAULT);
        let figures = executor.block_on(0, move || async move {
            let mesh = Mesh::start(CAPACITY)
                .await
                .expect("there is memory for the lanes");
            match row {
                Row::Tell => tell(mesh, plan).await,
                Row::Mesh => both_ways(mesh, plan).await,
                _ => not_offered(row),
            }
        });
        let _report = executor.stop();
        figures.expect("the client does not panic")
    }
}

fn ends(mesh: Mesh<u64>) -> (Sender<u64>, Receiver<u64>) {
    mesh.ends().expect("taken once on each shard")
}

async fn take(mut rx: Receiver<u64>, count: u64) {
    let mut tally = Tally::new();
    for _ in 0..count {
        tally.handle(rx.recv().await.expect("the other sends all"));
    }
}

async fn tell(mesh: Mesh<u64>, plan: Plan) -> Figures {
    let count = plan.messages();
    let there = spawn_local(submit_async_to(1, move || async move {
        // The sender stays: with it the lanes.
        let (_tx, rx) = ends(mesh);
        take(rx, count).await;
    }));
    let (tx, _rx) = ends(mesh);
    let figures = drive::told(count, async |message| {
        tx.send(1, message).await.expect("the receiver is there");
    });
    let figures = figures.await;
    there
        .await
        .expect("nobody aborts it")
        .expect("the shard runs");
    figures
}

/// Sends all and takes all, by a task each. Returns when it began and when it ended.
async fn exchange(mesh: Mesh<u64>, to: usize, count: u64) -> (u64, u64) {
    let (tx, rx) = ends(mesh);
    let from = tally::now_ns();
    let taken = spawn_local(take(rx, count));
    for message in 0..count {
        tx.send(to, message).await.expect("the receiver is there");
    }
    taken.await.expect("it does not panic");
    (from, tally::now_ns())
}

async fn both_ways(mesh: Mesh<u64>, plan: Plan) -> Figures {
    let count = plan.mesh();
    let there = submit_async_to(1, move || exchange(mesh, 0, count));
    let ((from, to), there) = join(exchange(mesh, 1, count), there).await;
    let (other_from, other_to) = there.expect("the shard runs");
    tally::assert_sum(2 * count, 2 * (0..count).sum::<u64>());
    each(to.max(other_to) - from.min(other_from), 2 * count)
}
