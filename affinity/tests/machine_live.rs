//! Tests that change the machine itself: CPUs switched off, control groups made, nodes filled. They need root and a machine to
//! themselves, so they are ignored by default: run them one at a time, in a virtual machine, with
//! `--ignored --test-threads=1`.
#![cfg(target_os = "linux")]

use std::fs;

use shared_nothing_affinity::{
    Budget, CpuSet, Limit, MemoryError, Node, Pages, PinError, Policy, Region, Request, Topology,
    pin, set_mask, usable_cpus,
};

const MIB: usize = 1 << 20;

fn write(path: &str, text: &str) {
    fs::write(path, text).unwrap_or_else(|error| panic!("{path}: {error}"));
}

#[test]
#[ignore = "switches a CPU off"]
fn a_pin_lost_to_hotplug_is_noticed_and_repaired() {
    let before = usable_cpus().unwrap();
    let cpu = before.last().unwrap();
    let switch = format!("/sys/devices/system/cpu/cpu{cpu}/online");
    let guard = pin(cpu).unwrap();
    assert_eq!(guard.is_held(), Ok(true));

    write(&switch, "0");
    assert_eq!(guard.is_held(), Ok(false));
    assert_eq!(guard.repair(), Err(PinError::Offline { cpu }));
    assert_eq!(pin(cpu).unwrap_err(), PinError::Offline { cpu });
    assert!(Topology::read().unwrap().offline().contains(cpu));

    write(&switch, "1");
    assert_eq!(guard.is_held(), Ok(false), "the kernel does not mend it");
    assert_eq!(guard.repair(), Ok(true));
    assert_eq!(guard.is_held(), Ok(true));
    drop(guard);
    assert_eq!(usable_cpus().unwrap(), before);
}

/// A control group of version 2 below `outer`, with this process in it. Dropping it puts the process back.
struct Group {
    outer: String,
    inner: String,
}

const TOP: &str = "/sys/fs/cgroup";

impl Group {
    fn enter() -> Self {
        let (outer, inner) = (format!("{TOP}/outer"), format!("{TOP}/outer/inner"));
        write(&format!("{TOP}/cgroup.subtree_control"), "+cpu +cpuset");
        fs::create_dir_all(&outer).unwrap();
        write(&format!("{outer}/cgroup.subtree_control"), "+cpu +cpuset");
        fs::create_dir_all(&inner).unwrap();
        write(&format!("{inner}/cgroup.procs"), "0");
        Self { outer, inner }
    }

    fn write_outer(&self, file: &str, text: &str) {
        write(&format!("{}/{file}", self.outer), text);
    }

    fn write(&self, file: &str, text: &str) {
        write(&format!("{}/{file}", self.inner), text);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        write(&format!("{TOP}/cgroup.procs"), "0");
        fs::remove_dir(&self.inner).unwrap();
        fs::remove_dir(&self.outer).unwrap();
    }
}

#[test]
#[ignore = "makes control groups of version 2"]
fn h27_a_nested_group_of_version_2_limits_the_budget() {
    let (usable, online) = (
        usable_cpus().unwrap(),
        Topology::read().unwrap().online().len(),
    );
    let group = Group::enter();
    group.write_outer("cpu.max", "150000 100000");
    group.write("cpu.max", "300000 100000");
    let budget = Budget::read().unwrap();
    assert_eq!((budget.workers, budget.limit), (1, Limit::Quota));
    assert_eq!(
        budget.to_string(),
        format!("quota of 1.50 allows 1 of {online} visible CPUs")
    );

    group.write_outer("cpu.max", "max 100000");
    group.write("cpu.max", "max 100000");
    let last = CpuSet::from(usable.last().unwrap());
    group.write("cpuset.cpus", &last.to_string());
    let budget = Budget::read().unwrap();
    assert_eq!((budget.cpus, budget.limit), (last, Limit::Cpuset));

    drop(group);
    assert_eq!(Budget::read().unwrap().cpus, usable);
}

#[test]
#[ignore = "makes control groups of version 2"]
fn a_pin_lost_to_a_smaller_cpuset_is_noticed_and_not_forced() {
    let usable = usable_cpus().unwrap();
    let (first, last) = (usable.first().unwrap(), usable.last().unwrap());
    let group = Group::enter();
    let guard = pin(last).unwrap();
    group.write("cpuset.cpus", &first.to_string());
    assert_eq!(guard.is_held(), Ok(false));
    let mask = CpuSet::from(first);
    assert_eq!(guard.repair(), Err(PinError::NotInMask { cpu: last, mask }));

    group.write("cpuset.cpus", &usable.to_string());
    // Some kernels remember the pin.
    set_mask(&usable).unwrap();
    assert_eq!(guard.repair(), Ok(true));
    assert_eq!(guard.is_held(), Ok(true));
    drop(guard);
    assert_eq!(usable_cpus().unwrap(), usable);
}

