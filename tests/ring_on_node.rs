//! Rings in a worker's own memory: on its NUMA node, whoever writes to them first. On a machine of one node this shows
//! that the rings work there, and little else: `.ci/vm` runs it on machines of several.
#![cfg(target_os = "linux")]

use std::alloc::Layout;
use std::thread;

use shared_nothing::affinity::{
    Arena, CpuId, CpuSet, Machine, MemoryError, NodeId, Policy, Request, Topology, pin, set_mask,
    usable_cpus,
};
use shared_nothing::rings::{TryPopError, TryPushError, frames, mpmc, mpsc, spsc};

/// Slots of a ring: some dozen pages.
const CAPACITY: usize = 10_000;

/// The node of a worker on `cpu`, where the machine has nodes.
fn home(machine: &Topology, cpu: CpuId) -> Option<NodeId> {
    machine.memory_home(machine.cpu(cpu)?.node?)
}

/// The CPU of `usable` that is farthest from `cpu`, which on a small machine is any, and of a single CPU itself.
fn farthest(machine: &Topology, usable: &CpuSet, cpu: CpuId) -> CpuId {
    let node = |cpu| machine.cpu(cpu).and_then(|cpu| cpu.node);
    let far = |&other: &CpuId| {
        let distance = node(cpu)
            .zip(node(other))
            .and_then(|(from, to)| machine.distance(from, to));
        (distance, other != cpu)
    };
    usable.iter().max_by_key(far).unwrap()
}

/// Runs `work` on a thread pinned to each usable CPU in turn, and tells it all of them.
fn on_each_cpu(work: impl Fn(&Topology, &CpuSet, CpuId) + Sync) {
    let (machine, usable) = (Machine::read().unwrap().topology, usable_cpus().unwrap());
    for cpu in usable.iter() {
        thread::scope(|scope| {
            scope.spawn(|| {
                pin(cpu).unwrap().into_permanent();
                work(&machine, &usable, cpu);
            });
        });
    }
}

/// The arena of a worker on `cpu`, with room for one ring.
fn arena(machine: &Topology, cpu: CpuId, ring: Layout, is_strict: bool) -> Arena {
    let policy = match home(machine, cpu) {
        Some(node) if is_strict => Policy::Bind(node),
        Some(node) => Policy::Prefer(node),
        None => Policy::FirstTouch,
    };
    Arena::new(&Request::new(ring.size() + ring.align()).with_policy(policy)).unwrap()
}

/// That every page is at home; at least `pages` of them are there.
fn assert_at_home(arena: &Arena, machine: &Topology, cpu: CpuId, pages: usize) {
    let residence = arena.residence().unwrap();
    let home = home(machine, cpu).unwrap_or(NodeId(0));
    assert_eq!(
        residence.pages.keys().copied().collect::<Vec<_>>(),
        [home],
        "the ring of cpu {cpu}: {residence:?}"
    );
    assert!(residence.pages[&home] >= pages, "{residence:?}");
}

macro_rules! on_its_node {
    ($name:ident, $ring:ident) => {
        #[test]
        fn $name() {
            on_each_cpu(|machine, usable, cpu| {
                for is_strict in [false, true] {
                    let layout = $ring::layout::<u64>(CAPACITY).unwrap();
                    let arena = arena(machine, cpu, layout, is_strict);
                    let memory = arena.take(layout).unwrap();
                    #[allow(unused_mut, reason = "some rings push and pop through `&self`")]
                    let (mut tx, mut rx) = $ring::in_memory::<u64>(memory, CAPACITY).unwrap();
                    let far = farthest(machine, usable, cpu);
                    thread::scope(|scope| {
                        scope.spawn(move || {
                            // A thread starts with its maker's mask.
                            set_mask(usable).unwrap();
                            pin(far).unwrap().into_permanent();
                            for value in 0..3 * CAPACITY as u64 {
                                while let Err(TryPushError::Full(_)) = tx.try_push(value) {
                                    thread::yield_now();
                                }
                            }
                        });
                        let mut next = 0;
                        loop {
                            match rx.try_pop() {
                                Ok(value) => {
                                    assert_eq!(value, next);
                                    next += 1;
                                }
                                Err(TryPopError::Empty) => thread::yield_now(),
                                Err(TryPopError::Closed) => break,
                            }
                        }
                        assert_eq!(next, 3 * CAPACITY as u64);
                    });
                    let page_bytes = Arena::new(&Request::new(1)).unwrap().bytes_left();
                    assert_at_home(&arena, machine, cpu, layout.size() / page_bytes);
                }
            });
        }
    };
}

