//! A partition map on its way to another process.
#![cfg(feature = "partition")]

use proptest::prelude::*;
use shared_nothing::partition::{
    PARTITION_MAP_LEN, PartitionError, PartitionMap, SlotTable, WORKERS_MAX, hash_bytes,
};

fn encoded(map: &PartitionMap) -> Box<[u8; PARTITION_MAP_LEN]> {
    let mut bytes = Box::new([0; PARTITION_MAP_LEN]);
    map.encode(&mut bytes);
    bytes
}

fn sample_map() -> PartitionMap {
    let mut map = PartitionMap::new(SlotTable::even(5).unwrap(), 0x0123_4567_89ab_cdef);
    map.table_mut().resize(7).unwrap();
    map.table_mut().move_slot(77, 4).unwrap();
    map
}

#[test]
fn a_map_survives_the_way_to_another_process() {
    let map = sample_map();
    let theirs = PartitionMap::decode(&encoded(&map)[..]).unwrap();
    assert_eq!(theirs, map);
    assert_eq!(theirs.table().epoch(), map.table().epoch());
    assert_eq!(theirs.worker_of_key("key"), map.worker_of_key("key"));
    let owner = map.table().owner_of(map.map_slot_of_key("key"));
    assert_eq!(owner, Some(map.worker_of_key("key")));
}

#[test]
fn h28_an_encoded_map_matches_the_golden_vector() {
    let bytes = encoded(&PartitionMap::new(SlotTable::even(5).unwrap(), 7));
    assert_eq!(bytes[..12], *b"SNPM\x01\0\0\0\x01\0\0\0");
    assert_eq!(
        bytes[12..32],
        [5, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    );
    assert_eq!(
        bytes[PARTITION_MAP_LEN - 8..],
        0xf53b_6f24_862d_a5c2_u64.to_le_bytes()
    );
}

/// Writes a valid sum over a map that was changed by hand.
fn sign(bytes: &mut [u8; PARTITION_MAP_LEN]) {
    let sum = hash_bytes(&bytes[..PARTITION_MAP_LEN - 8], 0);
    bytes[PARTITION_MAP_LEN - 8..].copy_from_slice(&sum.to_le_bytes());
}

#[test]
fn bytes_that_are_no_map_are_errors() {
    let good = encoded(&sample_map());
    let after = |change: fn(&mut [u8; PARTITION_MAP_LEN])| {
        let mut bytes = good.clone();
        change(&mut bytes);
        PartitionMap::decode(&bytes[..]).unwrap_err()
    };
    assert_eq!(PartitionMap::decode(&[]), Err(PartitionError::NotAMap));
    assert_eq!(
        PartitionMap::decode(&good[1..]),
        Err(PartitionError::NotAMap)
    );
    assert_eq!(after(|bytes| bytes[0] = b'X'), PartitionError::NotAMap);
    assert_eq!(
        after(|bytes| bytes[4] = 2),
        PartitionError::UnknownVersion { format: 2, hash: 1 }
    );
    assert_eq!(
        after(|bytes| bytes[8] = 9),
        PartitionError::UnknownVersion { format: 1, hash: 9 }
    );
    assert_eq!(after(|bytes| bytes[100] ^= 1), PartitionError::DamagedMap);
    assert_eq!(
        after(|bytes| bytes[PARTITION_MAP_LEN - 1] ^= 1),
        PartitionError::DamagedMap
    );
    let missing = PartitionError::WorkerNotFound {
        worker: 7,
        workers: 7,
    };
    let refused = after(|bytes| {
        bytes[32] = 7;
        sign(bytes);
    });
    assert_eq!(refused, missing);
    let refused = after(|bytes| {
        bytes[12] = 0;
        sign(bytes);
    });
    assert_eq!(refused, PartitionError::NoWorkers);
    let refused = after(|bytes| {
        bytes[13] = 0x10;
        sign(bytes);
    });
    let workers = 0x1007;
    assert_eq!(
        refused,
        PartitionError::TooManyWorkers {
            workers,
            limit: WORKERS_MAX
        }
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever bytes come, decoding answers; and a map with one bit flipped is never taken for a map.
    #[test]
    fn one_flipped_bit_is_always_found(bit in 0..PARTITION_MAP_LEN * 8) {
        let mut bytes = encoded(&sample_map());
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(PartitionMap::decode(&bytes[..]).is_err());
    }
}
