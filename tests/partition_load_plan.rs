//! Moves by load: nobody above the bound, few moves, and nothing that need not move.
#![cfg(feature = "partition")]

use proptest::prelude::*;
use shared_nothing::partition::{
    LoadPlan, MAP_SLOTS, PartitionError, Partitioner, SlotMove, SlotTable, hash_u64,
};

type Loads = [u32; MAP_SLOTS];

fn carried(table: &SlotTable, loads: &Loads) -> Vec<u64> {
    let mut carried = vec![0; table.workers()];
    for (&owner, &load) in table.owners().iter().zip(loads) {
        carried[usize::from(owner)] += u64::from(load);
    }
    carried
}

/// Carries a plan out, and checks on the way what holds for every plan.
fn carry_out(old: &SlotTable, loads: &Loads, percent: u32) -> (SlotTable, Vec<SlotMove>, u64) {
    let mut plan = old.load_plan(loads, percent).unwrap();
    let (mut table, mut moves) = (old.clone(), Vec::new());
    while let Some(planned) = plan.next() {
        table.apply(planned).unwrap();
        assert!(loads[planned.map_slot] > 0, "a slot without load moved");
        let now = carried(&table, loads);
        assert_eq!(plan.carried(), now, "the plan knows what it does");
        assert!(
            now[planned.to] <= plan.bound(),
            "a taker is above the bound"
        );
        assert!(
            moves
                .iter()
                .all(|before: &SlotMove| before.map_slot != planned.map_slot)
        );
        moves.push(planned);
    }
    assert!(plan.next().is_none());
    (table, moves, plan.bound())
}

/// The least number of slots that a worker must give to come down to `bound`.
fn least_moves(table: &SlotTable, loads: &Loads, bound: u64) -> usize {
    let carried = carried(table, loads);
    let of = |worker: usize| {
        let mut slots: Vec<u64> = table
            .slots_of(worker)
            .map(|slot| u64::from(loads[slot]))
            .collect();
        slots.sort_unstable_by(|a, b| b.cmp(a));
        let (mut left, mut moves) = (carried[worker], 0);
        while left > bound {
            left -= slots[moves];
            moves += 1;
        }
        moves
    };
    (0..table.workers()).map(of).sum()
}

#[test]
fn hot_slots_leave_a_worker_and_each_other() {
    let table = SlotTable::even(4).unwrap();
    let mut loads = [0; MAP_SLOTS];
    // Worker 0 carries 90 in three slots, the others nothing.
    loads[..3].copy_from_slice(&[20, 40, 30]);
    let (after, moves, bound) = carry_out(&table, &loads, 180);
    assert_eq!(bound, 41, "1.8 times 22.5, rounded up");
    // 49 too many: 40 is the hottest, and 20 the least that ends the rest of 9.
    let expected = [(1, 1), (0, 2)].map(|(map_slot, to)| SlotMove {
        map_slot,
        from: 0,
        to,
    });
    assert_eq!(moves, expected);
    assert_eq!(carried(&after, &loads), [30, 40, 20, 0]);
}

#[test]
fn the_least_slot_that_is_enough_moves() {
    let table = SlotTable::even(2).unwrap();
    let mut loads = [0; MAP_SLOTS];
    loads[..4].copy_from_slice(&[50, 9, 10, 31]);
    loads[MAP_SLOTS - 1] = 80;
    // 100 and 80, and a bound of 90.
    let (after, moves, _) = carry_out(&table, &loads, 100);
    assert_eq!(
        moves,
        [SlotMove {
            map_slot: 2,
            from: 0,
            to: 1
        }]
    );
    assert_eq!(carried(&after, &loads), [90, 90]);
}

#[test]
fn a_slot_above_the_bound_stays_and_the_rest_leaves_it() {
    let table = SlotTable::even(4).unwrap();
    let mut loads = [0; MAP_SLOTS];
    (loads[0], loads[1], loads[2]) = (1000, 3, 4);
    let (after, moves, bound) = carry_out(&table, &loads, 125);
    assert!(bound < 1000);
    assert_eq!(moves.len(), 2);
    assert_eq!(after.owner_of(0), Some(0));
    assert_eq!(carried(&after, &loads)[0], 1000);
}

#[test]
fn a_worker_that_is_stuck_does_not_hide_the_next() {
    let table = SlotTable::even(4).unwrap();
    let mut loads = [0; MAP_SLOTS];
    loads[0] = 1000; // worker 0: nothing can be done
    loads[MAP_SLOTS / 4..][..8].fill(100); // worker 1: this can
    let (after, moves, bound) = carry_out(&table, &loads, 125);
    assert_eq!(bound, 563);
    assert!(moves.iter().all(|planned| planned.from == 1));
    assert_eq!(moves.len(), 3);
    assert_eq!(carried(&after, &loads), [1000, 500, 200, 100]);
}

#[test]
fn a_drained_worker_takes_nothing() {
    let mut table = SlotTable::even(3).unwrap();
    let old = table.clone();
    old.drain_plan(1)
        .unwrap()
        .for_each(|planned| table.apply(planned).unwrap());
    let mut loads = [1; MAP_SLOTS];
    loads[..10].fill(500);
    let (after, moves, _) = carry_out(&table, &loads, 110);
    assert_eq!(moves.len(), 3);
    assert_eq!(after.slot_counts()[1], 0);
    assert!(after.load_plan(&loads, 110).unwrap().next().is_none());
}

