//! Ranges, turns and loads: what changes, what stays, what is refused.
#![cfg(all(feature = "partition", feature = "std"))]

use proptest::prelude::*;
use shared_nothing::partition::{
    BoundedLoad, HashRing, Jump, MAP_SLOTS, MultiplyShift, PartitionError, Partitioner, RangeMap,
    Rendezvous, SlotTable, TwoChoices, WORKERS_MAX, WeightedRendezvous, WeightedRoundRobin,
    hash_u64,
};

const TOO_MANY: PartitionError = PartitionError::TooManyWorkers {
    workers: WORKERS_MAX + 1,
    limit: WORKERS_MAX,
};

#[test]
fn h29_a_range_map_compares_keys_and_never_hashes_them() {
    let map = RangeMap::from_bounds(vec![100_u64, 200, 300]).unwrap();
    let owners: Vec<usize> = [0, 99, 100, 199, 200, 299, 300, u64::MAX]
        .iter()
        .map(|key| map.worker_of_key(key))
        .collect();
    assert_eq!(owners, [0, 0, 1, 1, 2, 2, 3, 3], "neighbours stay together");
}

#[test]
fn bad_changes_of_a_range_map_are_errors() {
    let rising = |bound| Err(PartitionError::BoundsNotRising { bound });
    assert_eq!(RangeMap::from_bounds(vec![1, 2, 2]), rising(2));
    assert_eq!(RangeMap::from_bounds(vec![2, 1]), rising(1));
    assert_eq!(
        RangeMap::from_bounds((0..WORKERS_MAX).collect::<Vec<_>>()),
        Err(TOO_MANY)
    );
    let mut map = RangeMap::from_bounds(vec![10, 20]).unwrap();
    let before = map.clone();
    assert_eq!(
        map.split(20, 0),
        Err(PartitionError::BoundsNotRising { bound: 1 })
    );
    assert_eq!(map.split(5, WORKERS_MAX), Err(TOO_MANY));
    assert_eq!(
        map.merge(2),
        Err(PartitionError::RangeNotFound {
            range: 2,
            ranges: 3
        })
    );
    assert_eq!(
        map.move_range(3, 0),
        Err(PartitionError::RangeNotFound {
            range: 3,
            ranges: 3
        })
    );
    assert_eq!(map.move_range(0, WORKERS_MAX), Err(TOO_MANY));
    assert_eq!(map.move_range(0, 0), Ok(0));
    assert_eq!(map, before, "not even the epoch");
    assert_eq!(map.move_range(0, 2), Ok(0));
    assert_eq!(map.epoch(), 1);
}

#[test]
fn bad_weights_of_turns_are_errors() {
    assert_eq!(WeightedRoundRobin::new(&[]), Err(PartitionError::NoWorkers));
    assert_eq!(
        WeightedRoundRobin::new(&[0, 0]),
        Err(PartitionError::NoWorkers)
    );
    assert_eq!(
        WeightedRoundRobin::new(&[1; WORKERS_MAX + 1]),
        Err(TOO_MANY)
    );
    let too_large = PartitionError::WeightsTooLarge {
        sum: (1 << 16) + 1,
        limit: 1 << 16,
    };
    assert_eq!(WeightedRoundRobin::new(&[1 << 16, 1]), Err(too_large));
    let reduced = WeightedRoundRobin::new(&[u32::MAX, 0, u32::MAX]).unwrap();
    assert_eq!((reduced.period(), reduced.workers()), (2, 3));
}

/// Keys by Zipf's law with exponent 1: key `k` comes with a probability in proportion to `1 / (k + 1)`.
fn zipf(keys: usize, messages: u64) -> impl Iterator<Item = u64> {
    let mut bounds: Vec<f64> = Vec::new();
    let mut sum = 0.0;
    bounds.extend((1..=keys).map(|k| {
        sum += 1.0 / k as f64;
        sum
    }));
    (0..messages).map(move |message| {
        let draw = (hash_u64(message, 99) >> 11) as f64 / (1_u64 << 53) as f64 * sum;
        hash_u64(bounds.partition_point(|&bound| bound < draw) as u64, 0)
    })
}

