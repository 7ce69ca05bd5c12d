//! What refusals say: what was asked for, why it cannot be, and what there is instead.

use std::error::Error as _;

use shared_nothing_affinity::{
    BudgetError, CpuId, CpuSet, Demand, Error, MemoryError, NodeId, PinError, Placement, Topology,
};

fn set(text: &str) -> CpuSet {
    text.parse().unwrap()
}

const DENIED: Error = Error::Os {
    operation: "mlock",
    errno: 12,
};

#[test]
fn memory_is_refused_by_node_and_size() {
    let node = NodeId(3);
    let texts = [
        (MemoryError::ZeroSize, "a region needs one byte at least"),
        (
            MemoryError::TooLarge { bytes: 9 },
            "9 bytes are more than this process may have",
        ),
        (MemoryError::NoNodes, "no node to interleave over"),
        (
            MemoryError::NoSuchNode { node },
            "this machine has no node 3",
        ),
        (
            MemoryError::NodeWithoutMemory { node },
            "node 3 has no memory",
        ),
        (
            MemoryError::NodeNotAllowed {
                node,
                allowed: vec![NodeId(0), NodeId(2)],
            },
            "memory of node 3 is not ours: use nodes 0,2 only",
        ),
        (
            MemoryError::FreeUnknown { node },
            "free memory of node 3 is not known",
        ),
        (
            MemoryError::NotEnoughFree {
                bytes: 9,
                bytes_free: 8,
                node: Some(node),
            },
            "9 bytes wanted, 8 free on node 3",
        ),
        (
            MemoryError::NotEnoughFree {
                bytes: 9,
                bytes_free: 8,
                node: None,
            },
            "9 bytes wanted, 8 free",
        ),
    ];
    for (error, text) in texts {
        assert_eq!(error.to_string(), text);
        assert!(error.source().is_none());
    }
}

#[test]
fn pins_and_budgets_are_refused_by_cpu() {
    let cpu = CpuId(5000);
    assert!(
        PinError::NoSuchCpu { cpu }.to_string().contains("5000"),
        "{}",
        PinError::NoSuchCpu { cpu }
    );
    assert!(PinError::Offline { cpu }.to_string().contains("offline"));
    let texts = [
        (BudgetError::EmptyMask, "the affinity mask has no cpu"),
        (
            BudgetError::NoWorkers,
            "SHARED_NOTHING_CPUS asks for 0 workers",
        ),
        (
            BudgetError::NotUsable {
                wanted: set("5"),
                usable: set("0-1"),
            },
            "SHARED_NOTHING_CPUS lists cpus 5; this process may use 0-1 only",
        ),
    ];
    for (error, text) in texts {
        assert_eq!(error.to_string(), text);
        assert!(error.source().is_none());
    }
    let error = BudgetError::Variable("x".parse::<CpuSet>().unwrap_err());
    assert!(error.source().is_some());
    assert!(
        error
            .to_string()
            .starts_with("SHARED_NOTHING_CPUS is neither")
    );
}

#[test]
fn the_kernels_refusal_is_the_source_with_its_number_and_its_remedy() {
    let outer: [Box<dyn std::error::Error>; 3] = [
        Box::new(MemoryError::from(DENIED)),
        Box::new(PinError::from(DENIED)),
        Box::new(BudgetError::from(DENIED)),
    ];
    for outer in outer {
        let inner = outer
            .source()
            .and_then(|inner| inner.downcast_ref::<Error>());
        assert_eq!(inner, Some(&DENIED));
        assert!(outer.to_string().ends_with("`ulimit -l`"), "{outer}");
    }
    assert_eq!((DENIED.operation(), DENIED.errno()), ("mlock", Some(12)));
}

#[test]
fn without_any_file_there_is_no_topology() {
    let error = Topology::from_files(&|_| None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no list of cpus in /sys/devices/system/cpu"
    );
    assert!(error.source().is_none());
}

#[test]
fn a_placement_lists_every_shortfall() {
    let usable = set("0");
    let error = Placement::List(vec![CpuId(5000)])
        .place(&Topology::flat(&usable), &usable, 2, Demand::Require)
        .unwrap_err();
    let [first, second] = &error.shortfalls[..] else {
        panic!("{error}");
    };
    assert_eq!(
        error.to_string(),
        format!("workers cannot be placed as required: {first}; {second}")
    );
    assert!(error.to_string().contains("5000"), "{error}");
}