#[test]
fn nothing_moves_where_nothing_must() {
    let one = SlotTable::even(1).unwrap();
    assert_eq!(
        one.load_plan(&[u32::MAX; MAP_SLOTS], 100).unwrap().count(),
        0
    );
    let even = SlotTable::even(16).unwrap();
    assert_eq!(even.load_plan(&[0; MAP_SLOTS], 100).unwrap().count(), 0);
    assert_eq!(
        even.load_plan(&[u32::MAX; MAP_SLOTS], 100).unwrap().count(),
        0
    );
    assert_eq!(
        even.load_plan(&[9; MAP_SLOTS], u32::MAX).unwrap().count(),
        0
    );
}

#[test]
fn a_bound_below_the_mean_is_an_error() {
    let table = SlotTable::even(2).unwrap();
    let refused = table.load_plan(&[1; MAP_SLOTS], 99).map(LoadPlan::count);
    assert_eq!(refused, Err(PartitionError::BoundTooLow { percent: 99 }));
}

/// Messages by Zipf's law with exponent 1, over 100,000 keys: loads as a pool with hot keys sees them.
fn zipf_loads(seed: u64) -> Box<Loads> {
    let mut loads = Box::new([0; MAP_SLOTS]);
    for key in 0..100_000_u64 {
        let map_slot = SlotTable::map_slot_of(hash_u64(key, seed));
        loads[map_slot] += (1_000_000 / (key + 1)) as u32 + 1;
    }
    loads
}

#[test]
fn under_zipf_a_few_moves_are_enough() {
    for seed in 0..8 {
        let (table, loads) = (SlotTable::even(8).unwrap(), zipf_loads(seed));
        let (after, moves, bound) = carry_out(&table, &loads, 125);
        assert!(carried(&after, &loads).iter().all(|&load| load <= bound));
        let least = least_moves(&table, &loads, bound);
        assert!(
            (least..=48).contains(&moves.len()),
            "{} of {MAP_SLOTS} slots",
            moves.len()
        );
    }
}

#[test]
fn no_plan_has_fewer_moves_where_takers_have_room() {
    for seed in 0..5 {
        let table = SlotTable::even(8).unwrap();
        let mut loads = Box::new([0; MAP_SLOTS]);
        for (map_slot, load) in loads.iter_mut().enumerate() {
            *load = (hash_u64(map_slot as u64, seed) % 100).pow(3) as u32;
            if map_slot < MAP_SLOTS / 8 {
                *load *= 2;
            }
        }
        let (after, moves, bound) = carry_out(&table, &loads, 125);
        assert!(carried(&after, &loads).iter().all(|&load| load <= bound));
        assert_eq!(
            moves.len(),
            least_moves(&table, &loads, bound),
            "seed {seed}"
        );
    }
}

/// A pool keeps its owners elsewhere; what it reads of them is a table again.
#[test]
fn a_snapshot_of_owners_is_enough_to_plan() {
    let mut live = SlotTable::even(8).unwrap();
    live.move_slot(5, 3).unwrap();
    let loads = zipf_loads(1);
    let snapshot = SlotTable::from_owners(live.owners(), live.workers(), live.epoch()).unwrap();
    let plan = snapshot.load_plan(&loads, 125).unwrap();
    let first = plan.clone().next().unwrap();
    // A move that came in between is seen, and changes nothing.
    let to = (first.from + 1) % 8;
    live.move_slot(first.map_slot, to).unwrap();
    let stale = live.apply(first).unwrap_err();
    assert!(matches!(stale, PartitionError::StaleMove { .. }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever the loads: takers stay under the bound, and who is above it at the end had nothing that fits.
    #[test]
    fn whoever_is_above_the_bound_could_give_nothing(
        workers in 1..20_usize, percent in 100..200_u32, seed: u64, hot in 0..200_usize, scale in 1..u32::MAX
    ) {
        let table = SlotTable::even(workers).unwrap();
        let mut loads = Box::new([0_u32; MAP_SLOTS]);
        for n in 0..hot as u64 {
            let map_slot = SlotTable::map_slot_of(hash_u64(n, seed));
            loads[map_slot] = (hash_u64(n, !seed) % u64::from(scale)) as u32;
        }
        let (after, moves, bound) = carry_out(&table, &loads, percent);
        let now = carried(&after, &loads);
        let room = bound - now.iter().min().unwrap().min(&bound);
        for (worker, _) in now.iter().enumerate().filter(|(_, load)| **load > bound) {
            for map_slot in after.slots_of(worker).filter(|&slot| loads[slot] > 0) {
                prop_assert!(u64::from(loads[map_slot]) > room, "slot {map_slot} could have moved");
            }
        }
        prop_assert!(now.iter().max() <= carried(&table, &loads).iter().max());
        prop_assert!(moves.iter().all(|planned| planned.from != planned.to));
    }
}
