//! How many instructions does it take? Counted, not timed, so that a busy machine does not matter.
//!
//! ```text
//! .ci/instructions
//! ```
//!
//! Each bench of ours has a limit, and one instruction too many an item is a failure. The rivals have none: they show
//! what the same loop costs with them, and `empty_loop` what it costs with nothing. A limit is what was counted with
//! Rust 1.95 on x86-64; another compiler may ask for another.

// Macros make items here that nobody can document.
#![allow(missing_docs)]

use std::{hint::black_box, mem::MaybeUninit, num::NonZeroUsize};

use iai_callgrind::{
    Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main,
};
use shared_nothing_rings::{lanes, mpmc, mpsc, spsc, stamped};

/// How often a bench does its work.
const TIMES: u64 = 1000;
/// How many items a batch has.
const BATCH: usize = 64;
/// How many batches a bench moves.
const BATCHES: u64 = 100;
/// What a call, its loop's begin and its end may cost, once a bench.
const ONCE: u64 = 100;

fn config(limit: u64) -> LibraryBenchmarkConfig {
    let mut callgrind = Callgrind::default();
    callgrind.hard_limits([(EventKind::Ir, limit + ONCE)]);
    LibraryBenchmarkConfig::default().tool(callgrind).clone()
}

/// Instructions of a pair of push and pop, the loop included.
fn pair(limit: u64) -> LibraryBenchmarkConfig {
    config(limit * TIMES)
}

/// Tenths of an instruction of an item, the loop included.
fn item(limit_tenths: u64) -> LibraryBenchmarkConfig {
    config(limit_tenths * BATCHES * BATCH as u64 / 10)
}

/// The ends go back, so that dropping them is not counted.
macro_rules! pairs {
    ($tx:ident, $rx:ident, |$value:ident| $push:expr, $pop:expr) => {{
        for number in 0..TIMES {
            let $value = black_box(number);
            assert!($push);
            let _ = black_box($pop);
        }
        ($tx, $rx)
    }};
}

type Spsc = (spsc::Producer<'static, u64>, spsc::Consumer<'static, u64>);
type Stamped = (
    stamped::Producer<'static, u64>,
    stamped::Consumer<'static, u64>,
);
type Mpsc = (mpsc::Producer<'static, u64>, mpsc::Consumer<'static, u64>);
type Mpmc = (mpmc::Producer<'static, u64>, mpmc::Consumer<'static, u64>);

type Lanes = (lanes::Producer<'static, u64>, lanes::Consumer<'static, u64>);

fn new_spsc() -> Spsc {
    spsc::with_capacity(1024).expect("it is small")
}

fn new_stamped() -> Stamped {
    stamped::with_capacity(1024).expect("it is small")
}

fn new_mpsc() -> Mpsc {
    mpsc::with_capacity(1024).expect("it is small")
}

fn new_mpmc() -> Mpmc {
    mpmc::with_capacity(1024).expect("it is small")
}

#[library_benchmark(config = pair(36), setup = new_spsc)]
#[bench::heap()]
fn spsc_pair((mut tx, mut rx): Spsc) -> Spsc {
    pairs!(tx, rx, |value| tx.try_push(value).is_ok(), rx.try_pop())
}

#[library_benchmark(config = pair(51), setup = new_stamped)]
#[bench::heap()]
fn stamped_pair((mut tx, mut rx): Stamped) -> Stamped {
    pairs!(tx, rx, |value| tx.try_push(value).is_ok(), rx.try_pop())
}

#[library_benchmark(config = pair(44), setup = new_mpsc)]
#[bench::heap()]
fn mpsc_pair((tx, mut rx): Mpsc) -> Mpsc {
    pairs!(tx, rx, |value| tx.try_push(value).is_ok(), rx.try_pop())
}

#[library_benchmark(config = pair(52), setup = new_mpmc)]
#[bench::heap()]
fn mpmc_pair((tx, mut rx): Mpmc) -> Mpmc {
    pairs!(tx, rx, |value| tx.try_push(value).is_ok(), rx.try_pop())
}

fn new_lanes() -> Lanes {
    let (mut producers, rx) = lanes::with_capacity(4, 1024).expect("it is small");
    (producers.next().expect("there are four"), rx)
}

#[library_benchmark(config = pair(54), setup = new_lanes)]
#[bench::heap()]
fn lanes_pair((mut tx, mut rx): Lanes) -> Lanes {
    pairs!(tx, rx, |value| tx.try_push(value).is_ok(), rx.try_pop())
}

#[library_benchmark(config = item(39), setup = new_spsc)]
#[bench::heap()]
fn spsc_copied((mut tx, mut rx): Spsc) -> Spsc {
    let (batch, mut into) = ([7; BATCH], [0; BATCH]);
    for _ in 0..BATCHES {
        assert_eq!(tx.try_push_slice(black_box(&batch)), Ok(BATCH));
        assert_eq!(rx.try_pop_slice(black_box(&mut into)), Ok(BATCH));
    }
    (tx, rx)
}