fn fullest_over_mean(route: &BoundedLoad<impl Partitioner>, bounded: bool) -> f64 {
    let mut loads = [0_u64; 16];
    for (total, hash) in (0..).zip(zipf(10_000, 200_000)) {
        let capacity = if bounded {
            route.capacity(total, 16)
        } else {
            u64::MAX
        };
        let worker = route
            .choose(hash, capacity, |worker| Some(loads[worker]))
            .expect("room");
        assert!(loads[worker] < capacity);
        loads[worker] += 1;
    }
    *loads.iter().max().unwrap() as f64 * 16.0 / 200_000.0
}

#[test]
fn bounded_load_meets_the_anchor_under_zipf() {
    let route = BoundedLoad::new(SlotTable::even(16).unwrap(), 125).unwrap();
    assert!(
        fullest_over_mean(&route, false) > 1.5,
        "the keys are skewed"
    );
    // 1.25 times 12,500 is a whole number, so nothing is rounded up.
    assert!(fullest_over_mean(&route, true) <= 1.25);
    let route = BoundedLoad::new(HashRing::new(16).unwrap(), 100).unwrap();
    assert!(fullest_over_mean(&route, true) <= 1.0);
}

#[test]
fn bounded_load_stays_at_home_while_there_is_room() {
    let base = MultiplyShift::new(8).unwrap();
    let route = BoundedLoad::new(base, 125).unwrap();
    for hash in (0..1000).map(|key| hash_u64(key, 0)) {
        assert_eq!(
            route.choose(hash, 1, |_| Some(0)),
            Some(base.worker_of(hash))
        );
    }
}

#[test]
fn bounded_load_finds_the_only_place_left_and_none_where_none_is() {
    let route = BoundedLoad::new(MultiplyShift::new(1000).unwrap(), 125).unwrap();
    for hash in (0..100).map(|key| hash_u64(key, 0)) {
        let only = |worker| (worker == 321).then_some(4);
        assert_eq!(route.choose(hash, 5, only), Some(321));
        assert_eq!(route.choose(hash, 4, only), None);
        assert_eq!(route.choose(hash, u64::MAX, |_| None), None);
    }
    assert_eq!(route.capacity(7, 0), 0, "nobody is alive");
    assert_eq!(route.capacity(u64::MAX, 1), u64::MAX, "no wrap");
    // On both sides of where it goes over to 128 bits; an eighth of 125 % is 5 / 32.
    for total in [(1 << 32) - 33, (1 << 32) - 1, 1 << 32, (1 << 32) + 31] {
        assert_eq!(route.capacity(total, 8), ((total + 1) * 5).div_ceil(32));
    }
    let steep = BoundedLoad::new(MultiplyShift::new(2).unwrap(), u32::MAX).unwrap();
    let total = (1 << 32) - 1_u64;
    let exact = (u128::from(u32::MAX) << 32).div_ceil(100) as u64;
    assert_eq!(steep.capacity(total, 1), exact);
}

#[test]
fn a_bound_below_the_mean_is_an_error() {
    let base = Jump::new(2).unwrap();
    assert_eq!(
        BoundedLoad::new(base, 99),
        Err(PartitionError::BoundTooLow { percent: 99 })
    );
}

#[test]
fn two_choices_among_one_worker_are_that_worker() {
    let route = TwoChoices::new(1).unwrap();
    assert_eq!(route.candidates(u64::MAX), [0, 0]);
    assert_eq!(route.choose(0, |_| 7), 0);
    assert_eq!(TwoChoices::new(0), Err(PartitionError::NoWorkers));
}

#[derive(Clone, Debug)]
enum RangeOp {
    Split(u8, usize),
    Merge(usize),
    Move(usize, usize),
}

fn range_ops() -> impl Strategy<Value = RangeOp> {
    prop_oneof![
        3 => (any::<u8>(), 0..9_usize).prop_map(|(at, owner)| RangeOp::Split(at, owner)),
        1 => (0..12_usize).prop_map(RangeOp::Merge),
        1 => (0..12_usize, 0..9_usize).prop_map(|(range, to)| RangeOp::Move(range, to)),
    ]
}