#[test]
#[ignore = "makes control groups of version 2"]
fn memory_of_a_node_outside_the_cpuset_is_refused_by_name() {
    let [denied, given] = two_nodes().map(|node| node.id);
    let group = Group::enter();
    group.write("cpuset.mems", &given.to_string());
    let region = |policy| Region::new(&Request::new(MIB).with_policy(policy));
    let (node, allowed) = (denied, vec![given]);
    let refused = MemoryError::NodeNotAllowed { node, allowed };
    for policy in [
        Policy::Bind(denied),
        Policy::Interleave(vec![given, denied]),
    ] {
        assert_eq!(region(policy).unwrap_err(), refused);
    }
    assert!(region(Policy::Bind(given)).unwrap().is_policy_set());

    // A wish is not met, and says so.
    let mut wished = region(Policy::Prefer(denied)).unwrap();
    wished.as_mut_slice().fill(1);
    assert!(!wished.is_policy_set());
    assert!(wished.residence().unwrap().is_all_on(given));
    drop(group);
    assert!(region(Policy::Bind(denied)).unwrap().is_policy_set());
}

/// The two nodes with the least memory, the smaller first.
fn two_nodes() -> [Node; 2] {
    let machine = Topology::read().unwrap();
    let mut nodes: Vec<Node> = machine
        .nodes()
        .filter(|node| node.has_memory())
        .cloned()
        .collect();
    nodes.sort_by_key(|node| node.memory_bytes_total);
    nodes.truncate(2);
    nodes
        .try_into()
        .expect("a machine with two nodes that have memory")
}

#[test]
#[ignore = "fills a node"]
fn a_full_node_is_refused_when_strict_and_overflows_when_preferred() {
    let [node, _] = two_nodes();
    let bytes = node.memory_bytes_free.unwrap() as usize + 32 * MIB;
    let strict = Request::new(bytes).with_policy(Policy::Bind(node.id));
    let error = Region::new(&strict).unwrap_err();
    let MemoryError::NotEnoughFree {
        bytes_free,
        node: Some(short),
        ..
    } = error
    else {
        panic!("{error}");
    };
    assert_eq!(short, node.id);

    let preferred = strict
        .clone()
        .with_policy(Policy::Prefer(node.id))
        .with_prefault(true);
    let residence = Region::new(&preferred).unwrap().residence().unwrap();
    assert!(
        residence.pages.len() > 1 && residence.pages_absent == 0,
        "{residence:?}"
    );

    // Nine tenths of what is said to be free can be had: nobody is killed.
    let strict = strict
        .with_bytes(bytes_free as usize / 10 * 9)
        .with_prefault(true);
    assert!(
        Region::new(&strict)
            .unwrap()
            .residence()
            .unwrap()
            .is_all_on(node.id)
    );
}

#[test]
#[ignore = "sets huge pages aside"]
fn huge_pages_of_the_wrong_node_are_not_touched_in_hope() {
    let [empty, full] = two_nodes().map(|node| node.id);
    let pool =
        format!("/sys/devices/system/node/node{full}/hugepages/hugepages-2048kB/nr_hugepages");
    write(&pool, "4");
    let request = |policy| {
        Request::new(3 * MIB)
            .with_pages(Pages::Huge)
            .with_policy(policy)
    };

    let region = Region::new(&request(Policy::Bind(full))).unwrap();
    assert_eq!((region.pages(), region.len()), (Pages::Huge, 4 * MIB));
    assert!(region.residence().unwrap().is_all_on(full));
    drop(region);

    // Touching a huge page that the node lacks would raise SIGBUS.
    let mut region = Region::new(&request(Policy::Bind(empty))).unwrap();
    region.as_mut_slice().fill(1);
    assert_eq!(region.pages(), Pages::Transparent);
    assert!(region.residence().unwrap().is_all_on(empty));

    // A wish may be met from the other node's pool.
    let mut region = Region::new(&request(Policy::Prefer(empty))).unwrap();
    region.as_mut_slice().fill(1);
    assert_eq!(region.pages(), Pages::Huge);
    assert!(region.residence().unwrap().is_all_on(full));
    drop(region);
    write(&pool, "0");
}
