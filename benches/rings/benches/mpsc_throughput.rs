//! How many items a second come out of a mpsc ring, by the number of producers?
//!
//! If four producers on two cores were much slower than two, a producer that was stopped in the middle of a push would
//! hold the others up.
//!
//! The measured thread pops; the others push without end and yield when the ring is full.

// Macros make items here that nobody can document.
#![allow(missing_docs)]

use std::{thread, time::Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rings_benches::beside_all;
use shared_nothing_rings::mpsc;

fn producers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("mpsc/try_pop/heap/cap=1024");
    group.throughput(Throughput::Elements(1));
    for producers in [1, 2, 4] {
        group.bench_function(format!("producers={producers}"), |bencher| {
            bencher.iter_custom(|count| {
                let (tx, mut rx) = mpsc::with_capacity::<u64>(1024).expect("it is small");
                let push_some = |tx: mpsc::Producer<'static, u64>| {
                    move || {
                        for item in 0..64 {
                            if tx.try_push(item).is_err() {
                                thread::yield_now();
                            }
                        }
                    }
                };
                let partners = vec![tx; producers].into_iter().map(push_some).collect();
                beside_all(partners, || {
                    let from = Instant::now();
                    for _ in 0..count {
                        while rx.try_pop().is_err() {
                            thread::yield_now();
                        }
                    }
                    from.elapsed()
                })
            });
        });
    }
    group.finish();
}

criterion_group!(benches, producers);
criterion_main!(benches);
