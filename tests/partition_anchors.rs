//! The figures of `docs/partitioning.md`, each against its bound: balance, and what moves, with 16 workers and 10^6
//! keys. Nothing here is random, so the figures are exact, and the chapter must have them to the last digit.
#![cfg(all(feature = "partition", feature = "std"))]

use shared_nothing::partition::{
    BoundedLoad, HashRing, Jump, MAP_SLOTS, Maglev, MultiplyShift, Partitioner, RangeMap,
    Rendezvous, RoundRobin, SlotTable, WeightedRendezvous, WeightedRoundRobin, hash_u64,
};

const WORKERS: usize = 16;
const KEYS: u64 = 1_000_000;
/// The worker in the middle that leaves.
const MIDDLE: usize = 7;
/// Sixteen weights from 1 to 8, and their sum.
const WEIGHTS: [u32; WORKERS] = [1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8];
const SUM: u32 = 72;

const CHAPTER: &str = include_str!("../docs/partitioning.md");

fn hashes() -> impl Iterator<Item = u64> {
    (0..KEYS).map(|key| hash_u64(key, 0))
}

/// Keys of the fullest worker over the mean.
fn balance(route: &impl Partitioner) -> f64 {
    let mut counts = vec![0_u32; route.workers()];
    hashes().for_each(|hash| counts[route.worker_of(hash)] += 1);
    f64::from(*counts.iter().max().unwrap()) * WORKERS as f64 / KEYS as f64
}

/// The percentage of keys that move; each of them from `from` or to `to`, where these are given.
fn moved(
    old: &impl Partitioner,
    new: &impl Partitioner,
    from: Option<usize>,
    to: Option<usize>,
) -> f64 {
    let mut moved = 0;
    for hash in hashes() {
        let (was, is) = (old.worker_of(hash), new.worker_of(hash));
        if was != is {
            assert!(
                from.is_none_or(|from| was == from),
                "a key left worker {was}"
            );
            assert!(to.is_none_or(|to| is == to), "a key went to worker {is}");
            moved += 1;
        }
    }
    f64::from(moved) * 100.0 / KEYS as f64
}

/// One row: the figures within their bounds, and the row as the chapter has it.
#[track_caller]
fn row(
    name: &str,
    balance: (f64, f64),
    grown: Option<(f64, f64, f64)>,
    left: Option<(f64, f64, f64)>,
) {
    let within = |(figure, least, most): (f64, f64, f64)| {
        assert!(
            (least..=most).contains(&figure),
            "{name}: {figure} not in {least}..={most}"
        );
        format!("{figure:.2} %")
    };
    assert!(
        balance.0 <= balance.1,
        "{name}: {} is above {}",
        balance.0,
        balance.1
    );
    let cell = |moved: Option<(f64, f64, f64)>| moved.map_or("–".to_owned(), within);
    let row = format!(
        "| {name} | {:.4} | {} | {} |",
        balance.0,
        cell(grown),
        cell(left)
    );
    assert!(CHAPTER.contains(&row), "the chapter lacks the row\n{row}");
}

const NEW: Option<usize> = Some(WORKERS);
const GONE: Option<usize> = Some(MIDDLE);
/// The least that must move, in percent, and the tolerance of the sample.
const GROWN: f64 = 100.0 / 17.0;
const LEFT: f64 = 100.0 / 16.0;

#[test]
fn multiply_shift() {
    let route = MultiplyShift::new(WORKERS).unwrap();
    row("`MultiplyShift`", (balance(&route), 1.012), None, None);
}

