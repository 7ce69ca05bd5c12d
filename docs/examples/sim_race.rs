//! The simulation finds a race between shards, names the seed, and shows it again.
//!
//! ```text
//! cargo run --features sim --example sim_race
//! ```
//!
//! A theatre has 3 seats, kept by shard 0. Box offices on all shards sell them to buyers who come a while after each
//! other. `sell_late` asks whether a seat is free, prints a ticket, and then takes the seat. That goes well as long as
//! the printer is done before the next buyer asks, which is nearly always. Under the simulation the order of turns comes
//! from a seed, so some seed shows the race, and that seed always does. `sell` asks and takes in one call to the shard,
//! and holds under every seed.

use std::{future::Future, process::ExitCode, time::Duration};

use shared_nothing::executor::{
    Sharded, Sim, SimError, sleep, spawn_local, submit_async_to, yield_now,
};

const SHARDS: usize = 4;
const SEATS: u32 = 3;
const BUYERS: usize = 4;
const STEPS: usize = 8;
const SEEDS: u64 = 500;

/// Sold seats, on shard 0.
type Theatre = Sharded<u32>;

/// The planted race: between the look and the taking lies an await.
async fn sell_late(theatre: Theatre) -> bool {
    let sold = theatre
        .invoke_on(0, |sold| *sold)
        .await
        .expect("the shard runs");
    if sold == SEATS {
        return false;
    }
    print().await;
    theatre
        .invoke_on(0, |sold| *sold += 1)
        .await
        .expect("the shard runs");
    true
}

/// Look and taking in one: `&mut` of the shard's state, and no await in between.
async fn sell(theatre: Theatre) -> bool {
    let taken = theatre.invoke_on(0, |sold| {
        let is_free = *sold < SEATS;
        *sold += u32::from(is_free);
        is_free
    });
    let is_sold = taken.await.expect("the shard runs");
    print().await;
    is_sold
}

/// Takes nearly as long as until the next buyer comes. No real time passes: the clock is the simulation's.
async fn print() {
    sleep(Duration::from_millis(20)).await;
}

/// An evening: buyers at the box offices of all shards, each a little later than the one before.
async fn evening<F, S>(sell: S)
where
    F: Future<Output = bool> + 'static,
    S: Fn(Theatre) -> F + Copy + Send + 'static,
{
    let theatre = Sharded::start(|_| 0).await.expect("shards run");
    let buyers: Vec<_> = (0..BUYERS)
        .map(|buyer| {
            let office = submit_async_to(buyer % SHARDS, move || async move {
                sleep(Duration::from_millis(20 * buyer as u64)).await;
                // Across the hall to the counter.
                for _ in 0..STEPS {
                    yield_now().await;
                }
                sell(theatre).await
            });
            spawn_local(office)
        })
        .collect();
    let mut tickets = 0;
    for buyer in buyers {
        tickets += u32::from(buyer.await.expect("no panic").expect("the shard runs"));
    }
    assert!(tickets <= SEATS, "{tickets} tickets for {SEATS} seats");
}

fn main() -> ExitCode {
    // What is looked for is a panic, and is told below.
    std::panic::set_hook(Box::new(|_| {}));
    let sim = |seed| Sim::new(seed).with_shards(SHARDS);

    let found = sim(0).explore(0..SEEDS, || evening(sell_late));
    let Err(SimError::Failed { seed, error }) = found else {
        eprintln!("no seed below {SEEDS} shows the race: {found:?}");
        return ExitCode::FAILURE;
    };
    let found = SimError::Failed { seed, error }.to_string();
    println!("found:    {found}");

    // The same seed shows the same, every time; that is what to debug.
    for _ in 0..3 {
        let again = sim(seed)
            .run(|| evening(sell_late))
            .expect_err("the seed decides")
            .to_string();
        assert_eq!(again, found);
    }
    drop(std::panic::take_hook());
    println!("replayed: three times, alike");

    // The correct one holds under all of them, and a seed gives one trace.
    let held = sim(0)
        .explore(0..SEEDS, || evening(sell))
        .expect("holds under every seed");
    let run = |seed| sim(seed).run(|| evening(sell)).expect("holds");
    assert_eq!(run(seed), run(seed));
    assert_ne!(run(seed).trace_hash, run(seed + 1).trace_hash);
    println!(
        "mended:   {held} seeds, each {:?} long by its own clock",
        run(seed).elapsed
    );
    ExitCode::SUCCESS
}
