//! [actix](https://docs.rs/actix): actors in arbiters, each a thread with a tokio runtime. `do_send` ignores the bound of
//! a mailbox.

use ::actix::{Actor, Addr, Context, Handler, Message};
use actix_rt::{Arbiter, System};
use shared_nothing_affinity::CpuId;

use crate::runtime::{
    ask::{self, Ask},
    drive::{self, settle_on},
    peer::{Figures, Peer, not_offered},
    plan::{CAPACITY, Plan, route},
    row::Row,
    tally::{Tally, answer},
};

pub(crate) struct Actix;
pub(crate) const ACTIX: Actix = Actix;

impl Peer for Actix {
    fn name(&self) -> &'static str {
        "actix"
    }

    fn rows(&self) -> Vec<Row> {
        ask::rows(&[Row::Spawn, Row::Yield])
    }

    fn run(&self, row: Row, plan: Plan) -> Figures {
        match row {
            Row::Spawn | Row::Yield => tasks(row, plan),
            _ => ask::run::<Actors>(row, plan),
        }
    }
}

pub(crate) struct Counter(Tally);

struct Request(u64);

impl Message for Request {
    type Result = u64;
}

impl Actor for Counter {
    type Context = Context<Self>;
}

impl Handler<Request> for Counter {
    type Result = u64;

    fn handle(&mut self, request: Request, _: &mut Self::Context) -> u64 {
        self.0.handle(request.0)
    }
}

pub(crate) struct Actors(Vec<Addr<Counter>>);

impl Ask for Actors {
    fn run(cpus: Vec<CpuId>, client: impl AsyncFnOnce(&Self) -> Figures) -> Figures {
        System::new().block_on(async move {
            let arbiters: Vec<Arbiter> = cpus.iter().map(|_| Arbiter::new()).collect();
            let start = |(arbiter, cpu): (&Arbiter, CpuId)| {
                Counter::start_in_arbiter(&arbiter.handle(), move |context| {
                    settle_on(cpu);
                    context.set_mailbox_capacity(CAPACITY);
                    Counter(Tally::new())
                })
            };
            let actors = arbiters.iter().zip(cpus).map(start).collect();
            let figures = client(&Self(actors)).await;
            arbiters.iter().for_each(|arbiter| {
                arbiter.stop();
            });
            figures
        })
    }

    async fn call(&self, message: u64) -> u64 {
        let answer = self.0[0].send(Request(message)).await;
        answer.expect("the actor is there")
    }

    async fn tell(&self, message: u64) {
        self.0[route(message, self.0.len())].do_send(Request(message));
    }
}

fn tasks(row: Row, plan: Plan) -> Figures {
    System::new().block_on(async move {
        settle_on(plan.client);
        let client = actix_rt::spawn(async move {
            match row {
                Row::Spawn => {
                    let task = async |message| {
                        let task = actix_rt::spawn(async move { answer(message) });
                        task.await.expect("it does not panic")
                    };
                    drive::spawns(plan, task).await
                }
                Row::Yield => drive::yields(plan, tokio::task::yield_now).await,
                _ => not_offered(row),
            }
        });
        client.await.expect("it does not panic")
    })
}
