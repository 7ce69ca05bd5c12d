//! Every strategy: how even it is, how much moves when workers come and go, and where known keys go.
#![cfg(all(feature = "partition", feature = "std"))]

use shared_nothing::partition::{
    HashRing, Jump, Maglev, MultiplyShift, Partitioner, Rendezvous, TwoChoices, WeightedRendezvous,
    hash_u64,
};

const KEYS: u64 = 1_000_000;

fn keys() -> impl Iterator<Item = u64> {
    (0..KEYS).map(|key| hash_u64(key, 0))
}

fn counts(route: &impl Partitioner) -> Vec<f64> {
    let mut counts = vec![0.0; route.workers()];
    keys().for_each(|hash| counts[route.worker_of(hash)] += 1.0);
    counts
}

fn max_over_mean(counts: &[f64]) -> f64 {
    let sum: f64 = counts.iter().sum();
    counts.iter().fold(0.0, |max, &count| f64::max(max, count)) * counts.len() as f64 / sum
}

/// The part of all keys that moves, after the check that each move is `allowed` from one worker to the other.
fn moved(
    old: &impl Partitioner,
    new: &impl Partitioner,
    allowed: impl Fn(usize, usize) -> bool,
) -> f64 {
    let mut moved = 0;
    for hash in keys() {
        let (from, to) = (old.worker_of(hash), new.worker_of(hash));
        if from != to {
            assert!(allowed(from, to), "a key moves from {from} to {to}");
            moved += 1;
        }
    }
    f64::from(moved) / KEYS as f64
}

#[test]
fn the_ring_meets_the_anchor_exactly() {
    let old = HashRing::new(16).unwrap();
    let share = |ring: &HashRing, worker: usize| ring.shares()[worker] as f64 / 2_f64.powi(64);
    assert_eq!(
        old.shares().iter().sum::<u128>(),
        1 << 64,
        "every hash has one owner"
    );
    let fullest = *old.shares().iter().max().unwrap() as f64 * 16.0 / 2_f64.powi(64);
    assert!(fullest <= 1.20, "{fullest}");
    let balance = max_over_mean(&counts(&old));
    assert!(
        (balance - fullest).abs() < 0.01,
        "what keys see is what the shares say"
    );

    let mut grown = old.clone();
    grown.add_worker(16, 256).unwrap();
    assert!(share(&grown, 16) <= 0.075, "{}", share(&grown, 16));
    let part = moved(&old, &grown, |_, to| to == 16);
    assert!((part - share(&grown, 16)).abs() < 0.001, "{part}");

    let mut drained = old.clone();
    drained.remove_worker(7).unwrap();
    assert!(share(&old, 7) <= 0.075, "{}", share(&old, 7));
    assert_eq!(drained.shares()[7], 0);
    let part = moved(&old, &drained, |from, _| from == 7);
    assert!((part - share(&old, 7)).abs() < 0.001, "{part}");
}

#[test]
fn a_ring_with_weights_shares_in_proportion() {
    let ring = HashRing::weighted(&[1000, 0, 2000, 4000, 8000]).unwrap();
    for (share, weight) in ring.shares().iter().zip([1.0, 0.0, 2.0, 4.0, 8.0]) {
        let share = *share as f64 / 2_f64.powi(64);
        assert!(
            (share - weight / 15.0).abs() <= 0.1 * weight / 15.0,
            "{share} for {weight}"
        );
    }
}

#[test]
fn rendezvous_meets_the_anchor() {
    let old = Rendezvous::new(16).unwrap();
    let balance = max_over_mean(&counts(&old));
    assert!(balance <= 1.012, "{balance}");
    let part = moved(&old, &Rendezvous::new(17).unwrap(), |_, to| to == 16);
    assert!((part - 1.0 / 17.0).abs() <= 0.001, "{part}");
    let mut drained = old.clone();
    drained.remove_worker(7).unwrap();
    let part = moved(&old, &drained, |from, _| from == 7);
    assert!((part - 1.0 / 16.0).abs() <= 0.001, "{part}");
    // What the one that left had is spread over all others alike.
    let others: Vec<f64> = counts(&drained)
        .into_iter()
        .enumerate()
        .filter(|(w, _)| *w != 7)
        .map(|(_, n)| n)
        .collect();
    assert!(
        max_over_mean(&others) <= 1.012,
        "{}",
        max_over_mean(&others)
    );
}

#[test]
fn rendezvous_with_weights_meets_the_anchor() {
    let weights: Vec<u32> = (0..16).map(|worker| worker % 8 + 1).collect();
    let old = WeightedRendezvous::new(&weights).unwrap();
    let sum = f64::from(weights.iter().sum::<u32>());
    for (count, &weight) in counts(&old).iter().zip(&weights) {
        let (share, due) = (count / KEYS as f64, f64::from(weight) / sum);
        assert!((share / due - 1.0).abs() <= 0.02, "{share} for {due}");
    }
    let mut heavier = old.clone();
    heavier.set_weight(3, 8).unwrap();
    let part = moved(&old, &heavier, |_, to| to == 3);
    assert!(
        (part - (8.0 / (sum + 4.0) - 4.0 / sum)).abs() <= 0.001,
        "{part}"
    );
    let mut without = old.clone();
    without.set_weight(7, 0).unwrap();
    let part = moved(&old, &without, |from, _| from == 7);
    assert!((part - 8.0 / sum).abs() <= 0.002, "{part}");
}

