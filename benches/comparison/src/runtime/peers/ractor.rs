//! [ractor](https://docs.rs/ractor): actors as tokio tasks, on as many threads as there are actors. Its mailboxes have no
//! bound.

use std::sync::atomic::{AtomicUsize, Ordering};

use ::ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, rpc::CallResult};
use shared_nothing_affinity::CpuId;
use tokio::runtime::Builder;

use crate::runtime::{
    ask::{self, Ask},
    drive::settle_on,
    peer::{Figures, Peer},
    plan::{Plan, route},
    row::Row,
    tally::Tally,
};

pub(crate) struct Ractor;
pub(crate) const RACTOR: Ractor = Ractor;

impl Peer for Ractor {
    fn name(&self) -> &'static str {
        "ractor"
    }

    fn rows(&self) -> Vec<Row> {
        ask::rows(&[])
    }

    fn run(&self, row: Row, plan: Plan) -> Figures {
        ask::run::<Actors>(row, plan)
    }
}

struct Counter;

pub(crate) enum Request {
    Tell(u64),
    Ask(u64, RpcReplyPort<u64>),
}

impl Actor for Counter {
    type Msg = Request;
    type State = Tally;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Request>, (): ()) -> Result<Tally, ActorProcessingErr> {
        Ok(Tally::new())
    }

    async fn handle(
        &self,
        _: ActorRef<Request>,
        request: Request,
        tally: &mut Tally,
    ) -> Result<(), ActorProcessingErr> {
        match request {
            Request::Tell(message) => {
                tally.handle(message);
            }
            Request::Ask(message, reply) => reply.send(tally.handle(message))?,
        }
        Ok(())
    }
}

pub(crate) struct Actors(Vec<ActorRef<Request>>);

impl Ask for Actors {
    fn run(cpus: Vec<CpuId>, client: impl AsyncFnOnce(&Self) -> Figures) -> Figures {
        let (workers, next) = (cpus.len(), AtomicUsize::new(0));
        let runtime = Builder::new_multi_thread()
            .worker_threads(workers)
            .on_thread_start(move || {
                settle_on(cpus[next.fetch_add(1, Ordering::Relaxed) % cpus.len()]);
            })
            .build();
        runtime.expect("it needs nothing").block_on(async move {
            let mut actors = Vec::new();
            for _ in 0..workers {
                let actor = Actor::spawn(None, Counter, ()).await;
                actors.push(actor.expect("it starts").0);
            }
            client(&Self(actors)).await
        })
    }

    async fn call(&self, message: u64) -> u64 {
        let ask = |reply| Request::Ask(message, reply);
        match self.0[0].call(ask, None).await {
            Ok(CallResult::Success(answer)) => answer,
            _ => panic!("the actor is there"),
        }
    }

    async fn tell(&self, message: u64) {
        let told = self.0[route(message, self.0.len())].cast(Request::Tell(message));
        assert!(told.is_ok(), "the actor is there");
    }
}
