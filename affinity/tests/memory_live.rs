//! Regions of memory on the machine at hand, with one node or many.
#![cfg(target_os = "linux")]

use std::thread;

use shared_nothing_affinity::{
    CpuId, MemoryError, Node, NodeId, Pages, Policy, Region, Request, Topology, pin, usable_cpus,
    where_is,
};

const MIB: usize = 1 << 20;

/// Nodes that have memory, and the CPUs of all nodes, to be touched from.
fn nodes_with_memory() -> Vec<Node> {
    Topology::read()
        .unwrap()
        .nodes()
        .filter(|node| node.has_memory())
        .cloned()
        .collect()
}

/// Runs `work` on each usable CPU in turn, on a thread of its own.
fn on_each_cpu(work: impl Fn(CpuId) + Sync) {
    for cpu in usable_cpus().unwrap().iter() {
        thread::scope(|scope| {
            scope.spawn(|| {
                let _guard = pin(cpu).unwrap();
                work(cpu);
            });
        });
    }
}

fn base_page_bytes() -> usize {
    Region::new(&Request::new(1)).unwrap().len()
}

fn kib_of(key: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(key))
        .unwrap();
    line.trim_end_matches("kB").trim().parse().unwrap()
}

#[test]
fn a_region_is_zeroed_writable_and_of_whole_pages() {
    let mut region = Region::new(&Request::new(5000)).unwrap();
    assert_eq!(region.len() % base_page_bytes(), 0);
    assert!(region.len() >= 5000 && region.as_ptr().addr().get() % base_page_bytes() == 0);
    assert!(region.as_slice().iter().all(|&byte| byte == 0));
    region.as_mut_slice().fill(7);
    assert!(region.as_slice().iter().all(|&byte| byte == 7));
}

#[test]
fn pages_are_absent_until_they_are_written_or_prefaulted() {
    let mut region = Region::new(&Request::new(64 * base_page_bytes())).unwrap();
    assert_eq!(region.residence().unwrap().pages_absent, 64);
    region.as_mut_slice()[10 * base_page_bytes()] = 1;
    assert_eq!(region.residence().unwrap().pages_absent, 63);

    let request = Request::new(64 * base_page_bytes()).with_prefault(true);
    let residence = Region::new(&request).unwrap().residence().unwrap();
    assert_eq!(
        (residence.pages_absent, residence.pages.values().sum()),
        (0, 64)
    );
}

#[test]
fn where_is_counts_the_pages_that_a_slice_touches() {
    let request = Request::new(4 * base_page_bytes()).with_prefault(true);
    let region = Region::new(&request).unwrap();
    let page = base_page_bytes();
    let pages = |first: usize, last: usize| {
        where_is(&region.as_slice()[first..=last])
            .unwrap()
            .pages
            .values()
            .sum::<usize>()
    };
    assert_eq!(pages(0, 0), 1);
    assert_eq!(pages(page - 1, page), 2);
    assert_eq!(pages(1, 4 * page - 1), 4);
}

#[test]
fn preferred_and_bound_pages_lie_on_their_node_whoever_touches_them() {
    for node in nodes_with_memory().iter().map(|node| node.id) {
        for policy in [Policy::Prefer(node), Policy::Bind(node)] {
            on_each_cpu(|cpu| {
                let mut region =
                    Region::new(&Request::new(2 * MIB).with_policy(policy.clone())).unwrap();
                assert!(region.is_policy_set());
                region.as_mut_slice().fill(1);
                assert!(
                    region.residence().unwrap().is_all_on(node),
                    "{policy:?} from cpu {cpu}"
                );
            });
        }
    }
}

#[test]
fn interleaved_pages_take_turns_exactly() {
    // Large enough for the kernel to use huge pages, if it is not told otherwise: those take turns as a whole.
    let nodes: Vec<NodeId> = nodes_with_memory().iter().map(|node| node.id).collect();
    let bytes = nodes.len() * 2048 * base_page_bytes();
    let request = Request::new(bytes)
        .with_policy(Policy::Interleave(nodes.clone()))
        .with_prefault(true);
    let residence = Region::new(&request).unwrap().residence().unwrap();
    assert_eq!(
        residence.pages,
        nodes.into_iter().map(|node| (node, 2048)).collect()
    );
}

