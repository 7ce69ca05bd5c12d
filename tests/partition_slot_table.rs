//! The slot table: balance and moved slots, exactly; and every refused change.
#![cfg(feature = "partition")]

use proptest::prelude::*;
use shared_nothing::partition::{
    MAP_SLOTS, MultiplyShift, PartitionError, Partitioner, SlotMove, SlotTable, WORKERS_MAX,
    hash_u64,
};

fn assert_sound(table: &SlotTable) {
    let mut held = vec![0_u16; table.workers()];
    for &owner in table.owners() {
        held[usize::from(owner)] += 1;
    }
    assert_eq!(table.slot_counts(), held);
}

fn spread(table: &SlotTable) -> u16 {
    let counts = || table.slot_counts().iter().copied();
    counts().max().unwrap() - counts().min().unwrap()
}

/// Keys of the anchor: 10^6 mixed integers.
fn keys() -> impl Iterator<Item = u64> {
    (0..1_000_000).map(|key| hash_u64(key, 0))
}

fn max_over_mean(route: &impl Partitioner) -> f64 {
    let mut counts = vec![0_u32; route.workers()];
    keys().for_each(|hash| counts[route.worker_of(hash)] += 1);
    f64::from(*counts.iter().max().unwrap()) * counts.len() as f64 / 1e6
}

fn moved(old: &impl Partitioner, new: &impl Partitioner) -> f64 {
    keys()
        .filter(|&hash| old.worker_of(hash) != new.worker_of(hash))
        .count() as f64
        / 1e6
}

#[test]
fn an_even_table_differs_by_one_slot_at_most() {
    for workers in (1..=130).chain([255, 1000, 4095, WORKERS_MAX]) {
        let table = SlotTable::even(workers).unwrap();
        assert!(spread(&table) <= 1, "{workers} workers");
        assert_sound(&table);
        assert_eq!(table.epoch(), 0);
    }
}

#[test]
fn a_million_keys_meet_the_anchor() {
    let old = SlotTable::even(16).unwrap();
    assert!(max_over_mean(&old) <= 1.015, "{}", max_over_mean(&old));
    let hash = MultiplyShift::new(16).unwrap();
    assert!(max_over_mean(&hash) <= 1.012, "{}", max_over_mean(&hash));

    let mut grown = old.clone();
    assert_eq!(
        grown.resize(17),
        Ok(963),
        "a seventeenth of 16384, rounded down"
    );
    assert!(
        moved(&old, &grown) <= 0.059 + 1.0 / MAP_SLOTS as f64,
        "{}",
        moved(&old, &grown)
    );

    let mut drained = old.clone();
    for planned in old.drain_plan(7).unwrap() {
        drained.apply(planned).unwrap();
    }
    assert!(
        moved(&old, &drained) <= 0.063 + 1.0 / MAP_SLOTS as f64,
        "{}",
        moved(&old, &drained)
    );
}

#[test]
fn growing_moves_only_to_the_new_workers_and_stays_even() {
    for (from, to) in [
        (1, 2),
        (2, 3),
        (3, 4),
        (16, 17),
        (16, 32),
        (5, 97),
        (1, WORKERS_MAX),
    ] {
        let old = SlotTable::even(from).unwrap();
        let plan = old.grow_plan(to).unwrap();
        // The fewest moves: the old workers keep as much as an even table allows them.
        let kept = (MAP_SLOTS / to) * from + (MAP_SLOTS % to).min(from);
        assert_eq!(plan.len(), MAP_SLOTS - kept);
        assert!(
            plan.clone()
                .all(|planned| planned.to >= from && planned.from < from)
        );
        assert_eq!(plan.clone().count(), plan.len());
        let mut table = old.clone();
        assert_eq!(table.resize(to), Ok(MAP_SLOTS - kept));
        assert!(spread(&table) <= 1, "{from} to {to}");
        assert_sound(&table);
    }
}

#[test]
fn shrinking_moves_only_the_slots_of_those_who_go_and_stays_even() {
    for (from, to) in [(2, 1), (17, 16), (32, 16), (97, 5), (WORKERS_MAX, 1)] {
        let old = SlotTable::even(from).unwrap();
        let held: usize = old.slot_counts()[to..]
            .iter()
            .map(|&held| usize::from(held))
            .sum();
        let plan = old.shrink_plan(to).unwrap();
        assert_eq!(plan.len(), held);
        assert!(
            plan.clone()
                .all(|planned| planned.from >= to && planned.to < to)
        );
        let mut table = old.clone();
        assert_eq!(table.resize(to), Ok(held));
        assert!(spread(&table) <= 1, "{from} to {to}");
        assert_sound(&table);
    }
}

