//! The rows of peers that are a runtime on each thread, and channels between the threads.
//!
//! A call is a message there and one back, by two channels: the least that such a peer needs for it.

use std::{future::Future, thread};

use futures_util::future::join;
use shared_nothing_affinity::CpuId;

use super::{
    drive::{self, settle_on},
    idle,
    peer::{Figures, each, not_offered},
    plan::{CAPACITY, IDLE_WORKERS, Plan, SCALE_WORK, WINDOW, route},
    row::Row,
    tally::{self, Tally, answer},
};

/// The writing end of a channel, on its thread.
pub(crate) trait Tx {
    /// # Panics
    ///
    /// If the other end is gone.
    async fn send(&mut self, message: u64);

    /// Whether there was room.
    fn try_send(&mut self, message: u64) -> bool;
}

/// Its reading end.
pub(crate) trait Rx {
    /// `None`: the other end is gone.
    async fn recv(&mut self) -> Option<u64>;
    fn try_recv(&mut self) -> Option<u64>;
}

/// A runtime and a kind of channel.
pub(crate) trait Pair: 'static {
    type Tx: Tx;
    type Rx: Rx;
    /// An end on its way to its thread.
    type HalfTx: Send + 'static;
    type HalfRx: Send + 'static;
    /// Whether an end has `try_send` and `try_recv`, so that one loop can use both ends.
    const HAS_TRY: bool = true;

    fn channel(capacity: usize) -> (Self::HalfTx, Self::HalfRx);
    async fn connect_tx(half: Self::HalfTx) -> Self::Tx;
    async fn connect_rx(half: Self::HalfRx) -> Self::Rx;

    /// Runs `code` on this thread, which is pinned to `cpu`.
    fn block_on<T, F>(cpu: CpuId, code: impl FnOnce() -> F + Send + 'static) -> T
    where
        T: Send + 'static,
        F: Future<Output = T> + 'static;
}

const COMMON: [Row; 11] = [
    Row::Call,
    Row::Pipe,
    Row::Tell,
    Row::Keyed,
    Row::Mesh,
    Row::Wake,
    Row::Idle,
    Row::Scale(1),
    Row::Scale(2),
    Row::Scale(3),
    Row::Scale(4),
];

/// What every pair can do, and what else this one can.
pub(crate) fn rows(more: &[Row]) -> Vec<Row> {
    [&COMMON, more].concat()
}

pub(crate) fn run<P: Pair>(row: Row, plan: Plan) -> Figures {
    match row {
        Row::Call => asked::<P>(plan, async move |tx, rx| {
            drive::calls(plan, async |message| {
                tx.send(message).await;
                rx.recv().await.expect("the worker answers")
            })
            .await
        }),
        Row::Pipe => asked::<P>(plan, async move |tx, rx| window(plan, tx, rx).await),
        Row::Tell => spread::<P>(plan, 1, plan.messages()),
        Row::Keyed => spread::<P>(plan, 2, plan.messages()),
        Row::Scale(workers) => {
            tally::set_work(SCALE_WORK);
            spread::<P>(plan, workers, plan.worked())
        }
        Row::Wake => told::<P>(plan, 1, async move |txs| {
            let tx = &mut txs[0];
            drive::wakes(plan, async |message| tx.send(message).await).await
        }),
        Row::Mesh => mesh::<P>(plan),
        // The client sleeps. Its channels are connected: an end that still waits for that may not rest.
        Row::Idle => told::<P>(plan, IDLE_WORKERS, async move |_txs| idle::watch(plan)),
        Row::TellBatch | Row::Spawn | Row::Yield => not_offered(row),
    }
}

/// A thread with the peer's runtime.
pub(crate) fn shard<P, T, F>(
    cpu: CpuId,
    code: impl FnOnce() -> F + Send + 'static,
) -> thread::JoinHandle<T>
where
    P: Pair,
    T: Send + 'static,
    F: Future<Output = T> + 'static,
{
    thread::spawn(move || {
        settle_on(cpu);
        P::block_on(cpu, code)
    })
}

fn ended<T>(thread: thread::JoinHandle<T>) -> T {
    thread
        .join()
        .unwrap_or_else(|cause| std::panic::resume_unwind(cause))
}

/// Runs a client whose worker answers.
fn asked<P: Pair>(
    plan: Plan,
    client: impl AsyncFnOnce(&mut P::Tx, &mut P::Rx) -> Figures + Send + 'static,
) -> Figures {
    let (tx_request, rx_request) = P::channel(CAPACITY);
    let (tx_reply, rx_reply) = P::channel(CAPACITY);
    let worker = shard::<P, _, _>(plan.worker, move || async move {
        let mut rx = P::connect_rx(rx_request).await;
        let mut tx = P::connect_tx(tx_reply).await;
        let mut tally = Tally::new();
        while let Some(message) = rx.recv().await {
            tx.send(tally.handle(message)).await;
        }
    });
    let client = shard::<P, _, _>(plan.client, move || async move {
        let mut tx = P::connect_tx(tx_request).await;
        let mut rx = P::connect_rx(rx_reply).await;
        client(&mut tx, &mut rx).await
    });
    let figures = ended(client);
    ended(worker);
    figures
}

