//! What the benches share: a pool whose one worker is awake and takes nothing.

use std::{convert::Infallible, hint::black_box};

use shared_nothing::{
    executor::Idle,
    pool::{PoolConfig, WorkerPool},
    worker::{Context, Worker},
};

/// Looks at numbers.
pub struct Look;

impl Worker for Look {
    type State = ();
    type Message = u64;
    type Error = Infallible;

    fn init(&self, _: &Context<u64>) -> Result<(), Infallible> {
        Ok(())
    }

    fn handle_message(
        &self,
        (): &mut (),
        message: u64,
        _: &Context<u64>,
    ) -> Result<(), Infallible> {
        black_box(message);
        Ok(())
    }
}

/// A pool of one worker, which polls its mailbox for ever, and leaves what is in it there: so that what a sender does
/// is the same in every run.
///
/// # Panics
///
/// If there is no thread for it.
#[must_use]
pub fn paused() -> WorkerPool<u64> {
    let config = PoolConfig::new()
        .with_workers(1)
        .with_idle(Idle::BusyPoll)
        .with_capacity(4096);
    let pool = WorkerPool::start(config, |_| Look).expect("one worker is not too many");
    pool.pause(0).expect("the worker is there");
    pool
}
