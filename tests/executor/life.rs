//! How shards are started, named and placed.

use std::thread;
use std::time::Duration;

use shared_nothing::affinity::CpuId;
use shared_nothing::affinity::Demand;
use shared_nothing::affinity::Pages;
use shared_nothing::affinity::Placement;
use shared_nothing::executor::CallError;
use shared_nothing::executor::ExecutorConfig;
use shared_nothing::executor::Memory;
use shared_nothing::executor::MemoryShortfall;
use shared_nothing::executor::StartError;
use shared_nothing::executor::shard_count;
use shared_nothing::executor::shard_id;
use shared_nothing::executor::submit_to;

use super::{shards, start};

#[test]
fn each_shard_is_a_thread_with_a_name_and_a_number() {
    let executor = shards(3)
        .with_name("mesh")
        .with_stack_size(1 << 20)
        .start()
        .unwrap();
    for shard in 0..3 {
        let (name, id, count) = executor
            .block_on(shard, || async {
                let name = thread::current().name().map(str::to_owned);
                (name, shard_id(), shard_count())
            })
            .unwrap();
        assert_eq!(name, Some(format!("mesh-{shard}")));
        assert_eq!((id, count), (Some(shard), Some(3)));
    }
    assert_eq!((shard_id(), shard_count()), (None, None));
    let reports = executor.stop();
    assert!(reports.iter().map(|report| report.shard).eq(0..3));
}

#[test]
fn a_pinned_shard_runs_where_it_was_put() {
    let cpu = shared_nothing::affinity::usable_cpus()
        .unwrap()
        .first()
        .unwrap();
    let executor = shards(1)
        .with_placement(Placement::List(vec![cpu]))
        .start()
        .unwrap();
    let at = executor
        .block_on(0, || async {
            shared_nothing::affinity::current_cpu().unwrap()
        })
        .unwrap();
    assert_eq!(at, cpu);
    assert_eq!(executor.stop()[0].cpu, Some(cpu));
}

#[cfg(target_os = "linux")]
#[test]
fn lanes_lie_on_the_node_of_their_shard_or_it_is_said_why_not() {
    let cpu = shared_nothing::affinity::usable_cpus()
        .unwrap()
        .first()
        .unwrap();
    let placed = shards(1).with_placement(Placement::List(vec![cpu]));
    // The machine may have no nodes, the kernel no huge pages, and a container may not set policies.
    for memory in [Memory::Prefer(Pages::Base), Memory::Prefer(Pages::Huge)] {
        let executor = placed.clone().with_memory(memory).start().unwrap();
        let sum = executor.block_on(0, || async { submit_to(0, || 5).await.unwrap() });
        assert_eq!(sum.unwrap(), 5);
        let report = &executor.stop()[0];
        assert!(
            report.memory_node.is_some() || !report.memory_shortfalls.is_empty(),
            "{report:?}"
        );
    }
    match placed.with_memory(Memory::Require(Pages::Base)).start() {
        Ok(executor) => {
            let report = &executor.stop()[0];
            assert!(report.memory_shortfalls.is_empty(), "{report:?}");
        }
        Err(StartError::Memory {
            shard: 0,
            shortfalls,
        }) => assert!(!shortfalls.is_empty()),
        Err(other) => panic!("{other:?}"),
    }
    // A shard that runs anywhere has no node.
    let executor = shards(2)
        .with_memory(Memory::Prefer(Pages::Base))
        .start()
        .unwrap();
    let met = executor.block_on(0, || async { submit_to(1, || 6).await.unwrap() });
    assert_eq!(met.unwrap(), 6);
    for report in executor.stop() {
        assert_eq!(report.memory_shortfalls, [MemoryShortfall::NodeUnknown]);
    }
    let refused = shards(2).with_memory(Memory::Require(Pages::Base)).start();
    let error = refused.expect_err("nobody knows the node").to_string();
    assert!(error.ends_with(": its node is not known"), "{error}");
    let heap = start(1).stop();
    assert!(heap[0].memory_node.is_none() && heap[0].memory_shortfalls.is_empty());
}

#[test]
fn bad_settings_are_refused_by_name() {
    let refused = |builder: ExecutorConfig| match builder.start() {
        Err(StartError::Invalid { setting, .. }) => setting,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(shards(0)), "shards");
    assert_eq!(refused(shards(449)), "shards");
    assert_eq!(refused(shards(1).with_lane_capacity(0)), "lane_capacity");
    assert_eq!(refused(shards(1).with_credits(0)), "credits");
    assert_eq!(refused(shards(1).with_name("a\0b")), "name");
    assert_eq!(
        refused(shards(1).with_watchdog(Duration::ZERO, |_| ())),
        "watchdog"
    );
    let nowhere = Placement::List(vec![CpuId(u32::MAX as _)]);
    let required = shards(1)
        .with_placement(nowhere)
        .with_demand(Demand::Require);
    assert!(matches!(required.start(), Err(StartError::Placement(_))));
    assert!(matches!(
        shards(2).with_lane_capacity(usize::MAX).start(),
        Err(StartError::Lanes { .. })
    ));
    // A stack that no thread can have.
    assert!(matches!(
        shards(2).with_stack_size(1 << 62).start(),
        Err(StartError::Spawn { shard: 0, .. })
    ));
}

#[test]
fn h23_a_thousand_executors_start_and_stop_in_one_process() {
    let mut handles = Vec::new();
    for round in 0..1_000 {
        let executor = start(2);
        if round % 10 == 0 {
            let sum = executor.block_on(0, || async { submit_to(1, || 2).await.unwrap() + 1 });
            assert_eq!(sum.unwrap(), 3);
        }
        handles.push(executor.handle());
        assert_eq!(executor.stop().len(), 2);
    }
    assert!(matches!(
        handles[999].submit_to(0, || ()).wait(),
        Err(CallError::NotRun)
    ));
}