/// Keeps a window of requests under way. Answers come in order.
async fn window(plan: Plan, tx: &mut impl Tx, rx: &mut impl Rx) -> Figures {
    let (count, mut differs) = (plan.piped(), 0);
    let from = tally::now_ns();
    for message in 0..WINDOW as u64 {
        tx.send(message).await;
    }
    for message in 0..count {
        differs |= rx.recv().await.expect("the worker answers") ^ answer(message);
        let next = message + WINDOW as u64;
        if next < count {
            tx.send(next).await;
        }
    }
    let took_ns = tally::now_ns() - from;
    assert_eq!(differs, 0, "a wrong answer");
    each(took_ns, count)
}

/// Runs a client with a channel to each of some workers, which do not answer.
fn told<P: Pair>(
    plan: Plan,
    workers: usize,
    client: impl AsyncFnOnce(&mut [P::Tx]) -> Figures + Send + 'static,
) -> Figures {
    let (halves, threads): (Vec<_>, Vec<_>) = plan
        .cpus_of(workers)
        .into_iter()
        .map(|cpu| {
            let (tx, rx) = P::channel(CAPACITY);
            (tx, shard::<P, _, _>(cpu, move || listen::<P>(rx)))
        })
        .unzip();
    let client = shard::<P, _, _>(plan.client, move || async move {
        let mut txs = Vec::with_capacity(halves.len());
        for half in halves {
            txs.push(P::connect_tx(half).await);
        }
        client(&mut txs).await
    });
    let figures = ended(client);
    threads.into_iter().for_each(ended);
    figures
}

async fn listen<P: Pair>(rx: P::HalfRx) {
    let mut rx = P::connect_rx(rx).await;
    let mut tally = Tally::new();
    while let Some(message) = rx.recv().await {
        tally.handle(message);
    }
}

/// Messages over some workers, by key.
fn spread<P: Pair>(plan: Plan, workers: usize, count: u64) -> Figures {
    told::<P>(plan, workers, async move |txs| {
        let workers = txs.len();
        drive::told(count, async |message| {
            txs[route(message, workers)].send(message).await;
        })
        .await
    })
}

fn mesh<P: Pair>(plan: Plan) -> Figures {
    let count = plan.mesh();
    let (tx_there, rx_there) = P::channel(CAPACITY);
    let (tx_back, rx_back) = P::channel(CAPACITY);
    let worker = shard::<P, _, _>(plan.worker, move || async move {
        let mut rx = P::connect_rx(rx_there).await;
        let mut tx = P::connect_tx(tx_back).await;
        exchange::<P>(count, &mut tx, &mut rx).await
    });
    let client = shard::<P, _, _>(plan.client, move || async move {
        let mut tx = P::connect_tx(tx_there).await;
        let mut rx = P::connect_rx(rx_back).await;
        exchange::<P>(count, &mut tx, &mut rx).await
    });
    let (from, to) = ended(client);
    let (other_from, other_to) = ended(worker);
    tally::assert_sum(2 * count, 2 * (0..count).sum::<u64>());
    each(to.max(other_to) - from.min(other_from), 2 * count)
}

/// Sends all and receives all, both at once. Returns when it began and when it ended.
async fn exchange<P: Pair>(count: u64, tx: &mut P::Tx, rx: &mut P::Rx) -> (u64, u64) {
    let mut tally = Tally::new();
    let from = tally::now_ns();
    if P::HAS_TRY {
        let (mut sent, mut received) = (0, 0);
        while sent < count || received < count {
            let before = sent + received;
            let burst = count.min(sent + WINDOW as u64);
            while sent < burst && tx.try_send(sent) {
                sent += 1;
            }
            for _ in 0..WINDOW {
                let Some(message) = rx.try_recv() else { break };
                tally.handle(message);
                received += 1;
            }
            if before != sent + received {
                continue;
            }
            // Full, and empty. With both ends full there would be something to receive, so nobody waits for ever.
            if received < count {
                tally.handle(rx.recv().await.expect("the other sends all"));
                received += 1;
            } else {
                tx.send(sent).await;
                sent += 1;
            }
        }
    } else {
        let send = async {
            for message in 0..count {
                tx.send(message).await;
            }
        };
        let receive = async {
            for _ in 0..count {
                tally.handle(rx.recv().await.expect("the other sends all"));
            }
        };
        join(send, receive).await;
    }
    (from, tally::now_ns())
}
