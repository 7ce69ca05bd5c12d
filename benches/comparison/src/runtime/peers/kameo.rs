//! [kameo](https://docs.rs/kameo): actors, here each on a thread of its own.

use ::kameo::{
    actor::{ActorRef, Spawn},
    error::Infallible,
    mailbox,
    message::{Context, Message},
    prelude::Actor,
};
use shared_nothing_affinity::CpuId;
use tokio::runtime::Builder;

use crate::runtime::{
    ask::{self, Ask},
    drive::settle_on,
    peer::{Figures, Peer},
    plan::{CAPACITY, Plan, route},
    row::Row,
    tally::Tally,
};

pub(crate) struct Kameo;
pub(crate) const KAMEO: Kameo = Kameo;

impl Peer for Kameo {
    fn name(&self) -> &'static str {
        "kameo"
    }

    fn rows(&self) -> Vec<Row> {
        ask::rows(&[])
    }

    fn run(&self, row: Row, plan: Plan) -> Figures {
        ask::run::<Actors>(row, plan)
    }
}

pub(crate) struct Counter(Tally);

impl Actor for Counter {
    type Args = CpuId;
    type Error = Infallible;

    async fn on_start(cpu: CpuId, _: ActorRef<Self>) -> Result<Self, Infallible> {
        settle_on(cpu);
        Ok(Self(Tally::new()))
    }
}

impl Message<u64> for Counter {
    type Reply = u64;

    async fn handle(&mut self, message: u64, _: &mut Context<Self, u64>) -> u64 {
        self.0.handle(message)
    }
}

pub(crate) struct Actors(Vec<ActorRef<Counter>>);

impl Ask for Actors {
    fn run(cpus: Vec<CpuId>, client: impl AsyncFnOnce(&Self) -> Figures) -> Figures {
        // An actor with a thread of its own asks for the other kind of runtime.
        let runtime = Builder::new_multi_thread().worker_threads(1).build();
        runtime.expect("it needs nothing").block_on(async move {
            let mut actors = Vec::new();
            for cpu in cpus {
                let mailbox = mailbox::bounded(CAPACITY);
                let actor = Counter::spawn_in_thread_with_mailbox(cpu, mailbox);
                actor.wait_for_startup().await;
                actors.push(actor);
            }
            client(&Self(actors)).await
        })
    }

    async fn call(&self, message: u64) -> u64 {
        let answer = self.0[0].ask(message).await;
        answer.expect("the actor is there")
    }

    async fn tell(&self, message: u64) {
        let told = self.0[route(message, self.0.len())].tell(message).await;
        told.expect("the actor is there");
    }
}