on_its_node!(a_ring_of_one_producer_lies_on_its_readers_node, spsc);
on_its_node!(a_ring_of_many_producers_lies_on_its_readers_node, mpsc);
on_its_node!(a_ring_of_many_consumers_lies_on_its_readers_node, mpmc);

#[test]
fn a_ring_of_frames_lies_on_its_readers_node() {
    on_each_cpu(|machine, _, cpu| {
        let layout = frames::layout(1 << 16).unwrap();
        let arena = arena(machine, cpu, layout, true);
        let (mut tx, mut rx) = frames::in_memory(arena.take(layout).unwrap(), 1 << 16).unwrap();
        for _lap in 0..100 {
            tx.try_push(&[7; 3000]).unwrap();
            let frame = rx.peek().unwrap();
            assert_eq!(&frame[..], [7; 3000]);
            frame.consume();
        }
        assert_at_home(&arena, machine, cpu, 1);
    });
}

#[test]
fn memory_that_its_owner_prefaults_is_its_own_without_any_policy() {
    on_each_cpu(|machine, _, cpu| {
        let layout = spsc::layout::<u64>(CAPACITY).unwrap();
        let arena = Arena::new(&Request::new(layout.size()).with_prefault(true)).unwrap();
        let (tx, rx) = spsc::in_memory::<u64>(arena.take(layout).unwrap(), CAPACITY).unwrap();
        assert!(tx.is_empty() && rx.is_empty());
        let home = home(machine, cpu).unwrap_or(NodeId(0));
        assert!(arena.residence().unwrap().is_all_on(home), "cpu {cpu}");
    });
}

/// The node with the least memory, and how much of it may be bound to.
fn smallest_node() -> (NodeId, usize) {
    let machine = Topology::read().unwrap();
    let nodes = machine.nodes().filter(|node| node.has_memory());
    let smallest = nodes.min_by_key(|node| node.memory_bytes_total).unwrap();
    let policy = Policy::Bind(smallest.id);
    let too_much = smallest.memory_bytes_total.unwrap() as usize;
    match Arena::new(&Request::new(too_much).with_policy(policy)) {
        Err(MemoryError::NotEnoughFree { bytes_free, .. }) => (smallest.id, bytes_free as usize),
        other => panic!("{other:?}"),
    }
}

#[test]
#[ignore = "fills a node"]
fn on_a_full_node_a_strict_ring_is_refused_and_a_preferred_one_overflows() {
    let (node, bytes_free) = smallest_node();
    let filler = Request::new(bytes_free / 10 * 9)
        .with_policy(Policy::Bind(node))
        .with_prefault(true);
    let filler = Arena::new(&filler).unwrap();
    assert!(filler.residence().unwrap().is_all_on(node));

    let layout = spsc::layout::<u64>(8 << 20).unwrap();
    let ring = |policy| {
        Arena::new(
            &Request::new(layout.size())
                .with_policy(policy)
                .with_prefault(true),
        )
    };
    let refused = ring(Policy::Bind(node)).unwrap_err();
    let is_short =
        matches!(refused, MemoryError::NotEnoughFree { node: Some(short), .. } if short == node);
    assert!(is_short, "{refused}");

    let arena = ring(Policy::Prefer(node)).unwrap();
    let (mut tx, mut rx) = spsc::in_memory(arena.take(layout).unwrap(), 8 << 20).unwrap();
    for value in 0..100_u64 {
        assert_eq!((tx.try_push(value), rx.try_pop()), (Ok(()), Ok(value)));
    }
    let residence = arena.residence().unwrap();
    assert_eq!(residence.pages_absent, 0);
    assert!(
        residence.pages.keys().any(|&home| home != node),
        "{residence:?}"
    );

    // With the node free again, the same ring is all at home.
    drop((tx, rx));
    drop((arena, filler));
    let arena = ring(Policy::Bind(node)).unwrap();
    assert!(arena.residence().unwrap().is_all_on(node));
}
