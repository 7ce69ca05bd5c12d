//! The same workers in a simulation: seeded, under its clock. Nothing is lost over a thousand seeds.

use std::time::Duration;

use shared_nothing::{
    executor::{Sim, sleep, yield_now},
    pool::WorkerPool,
    worker::Context,
};

use crate::{
    lives::random_life,
    support::{config, run},
};

#[test]
fn the_same_workers_run_in_a_simulation_under_its_clock() {
    async fn main() {
        let config = config(4)
            .with_capacity(2)
            .with_tick_interval(Duration::from_secs(1));
        let pool = WorkerPool::start_here(config, |_| {
            run(|n: u32, context: &Context<u32>| {
                if n != 0 {
                    context.send_after(Duration::from_secs(60), n - 1).unwrap();
                }
            })
        });
        let pool = pool.await.unwrap();
        for worker in 0..4 {
            let mut message = 2;
            while let Err(error) = pool.try_send_to(worker, message) {
                message = error.into_inner();
                yield_now().await;
            }
        }
        sleep(Duration::from_secs(300)).await;
        let report = pool.stop_here().await;
        assert_eq!(report.workers.len(), 4);
        for worker in &report.workers {
            assert_eq!((worker.counts.sent, worker.counts.handled), (3, 3));
        }
    }
    let sim = Sim::new(7).with_shards(2);
    let first = sim.run(main).unwrap();
    assert!(first.elapsed >= Duration::from_secs(300));
    assert_eq!(sim.run(main).unwrap(), first, "the same seed, the same run");
    sim.explore(0..50, main).unwrap();
}

#[test]
fn h08_nothing_is_lost_and_nothing_overtaken_over_a_thousand_random_lives() {
    for seed in 0..1000 {
        let shards = 1 + seed as usize % 3;
        let sim = Sim::new(seed).with_shards(shards);
        if let Err(error) = sim.run(move || random_life(seed, shards)) {
            panic!("{error}");
        }
    }
}
