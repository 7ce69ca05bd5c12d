//! Where the rings of workers lie.

use std::{sync::Arc, time::Instant};

use shared_nothing::{
    affinity::{Pages, Placement, usable_cpus},
    executor::{Executor, Memory, MemoryShortfall},
    pool::{PoolConfig, StartError, WorkerPool},
};

use crate::support::{LONG, assert_conserved, config, run};

/// Two workers on one CPU, whose node is known where the machine has nodes.
fn pinned(memory: Memory) -> PoolConfig {
    let cpu = usable_cpus().unwrap().first().unwrap();
    config(2)
        .with_workers_max(3)
        .with_shards(1)
        .with_placement(Placement::List(vec![cpu]))
        .with_urgent(4)
        .with_capacity(100)
        .with_memory(memory)
}

/// Sends by all ways, adds a worker, and leaves messages behind in all its rings.
fn live(pool: WorkerPool<Arc<u64>>) {
    let value = Arc::new(7);
    let tx = pool.sender();
    let mut batcher = tx.batcher().unwrap();
    let added = pool.add_worker().unwrap();
    for worker in [0, added] {
        for _ in 0..1000 {
            tx.send_to(worker, Arc::clone(&value)).unwrap();
            batcher.send_to(worker, Arc::clone(&value)).unwrap();
        }
        tx.send_urgent_to(worker, Arc::clone(&value)).unwrap();
    }
    batcher.flush().unwrap();
    // Else there may be no room for those that a worker which is paused does not take.
    let deadline = Instant::now() + LONG;
    while Arc::strong_count(&value) != 1 {
        assert!(Instant::now() < deadline, "what was sent is not handled");
        std::thread::yield_now();
    }
    pool.pause(0).unwrap();
    pool.ping(0).unwrap().wait().unwrap();
    for _ in 0..50 {
        tx.send_to(0, Arc::clone(&value)).unwrap();
        batcher.send_to(0, Arc::clone(&value)).unwrap();
    }
    let report = pool.stop();
    report.workers.iter().for_each(assert_conserved);
    for worker in &report.workers {
        assert!(
            worker.memory_node.is_some() || !worker.memory_shortfalls.is_empty(),
            "{:?}",
            worker.memory_shortfalls
        );
    }
    // A batcher that was not flushed holds the last of them, in a ring that outlives its pool.
    drop((report, tx));
    assert_ne!(Arc::strong_count(&value), 1);
    drop(batcher);
    assert_eq!(Arc::strong_count(&value), 1, "all are dropped");
}

#[test]
fn mailboxes_lie_on_the_node_of_their_shard_or_it_is_said_why_not() {
    // The machine may have no nodes, the kernel no huge pages, and a container may not set policies.
    for memory in [Memory::Prefer(Pages::Base), Memory::Prefer(Pages::Huge)] {
        live(WorkerPool::start(pinned(memory), |_| run(|_: Arc<u64>, _| ())).unwrap());
    }
    let drops_oldest = pinned(Memory::Prefer(Pages::Base))
        .with_overflow(shared_nothing::pool::Overflow::DropOldest);
    let pool = WorkerPool::start(drops_oldest, |_| run(|_: Arc<u64>, _| ())).unwrap();
    pool.send_to(1, Arc::new(3)).unwrap();
    pool.stop().workers.iter().for_each(assert_conserved);
    match WorkerPool::start(pinned(Memory::Require(Pages::Base)), |_| {
        run(|_: Arc<u64>, _| ())
    }) {
        Ok(pool) => {
            for worker in pool.stop().workers {
                assert!(worker.memory_shortfalls.is_empty(), "{worker:?}");
            }
        }
        Err(StartError::Executor(error)) => {
            assert!(error.to_string().contains("no such memory"), "{error}");
        }
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn a_worker_of_a_shard_that_runs_anywhere_has_no_node() {
    let anywhere = Executor::builder()
        .with_shards(2)
        .with_placement(Placement::Unpinned);
    let executor = anywhere.start().unwrap();
    let wish = config(2).with_memory(Memory::Prefer(Pages::Base));
    let pool = WorkerPool::start_on(&executor.handle(), wish, |_| run(|_: u64, _| ())).unwrap();
    pool.send_to(1, 5).unwrap();
    for worker in pool.stop().workers {
        assert_conserved(&worker);
        assert_eq!(worker.memory_shortfalls, [MemoryShortfall::NodeUnknown]);
    }
    let wish = config(2).with_memory(Memory::Require(Pages::Base));
    let refused = WorkerPool::start_on(&executor.handle(), wish, |_| run(|_: u64, _| ()));
    let Err(error) = refused else {
        panic!("nobody knows the node")
    };
    assert_eq!(
        error.to_string(),
        "no such memory for worker 0: its node is not known"
    );
    let heap = WorkerPool::start_on(&executor.handle(), config(1), |_| run(|_: u64, _| ()));
    let worker = heap.unwrap().stop().workers.remove(0);
    assert!(worker.memory_node.is_none() && worker.memory_shortfalls.is_empty());
}
