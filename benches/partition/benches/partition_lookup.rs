//! How long does a lookup take, among 16 workers and with everything in the cache?
//!
//! If the slot table were not about as fast as a bare multiplication, it would be the wrong default; if the ring came
//! near to it, a table handed round would be worth less.
//!
//! Lookups do not wait for each other, as those of a sender do not. So many keys in turn that no branch is learnt by
//! heart.

// Macros make items here that nobody can document.
#![allow(missing_docs)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use partition_benches::{All, Skewed, hashes};
use shared_nothing::partition::Partitioner;

const KEYS: usize = 1 << 16;

fn partition(criterion: &mut Criterion) {
    let (mut all, hashes) = (All::new(), hashes(KEYS));
    let mut skewed = Skewed::new(&all.bounded_load, KEYS);
    let mut group = criterion.benchmark_group("partition");
    group.throughput(Throughput::Elements(KEYS as u64));
    macro_rules! lookup {
        ($name:literal, |$hash:ident| $worker:expr) => {
            group.bench_function($name, |bencher| {
                bencher.iter(|| {
                    for &hash in &hashes {
                        let $hash = black_box(hash);
                        black_box($worker);
                    }
                });
            });
        };
    }
    lookup!("empty_loop", |hash| hash);
    lookup!("multiply_shift", |hash| all.multiply_shift.worker_of(hash));
    lookup!("slot_table", |hash| all.slot_table.worker_of(hash));
    lookup!("partition_map/u64", |key| all.map.worker_of_key(&key));
    lookup!("jump", |hash| all.jump.worker_of(hash));
    lookup!("ring/vnodes=256", |hash| all.ring.worker_of(hash));
    lookup!("rendezvous", |hash| all.rendezvous.worker_of(hash));
    lookup!("weighted_rendezvous", |hash| all
        .weighted_rendezvous
        .worker_of(hash));
    lookup!("maglev/size=65537", |hash| all.maglev.worker_of(hash));
    lookup!("range/bounds=1024", |key| all.range.worker_of_key(&key));
    lookup!("round_robin", |_hash| all.round_robin.next_worker());
    lookup!("weighted_round_robin", |_hash| all
        .weighted_round_robin
        .next_worker());
    let depths = black_box([5_u64; 16]);
    lookup!("two_choices", |hash| all
        .two_choices
        .choose(hash, |worker| depths[worker % 16]));
    let skewed_hashes = std::mem::take(&mut skewed.hashes);
    group.bench_function("bounded_load/zipf=1.0", |bencher| {
        bencher.iter(|| {
            for &hash in &skewed_hashes {
                black_box(skewed.place(&all.bounded_load, black_box(hash)));
            }
        });
    });
    group.finish();
}

criterion_group!(benches, partition);
criterion_main!(benches);
