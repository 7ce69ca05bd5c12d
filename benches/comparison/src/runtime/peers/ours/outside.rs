//! The executor, called from a plain thread that is none of its shards.

use comparison::report::{Class, Kind};
use shared_nothing::executor::{Handle, Idle};

use super::executor::start;
use crate::runtime::{
    drive::{self, block_on_parked, settle_on},
    peer::{Figures, Peer, not_offered},
    plan::Plan,
    row::Row,
    tally::handle,
};

pub(crate) struct Outside;
pub(crate) const OUTSIDE: Outside = Outside;

impl Peer for Outside {
    fn name(&self) -> &'static str {
        "executor, from outside"
    }

    fn kind(&self) -> Kind {
        Kind::Ours
    }

    fn class(&self, row: Row) -> Class {
        // The caller parks, but the shard spins.
        if row == Row::Call {
            Class::Awake
        } else {
            Class::Plain
        }
    }

    fn rows(&self) -> Vec<Row> {
        vec![Row::Call, Row::Pipe]
    }

    fn run(&self, row: Row, plan: Plan) -> Figures {
        let executor = start(vec![plan.worker], Idle::DEFAULT);
        settle_on(plan.client);
        let handle = executor.handle();
        let figures = block_on_parked(async {
            match row {
                Row::Call => drive::calls(plan, async |message| call(&handle, message).await).await,
                Row::Pipe => drive::piped(plan, |message| call(&handle, message)).await,
                _ => not_offered(row),
            }
        });
        let _report = executor.stop();
        figures
    }
}

async fn call(shards: &Handle, message: u64) -> u64 {
    let answer = shards.submit_to(0, move || handle(message)).await;
    answer.expect("the shard runs")
}