#[test]
fn equal_weights_route_as_no_weights() {
    let plain = Rendezvous::new(16).unwrap();
    let weighted = WeightedRendezvous::new(&[5; 16]).unwrap();
    assert_eq!(moved(&plain, &weighted, |_, _| true), 0.0);
}

#[test]
fn maglev_meets_the_anchor_exactly() {
    let old = Maglev::new(16).unwrap();
    let mut places = [0; 16];
    old.owners()
        .iter()
        .for_each(|&owner| places[usize::from(owner)] += 1);
    assert_eq!(places.iter().max(), Some(&4097), "65537 places among 16");
    assert_eq!(places.iter().min(), Some(&4096));
    let balance = max_over_mean(&counts(&old));
    assert!(balance <= 1.013, "{balance}");

    let differ = |new: &Maglev| {
        let differ = old
            .owners()
            .iter()
            .zip(new.owners())
            .filter(|(old, new)| old != new)
            .count();
        differ as f64 / old.owners().len() as f64
    };
    let grown = Maglev::new(17).unwrap();
    assert!(differ(&grown) <= 0.065, "{}", differ(&grown));
    let members: Vec<usize> = (0..16).filter(|&worker| worker != 7).collect();
    let drained = Maglev::from_members(&members).unwrap();
    assert!(differ(&drained) <= 0.070, "{}", differ(&drained));
    let part = moved(&old, &drained, |_, to| to != 7);
    assert!((part - differ(&drained)).abs() < 0.001, "{part}");
}

#[test]
fn two_choices_beat_one() {
    const WORKERS: usize = 1024;
    let route = TwoChoices::new(WORKERS).unwrap();
    let (mut one, mut two) = ([0_u64; WORKERS], [0_u64; WORKERS]);
    for hash in keys().take(64 * WORKERS) {
        let [first, second] = route.candidates(hash);
        assert_ne!(first, second);
        one[first] += 1;
        two[route.choose(hash, |worker| two[worker])] += 1;
    }
    let (one, two) = (one.iter().max().unwrap(), two.iter().max().unwrap());
    assert!(*one >= 64 + 16, "one choice: {one}");
    assert!(*two <= 64 + 4, "two choices: {two}");
}

#[test]
fn both_choices_are_even() {
    let route = TwoChoices::new(7).unwrap();
    let mut pairs = [[0_u32; 7]; 7];
    for hash in keys() {
        let [first, second] = route.candidates(hash);
        pairs[first][second] += 1;
    }
    for (first, row) in pairs.iter().enumerate() {
        for (second, &count) in row
            .iter()
            .enumerate()
            .filter(|(second, _)| *second != first)
        {
            let ratio = f64::from(count) * 42.0 / KEYS as f64;
            assert!((ratio - 1.0).abs() < 0.04, "{first}, {second}: {ratio}");
        }
    }
}

fn routes(route: &impl Partitioner) -> Vec<usize> {
    (0..16)
        .map(|key| route.worker_of(hash_u64(key, 0)))
        .collect()
}

/// Two processes that make a strategy alike route alike, whatever machine and build they are. The vectors come from an
/// implementation in another language.
#[test]
fn h28_routes_match_the_golden_vectors() {
    assert_eq!(
        routes(&MultiplyShift::new(16).unwrap()),
        [14, 9, 9, 1, 6, 6, 11, 6, 9, 10, 0, 5, 9, 12, 6, 8]
    );
    assert_eq!(
        routes(&Jump::new(16).unwrap()),
        [8, 15, 0, 14, 7, 13, 5, 8, 5, 13, 5, 6, 9, 10, 7, 1]
    );
    assert_eq!(
        routes(&HashRing::new(16).unwrap()),
        [7, 0, 11, 13, 14, 12, 4, 13, 8, 7, 2, 7, 6, 9, 5, 3]
    );
    assert_eq!(
        routes(&Rendezvous::new(16).unwrap()),
        [9, 4, 9, 10, 2, 0, 13, 11, 10, 1, 9, 8, 8, 6, 14, 6]
    );
    assert_eq!(
        routes(&WeightedRendezvous::new(&[1, 2, 3, 4, 5, 6, 7, 8]).unwrap()),
        [6, 4, 7, 5, 2, 5, 6, 5, 7, 1, 7, 7, 2, 6, 1, 6]
    );
    assert_eq!(
        routes(&Maglev::new(16).unwrap()),
        [10, 6, 14, 6, 2, 5, 7, 8, 6, 8, 10, 13, 5, 7, 15, 0]
    );
    let two = TwoChoices::new(16).unwrap();
    let seconds: Vec<usize> = (0..16)
        .map(|key| two.candidates(hash_u64(key, 0))[1])
        .collect();
    assert_eq!(
        seconds,
        [10, 2, 13, 14, 7, 5, 4, 14, 8, 9, 8, 2, 2, 13, 11, 0]
    );
}
