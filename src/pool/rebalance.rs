//! Which map slots to move, so that workers have equal shares of the slots, or of the load. Pure.
#![forbid(unsafe_code)]

use crate::partition::{MAP_SLOTS, SlotMove, SlotTable};

/// Slots that one rebalance moves at most: it is repeated, by loads that are measured anew.
const MOVES_MAX: usize = 64;

/// The moves after which all workers that own slots own equally many, give or take one.
pub(super) fn even(table: &SlotTable) -> Vec<SlotMove> {
    let mut held: Vec<usize> = table
        .slot_counts()
        .iter()
        .map(|held| usize::from(*held))
        .collect();
    let active: Vec<usize> = (0..held.len())
        .filter(|worker| held[*worker] != 0)
        .collect();
    let mut moves = Vec::new();
    for (map_slot, from) in table.owners().iter().enumerate() {
        let from = usize::from(*from);
        let Some(to) = active.iter().copied().min_by_key(|worker| held[*worker]) else {
            break;
        };
        if held[from] > held[to] + 1 {
            held[from] -= 1;
            held[to] += 1;
            moves.push(SlotMove { map_slot, from, to });
        }
    }
    moves
}

/// The fewest moves by which a worker that owns no slot gets an equal part: from those that own most.
pub(super) fn share(table: &SlotTable, worker: usize) -> Vec<SlotMove> {
    let mut held: Vec<usize> = table
        .slot_counts()
        .iter()
        .map(|held| usize::from(*held))
        .collect();
    let others = held.iter().filter(|held| **held != 0).count();
    let mut gives = vec![0; held.len()];
    for _ in 0..MAP_SLOTS / (others + 1) {
        let fullest = (0..held.len()).max_by_key(|worker| held[*worker]);
        let Some(fullest) = fullest else { break };
        held[fullest] -= 1;
        gives[fullest] += 1;
    }
    let mut moves = Vec::new();
    for (map_slot, from) in table.owners().iter().enumerate() {
        let from = usize::from(*from);
        if gives[from] != 0 {
            gives[from] -= 1;
            moves.push(SlotMove {
                map_slot,
                from,
                to: worker,
            });
        }
    }
    moves
}

/// Moves the hottest slots that fit from the busiest worker to the least busy one, as long as that brings both nearer
/// to each other.
pub(super) fn by_load(table: &SlotTable, loads: &[u32]) -> Vec<SlotMove> {
    let active: Vec<usize> = (0..table.slot_counts().len())
        .filter(|worker| table.slot_counts()[*worker] != 0)
        .collect();
    let mut busy = vec![0_u64; table.slot_counts().len()];
    let mut hot: Vec<(u32, usize, usize)> = Vec::new();
    for (map_slot, (load, owner)) in loads.iter().zip(table.owners()).enumerate() {
        let owner = usize::from(*owner);
        busy[owner] += u64::from(*load);
        if *load != 0 {
            hot.push((*load, map_slot, owner));
        }
    }
    hot.sort_unstable_by(|one, other| other.cmp(one));
    let mut moves: Vec<SlotMove> = Vec::new();
    while moves.len() < MOVES_MAX {
        let busiest = active.iter().copied().max_by_key(|worker| busy[*worker]);
        let idlest = active.iter().copied().min_by_key(|worker| busy[*worker]);
        let (Some(from), Some(to)) = (busiest, idlest) else {
            break;
        };
        let gap = busy[from] - busy[to];
        // Less than the gap, or the other would be the busiest; and each moves once.
        let fits = hot
            .iter()
            .position(|(load, _, owner)| *owner == from && u64::from(*load) < gap);
        let Some(at) = fits else { break };
        let (load, map_slot, _) = hot.remove(at);
        busy[from] -= u64::from(load);
        busy[to] += u64::from(load);
        moves.push(SlotMove { map_slot, from, to });
    }
    moves
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hot_slots_go_where_there_is_least_to_do() {
        let table = SlotTable::even(4).unwrap();
        let mut loads = vec![0; MAP_SLOTS];
        // Worker 0 has three hot slots, and worker 1 a little to do.
        (loads[0], loads[1], loads[2]) = (1000, 900, 800);
        loads[MAP_SLOTS / 4] = 100;
        let moves = by_load(&table, &loads);
        assert!(moves.iter().all(|one| one.from == 0 && one.to != 0));
        let mut busy = [0_u64; 4];
        for (map_slot, load) in loads.iter().enumerate() {
            let planned = moves.iter().find(|one| one.map_slot == map_slot);
            let owner = planned.map_or(table.owner_of(map_slot).unwrap(), |one| one.to);
            busy[owner] += u64::from(*load);
        }
        assert_eq!(busy.iter().max(), Some(&1000), "{busy:?}");
    }

    #[test]
    fn one_slot_that_is_hotter_than_all_others_stays() {
        let table = SlotTable::even(2).unwrap();
        let mut loads = vec![0; MAP_SLOTS];
        loads[5] = 1_000_000;
        assert!(by_load(&table, &loads).is_empty());
        assert!(by_load(&table, &vec![0; MAP_SLOTS]).is_empty());
    }

    #[test]
    fn equal_shares_leave_out_who_owns_nothing() {
        let mut table = SlotTable::even(3).unwrap();
        for one in table.clone().drain_plan(1).unwrap() {
            table.apply(one).unwrap();
        }
        for map_slot in 0..1000 {
            table.move_slot(map_slot, 2).unwrap();
        }
        for one in even(&table) {
            table.apply(one).unwrap();
        }
        assert_eq!(table.slot_counts(), [8192, 0, 8192]);
        let moves = share(&table, 1);
        assert_eq!(moves.len(), MAP_SLOTS / 3, "and no more than it takes");
        assert!(moves.iter().all(|one| one.to == 1));
        for one in moves {
            table.apply(one).unwrap();
        }
        assert_eq!(table.slot_counts(), [5462, 5461, 5461]);
    }
}