#[test]
fn slot_table() {
    let old = SlotTable::even(WORKERS).unwrap();
    let (mut grown, mut left) = (old.clone(), old.clone());
    // By slots: exactly the part that must, rounded down, and one slot too few rather than too many.
    assert_eq!(grown.resize(WORKERS + 1), Ok(MAP_SLOTS / (WORKERS + 1)));
    let drained = old.drain_plan(MIDDLE).unwrap();
    assert_eq!(drained.len(), MAP_SLOTS / WORKERS);
    drained.for_each(|planned| left.apply(planned).unwrap());
    let slot = 100.0 / MAP_SLOTS as f64;
    row(
        "`SlotTable`",
        (balance(&old), 1.015),
        Some((moved(&old, &grown, None, NEW), 0.0, 5.9 + slot)),
        Some((moved(&old, &left, GONE, None), 0.0, 6.3 + slot)),
    );
}

#[test]
fn jump() {
    let [fewer, old, grown] = [15, 16, 17].map(|workers| Jump::new(workers).unwrap());
    let last = moved(&old, &fewer, Some(WORKERS - 1), None);
    assert!((last - LEFT).abs() <= 0.1, "the last worker leaves: {last}");
    let grown = moved(&old, &grown, None, NEW);
    row(
        "`Jump`",
        (balance(&old), 1.012),
        Some((grown, GROWN - 0.1, GROWN + 0.1)),
        None,
    );
}

#[test]
fn ring() {
    let old = HashRing::new(WORKERS).unwrap();
    let (mut grown, mut left) = (old.clone(), old.clone());
    grown.add_worker(WORKERS, 256).unwrap();
    left.remove_worker(MIDDLE).unwrap();
    row(
        "`HashRing`, 256 vnodes",
        (balance(&old), 1.20),
        Some((moved(&old, &grown, None, NEW), 0.0, 7.5)),
        Some((moved(&old, &left, GONE, None), 0.0, 7.5)),
    );
}

#[test]
fn rendezvous() {
    let old = Rendezvous::new(WORKERS).unwrap();
    let (mut grown, mut left) = (old.clone(), old.clone());
    grown.add_worker(WORKERS).unwrap();
    left.remove_worker(MIDDLE).unwrap();
    row(
        "`Rendezvous`",
        (balance(&old), 1.012),
        Some((moved(&old, &grown, None, NEW), GROWN - 0.1, GROWN + 0.1)),
        Some((moved(&old, &left, GONE, None), LEFT - 0.1, LEFT + 0.1)),
    );
}

#[test]
fn weighted_rendezvous() {
    let old = WeightedRendezvous::new(&WEIGHTS).unwrap();
    let mut counts = [0_u32; WORKERS];
    hashes().for_each(|hash| counts[old.worker_of(hash)] += 1);
    // How far the worst share is above what its weight says.
    let mut worst = 0.0;
    for (count, weight) in counts.into_iter().zip(WEIGHTS) {
        let share = f64::from(count) * f64::from(SUM) / (f64::from(weight) * KEYS as f64);
        assert!(
            (0.98..=1.02).contains(&share),
            "{share} of what weight {weight} says"
        );
        worst = f64::max(worst, share);
    }
    let (mut grown, mut left) = (old.clone(), old.clone());
    grown.set_weight(WORKERS, 4).unwrap();
    left.set_weight(MIDDLE, 0).unwrap();
    let part = |weight: f64, sum: u32| 100.0 * weight / f64::from(sum);
    let (new, gone) = (part(4.0, SUM + 4), part(8.0, SUM));
    row(
        "`WeightedRendezvous`, weights 1 to 8",
        (worst, 1.02),
        Some((moved(&old, &grown, None, NEW), new - 0.1, new + 0.1)),
        Some((moved(&old, &left, GONE, None), gone - 0.1, gone + 0.1)),
    );
}

#[test]
fn maglev() {
    let old = Maglev::new(WORKERS).unwrap();
    let members: Vec<usize> = (0..WORKERS).filter(|&worker| worker != MIDDLE).collect();
    let grown = Maglev::new(WORKERS + 1).unwrap();
    let left = Maglev::from_members(&members).unwrap();
    row(
        "`Maglev`, 65537 places",
        (balance(&old), 1.013),
        Some((moved(&old, &grown, None, None), GROWN - 0.1, 6.5)),
        Some((moved(&old, &left, None, None), LEFT - 0.1, 7.0)),
    );
}

