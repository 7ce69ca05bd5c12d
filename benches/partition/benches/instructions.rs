//! How many instructions does a lookup take? Counted, not timed, so that a busy machine does not matter.
//!
//! ```text
//! .ci/instructions
//! ```
//!
//! 16 workers, hashes at hand, and each bench has a limit; `empty_loop` shows what the loop costs with nothing in it. A
//! limit is what was counted with Rust 1.95 on x86-64; another compiler may ask for another.

// Macros make items here that nobody can document.
#![allow(missing_docs)]

use std::hint::black_box;

use iai_callgrind::{
    Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main,
};
use partition_benches::{All, Skewed, hashes};
use shared_nothing::partition::{Partitioner, StableHash};

/// How many keys a bench looks up.
const KEYS: usize = 1000;
/// What a call, its loop's begin and its end may cost, once a bench.
const ONCE: u64 = 100;

/// Tenths of an instruction of a lookup, the loop included.
fn lookup(limit_tenths: u64) -> LibraryBenchmarkConfig {
    let mut callgrind = Callgrind::default();
    let limit = limit_tenths * KEYS as u64 / 10 + ONCE;
    callgrind.hard_limits([(EventKind::Ir, limit)]);
    LibraryBenchmarkConfig::default().tool(callgrind).clone()
}

type Setup = (All, Vec<u64>);

fn setup() -> Setup {
    (All::new(), hashes(KEYS))
}

/// The strategies go back, so that dropping them is not counted.
macro_rules! lookups {
    ($setup:ident, |$all:ident, $hash:ident| $worker:expr) => {{
        #[allow(unused_mut)]
        let (mut all, hashes) = $setup;
        {
            #[allow(unused_variables)]
            let $all = &mut all;
            for &hash in &hashes {
                let $hash = black_box(hash);
                black_box($worker);
            }
        }
        (all, hashes)
    }};
}

#[library_benchmark(setup = setup)]
#[bench::nothing()]
fn empty_loop(setup: Setup) -> Setup {
    lookups!(setup, |all, hash| hash)
}

#[library_benchmark(config = lookup(81), setup = setup)]
#[bench::hash()]
fn multiply_shift(setup: Setup) -> Setup {
    lookups!(setup, |all, hash| all.multiply_shift.worker_of(hash))
}

#[library_benchmark(config = lookup(91), setup = setup)]
#[bench::hash()]
fn slot_table(setup: Setup) -> Setup {
    lookups!(setup, |all, hash| all.slot_table.worker_of(hash))
}

#[library_benchmark(config = lookup(211), setup = setup)]
#[bench::number()]
fn partition_map(setup: Setup) -> Setup {
    lookups!(setup, |all, key| all.map.worker_of_key(&key))
}

#[library_benchmark(config = lookup(392), setup = setup)]
#[bench::text()]
fn partition_map_text(setup: Setup) -> Setup {
    let text = "customer:4711";
    lookups!(setup, |all, _hash| all.map.worker_of_key(black_box(text)))
}

#[library_benchmark(config = lookup(644), setup = setup)]
#[bench::hash()]
fn jump(setup: Setup) -> Setup {
    lookups!(setup, |all, hash| all.jump.worker_of(hash))
}

#[library_benchmark(config = lookup(314), setup = setup)]
#[bench::hash()]
fn ring(setup: Setup) -> Setup {
    lookups!(setup, |all, hash| all.ring.worker_of(hash))
}

#[library_benchmark(config = lookup(2132), setup = setup)]
#[bench::hash()]
fn rendezvous(setup: Setup) -> Setup {
    lookups!(setup, |all, hash| all.rendezvous.worker_of(hash))
}

#[library_benchmark(config = lookup(5562), setup = setup)]
#[bench::hash()]
fn weighted_rendezvous(setup: Setup) -> Setup {
    lookups!(setup, |all, hash| all.weighted_rendezvous.worker_of(hash))
}

#[library_benchmark(config = lookup(111), setup = setup)]
#[bench::hash()]
fn maglev(setup: Setup) -> Setup {
    lookups!(setup, |all, hash| all.maglev.worker_of(hash))
}

#[library_benchmark(config = lookup(1052), setup = setup)]
#[bench::number()]
fn range(setup: Setup) -> Setup {
    lookups!(setup, |all, key| all.range.worker_of_key(&key))
}

#[library_benchmark(config = lookup(111), setup = setup)]
#[bench::turn()]
fn round_robin(setup: Setup) -> Setup {
    lookups!(setup, |all, _hash| all.round_robin.next_worker())
}

#[library_benchmark(config = lookup(142), setup = setup)]
#[bench::turn()]
fn weighted_round_robin(setup: Setup) -> Setup {
    lookups!(setup, |all, _hash| all.weighted_round_robin.next_worker())
}

#[library_benchmark(config = lookup(322), setup = setup)]
#[bench::hash()]
fn two_choices(setup: Setup) -> Setup {
    let depths = black_box([5_u64; 16]);
    lookups!(setup, |all, hash| all
        .two_choices
        .choose(hash, |worker| depths[worker % 16]))
}

type Loaded = (All, Skewed);

fn loaded() -> Loaded {
    let all = All::new();
    let skewed = Skewed::new(&all.bounded_load, KEYS);
    (all, skewed)
}

// The bound worked out for each message, the load counted, and hot keys sent on.
#[library_benchmark(config = lookup(447), setup = loaded)]
#[bench::zipf()]
fn bounded_load((all, mut skewed): Loaded) -> Loaded {
    let hashes = std::mem::take(&mut skewed.hashes);
    for &hash in &hashes {
        black_box(skewed.place(&all.bounded_load, black_box(hash)));
    }
    skewed.hashes = hashes;
    (all, skewed)
}

#[library_benchmark(config = lookup(231), setup = setup)]
#[bench::number()]
fn hash_number(setup: Setup) -> Setup {
    lookups!(setup, |all, key| key.stable_hash(black_box(7)))
}

library_benchmark_group!(
    name = limited;
    benchmarks = empty_loop, multiply_shift, slot_table, partition_map, partition_map_text, jump, ring, rendezvous,
        weighted_rendezvous, maglev, range, round_robin, weighted_round_robin, two_choices, bounded_load, hash_number
);

main!(library_benchmark_groups = limited);
