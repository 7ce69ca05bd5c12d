//! Shards on threads: life, calls, services, outsiders, stops, panics.

#[path = "executor/calls.rs"]
mod calls;
#[path = "executor/idle.rs"]
mod idle;
#[path = "executor/life.rs"]
mod life;
#[path = "executor/mesh.rs"]
mod mesh;
#[path = "executor/outside.rs"]
mod outside;
#[path = "executor/panics.rs"]
mod panics;
#[path = "executor/stops.rs"]
mod stops;

use shared_nothing::{
    affinity::Placement,
    executor::{Executor, ExecutorConfig, Idle},
};

/// With `SHUFFLE_SEED=7` in the environment, ready tasks run in the order of that seed.
fn shards(count: usize) -> ExecutorConfig {
    let builder = in_order(count);
    match std::env::var("SHUFFLE_SEED") {
        Err(_) => builder,
        Ok(seed) => builder.with_shuffle(seed.parse().expect("SHUFFLE_SEED is a number")),
    }
}

/// Ready tasks run in the order in which they became so.
fn in_order(count: usize) -> ExecutorConfig {
    Executor::builder()
        .with_shards(count)
        .with_placement(Placement::Unpinned)
        .with_idle(Idle::Park)
}

fn start(count: usize) -> Executor {
    shards(count).start().expect("threads can be had")
}
