//! How long does an item take to another thread and back, through two rings?
//!
//! If it took much longer than two transfers of a cache line, position and item would not travel well together, and a
//! ring that keeps them in one line would be the better one for calls.
//!
//! The measured thread calls; the other sends back what it gets.

// Macros make items here that nobody can document.
#![allow(missing_docs)]

use std::time::Instant;

use criterion::{Criterion, criterion_group, criterion_main};
use rings_benches::{beside, until};
use shared_nothing_rings::{mpsc, spsc};

fn round_trip(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("round_trip");
    group.bench_function("spsc/heap/cap=1024", |bencher| {
        bencher.iter_custom(|count| {
            let (mut tx, mut there) = spsc::with_capacity::<u64>(1024).expect("it is small");
            let (mut back, mut rx) = spsc::with_capacity::<u64>(1024).expect("it is small");
            let echo = || {
                if let Ok(item) = there.try_pop() {
                    assert!(back.try_push(item).is_ok());
                } else {
                    std::hint::spin_loop();
                }
            };
            beside(echo, || {
                let from = Instant::now();
                for item in 0..count {
                    assert!(tx.try_push(item).is_ok());
                    assert_eq!(until(|| rx.try_pop().ok()), item);
                }
                from.elapsed()
            })
        });
    });
    group.bench_function("mpsc/heap/cap=1024", |bencher| {
        bencher.iter_custom(|count| {
            let (tx, mut there) = mpsc::with_capacity::<u64>(1024).expect("it is small");
            let (back, mut rx) = mpsc::with_capacity::<u64>(1024).expect("it is small");
            let echo = || {
                if let Ok(item) = there.try_pop() {
                    assert!(back.try_push(item).is_ok());
                } else {
                    std::hint::spin_loop();
                }
            };
            beside(echo, || {
                let from = Instant::now();
                for item in 0..count {
                    assert!(tx.try_push(item).is_ok());
                    assert_eq!(until(|| rx.try_pop().ok()), item);
                }
                from.elapsed()
            })
        });
    });
    group.finish();
}

criterion_group!(benches, round_trip);
criterion_main!(benches);
