//! Placement on machines that do not exist.

use shared_nothing_affinity::{CpuId, Demand, Placed, Placement, Shortfall, Synthetic, Topology};

fn machine(packages: u32, cores_per_node: u32, threads_per_core: u32) -> Topology {
    Synthetic::default()
        .with_packages(packages)
        .with_cores_per_node(cores_per_node)
        .with_threads_per_core(threads_per_core)
        .build()
}

/// The CPUs as the kernel would list them in this order, a dash for unpinned.
fn cpus(placed: &Placed) -> String {
    let name = |cpu: &Option<CpuId>| cpu.map_or("-".into(), |cpu| cpu.to_string());
    placed.cpus.iter().map(name).collect::<Vec<_>>().join(" ")
}

fn place(placement: Placement, machine: &Topology, usable: &str, workers: usize) -> Placed {
    placement
        .place(machine, &usable.parse().unwrap(), workers, Demand::Prefer)
        .unwrap()
}

#[test]
fn spread_takes_turns_between_nodes_and_leaves_siblings_to_the_end() {
    let machine = machine(2, 2, 2);
    let six = place(Placement::Spread, &machine, "0-7", 6);
    assert_eq!(cpus(&six), "0 2 1 3 4 6");
    assert_eq!(six.shortfalls, [Shortfall::SharedCores { count: 2 }]);
}

#[test]
fn spread_evens_out_nodes_of_unequal_size() {
    // Node 0 has one usable core, node 1 has four.
    let placed = place(Placement::Spread, &machine(2, 4, 1), "0,4-7", 4);
    assert_eq!(cpus(&placed), "0 4 5 6");
}

#[test]
fn packed_stays_on_the_first_node_that_holds_all() {
    let machine = machine(3, 4, 1);
    assert_eq!(
        cpus(&place(Placement::Packed, &machine, "0,4-11", 3)),
        "4 5 6"
    );
    assert_eq!(cpus(&place(Placement::Packed, &machine, "0,4-11", 1)), "0");
    assert_eq!(
        cpus(&place(Placement::Packed, &machine, "0,4-11", 6)),
        "4 5 6 7 0 8"
    );
}

#[test]
fn a_usable_sibling_counts_as_a_core_when_the_first_thread_is_not_ours() {
    let placed = place(Placement::Spread, &machine(1, 2, 2), "1-2", 2);
    assert_eq!(
        (cpus(&placed).as_str(), placed.shortfalls.len()),
        ("1 2", 0)
    );
}

#[test]
fn performance_cores_come_first_then_efficiency_cores_then_siblings() {
    let recipe = Synthetic::default()
        .with_cores_per_node(3)
        .with_efficiency_cores_per_node(2)
        .with_threads_per_core(2);
    let placed = place(Placement::Spread, &recipe.build(), "0-5", 4);
    assert_eq!(cpus(&placed), "0 1 2 3");
    let expected = [
        Shortfall::SharedCores { count: 1 },
        Shortfall::EfficiencyCores { count: 2 },
    ];
    assert_eq!(placed.shortfalls, expected);
}

#[test]
fn workers_without_a_cpu_are_counted_and_not_pinned() {
    let placed = place(Placement::Spread, &machine(1, 2, 1), "0-1", 4);
    assert_eq!(
        (cpus(&placed).as_str(), placed.shortfalls.as_slice()),
        ("0 1 - -", &[Shortfall::Unpinned { count: 2 }][..])
    );
    assert_eq!(place(Placement::Spread, &machine(1, 2, 1), "", 0).cpus, []);
}

#[test]
fn a_list_is_obeyed_in_its_order_and_only_within_the_budget() {
    let list = || Placement::List([6, 2, 9].map(CpuId).to_vec());
    let placed = place(list(), &machine(1, 8, 1), "2-6", 4);
    assert_eq!(cpus(&placed), "6 2 - -");
    let expected = [
        Shortfall::NotUsable { cpu: CpuId(9) },
        Shortfall::Unpinned { count: 1 },
    ];
    assert_eq!(placed.shortfalls, expected);
    assert_eq!(
        cpus(&place(list(), &machine(1, 8, 1), "2-6", 1)),
        "6",
        "the rest of the list is not needed"
    );
}

#[test]
fn require_fails_where_prefer_reports() {
    let machine = machine(1, 2, 2);
    let usable = machine.online();
    for (placement, workers) in [
        (Placement::Spread, 3),
        (Placement::Packed, 5),
        (Placement::List(vec![CpuId(5000)]), 1),
    ] {
        let reported = placement
            .place(&machine, &usable, workers, Demand::Prefer)
            .unwrap();
        let error = placement
            .place(&machine, &usable, workers, Demand::Require)
            .unwrap_err();
        assert_eq!(error.shortfalls, reported.shortfalls);
    }
    let none = Placement::Unpinned
        .place(&machine, &usable, 9, Demand::Require)
        .unwrap();
    assert_eq!(cpus(&none), "- - - - - - - - -");
}

#[test]
fn cpus_offline_are_not_used_and_unknown_ones_are() {
    let recipe = Synthetic::default()
        .with_cores_per_node(4)
        .with_offline("1".parse().unwrap());
    assert_eq!(
        cpus(&place(Placement::Spread, &recipe.build(), "0-2", 3)),
        "0 2 -"
    );
    assert_eq!(
        cpus(&place(Placement::Packed, &Topology::default(), "2,4", 2)),
        "2 4"
    );
    assert_eq!(
        cpus(&place(Placement::Packed, &machine(1, 2, 1), "1,77", 2)),
        "1 77"
    );
}