/// Zipf's law with exponent 1 over 10,000 keys; `messages` is a multiple of 64, so that 1.25 times the mean is whole.
#[test]
fn bounded_load() {
    let sums: Vec<f64> = (1..=10_000)
        .scan(0.0, |sum, key| {
            *sum += 1.0 / f64::from(key);
            Some(*sum)
        })
        .collect();
    let key = |message: u64| {
        let draw = (hash_u64(message, 99) >> 11) as f64 / (1_u64 << 53) as f64 * sums[9_999];
        hash_u64(sums.partition_point(|&sum| sum < draw) as u64, 0)
    };
    let base = SlotTable::even(WORKERS).unwrap();
    let route = BoundedLoad::new(base.clone(), 125).unwrap();
    let (mut loads, mut at_home) = ([0_u64; WORKERS], [0_u64; WORKERS]);
    for message in 0..KEYS {
        let hash = key(message);
        at_home[base.worker_of(hash)] += 1;
        let capacity = route.capacity(message, WORKERS);
        let worker = route
            .choose(hash, capacity, |worker| Some(loads[worker]))
            .unwrap();
        loads[worker] += 1;
        // At every moment, not only at the end.
        assert!(loads[worker] <= ((message + 1) * 5).div_ceil(4 * WORKERS as u64));
    }
    let over = |loads: &[u64]| *loads.iter().max().unwrap() as f64 * WORKERS as f64 / KEYS as f64;
    assert!(
        over(&at_home) > 1.5,
        "the keys are skewed: {}",
        over(&at_home)
    );
    row(
        "`BoundedLoad`, 125 %, Zipf 1.0",
        (over(&loads), 1.25),
        None,
        None,
    );
}

#[test]
fn turns() {
    let mut turns = RoundRobin::new(WORKERS).unwrap();
    let mut weighted = WeightedRoundRobin::new(&WEIGHTS).unwrap();
    let (mut had, mut had_weighted) = ([0_i64; WORKERS], [0_i64; WORKERS]);
    for turn in 1..=100_000 {
        had[turns.next_worker()] += 1;
        had_weighted[weighted.next_worker()] += 1;
        for worker in 0..WORKERS {
            // Off by less than one turn; in units of 1/16 and 1/72 of one.
            let off = had[worker] * WORKERS as i64 - turn;
            assert!(off.abs() < WORKERS as i64, "turn {turn}: off by {off}/16");
            let off = had_weighted[worker] * i64::from(SUM) - turn * i64::from(WEIGHTS[worker]);
            assert!(off.abs() < i64::from(SUM), "turn {turn}: off by {off}/72");
        }
    }
}

#[test]
fn ranges() {
    // 1024 bounds: range `r` begins at `1000 * r`, and has 1000 keys.
    let bounds: Vec<u64> = (1..=1024).map(|bound| bound * 1000).collect();
    let old = RangeMap::from_bounds(bounds).unwrap();
    let differ = |one: &RangeMap<u64>, other: &RangeMap<u64>| -> Vec<u64> {
        let all = 0..KEYS;
        all.filter(|key| one.worker_of_key(key) != other.worker_of_key(key))
            .collect()
    };
    let mut split = old.clone();
    split.split(500_300, 2000).unwrap();
    let upper: Vec<u64> = (500_300..501_000).collect();
    assert_eq!(
        differ(&old, &split),
        upper,
        "the upper part of one range, nothing else"
    );
    assert!(upper.iter().all(|key| split.worker_of_key(key) == 2000));
    let mut merged = split.clone();
    assert_eq!(merged.merge(500), Ok(500_300));
    assert!(
        differ(&old, &merged).is_empty(),
        "merged, it is what it was"
    );
    assert_eq!(merged.merge(500), Ok(501_000));
    let next: Vec<u64> = (501_000..502_000).collect();
    assert_eq!(
        differ(&old, &merged),
        next,
        "the range that was joined, nothing else"
    );
}
