//! How many items a second pass through a spsc ring, one by one and in batches?
//!
//! If batches were not several times as fast as single items, a ring would not need them; if a ring of 64 slots were
//! far behind one of 1024, the consumer's position would be published too rarely or too often.
//!
//! The measured thread pops; the other pushes without end.

// Macros make items here that nobody can document.
#![allow(missing_docs)]

use std::{hint::black_box, time::Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rings_benches::{beside, until};
use shared_nothing_rings::spsc;

const BATCH: usize = 64;

fn single(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("spsc/try_pop/heap");
    group.throughput(Throughput::Elements(1));
    for capacity in [64, 1024] {
        group.bench_function(format!("cap={capacity}/batch=1"), |bencher| {
            bencher.iter_custom(|count| {
                let (mut tx, mut rx) = spsc::with_capacity::<u64>(capacity).expect("it is small");
                let mut next = 0;
                let push_some = || {
                    for _ in 0..BATCH {
                        next += u64::from(tx.try_push(next).is_ok());
                    }
                };
                beside(push_some, || {
                    let from = Instant::now();
                    for expected in 0..count {
                        assert_eq!(until(|| rx.try_pop().ok()), expected);
                    }
                    from.elapsed()
                })
            });
        });
    }
    group.finish();
}

fn batches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("spsc/try_pop_slice/heap");
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function(format!("cap=1024/batch={BATCH}"), |bencher| {
        bencher.iter_custom(|count| {
            let (mut tx, mut rx) = spsc::with_capacity::<u64>(1024).expect("it is small");
            let batch = [7; BATCH];
            let push_some = || {
                black_box(tx.try_push_slice(&batch).unwrap_or(0));
            };
            beside(push_some, || {
                let mut into = [0; BATCH];
                let from = Instant::now();
                let mut left = count * BATCH as u64;
                while left != 0 {
                    let want = left.min(BATCH as u64) as usize;
                    left -= rx.try_pop_slice(&mut into[..want]).unwrap_or(0) as u64;
                    black_box(&into);
                }
                from.elapsed()
            })
        });
    });
    group.finish();
}

criterion_group!(benches, single, batches);
criterion_main!(benches);
