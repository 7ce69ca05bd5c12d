//! The executor: calls between shards, and tasks. The client is a task of the shard on the client's core.

use comparison::report::{Class, Kind};
use futures_util::future::join;
use shared_nothing::executor::{
    Executor, Idle, spawn_local, submit_async_to, submit_to, yield_now,
};
use shared_nothing_affinity::{CpuId, Placement};

use crate::runtime::{
    drive::{self, caller},
    idle,
    peer::{Figures, Peer, each, not_offered},
    plan::{IDLE_WORKERS, Plan, WINDOW, route},
    row::Row,
    tally::{self, NOTED, answer, handle},
};

pub(crate) struct Calls {
    name: &'static str,
    idle: Idle,
    awake: &'static [Row],
}

pub(crate) const DEFAULT: Calls = Calls {
    name: "executor",
    idle: Idle::DEFAULT,
    awake: &[Row::Call],
};
pub(crate) const PARK: Calls = Calls {
    name: "executor, parks",
    idle: Idle::Park,
    awake: &[],
};
pub(crate) const BUSY_POLL: Calls = Calls {
    name: "executor, busy poll",
    idle: Idle::BusyPoll,
    awake: &[Row::Call, Row::Wake, Row::Idle],
};

/// An executor with a shard on each of these.
pub(crate) fn start(cpus: Vec<CpuId>, idle: Idle) -> Executor {
    Executor::builder()
        .with_shards(cpus.len())
        .with_placement(Placement::List(cpus))
        .with_idle(idle)
        .start()
        .expect("the settings are valid")
}

impl Peer for Calls {
    fn name(&self) -> &'static str {
        self.name
    }

    fn kind(&self) -> Kind {
        Kind::Ours
    }

    fn class(&self, row: Row) -> Class {
        if self.awake.contains(&row) {
            Class::Awake
        } else {
            Class::Plain
        }
    }

    fn rows(&self) -> Vec<Row> {
        let waiting = [Row::Call, Row::Pipe, Row::Wake, Row::Idle];
        let all = [
            &waiting[..],
            &[Row::Keyed, Row::Mesh, Row::Spawn, Row::Yield],
        ]
        .concat();
        if self.idle == Idle::DEFAULT {
            all
        } else {
            waiting.into()
        }
    }

    fn run(&self, row: Row, plan: Plan) -> Figures {
        if row == Row::Idle {
            let executor = start(plan.cpus_of(IDLE_WORKERS), self.idle);
            let figures = idle::watch(plan);
            let _report = executor.stop();
            return figures;
        }
        let executor = start(vec![plan.client, plan.worker], self.idle);
        let figures = executor.block_on(0, move || async move {
            match row {
                Row::Call => drive::calls(plan, async |message| call(1, message).await).await,
                Row::Pipe => callers(plan.piped(), |_| 1).await,
                Row::Keyed => callers(plan.messages(), |message| route(message, 2)).await,
                Row::Mesh => mesh(plan).await,
                Row::Wake => wakes(plan).await,
                Row::Spawn => drive::spawns(plan, spawn).await,
                Row::Yield => drive::yields(plan, yield_now).await,
                _ => not_offered(row),
            }
        });
        let _report = executor.stop();
        figures.expect("the client does not panic")
    }
}

async fn call(shard: usize, message: u64) -> u64 {
    let answer = submit_to(shard, move || handle(message)).await;
    answer.expect("the shard runs")
}

async fn spawn(message: u64) -> u64 {
    let task = spawn_local(async move { answer(message) });
    task.await.expect("it does not panic")
}

/// A window of tasks, each with one call at a time.
async fn callers(count: u64, shard_of: fn(u64) -> usize) -> Figures {
    let from = tally::now_ns();
    let done = window(count, shard_of).await;
    each(tally::now_ns() - from, done)
}

/// Returns how many calls were made.
async fn window(count: u64, shard_of: fn(u64) -> usize) -> u64 {
    let share = count / WINDOW as u64;
    let spawn = |index| {
        let messages = index * share..(index + 1) * share;
        let call = move |message| call(shard_of(message), message);
        spawn_local(caller(messages, call))
    };
    let tasks: Vec<_> = (0..WINDOW as u64).map(spawn).collect();
    for task in tasks {
        let differs = task.await.expect("it does not panic");
        assert_eq!(differs, 0, "a wrong answer");
    }
    share * WINDOW as u64
}

/// Both shards call each other, each by a window of tasks. A message is a call here, and is answered.
async fn mesh(plan: Plan) -> Figures {
    let count = plan.mesh();
    let from = tally::now_ns();
    let there = submit_async_to(1, move || window(count, |_| 0));
    let (here, there) = join(window(count, |_| 1), there).await;
    let took_ns = tally::now_ns() - from;
    each(took_ns, here + there.expect("the shard runs"))
}

/// A call is sent after its task's turn, so that what the send alone takes cannot be told here.
async fn wakes(plan: Plan) -> Figures {
    let figures = drive::wakes(plan, async |message| {
        let answered = call(1, message).await;
        assert_eq!(answered | NOTED, answer(message) | NOTED, "a wrong answer");
    });
    let mut figures = figures.await;
    figures.retain(|(name, _)| *name != "send");
    figures
}
