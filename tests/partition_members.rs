//! Strategies with members: order of changes, what moves, what is refused.
#![cfg(all(feature = "partition", feature = "std"))]

use proptest::prelude::*;
use shared_nothing::partition::{
    HashRing, Maglev, PartitionError, Partitioner, Rendezvous, WORKERS_MAX, WeightedRendezvous,
    hash_u64,
};

const TOO_MANY: PartitionError = PartitionError::TooManyWorkers {
    workers: WORKERS_MAX + 1,
    limit: WORKERS_MAX,
};

#[test]
fn a_ring_does_not_depend_on_the_order_of_its_changes() {
    let mut ring = HashRing::weighted(&[10, 20]).unwrap();
    ring.add_worker(3, 40).unwrap();
    ring.add_worker(2, 30).unwrap();
    assert_eq!(ring, HashRing::weighted(&[10, 20, 30, 40]).unwrap());
    ring.remove_worker(1).unwrap();
    assert_eq!(ring, HashRing::weighted(&[10, 0, 30, 40]).unwrap());
    assert_eq!(
        (ring.vnodes_of(1), ring.vnodes_of(3), ring.vnodes_of(9)),
        (0, 40, 0)
    );
}

#[test]
fn one_vnode_owns_the_whole_ring() {
    let ring = HashRing::weighted(&[0, 1]).unwrap();
    assert_eq!(ring.shares(), [0, 1 << 64]);
    assert_eq!(
        [0, 1 << 63, u64::MAX].map(|hash| ring.worker_of(hash)),
        [1; 3]
    );
}

#[test]
fn the_ring_closes() {
    for workers in 2..20 {
        let ring = HashRing::weighted(&vec![3; workers]).unwrap();
        assert_eq!(
            ring.worker_of(u64::MAX),
            ring.worker_of(0),
            "{workers} workers"
        );
    }
}

#[test]
fn bad_changes_of_a_ring_are_errors() {
    assert_eq!(HashRing::new(0), Err(PartitionError::NoWorkers));
    assert_eq!(HashRing::new(WORKERS_MAX + 1), Err(TOO_MANY));
    assert_eq!(HashRing::weighted(&[0, 0]), Err(PartitionError::NoWorkers));
    let limit = 1 << 16;
    let too_many = PartitionError::TooManyVnodes {
        vnodes: limit + 1,
        limit,
    };
    assert_eq!(HashRing::weighted(&[limit + 1]), Err(too_many));
    let mut ring = HashRing::weighted(&[1, 1]).unwrap();
    let before = ring.clone();
    assert_eq!(
        ring.add_worker(0, 1),
        Err(PartitionError::WorkerExists { worker: 0 })
    );
    assert_eq!(ring.add_worker(WORKERS_MAX, 1), Err(TOO_MANY));
    assert!(matches!(
        ring.add_worker(usize::MAX, 1),
        Err(PartitionError::TooManyWorkers { .. })
    ));
    assert_eq!(ring.add_worker(2, 0), Err(PartitionError::NoWorkers));
    assert_eq!(ring.add_worker(2, limit + 1), Err(too_many));
    assert_eq!(
        ring.remove_worker(2),
        Err(PartitionError::WorkerNotFound {
            worker: 2,
            workers: 2
        })
    );
    assert_eq!(ring, before);
    ring.remove_worker(0).unwrap();
    assert_eq!(ring.remove_worker(1), Err(PartitionError::NoWorkers));
}

#[test]
fn a_rendezvous_does_not_depend_on_the_order_of_its_changes() {
    let mut members = Rendezvous::new(2).unwrap();
    members.add_worker(5).unwrap();
    members.add_worker(2).unwrap();
    members.remove_worker(1).unwrap();
    assert!(members.members().eq([0, 2, 5]));
    assert_eq!(members.workers(), 6);
    let mut other = Rendezvous::new(6).unwrap();
    [4, 1, 3]
        .iter()
        .for_each(|&worker| other.remove_worker(worker).unwrap());
    assert_eq!(members, other);
}

#[test]
fn weights_do_not_depend_on_the_order_of_their_changes() {
    let mut members = WeightedRendezvous::new(&[9, 1]).unwrap();
    members.set_weight(5, 7).unwrap();
    members.set_weight(2, 4).unwrap();
    members.set_weight(1, 0).unwrap();
    members.set_weight(0, 3).unwrap();
    assert!(members.members().eq([0, 2, 5]));
    assert_eq!(
        members,
        WeightedRendezvous::new(&[3, 0, 4, 0, 0, 7]).unwrap()
    );
}

