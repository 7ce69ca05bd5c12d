//! Scenes of the rings that grow, with a consumer that falls behind: more blocks than a model has.
//!
//! Sequentially consistent, and a sample: see `schedules/mod.rs`. As in a model, a block has 2 slots and one empty block
//! is kept. Positions begin at the wrap of `usize`.
#![cfg(all(shuttle, feature = "std"))]

mod schedules;

use schedules::{assert_met, outcomes};
use shared_nothing_rings::{
    TryPopError,
    unbounded::{mpsc, spsc},
};
use shuttle::thread;

/// Slots of a block.
const BLOCK: usize = 2;

/// 4 threads: 3 producers grow the ring while the consumer rests between two values. Blocks that were kept aside while
/// they grew it are given back when one more is emptied.
#[test]
fn three_producers_outrun_a_slow_consumer() {
    const TOTAL: usize = 4;
    let reached = outcomes(|| {
        let (tx, mut rx) = mpsc::on_heap_at(usize::MAX).expect("memory");
        let txs = [tx.clone(), tx.clone(), tx.clone()].into_iter().enumerate();
        let producers: Vec<_> = txs
            .map(|(me, tx)| {
                thread::spawn(move || {
                    for number in 0..TOTAL / 2 {
                        assert_eq!(tx.try_push((me, number)), Ok(()));
                    }
                    let mut rest = (TOTAL / 2..TOTAL).map(|number| (me, number));
                    while tx.try_push_iter(&mut rest).expect("memory, and open") != 0 {}
                })
            })
            .collect();
        let mut next = [0; 3];
        while next != [TOTAL; 3] {
            thread::yield_now();
            if let Ok((me, number)) = rx.try_pop() {
                assert_eq!(number, next[me], "of producer {me}");
                next[me] += 1;
            }
        }
        for thread in producers {
            thread.join().expect("no panic");
        }
        let blocks_max = rx.memory().blocks_max;
        for number in 0..=2 * BLOCK {
            assert_eq!(
                (tx.try_push((0, number)), rx.try_pop()),
                (Ok(()), Ok((0, number)))
            );
        }
        let memory = rx.memory();
        assert!(memory.blocks <= 3, "one is in use, one is kept: {memory:?}");
        blocks_max
    });
    // Each producer may have made a block that another's was preferred to.
    let all = 3 * TOTAL / BLOCK + 2;
    assert!(
        reached.iter().all(|blocks| *blocks <= all + 3),
        "{reached:?}"
    );
    assert_met(&reached, 3..all);
}

/// 4 threads: the consumer leaves behind a ring that grows. What it left is dropped, and the producers see the close.
#[test]
fn a_consumer_that_leaves_in_the_middle_leaks_no_block() {
    let reached = outcomes(|| {
        let (tx, mut rx) = mpsc::on_heap_at(usize::MAX).expect("memory");
        let value = std::sync::Arc::new(());
        let producers = [tx.clone(), tx.clone(), tx].map(|tx| {
            let value = std::sync::Arc::clone(&value);
            thread::spawn(move || {
                let sent = (0..4).take_while(|_| tx.try_push(value.clone()).is_ok());
                sent.count()
            })
        });
        let got = (0..3).filter(|_| rx.try_pop().is_ok()).count();
        drop(rx);
        let sent: usize = producers
            .into_iter()
            .map(|thread| thread.join().expect("no panic"))
            .sum();
        assert!(got <= sent);
        assert_eq!(std::sync::Arc::strong_count(&value), 1, "all are dropped");
        sent
    });
    assert_met(&reached, [0, 1, 6, 12]);
}

/// 2 threads, 6 blocks: one producer that is always ahead, by as much as the schedule lets it.
#[test]
fn one_producer_outruns_a_slow_consumer() {
    const TOTAL: usize = 12;
    let reached = outcomes(|| {
        let (mut tx, mut rx) = spsc::on_heap_at(usize::MAX).expect("memory");
        let producer = thread::spawn(move || {
            let mut values = 0..TOTAL;
            while values.start < TOTAL {
                if values.start % 3 == 0 {
                    let mut two = values.by_ref().take(2);
                    assert_eq!(tx.try_push_iter(&mut two), Ok(2));
                } else if let Some(value) = values.next() {
                    assert_eq!(tx.try_push(value), Ok(()));
                }
            }
        });
        let mut next = 0;
        loop {
            match rx.try_pop() {
                Ok(value) => {
                    assert_eq!(value, next);
                    next += 1;
                }
                Err(TryPopError::Empty) => thread::yield_now(),
                Err(TryPopError::Closed) => break,
            }
        }
        assert_eq!(next, TOTAL);
        producer.join().expect("no panic");
        rx.memory().blocks_max
    });
    assert_met(&reached, 2..=TOTAL / BLOCK);
}