#[test]
fn a_drained_worker_owns_nothing_until_the_table_is_evened() {
    let mut table = SlotTable::even(8).unwrap();
    for worker in [3, 5] {
        let old = table.clone();
        let plan = old.drain_plan(worker).unwrap();
        assert_eq!(plan.len(), usize::from(old.slot_counts()[worker]));
        plan.for_each(|planned| table.apply(planned).unwrap());
        assert_eq!(table.slots_of(worker).count(), 0);
    }
    assert_eq!(
        table.slot_counts()[3],
        0,
        "a drain does not fill those drained before"
    );

    assert_eq!(table.resize(9), Ok(MAP_SLOTS / 7));
    assert_eq!((table.slot_counts()[3], table.slot_counts()[5]), (0, 0));

    let old = table.clone();
    old.even_plan()
        .for_each(|planned| table.apply(planned).unwrap());
    assert!(spread(&table) <= 1);
    assert_eq!(table.even_plan().len(), 0);
    assert_sound(&table);
}

#[test]
fn the_last_slots_go_to_drained_workers_when_nobody_else_is_left() {
    let mut table = SlotTable::even(3).unwrap();
    for worker in [0, 1, 2] {
        let old = table.clone();
        old.drain_plan(worker)
            .unwrap()
            .for_each(|planned| table.apply(planned).unwrap());
        assert_sound(&table);
    }
    assert_eq!(table.slot_counts()[2], 0);
    assert_eq!(
        table.slot_counts()[0] + table.slot_counts()[1],
        MAP_SLOTS as u16
    );
}

#[test]
fn the_epoch_counts_changes_and_nothing_else() {
    let mut table = SlotTable::even(2).unwrap();
    assert_eq!(table.move_slot(0, 0), Ok(0));
    assert_eq!(table.epoch(), 0, "nothing changed");
    assert_eq!(table.move_slot(0, 1), Ok(0));
    assert_eq!(table.epoch(), 1);
    table.set_workers(2).unwrap();
    assert_eq!(table.epoch(), 1);
    table.set_workers(3).unwrap();
    assert_eq!(table.epoch(), 2);
}

#[test]
fn refused_changes_change_nothing() {
    let mut table = SlotTable::even(3).unwrap();
    let before = table.clone();
    let missing = PartitionError::WorkerNotFound {
        worker: 3,
        workers: 3,
    };
    assert_eq!(table.move_slot(0, 3), Err(missing));
    assert_eq!(
        table.move_slot(MAP_SLOTS, 0),
        Err(PartitionError::MapSlotNotFound {
            map_slot: MAP_SLOTS
        })
    );
    assert_eq!(
        table.apply(SlotMove {
            map_slot: 0,
            from: 1,
            to: 2
        }),
        Err(PartitionError::StaleMove {
            map_slot: 0,
            expected: 1,
            found: 0
        })
    );
    assert_eq!(
        table.apply(SlotMove {
            map_slot: 0,
            from: 0,
            to: 3
        }),
        Err(missing)
    );
    assert_eq!(table.set_workers(0), Err(PartitionError::NoWorkers));
    assert_eq!(
        table.set_workers(2),
        Err(PartitionError::WorkerHoldsSlots {
            worker: 2,
            held: 5461
        })
    );
    let too_many = PartitionError::TooManyWorkers {
        workers: WORKERS_MAX + 1,
        limit: WORKERS_MAX,
    };
    assert_eq!(table.set_workers(WORKERS_MAX + 1), Err(too_many));
    assert_eq!(table.resize(WORKERS_MAX + 1), Err(too_many));
    assert_eq!(table.resize(0), Err(PartitionError::NoWorkers));
    assert_eq!(
        table.grow_plan(2).unwrap_err(),
        PartitionError::WrongDirection { from: 3, to: 2 }
    );
    assert_eq!(
        table.shrink_plan(4).unwrap_err(),
        PartitionError::WrongDirection { from: 3, to: 4 }
    );
    assert_eq!(table.drain_plan(3).unwrap_err(), missing);
    assert_eq!(
        SlotTable::even(1).unwrap().drain_plan(0).unwrap_err(),
        PartitionError::NoWorkers
    );
    assert_eq!(SlotTable::even(0).unwrap_err(), PartitionError::NoWorkers);
    assert_eq!(SlotTable::even(WORKERS_MAX + 1).unwrap_err(), too_many);
    assert_eq!(SlotTable::from_owners(&[3; MAP_SLOTS], 3, 0), Err(missing));
    assert_eq!(table, before);
}

