//! Two readers of one machine, and two allocators: the text reader and our regions against hwloc. On a machine of one
//! node they agree on little; `.ci/vm` runs this on several.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::mem::MaybeUninit;

use shared_nothing_affinity::{
    CpuSet, Hwloc, MemoryError, Node, NodeId, Policy, Region, Request, Topology, where_is,
};

const MIB: usize = 1 << 20;

fn both() -> (Topology, Topology) {
    (Topology::read().unwrap(), Hwloc::read().unwrap().topology())
}

#[test]
fn both_see_the_same_cpus_cores_packages_and_kinds() {
    let (ours, theirs) = both();
    assert_eq!(ours.online(), theirs.online());
    for (our, their) in ours.cpus().zip(theirs.cpus()) {
        assert_eq!((our.id, our.core), (their.id, their.core));
        assert_eq!((our.package, our.kind), (their.package, their.kind));
    }
}

#[test]
fn both_see_the_same_caches() {
    let groups = |machine: &Topology| {
        let caches = machine.caches();
        let group = |cache: &shared_nothing_affinity::Cache| {
            (cache.level, cache.cpus.to_string(), cache.size_bytes)
        };
        caches.map(group).collect::<Vec<_>>()
    };
    let (ours, theirs) = both();
    assert_eq!(groups(&ours), groups(&theirs));
}

#[test]
fn both_see_the_same_nodes_with_memory_and_distances() {
    let (ours, theirs) = both();
    let with_memory = |machine: &Topology| -> BTreeMap<NodeId, Node> {
        let nodes = machine.nodes().filter(|node| node.has_memory());
        nodes.map(|node| (node.id, node.clone())).collect()
    };
    let (ours, theirs) = (with_memory(&ours), with_memory(&theirs));
    assert!(ours.keys().eq(theirs.keys()), "{ours:?}\n{theirs:?}");
    for (our, their) in ours.values().zip(theirs.values()) {
        assert_eq!(our.memory_bytes_total, their.memory_bytes_total);
        // hwloc gives CPUs to nodes that have none: their neighbours, by distance.
        if !our.cpus.is_empty() {
            assert_eq!(our.cpus, their.cpus, "node {}", our.id);
        }
        // A matrix of one node is none to hwloc.
        for (to, distance) in &their.distances {
            assert_eq!(our.distances.get(to), Some(distance), "{} to {to}", our.id);
        }
    }
}

#[test]
fn both_put_every_cpu_on_the_same_node() {
    let (ours, theirs) = both();
    for (our, their) in ours.cpus().zip(theirs.cpus()) {
        let home = |machine: &Topology, node: Option<NodeId>| machine.memory_home(node?);
        let has_memory = |node: NodeId| ours.node(node).is_some_and(Node::has_memory);
        // Where its own node has no memory, hwloc's neighbours are as good as ours.
        if our.node.is_some_and(has_memory) {
            let (one, other) = (home(&ours, our.node), home(&theirs, their.node));
            assert_eq!(one, other, "cpu {}", our.id);
        }
    }
}

#[test]
fn memory_of_either_lies_on_the_node_asked_for() {
    let machine = Hwloc::read().unwrap();
    let topology = Topology::read().unwrap();
    for node in topology.nodes().filter(|node| node.has_memory()) {
        let mut theirs = machine.allocate(MIB, node.id).unwrap();
        theirs.as_mut_slice().fill(MaybeUninit::new(1));
        let policy = Policy::Bind(node.id);
        let mut ours = Region::new(&Request::new(MIB).with_policy(policy)).unwrap();
        ours.as_mut_slice().fill(1);
        let theirs = where_is(theirs.as_slice()).unwrap();
        assert_eq!(theirs, ours.residence().unwrap());
        assert!(theirs.is_all_on(node.id));
    }
}

/// The same with nothing free: how much there is may have changed by the time that the other one looks.
fn at_any_time(error: MemoryError) -> MemoryError {
    match error {
        MemoryError::NotEnoughFree { bytes, node, .. } => MemoryError::NotEnoughFree {
            bytes,
            bytes_free: 0,
            node,
        },
        error => error,
    }
}

#[test]
fn both_refuse_the_same_with_the_same_words() {
    let machine = Hwloc::read().unwrap();
    let refused = |bytes, node| {
        let policy = Policy::Bind(node);
        let ours = Region::new(&Request::new(bytes).with_policy(policy));
        let ours = ours.map(drop).map_err(at_any_time);
        let theirs = machine.allocate(bytes, node).map(drop);
        assert_eq!(theirs.map_err(at_any_time), ours);
        ours.unwrap_err()
    };
    let node = NodeId(5000);
    assert_eq!(refused(MIB, node), MemoryError::NoSuchNode { node });
    let with_memory = Topology::read().unwrap();
    let with_memory = with_memory.nodes().find(|node| node.has_memory());
    let node = with_memory.map_or(NodeId(0), |node| node.id);
    assert_eq!(refused(0, node), MemoryError::ZeroSize);
    let too_much = refused(1 << 45, node);
    assert!(matches!(too_much, MemoryError::NotEnoughFree { .. }));
}

#[test]
fn a_mask_narrows_neither() {
    let before = shared_nothing_affinity::usable_cpus().unwrap();
    std::thread::spawn(move || {
        let one = CpuSet::from(before.last().unwrap());
        shared_nothing_affinity::set_mask(&one).unwrap();
        let (ours, theirs) = both();
        assert_eq!(ours.online(), theirs.online());
    })
    .join()
    .unwrap();
}