#[test]
fn bad_changes_of_a_rendezvous_are_errors() {
    assert_eq!(Rendezvous::new(0), Err(PartitionError::NoWorkers));
    let too_many = PartitionError::TooManyWorkers {
        workers: 65,
        limit: 64,
    };
    assert_eq!(Rendezvous::new(65), Err(too_many));
    let mut full = Rendezvous::new(64).unwrap();
    assert_eq!(full.add_worker(64), Err(too_many));
    assert_eq!(
        full.add_worker(63),
        Err(PartitionError::WorkerExists { worker: 63 })
    );
    let missing = PartitionError::WorkerNotFound {
        worker: 64,
        workers: 64,
    };
    assert_eq!(full.remove_worker(64), Err(missing));
    let mut one = Rendezvous::new(1).unwrap();
    assert_eq!(one.remove_worker(0), Err(PartitionError::NoWorkers));
    let limit = 1 << 16;
    let far = PartitionError::TooManyWorkers {
        workers: limit + 1,
        limit,
    };
    assert_eq!(one.add_worker(limit), Err(far));
    assert_eq!(one, Rendezvous::new(1).unwrap());

    assert_eq!(WeightedRendezvous::new(&[]), Err(PartitionError::NoWorkers));
    assert_eq!(
        WeightedRendezvous::new(&[0, 0]),
        Err(PartitionError::NoWorkers)
    );
    assert_eq!(WeightedRendezvous::new(&[1; 65]), Err(too_many));
    let mut one = WeightedRendezvous::new(&[1]).unwrap();
    assert_eq!(one.set_weight(0, 0), Err(PartitionError::NoWorkers));
    let missing = PartitionError::WorkerNotFound {
        worker: 1,
        workers: 1,
    };
    assert_eq!(one.set_weight(1, 0), Err(missing));
    assert_eq!(one.set_weight(limit, 1), Err(far));
}

#[test]
fn a_full_rendezvous_still_routes_to_its_last_member() {
    let full = Rendezvous::new(64).unwrap();
    assert!((0..10_000).any(|key| full.worker_of(hash_u64(key, 0)) == 63));
    let heavy = WeightedRendezvous::new(&[u32::MAX; 64]).unwrap();
    assert!((0..10_000).any(|key| heavy.worker_of(hash_u64(key, 0)) == 63));
}

#[test]
fn a_maglev_does_not_depend_on_the_order_of_its_members() {
    assert_eq!(
        Maglev::from_members(&[3, 0, 2]).unwrap(),
        Maglev::from_members(&[0, 2, 3]).unwrap()
    );
    assert_eq!(Maglev::from_members(&[3, 0]).unwrap().workers(), 4);
}

#[test]
fn bad_maglevs_are_errors() {
    assert_eq!(Maglev::new(0), Err(PartitionError::NoWorkers));
    assert_eq!(Maglev::from_members(&[]), Err(PartitionError::NoWorkers));
    assert_eq!(Maglev::new(WORKERS_MAX + 1), Err(TOO_MANY));
    assert_eq!(Maglev::from_members(&[WORKERS_MAX]), Err(TOO_MANY));
    assert!(matches!(
        Maglev::from_members(&[usize::MAX]),
        Err(PartitionError::TooManyWorkers { .. })
    ));
    assert_eq!(
        Maglev::from_members(&[1, 2, 1]),
        Err(PartitionError::WorkerExists { worker: 1 })
    );
    for size in [0, 1, 4, 49, 65536, (1 << 24) + 43] {
        assert_eq!(
            Maglev::with_size(&[0], size),
            Err(PartitionError::BadTableSize { size })
        );
    }
    assert_eq!(
        Maglev::with_size(&[0, 1, 2], 2),
        Err(PartitionError::BadTableSize { size: 2 })
    );
    assert_eq!(
        Maglev::with_size(&[0, 1, 2], 3).map(|table| table.owners().len()),
        Ok(3)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whoever joins or leaves, keys move only to or from them.
    #[test]
    fn ring_and_rendezvous_move_only_what_they_must(
        weights in prop::collection::vec(1..60_usize, 2..12), gone in 0..12_usize
    ) {
        let gone = gone % weights.len();
        let ring = HashRing::weighted(&weights).unwrap();
        let weights: Vec<u32> = weights.iter().map(|&weight| weight as u32).collect();
        let bids = WeightedRendezvous::new(&weights).unwrap();
        let (mut ring_without, mut bids_without) = (ring.clone(), bids.clone());
        ring_without.remove_worker(gone).unwrap();
        bids_without.set_weight(gone, 0).unwrap();
        for hash in (0..2000).map(|key| hash_u64(key, 0)) {
            let (old, new) = (ring.worker_of(hash), ring_without.worker_of(hash));
            prop_assert!(new != gone && (old == new || old == gone));
            let (old, new) = (bids.worker_of(hash), bids_without.worker_of(hash));
            prop_assert!(new != gone && (old == new || old == gone));
        }
    }

    /// Any table of small primes: even to one place, whoever is a member.
    #[test]
    fn a_maglev_is_even_whoever_its_members_are(
        members in prop::collection::btree_set(0..WORKERS_MAX, 1..40)
    ) {
        let members: Vec<usize> = members.into_iter().collect();
        let table = Maglev::with_size(&members, 251).unwrap();
        let places = |worker: usize| table.owners().iter().filter(|&&o| usize::from(o) == worker).count();
        let counts: Vec<usize> = members.iter().map(|&worker| places(worker)).collect();
        prop_assert_eq!(counts.iter().sum::<usize>(), 251);
        prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1);
    }
}
