//! The rings of this project.

use shared_nothing_rings::{lanes, mpmc, mpsc, spsc, stamped};

use super::{clones, push_pop};
use crate::rings::peer::{Fill, Peer, PopSlice, PushSlice, Shape, Sweep};

pub(crate) struct Spsc;
pub(crate) struct Stamped;
pub(crate) struct Mpsc;
pub(crate) struct Mpmc;
/// A ring for each producer: order is kept for each producer only.
pub(crate) struct Lanes;

impl<T: Send + 'static> Peer<T> for Spsc {
    type Tx = spsc::Producer<'static, T>;
    type Rx = spsc::Consumer<'static, T>;

    fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        let (tx, rx) = spsc::with_capacity(shape.capacity).expect("the capacity is small");
        (vec![tx], vec![rx])
    }
}

push_pop!(
    spsc::Producer<'static, T>,
    spsc::Consumer<'static, T>,
    |tx, item| tx.try_push(item).is_ok(),
    |rx| rx.try_pop().ok()
);

impl PushSlice for spsc::Producer<'static, u64> {
    #[inline(always)]
    fn push_slice(&mut self, items: &[u64]) -> usize {
        self.try_push_slice(items).unwrap_or(0)
    }
}

impl PopSlice for spsc::Consumer<'static, u64> {
    #[inline(always)]
    fn pop_slice(&mut self, into: &mut [u64]) -> usize {
        self.try_pop_slice(into).unwrap_or(0)
    }
}

impl Fill for spsc::Producer<'static, u64> {
    #[inline(always)]
    fn fill(&mut self, max: usize, mut next: impl FnMut() -> u64) -> usize {
        let Ok(mut grant) = self.reserve(max) else {
            return 0;
        };
        let count = grant.len();
        let (first, second) = grant.as_uninit();
        for slot in first {
            slot.write(next());
        }
        for slot in second {
            slot.write(next());
        }
        // SAFETY: both pieces are written, and together they have `count` slots.
        unsafe { grant.commit(count) };
        count
    }
}

impl Sweep for spsc::Consumer<'static, u64> {
    #[inline(always)]
    fn sweep(&mut self, max: usize, mut see: impl FnMut(u64)) -> usize {
        let peek = self.peek(max);
        let (first, second) = peek.as_slices();
        for &item in first {
            see(item);
        }
        for &item in second {
            see(item);
        }
        let count = peek.len();
        peek.consume(count);
        count
    }
}

impl<T: Send + 'static> Peer<T> for Stamped {
    type Tx = stamped::Producer<'static, T>;
    type Rx = stamped::Consumer<'static, T>;

    fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        let (tx, rx) = stamped::with_capacity(shape.capacity).expect("the capacity is small");
        (vec![tx], vec![rx])
    }
}

push_pop!(
    stamped::Producer<'static, T>,
    stamped::Consumer<'static, T>,
    |tx, item| tx.try_push(item).is_ok(),
    |rx| rx.try_pop().ok()
);

impl<T: Send + 'static> Peer<T> for Mpsc {
    type Tx = mpsc::Producer<'static, T>;
    type Rx = mpsc::Consumer<'static, T>;

    fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        let (tx, rx) = mpsc::with_capacity(shape.capacity).expect("the capacity is small");
        (clones(tx, shape.producers), vec![rx])
    }
}

// Its producers are those of `mpmc`, its consumer that of `stamped`.

impl<T: Send + 'static> Peer<T> for Mpmc {
    type Tx = mpmc::Producer<'static, T>;
    type Rx = mpmc::Consumer<'static, T>;

    fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        let (tx, rx) = mpmc::with_capacity(shape.capacity).expect("the capacity is small");
        (clones(tx, shape.producers), clones(rx, shape.consumers))
    }
}

push_pop!(
    mpmc::Producer<'static, T>,
    mpmc::Consumer<'static, T>,
    |tx, item| tx.try_push(item).is_ok(),
    |rx| rx.try_pop().ok()
);

impl<T: Send + 'static> Peer<T> for Lanes {
    type Tx = lanes::Producer<'static, T>;
    type Rx = lanes::Consumer<'static, T>;

    fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        let capacity = shape.share_of(shape.producers);
        let (txs, rx) =
            lanes::with_capacity(shape.producers, capacity).expect("the capacity is small");
        (txs.collect(), vec![rx])
    }
}

push_pop!(
    lanes::Producer<'static, T>,
    lanes::Consumer<'static, T>,
    |tx, item| tx.try_push(item).is_ok(),
    |rx| rx.try_pop().ok()
);
