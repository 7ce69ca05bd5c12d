//! The simulation: one seed, one run; and what it finds.

use std::{
    collections::BTreeSet,
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use shared_nothing::executor::{
    CallError, Sharded, Sim, SimError, mesh::Mesh, shard_id, sleep, spawn_local, submit_async_to,
    submit_to, timeout, yield_now,
};

/// Tasks, calls and timers that get into each other's way; who was served in which order.
async fn busy() -> Vec<usize> {
    let log = Sharded::start(|_| Vec::new()).await.unwrap();
    let tasks: Vec<_> = (0..12)
        .map(|number| {
            spawn_local(submit_async_to(number % 3, move || async move {
                if number % 4 == 0 {
                    sleep(Duration::from_secs(number as u64)).await;
                }
                yield_now().await;
                log.invoke_on(2, move |log: &mut Vec<usize>| log.push(number))
                    .await
                    .unwrap();
            }))
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    log.invoke_on(2, |log| log.clone()).await.unwrap()
}

#[test]
fn a_seed_gives_the_same_run_every_time() {
    let mut hashes = BTreeSet::new();
    let mut orders = BTreeSet::new();
    for seed in 0..200 {
        let sim = Sim::new(seed)
            .with_shards(3)
            .with_lane_capacity(1)
            .with_credits(1);
        let (one, two) = (sim.run(busy).unwrap(), sim.run(busy).unwrap());
        assert_eq!(one, two, "seed {seed}");
        assert!(
            one.elapsed >= Duration::from_secs(8),
            "the clock is not the system's"
        );
        hashes.insert(one.trace_hash);
        orders.insert(one.output);
    }
    assert_eq!(hashes.len(), 200);
    assert!(orders.len() > 50, "{} orders", orders.len());
}

#[test]
fn h01_and_h02_hold_in_many_orders() {
    async fn nest(depth: usize) -> usize {
        let Some(depth) = depth.checked_sub(1) else {
            return 0;
        };
        let to = (shard_id().unwrap() + 1) % 4;
        1 + submit_async_to(to, move || Box::pin(nest(depth)))
            .await
            .unwrap()
    }
    let sim = Sim::new(0)
        .with_shards(4)
        .with_lane_capacity(1)
        .with_credits(1);
    let runs = sim.explore(0..300, || async {
        let many: Vec<_> = (0..5).map(|_| spawn_local(nest(8))).collect();
        for one in many {
            assert_eq!(one.await.unwrap(), 8);
        }
    });
    assert_eq!(runs.unwrap(), 300);
}

#[test]
fn h01_and_h21_hold_for_messages_in_many_orders() {
    async fn part(mesh: Mesh<usize>) {
        let (tx, mut rx) = mesh.ends().unwrap();
        let own = shard_id().unwrap();
        for to in 0..3 {
            let tx = tx.clone();
            drop(spawn_local(async move {
                for number in 0..20 {
                    tx.send(to, own * 100 + number).await.unwrap();
                }
            }));
        }
        drop(tx);
        let mut expected = [0; 3];
        while let Ok(number) = rx.recv().await {
            assert_eq!(number % 100, expected[number / 100]);
            expected[number / 100] += 1;
        }
        assert_eq!(expected, [20; 3]);
    }
    let sim = Sim::new(0).with_shards(3).with_credits(1);
    let runs = sim.explore(0..300, || async {
        let mesh = Mesh::start(1).await.unwrap();
        let parts: Vec<_> = (0..3)
            .map(|shard| spawn_local(submit_async_to(shard, move || part(mesh))))
            .collect();
        for part in parts {
            part.await.unwrap().unwrap();
        }
    });
    assert_eq!(runs.unwrap(), 300);
}

#[test]
fn what_can_not_go_on_is_stuck_and_not_waited_for() {
    let stuck = Sim::new(7).run(pending::<()>).unwrap_err();
    assert_eq!(stuck.to_string(), "seed 7: nothing can run any more");
    let long = Sim::new(8).with_turns_max(50).run(|| async {
        loop {
            yield_now().await;
        }
    });
    assert!(matches!(long, Err(SimError::TooLong { seed: 8 })));
}

#[test]
fn a_failure_names_its_seed() {
    let failed = Sim::new(9)
        .run(|| async { panic!("so it is") })
        .map(|run| run.output);
    let failed = failed.map(|(): ()| ()).unwrap_err();
    assert_eq!(failed.to_string(), "seed 9: call panicked: so it is");
    for (sim, name) in [
        (Sim::new(0).with_shards(0), "shards"),
        (Sim::new(0).with_credits(0), "credits"),
        (Sim::new(0).with_lane_capacity(0), "lane_capacity"),
    ] {
        assert!(
            matches!(sim.run(|| async {}), Err(SimError::Invalid { setting }) if setting == name)
        );
    }
}

#[test]
fn a_call_that_is_left_runs_and_a_timeout_costs_no_time() {
    let run = Sim::new(3).run(|| async {
        let ran = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&ran);
        let slow = submit_async_to(1, move || async move {
            sleep(Duration::from_secs(3600)).await;
            count.fetch_add(1, SeqCst);
        });
        assert!(timeout(Duration::from_secs(60), slow).await.is_err());
        sleep(Duration::from_secs(3600)).await;
        assert!(matches!(
            submit_to(2, || ()).await,
            Err(CallError::NoSuchShard)
        ));
        ran.load(SeqCst)
    });
    let run = run.unwrap();
    assert_eq!((run.output, run.elapsed), (1, Duration::from_secs(3660)));
}
