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
    executor::{Builder, Executor, Idle},
};

fn shards(count: usize) -> Builder {
    Executor::builder()
        .with_shards(count)
        .with_placement(Placement::Unpinned)
        .with_idle(Idle::Park)
}

fn start(count: usize) -> Executor {
    shards(count).start().expect("threads can be had")
}
