//! [kimojio](https://docs.rs/kimojio): a runtime for one thread over io_uring. Threads are not its business: it is in the
//! rows of tasks only.

use ::kimojio::{Runtime, configuration::Configuration, operations};

use crate::runtime::{
    drive::{self, settle_on},
    peer::{Figures, Peer, not_offered},
    plan::Plan,
    row::Row,
    tally::answer,
};

pub(crate) struct Kimojio;
pub(crate) const KIMOJIO: Kimojio = Kimojio;

impl Peer for Kimojio {
    fn name(&self) -> &'static str {
        "kimojio"
    }

    fn rows(&self) -> Vec<Row> {
        vec![Row::Spawn, Row::Yield]
    }

    fn hindrance(&self) -> Option<String> {
        let try_one = || drop(Runtime::new(0, Configuration::new()));
        let failed = std::panic::catch_unwind(try_one).is_err();
        failed.then(|| "no runtime can be made: io_uring is refused".to_owned())
    }

    fn run(&self, row: Row, plan: Plan) -> Figures {
        settle_on(plan.client);
        let figures = Runtime::new(0, Configuration::new()).block_on(async move {
            match row {
                Row::Spawn => {
                    let task = async |message| {
                        let task = operations::spawn_task(async move { answer(message) });
                        task.await.unwrap_or_else(|_| panic!("it does not panic"))
                    };
                    drive::spawns(plan, task).await
                }
                Row::Yield => drive::yields(plan, operations::yield_cpu).await,
                _ => not_offered(row),
            }
        });
        match figures {
            Some(Ok(figures)) => figures,
            _ => panic!("it gave no figures"),
        }
    }
}