#[library_benchmark(config = item(57), setup = new_spsc)]
#[bench::heap()]
fn spsc_in_place((mut tx, mut rx): Spsc) -> Spsc {
    let (mut next, mut sum) = (0, 0);
    for _ in 0..BATCHES {
        let mut grant = tx.reserve(BATCH).expect("the ring is empty");
        let (first, second) = grant.as_uninit();
        write_all(first, &mut next);
        write_all(second, &mut next);
        // SAFETY: all slots of the grant are written, and a ring of 1024 that is empty has 64.
        unsafe { grant.commit(BATCH) };
        let peek = rx.peek(BATCH);
        let (first, second) = peek.as_slices();
        sum += sum_of(first) + sum_of(second);
        peek.consume(BATCH);
    }
    black_box(sum);
    (tx, rx)
}

#[inline(always)]
fn write_all(slots: &mut [MaybeUninit<u64>], next: &mut u64) {
    for slot in slots {
        slot.write(*next);
        *next += 1;
    }
}

#[inline(always)]
fn sum_of(items: &[u64]) -> u64 {
    items.iter().sum()
}

library_benchmark_group!(
    name = limited;
    benchmarks = spsc_pair, stamped_pair, mpsc_pair, mpmc_pair, lanes_pair, spsc_copied, spsc_in_place
);

type Heapless = (
    heapless::spsc::Producer<'static, u64>,
    heapless::spsc::Consumer<'static, u64>,
);

fn new_heapless() -> Heapless {
    Box::leak(Box::new(heapless::spsc::Queue::<u64, 1024>::new())).split()
}

#[library_benchmark(setup = new_heapless)]
#[bench::pair()]
fn rival_heapless((mut tx, mut rx): Heapless) -> Heapless {
    pairs!(tx, rx, |value| tx.enqueue(value).is_ok(), rx.dequeue())
}

type Rtrb = (rtrb::Producer<u64>, rtrb::Consumer<u64>);

fn new_rtrb() -> Rtrb {
    rtrb::RingBuffer::new(1024)
}

#[library_benchmark(setup = new_rtrb)]
#[bench::pair()]
fn rival_rtrb((mut tx, mut rx): Rtrb) -> Rtrb {
    pairs!(tx, rx, |value| tx.push(value).is_ok(), rx.pop())
}

type Fq = (fq::Producer<u64>, fq::Consumer<u64>);

fn new_fq() -> Fq {
    fq::FastQueue::new(1024)
}

#[library_benchmark(setup = new_fq)]
#[bench::copied()]
fn rival_fq((mut tx, mut rx): Fq) -> Fq {
    let (batch, mut into) = ([7; BATCH], [0; BATCH]);
    for _ in 0..BATCHES {
        assert_eq!(tx.push_slice(black_box(&batch)), BATCH);
        assert_eq!(rx.pop_slice(black_box(&mut into)), BATCH);
    }
    (tx, rx)
}

type Gil = (gil::spsc::Sender<u64>, gil::spsc::Receiver<u64>);

fn new_gil() -> Gil {
    gil::spsc::channel(NonZeroUsize::new(1024).expect("it is not 0"))
}

#[library_benchmark(setup = new_gil)]
#[bench::in_place()]
fn rival_gil((mut tx, mut rx): Gil) -> Gil {
    let (mut next, mut sum) = (0, 0);
    for _ in 0..BATCHES {
        write_all(&mut tx.write_buffer()[..BATCH], &mut next);
        // SAFETY: so many are written; 1024 is a multiple of 64, so that no batch is cut at the end of the memory.
        unsafe { tx.commit(BATCH) };
        let mut guard = rx.read_guard();
        sum += sum_of(&guard.as_slice()[..BATCH]);
        guard.advance(BATCH);
    }
    black_box(sum);
    (tx, rx)
}

#[library_benchmark(setup = new_rtrb)]
#[bench::in_place()]
fn rival_rtrb_in_place((mut tx, mut rx): Rtrb) -> Rtrb {
    let (mut next, mut sum) = (0, 0);
    for _ in 0..BATCHES {
        let mut chunk = tx.write_chunk_uninit(BATCH).expect("the ring is empty");
        let (first, second) = chunk.as_mut_slices();
        write_all(first, &mut next);
        write_all(second, &mut next);
        // SAFETY: all slots of the chunk are written.
        unsafe { chunk.commit_all() };
        let chunk = rx.read_chunk(BATCH).expect("a batch is there");
        let (first, second) = chunk.as_slices();
        sum += sum_of(first) + sum_of(second);
        chunk.commit_all();
    }
    black_box(sum);
    (tx, rx)
}

#[library_benchmark]
#[bench::pair()]
fn empty_loop() {
    for number in 0..TIMES {
        let _ = black_box(Some(black_box(number)));
    }
}

library_benchmark_group!(
    name = rivals;
    benchmarks = empty_loop, rival_heapless, rival_rtrb, rival_rtrb_in_place, rival_fq, rival_gil
);

main!(library_benchmark_groups = limited, rivals);
