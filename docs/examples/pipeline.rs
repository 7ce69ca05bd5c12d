//! Stages joined by channels, each on a CPU of its own; closing runs through, from either end.
//!
//! ```text
//! cargo run --release --example pipeline
//! ```
//!
//! Four stages: numbers are made, squared, the even ones kept, and summed. No stage shares anything with another: what
//! passes between them is moved through a ring of 64 places, and a stage that gets ahead waits for the next.
//!
//! - When the first stage ends, its sender goes. The next gets all that was sent, then `Closed`, and ends too: so the
//!   end runs through.
//! - When the last stage has enough, its receiver goes. The one before gets its value back, and ends too: so the end
//!   runs back, and nobody waits for ever.

use std::thread;

use shared_nothing::{
    affinity::{CpuId, Demand, Machine, Placement, pin},
    rings::channel::{self, SpscReceiver, SpscSender},
};

const PLACES: usize = 64;

/// Runs a stage on its own thread, pinned where it was placed. A stage that cannot be pinned says so and runs.
fn stage<R: Send + 'static>(
    name: &str,
    cpu: Option<CpuId>,
    work: impl FnOnce() -> R + Send + 'static,
) -> thread::JoinHandle<R> {
    let thread = thread::Builder::new().name(name.to_owned());
    let run = move || {
        let pinned = cpu.map(pin).transpose();
        if let Err(error) = &pinned {
            eprintln!("{}: {error}", thread::current().name().unwrap_or("stage"));
        }
        work()
    };
    thread.spawn(run).expect("a thread")
}

/// Makes numbers from 0 until the next stage is gone or `count` are sent. Returns how many were taken.
fn numbers(mut to: SpscSender<u64>, count: u64) -> u64 {
    (0..count)
        .take_while(|&number| to.send(number).is_ok())
        .count() as u64
}

/// Sends on what `change` makes of each value, until either side is gone.
fn changed(
    mut from: SpscReceiver<u64>,
    mut to: SpscSender<u64>,
    change: impl Fn(u64) -> Option<u64>,
) {
    while let Ok(value) = from.recv() {
        if change(value).is_some_and(|value| to.send(value).is_err()) {
            return;
        }
    }
}

/// Sums the first `most` values.
fn sum(mut from: SpscReceiver<u64>, most: usize) -> u64 {
    from.iter().take(most).sum()
}

/// How many numbers the first stage got rid of, and the sum that the last one made.
fn run(cpus: &[Option<CpuId>], count: u64, most: usize) -> (u64, u64) {
    let join = || channel::spsc(PLACES).expect("room for 64 numbers");
    let (to_square, square_from) = join();
    let (to_keep, keep_from) = join();
    let (to_sum, sum_from) = join();
    let first = stage("numbers", cpus[0], move || numbers(to_square, count));
    let square = stage("square", cpus[1], move || {
        changed(square_from, to_keep, |n| Some(n * n));
    });
    let keep = stage("keep", cpus[2], move || {
        changed(keep_from, to_sum, |n| (n % 2 == 0).then_some(n));
    });
    let last = stage("sum", cpus[3], move || sum(sum_from, most));
    let sum = last.join().expect("no panic");
    for stage in [square, keep] {
        stage.join().expect("no panic");
    }
    (first.join().expect("no panic"), sum)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let machine = Machine::read()?;
    let usable = &machine.budget.cpus;
    let placed = Placement::Packed.place(&machine.topology, usable, 4, Demand::Prefer)?;
    println!("{}; {placed}", machine.budget);

    // The first stage ends: everything arrives. The squares of the even numbers below 10,000:
    let (sent, sum) = run(&placed.cpus, 10_000, usize::MAX);
    assert_eq!(
        (sent, sum),
        (10_000, (0..10_000).step_by(2).map(|n| n * n).sum())
    );
    println!("closed from the front: {sent} sent, sum {sum}");

    // The last stage has enough after 100: the others end, although the first would go on for ever.
    let (sent, sum) = run(&placed.cpus, u64::MAX, 100);
    assert_eq!(sum, (0..200).step_by(2).map(|n| n * n).sum());
    assert!(sent >= 199, "{sent}");
    println!("closed from the back: sum {sum}; the front was told after {sent}");
    Ok(())
}
