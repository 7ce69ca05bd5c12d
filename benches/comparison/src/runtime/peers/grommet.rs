//! [grommet](https://docs.rs/grommet): keyed work for shards, each a tokio runtime.
//!
//! `Router::submit` can wait for ever under back-pressure, so `try_submit` is used, and tried again while full.

use std::{cell::RefCell, convert::Infallible, rc::Rc, sync::Arc, thread};

use ::grommet::{
    Call, ClassId, Disposition, IO, PinPolicy, Processor, Router, Scheduler, SubmitError,
    SystemClock, Work,
};
use shared_nothing_affinity::CpuId;

use crate::runtime::{
    ask::{self, Ask},
    drive::{self, relax, settle_on},
    peer::{Figures, Peer},
    plan::{CAPACITY, Plan, WINDOW},
    row::Row,
    tally::Tally,
};

pub(crate) struct Grommet;
pub(crate) const GROMMET: Grommet = Grommet;

impl Peer for Grommet {
    fn name(&self) -> &'static str {
        "grommet"
    }

    fn rows(&self) -> Vec<Row> {
        ask::rows(&[Row::TellBatch])
    }

    fn run(&self, row: Row, plan: Plan) -> Figures {
        match row {
            Row::Call | Row::Pipe => ask::run::<Asked>(row, plan),
            Row::TellBatch => batched(plan),
            _ => ask::run::<Told>(row, plan),
        }
    }
}

/// A message; it is its own key.
pub(crate) struct Job(u64);

impl Work for Job {
    type Key = u64;
    type Id = ();

    fn key(&self) -> u64 {
        self.0
    }

    fn class(&self) -> ClassId {
        IO
    }
}

#[derive(Clone)]
struct Handler(Rc<RefCell<Tally>>);

impl Processor for Handler {
    type Work = Job;
    type State = ();
    type Error = Infallible;

    async fn process(
        &self,
        _: u64,
        _: Option<()>,
        job: Job,
    ) -> Result<Disposition<()>, Infallible> {
        self.0.borrow_mut().handle(job.0);
        Ok(Disposition::Drop)
    }
}

#[derive(Clone)]
struct Answerer(Rc<RefCell<Tally>>);

impl Processor for Answerer {
    type Work = Call<Job, u64>;
    type State = ();
    type Error = Infallible;

    async fn process(
        &self,
        _: u64,
        _: Option<()>,
        call: Call<Job, u64>,
    ) -> Result<Disposition<()>, Infallible> {
        let (job, responder) = call.into_parts();
        responder.send(self.0.borrow_mut().handle(job.0));
        Ok(Disposition::Drop)
    }
}

/// Runs the client beside a scheduler whose processors `make` makes.
fn run<P: Processor>(
    cpus: Vec<CpuId>,
    make: fn(Rc<RefCell<Tally>>) -> P,
    client: impl AsyncFnOnce(Arc<Router<P::Work>>) -> Figures,
) -> Figures {
    let builder = Scheduler::<P>::builder(cpus.len(), [2048, WINDOW]);
    let scheduler = builder
        .mailbox(CAPACITY)
        .pin(PinPolicy::Disabled)
        .spawn(move |shard| {
            settle_on(cpus[shard.index]);
            make(Rc::new(RefCell::new(Tally::new())))
        })
        .expect("the settings are valid");
    let router = Arc::clone(scheduler.router());
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("it needs nothing");
    let figures = runtime.block_on(client(router));
    scheduler.shutdown();
    figures
}

pub(crate) struct Told(Arc<Router<Job, SystemClock>>);

impl Ask for Told {
    fn run(cpus: Vec<CpuId>, client: impl AsyncFnOnce(&Self) -> Figures) -> Figures {
        run(cpus, Handler, async |router| client(&Self(router)).await)
    }

    async fn call(&self, _: u64) -> u64 {
        unreachable!("what is told is not answered")
    }

    async fn tell(&self, message: u64) {
        let mut job = Job(message);
        loop {
            match self.0.try_submit(job) {
                Ok(()) => return,
                Err(SubmitError::Full(back)) => job = back,
                Err(_) => panic!("the shards are there"),
            }
            thread::yield_now();
        }
    }
}

fn batched(plan: Plan) -> Figures {
    let count = plan.messages();
    run(plan.cpus_of(1), Handler, async |router| {
        settle_on(plan.client);
        let mut batch = Vec::with_capacity(WINDOW);
        drive::told(count, async |message| {
            batch.push(Job(message));
            if batch.len() < WINDOW && message + 1 != count {
                return;
            }
            while let Err(refused) = router.try_submit_batch(batch.drain(..)) {
                batch = refused.into_work().collect();
                thread::yield_now();
            }
        })
        .await
    })
}

pub(crate) struct Asked(Arc<Router<Call<Job, u64>, SystemClock>>);

impl Ask for Asked {
    fn run(cpus: Vec<CpuId>, client: impl AsyncFnOnce(&Self) -> Figures) -> Figures {
        run(cpus, Answerer, async |router| client(&Self(router)).await)
    }

    async fn call(&self, message: u64) -> u64 {
        loop {
            match self.0.try_call(Job(message)) {
                Ok(answer) => return answer.await.expect("it is answered"),
                Err(SubmitError::Full(_)) => relax().await,
                Err(_) => panic!("the shards are there"),
            }
        }
    }

    async fn tell(&self, _: u64) {
        unreachable!("what is asked is answered")
    }
}
