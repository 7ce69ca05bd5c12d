use core::convert::Infallible;

use super::*;
use crate::{
    pool::{PoolConfig, WorkerPool},
    worker::{Context, Worker},
};

struct Idle;

impl Worker for Idle {
    type State = ();
    type Message = u64;
    type Error = Infallible;

    fn init(&self, _: &Context<u64>) -> Result<(), Infallible> {
        Ok(())
    }

    fn handle_message(&self, (): &mut (), _: u64, _: &Context<u64>) -> Result<(), Infallible> {
        Ok(())
    }
}

const LIMIT: Duration = Duration::from_millis(1);

#[test]
fn a_run_is_not_sent_where_any_of_its_map_slots_moves() {
    let config = PoolConfig::new().with_workers(1);
    let pool = WorkerPool::start(config, |_| Idle).expect("it starts");
    let tx = pool.sender();
    let keys: Vec<u64> = (0..40).collect();
    let look = || keys.iter().map(|key| tx.target_of(key_hash(key))).collect();
    let (slots, routes) = (
        [SlotTable::map_slot_of(key_hash(&39_u64))],
        &tx.shared.routes,
    );
    let before: Vec<Target> = look();
    routes.mark(&slots);
    let meanwhile: Vec<Target> = look();
    // Looked up before the move, and after it began.
    for targets in [&before, &meanwhile] {
        let mut messages = keys.clone().into_iter();
        assert_eq!(tx.try_send_run(targets, &mut messages), 0);
        assert_eq!(messages.len(), 40);
    }
    routes.settle(&slots, 0);
    let mut messages = keys.clone().into_iter();
    assert_eq!(tx.try_send_run(&meanwhile, &mut messages), 0);
    assert_eq!(tx.try_send_run(&before, &mut messages), 40);
    assert_eq!(pool.stop().workers[0].counts.handled, 40);
}

#[test]
fn who_may_not_wait_does_not_wait_for_a_map_slot_that_moves() {
    let config = PoolConfig::new().with_workers(2);
    let pool = WorkerPool::start(config, |_| Idle).expect("it starts");
    let tx = pool.sender();
    let (hash, routes) = (key_hash(&7_u64), &tx.shared.routes);
    let before = tx.target_of(hash);
    let slots = [SlotTable::map_slot_of(hash)];
    routes.mark(&slots);
    // Looked up before the move, and after it began.
    for target in [before, tx.target_of(hash)] {
        let sent = tx.send(target, 1, Overflow::Timeout(LIMIT));
        assert_eq!(sent, Err(SendError::TimedOut(1)));
        let sent = tx.send(target, 2, Overflow::Fail);
        assert_eq!(sent, Err(SendError::Full(2)));
        assert_eq!(tx.try_send(target, 3), Err(TrySendError::Full(3)));
    }
    routes.settle(&slots, 1);
    let sent = tx.send(before, 4, Overflow::Timeout(Duration::from_secs(120)));
    assert_eq!(sent, Ok(()));
    assert_eq!(tx.worker_of_hash(hash), 1);
    let report = pool.stop();
    let handled: Vec<u64> = report.workers.iter().map(|w| w.counts.handled).collect();
    assert_eq!(handled, [0, 1]);
}
