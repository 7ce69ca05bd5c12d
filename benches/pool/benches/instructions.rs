//! How many instructions does a send take? Counted, not timed, so that a busy machine does not matter.
//!
//! ```text
//! .ci/instructions
//! ```
//!
//! The sender's thread alone is counted. Its worker is awake and there is room: nobody is woken, and nobody waits. Each
//! bench has a limit; `empty_loop` shows what the loop costs with nothing in it. A limit is what was counted with
//! Rust 1.95 on x86-64; another compiler may ask for another.

// Macros make items here that nobody can document.
#![allow(missing_docs)]

use std::hint::black_box;

use iai_callgrind::{
    Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main,
};
use pool_benches::paused;
use shared_nothing::pool::{Batcher, Sender, WorkerPool};

/// How many messages a bench sends.
const TIMES: u64 = 1000;
/// What a call, its loop's begin and its end may cost, once a bench.
const ONCE: u64 = 500;

/// Tenths of an instruction of a message, the loop included.
fn message(limit_tenths: u64) -> LibraryBenchmarkConfig {
    let mut callgrind = Callgrind::default();
    callgrind.hard_limits([(EventKind::Ir, limit_tenths * TIMES / 10 + ONCE)]);
    LibraryBenchmarkConfig::default().tool(callgrind).clone()
}

/// The pool, so that it lives.
type Pool = WorkerPool<u64>;

fn sender() -> (Pool, Sender<u64>) {
    let pool = paused();
    let sender = pool.sender();
    (pool, sender)
}

fn batcher() -> (Pool, Batcher<u64>) {
    let pool = paused();
    let batcher = pool.sender().batcher().expect("there is memory for a lane");
    (pool, batcher)
}

#[library_benchmark(setup = sender)]
#[bench::nothing()]
fn empty_loop(setup: (Pool, Sender<u64>)) -> (Pool, Sender<u64>) {
    for number in 0..TIMES {
        black_box(number);
    }
    setup
}

#[library_benchmark(config = message(984), setup = sender)]
#[bench::key()]
fn send_partitioned(setup: (Pool, Sender<u64>)) -> (Pool, Sender<u64>) {
    for number in 0..TIMES {
        let key = black_box(number);
        let sent = setup.1.send_partitioned(&key, key);
        assert!(sent.is_ok());
    }
    setup
}

#[library_benchmark(config = message(522), setup = sender)]
#[bench::worker()]
fn send_to(setup: (Pool, Sender<u64>)) -> (Pool, Sender<u64>) {
    for number in 0..TIMES {
        let sent = setup.1.send_to(0, black_box(number));
        assert!(sent.is_ok());
    }
    setup
}

#[library_benchmark(config = message(573), setup = batcher)]
#[bench::key()]
fn batched(mut setup: (Pool, Batcher<u64>)) -> (Pool, Batcher<u64>) {
    for number in 0..TIMES {
        let key = black_box(number);
        let sent = setup.1.send_partitioned(&key, key);
        assert!(sent.is_ok());
    }
    setup
}

library_benchmark_group!(
    name = limited;
    benchmarks = empty_loop, send_partitioned, send_to, batched
);

main!(library_benchmark_groups = limited);
