//! The rows of peers that have workers to ask: actors, pools, schedulers.

use shared_nothing_affinity::CpuId;

use super::{
    drive::{self, settle_on},
    idle,
    peer::{Figures, not_offered},
    plan::{IDLE_WORKERS, Plan, SCALE_WORK},
    row::Row,
    tally,
};

/// Workers, as a client reaches them.
pub(crate) trait Ask: Sized {
    /// Starts a worker on each of `cpus` and runs `client` on this thread, in whatever it needs there. The thread is
    /// pinned by the client, so that threads made before it are not.
    fn run(cpus: Vec<CpuId>, client: impl AsyncFnOnce(&Self) -> Figures) -> Figures;

    /// Asks the one worker.
    async fn call(&self, message: u64) -> u64;

    /// Sends to the worker that the message belongs to as a key.
    async fn tell(&self, message: u64);
}

const COMMON: [Row; 10] = [
    Row::Call,
    Row::Pipe,
    Row::Tell,
    Row::Keyed,
    Row::Wake,
    Row::Idle,
    Row::Scale(1),
    Row::Scale(2),
    Row::Scale(3),
    Row::Scale(4),
];

/// What all of them can do, and what else this one can.
pub(crate) fn rows(more: &[Row]) -> Vec<Row> {
    [&COMMON, more].concat()
}

pub(crate) fn run<A: Ask>(row: Row, plan: Plan) -> Figures {
    match row {
        Row::Call => with::<A>(plan, 1, async |all| {
            drive::calls(plan, async |message| all.call(message).await).await
        }),
        Row::Pipe => with::<A>(plan, 1, async |all| {
            drive::piped(plan, |message| all.call(message)).await
        }),
        Row::Tell => spread::<A>(plan, 1, plan.messages()),
        Row::Keyed => spread::<A>(plan, 2, plan.messages()),
        Row::Scale(workers) => {
            tally::set_work(SCALE_WORK);
            spread::<A>(plan, workers, plan.worked())
        }
        Row::Wake => with::<A>(plan, 1, async |all| {
            drive::wakes(plan, async |message| all.tell(message).await).await
        }),
        Row::Idle => with::<A>(plan, IDLE_WORKERS, async |_all| idle::watch(plan)),
        Row::TellBatch | Row::Mesh | Row::Spawn | Row::Yield => not_offered(row),
    }
}

fn with<A: Ask>(plan: Plan, workers: usize, client: impl AsyncFnOnce(&A) -> Figures) -> Figures {
    A::run(plan.cpus_of(workers), async move |all: &A| {
        settle_on(plan.client);
        client(all).await
    })
}

fn spread<A: Ask>(plan: Plan, workers: usize, count: u64) -> Figures {
    with::<A>(plan, workers, async |all| {
        drive::told(count, async |message| all.tell(message).await).await
    })
}