#[test]
fn first_touch_puts_pages_near_the_toucher() {
    let machine = Topology::read().unwrap();
    on_each_cpu(|cpu| {
        let mut region = Region::new(&Request::new(2 * MIB)).unwrap();
        region.as_mut_slice().fill(1);
        let home = machine
            .cpu(cpu)
            .unwrap()
            .node
            .and_then(|node| machine.memory_home(node));
        let home = home.unwrap_or(NodeId(0));
        assert!(
            region.residence().unwrap().is_all_on(home),
            "cpu {cpu}: {:?}",
            region.residence()
        );
    });
}

#[test]
fn nodes_that_cannot_give_memory_are_refused() {
    let node = NodeId(5000);
    for policy in [
        Policy::Prefer(node),
        Policy::Bind(node),
        Policy::Interleave(vec![node]),
    ] {
        let error = Region::new(&Request::new(1).with_policy(policy)).unwrap_err();
        assert_eq!(error, MemoryError::NoSuchNode { node });
    }
    for node in Topology::read()
        .unwrap()
        .nodes()
        .filter(|node| !node.has_memory())
        .map(|node| node.id)
    {
        let error = Region::new(&Request::new(1).with_policy(Policy::Prefer(node))).unwrap_err();
        assert_eq!(error, MemoryError::NodeWithoutMemory { node });
    }
}

#[test]
fn sizes_beyond_memory_are_refused_and_not_killed_for() {
    for bytes in [
        isize::MAX as usize,
        isize::MAX as usize - (64 << 20),
        1 << 60,
    ] {
        for pages in [Pages::Base, Pages::Transparent, Pages::Huge] {
            let error = Region::new(&Request::new(bytes).with_pages(pages)).unwrap_err();
            assert_eq!(error, MemoryError::TooLarge { bytes }, "{pages:?}");
        }
    }
    let bytes = 1 << 45;
    for (prefault, lock) in [(true, false), (false, true)] {
        let error =
            Region::new(&Request::new(bytes).with_prefault(prefault).with_lock(lock)).unwrap_err();
        assert!(
            matches!(error, MemoryError::NotEnoughFree { node: None, .. }),
            "{error}"
        );
    }
    let node = nodes_with_memory()[0].id;
    let error = Region::new(&Request::new(bytes).with_policy(Policy::Bind(node))).unwrap_err();
    assert!(
        matches!(error, MemoryError::NotEnoughFree { node: Some(_), .. }),
        "{error}"
    );
}

#[test]
fn transparent_pages_are_aligned_and_huge_ones_fall_back_with_a_report() {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let is_never = read("/sys/kernel/mm/transparent_hugepage/enabled").contains("[never]");
    let meminfo = read("/proc/meminfo");
    let is_pool_empty = meminfo.contains("HugePages_Free:        0");
    let fallback = if is_never {
        Pages::Base
    } else {
        Pages::Transparent
    };

    let bytes = 3 * MIB;
    let region = Region::new(
        &Request::new(bytes)
            .with_pages(Pages::Transparent)
            .with_prefault(true),
    )
    .unwrap();
    assert_eq!(region.pages(), fallback);
    if region.pages() == Pages::Transparent {
        assert_eq!(region.len() % (2 * MIB), 0);
        assert!(region.as_ptr().addr().get() % (2 * MIB) == 0);
    }
    assert_eq!(region.residence().unwrap().pages_absent, 0);

    let node = nodes_with_memory()[0].id;
    for policy in [Policy::FirstTouch, Policy::Prefer(node), Policy::Bind(node)] {
        let mut region = Region::new(
            &Request::new(bytes)
                .with_pages(Pages::Huge)
                .with_policy(policy),
        )
        .unwrap();
        assert_eq!(
            region.pages(),
            if is_pool_empty { fallback } else { Pages::Huge }
        );
        region.as_mut_slice().fill(1);
    }
}

#[test]
fn locked_pages_are_present_and_counted() {
    let before = kib_of("VmLck:");
    match Region::new(&Request::new(MIB).with_lock(true)) {
        Ok(region) => {
            assert_eq!(region.residence().unwrap().pages_absent, 0);
            assert!(kib_of("VmLck:") >= before + 1024);
        }
        // Ordinary users may have no right to it.
        Err(MemoryError::Os(error)) => assert_eq!(error.operation(), "mlock"),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_region_can_move_to_another_thread() {
    let mut region = Region::new(&Request::new(1)).unwrap();
    let region = thread::spawn(move || {
        region.as_mut_slice()[0] = 5;
        region
    });
    assert_eq!(region.join().unwrap().as_slice()[0], 5);
}
