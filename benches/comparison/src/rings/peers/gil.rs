//! The queues of gil.

use std::num::NonZeroUsize;

use super::{clones, push_pop};
use crate::rings::peer::{Fill, Item, Peer, PopSlice, PushSlice, Shape, Sweep};

pub(crate) struct GilSpsc;
pub(crate) struct GilMpsc;
pub(crate) struct GilMpmc;
/// A ring for each producer: order is kept for each producer only.
pub(crate) struct GilMpscSharded;

pub(super) fn non_zero(capacity: usize) -> NonZeroUsize {
    NonZeroUsize::new(capacity).expect("no capacity is 0")
}

impl<T: Item> Peer<T> for GilSpsc {
    type Tx = gil::spsc::Sender<T>;
    type Rx = gil::spsc::Receiver<T>;

    fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        let (tx, rx) = gil::spsc::channel(non_zero(shape.capacity));
        (vec![tx], vec![rx])
    }
}

push_pop!(
    gil::spsc::Sender<T>,
    gil::spsc::Receiver<T>,
    |tx, item| tx.try_send(item).is_ok(),
    |rx| rx.try_recv()
);

impl PushSlice for gil::spsc::Sender<u64> {
    #[inline(always)]
    fn push_slice(&mut self, items: &[u64]) -> usize {
        let free = self.write_buffer();
        let count = free.len().min(items.len());
        for (slot, &item) in free.iter_mut().zip(items) {
            slot.write(item);
        }
        // SAFETY: so many are written.
        unsafe { self.commit(count) };
        count
    }
}

impl PopSlice for gil::spsc::Receiver<u64> {
    #[inline(always)]
    fn pop_slice(&mut self, into: &mut [u64]) -> usize {
        self.read_guard().copy_into(into)
    }
}

impl Fill for gil::spsc::Sender<u64> {
    #[inline(always)]
    fn fill(&mut self, max: usize, mut next: impl FnMut() -> u64) -> usize {
        let free = self.write_buffer();
        let count = free.len().min(max);
        for slot in &mut free[..count] {
            slot.write(next());
        }
        // SAFETY: so many are written.
        unsafe { self.commit(count) };
        count
    }
}

impl Sweep for gil::spsc::Receiver<u64> {
    #[inline(always)]
    fn sweep(&mut self, max: usize, mut see: impl FnMut(u64)) -> usize {
        let mut guard = self.read_guard();
        let count = guard.len().min(max);
        for &item in &guard.as_slice()[..count] {
            see(item);
        }
        guard.advance(count);
        count
    }
}

impl<T: Item> Peer<T> for GilMpsc {
    type Tx = gil::mpsc::Sender<T>;
    type Rx = gil::mpsc::Receiver<T>;

    fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        let (tx, rx) = gil::mpsc::channel(non_zero(shape.capacity));
        (clones(tx, shape.producers), vec![rx])
    }
}

push_pop!(
    gil::mpsc::Sender<T>,
    gil::mpsc::Receiver<T>,
    |tx, item| tx.try_send(item).is_ok(),
    |rx| rx.try_recv()
);

impl<T: Item> Peer<T> for GilMpmc {
    type Tx = gil::mpmc::Sender<T>;
    type Rx = gil::mpmc::Receiver<T>;

    fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        let (tx, rx) = gil::mpmc::channel(non_zero(shape.capacity));
        (clones(tx, shape.producers), clones(rx, shape.consumers))
    }
}

push_pop!(
    gil::mpmc::Sender<T>,
    gil::mpmc::Receiver<T>,
    |tx, item| tx.try_send(item).is_ok(),
    |rx| rx.try_recv()
);

impl<T: Item> Peer<T> for GilMpscSharded {
    type Tx = gil::mpsc::sharded::Sender<T>;
    type Rx = gil::mpsc::sharded::Receiver<T>;

    fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        let shards = shape.producers.next_power_of_two();
        let (tx, rx) =
            gil::mpsc::sharded::channel(non_zero(shards), non_zero(shape.share_of(shards)));
        let mut txs = vec![tx];
        while txs.len() < shape.producers {
            let next = txs[0].clone();
            txs.push(next.expect("there is a shard for each producer"));
        }
        (txs, vec![rx])
    }
}

push_pop!(
    gil::mpsc::sharded::Sender<T>,
    gil::mpsc::sharded::Receiver<T>,
    |tx, item| tx.try_send(item).is_ok(),
    |rx| rx.try_recv()
);