#[test]
fn a_table_survives_the_way_to_another_process() {
    let mut table = SlotTable::even(5).unwrap();
    table.move_slot(77, 4).unwrap();
    let copy = SlotTable::from_owners(table.owners(), table.workers(), table.epoch());
    assert_eq!(copy, Ok(table));
}

#[test]
fn a_table_fits_a_static() {
    static TABLE: SlotTable = match SlotTable::even(4) {
        Ok(table) => table,
        Err(_) => panic!("four workers"),
    };
    assert_eq!(TABLE.worker_of(u64::MAX), 3);
    assert_eq!(TABLE.owner_of(MAP_SLOTS), None);
}

/// Owners of some slots after a known history, and routes of known keys: two processes agree.
#[test]
fn h28_routes_match_the_golden_vector() {
    let mut table = SlotTable::even(16).unwrap();
    table.resize(17).unwrap();
    table.resize(13).unwrap();
    table
        .move_slot(SlotTable::map_slot_of(hash_u64(3, 0)), 1)
        .unwrap();
    let routes: Vec<usize> = (0..16)
        .map(|key| table.worker_of(hash_u64(key, 0)))
        .collect();
    assert_eq!(routes, [6, 9, 9, 1, 6, 6, 11, 6, 9, 10, 0, 5, 9, 12, 6, 8]);
}

#[derive(Clone, Debug)]
enum Op {
    Move(usize, usize),
    Resize(usize),
    Drain(usize),
    Even,
}

fn ops() -> impl Strategy<Value = Op> {
    prop_oneof![
        (0..MAP_SLOTS, 0..40_usize).prop_map(|(map_slot, to)| Op::Move(map_slot, to)),
        (1..40_usize).prop_map(Op::Resize),
        (0..40_usize).prop_map(Op::Drain),
        Just(Op::Even),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever happens, each slot has one owner, counts are true, and plans are minimal.
    #[test]
    fn any_history_leaves_a_sound_table(history in prop::collection::vec(ops(), 1..12)) {
        let mut table = SlotTable::even(4).unwrap();
        for op in history {
            let old = table.clone();
            match op {
                Op::Move(map_slot, to) => {
                    prop_assert_eq!(table.move_slot(map_slot, to).is_ok(), to < old.workers());
                }
                Op::Resize(workers) => {
                    let moves = table.resize(workers).unwrap();
                    let differ = (0..MAP_SLOTS).filter(|&s| old.owner_of(s) != table.owner_of(s));
                    prop_assert_eq!(differ.count(), moves, "no slot moves twice");
                    prop_assert_eq!(table.workers(), workers);
                }
                Op::Drain(worker) => {
                    let planned = old.drain_plan(worker);
                    prop_assert_eq!(planned.is_ok(), worker < old.workers() && old.workers() > 1);
                    for planned in planned.into_iter().flatten() {
                        prop_assert_eq!(planned.from, worker);
                        prop_assert_ne!(planned.to, worker);
                        table.apply(planned).unwrap();
                    }
                }
                Op::Even => {
                    let mean = MAP_SLOTS / old.workers();
                    let surplus: usize = old.slot_counts().iter()
                        .map(|&held| usize::from(held).saturating_sub(mean)).sum();
                    let extra = MAP_SLOTS % old.workers();
                    let over = old.slot_counts().iter().filter(|&&held| usize::from(held) > mean).count();
                    prop_assert_eq!(old.even_plan().len(), surplus - extra.min(over));
                    for planned in old.even_plan() {
                        table.apply(planned).unwrap();
                    }
                    prop_assert!(spread(&table) <= 1);
                }
            }
            assert_sound(&table);
        }
    }
}