fn owners_of_all(map: &RangeMap<u8>) -> Vec<usize> {
    (0..=u8::MAX).map(|key| map.worker_of_key(&key)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// A change of ranges moves exactly the keys that it names.
    #[test]
    fn range_changes_follow_the_model(history in prop::collection::vec(range_ops(), 1..40)) {
        let mut map = RangeMap::<u8>::whole();
        let mut model = vec![0; 256];
        for op in history {
            let ranges: Vec<usize> = (0..=u8::MAX).map(|key| map.range_of_key(&key)).collect();
            let (old, epoch) = (map.clone(), map.epoch());
            match op {
                RangeOp::Split(at, owner) if map.bounds().contains(&at) => {
                    prop_assert!(map.split(at, owner).is_err());
                }
                RangeOp::Split(at, owner) => {
                    let range = map.split(at, owner).unwrap();
                    prop_assert_eq!(map.bounds()[range - 1], at);
                    let end = ranges.iter().rposition(|&r| r == ranges[usize::from(at)]).unwrap();
                    model[usize::from(at)..=end].fill(owner);
                }
                RangeOp::Merge(range) => match map.merge(range) {
                    Ok(bound) => {
                        prop_assert_eq!(bound, old.bounds()[range]);
                        for key in 0..256 {
                            if ranges[key] == range + 1 {
                                model[key] = usize::from(old.owners()[range]);
                            }
                        }
                    }
                    Err(_) => prop_assert!(range >= old.bounds().len()),
                },
                RangeOp::Move(range, to) => match map.move_range(range, to) {
                    Ok(_) => (0..256).filter(|&key| ranges[key] == range).for_each(|key| model[key] = to),
                    Err(_) => prop_assert!(range > old.bounds().len()),
                },
            }
            prop_assert_eq!(owners_of_all(&map), model.clone());
            prop_assert!(map.bounds().windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert_eq!(map == old, map.epoch() == epoch);
        }
    }

    /// Nobody is ever a whole turn ahead or behind, and a period gives each exactly its weight.
    #[test]
    fn turns_are_exact(weights in prop::collection::vec(0..60_u32, 1..20)) {
        let sum: u32 = weights.iter().sum();
        prop_assume!(sum > 0);
        let mut turns = WeightedRoundRobin::new(&weights).unwrap();
        let members = weights.iter().filter(|&&weight| weight > 0).count() as i64;
        let mut had = vec![0_i64; weights.len()];
        for turn in 1..=i64::from(sum) * 2 {
            had[turns.next_worker()] += 1;
            for (&had, &weight) in had.iter().zip(&weights) {
                let off = (turn * i64::from(weight) - had * i64::from(sum)).abs();
                // The bound of the paper: 1 - 1 / (2 n - 2) turns.
                let scale = (2 * members - 2).max(1);
                prop_assert!(off * scale <= i64::from(sum) * (scale - 1), "off by {off} of {sum}");
            }
        }
        prop_assert!(had.iter().zip(&weights).all(|(&had, &weight)| had == 2 * i64::from(weight)));
    }

    /// Every answer is a worker, for any hash and any number of workers.
    #[test]
    fn every_answer_is_a_worker(hash in any::<u64>(), workers in 1..64_usize) {
        let all: [&dyn Partitioner; 6] = [
            &MultiplyShift::new(workers).unwrap(),
            &Jump::new(workers).unwrap(),
            &SlotTable::even(workers).unwrap(),
            &Rendezvous::new(workers).unwrap(),
            &WeightedRendezvous::new(&vec![3; workers]).unwrap(),
            &HashRing::weighted(&vec![2; workers]).unwrap(),
        ];
        for route in all {
            prop_assert_eq!(route.workers(), workers);
            for hash in [hash, 0, u64::MAX] {
                prop_assert!(route.worker_of(hash) < workers);
            }
        }
        prop_assert!(SlotTable::map_slot_of(hash) < MAP_SLOTS);
    }
}
