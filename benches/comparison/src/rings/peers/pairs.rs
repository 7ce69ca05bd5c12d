//! Rivals with one producer and one consumer.

use low_latency_data_structures::{mem::global::GlobalAllocator, spsc as llds};
use magnetic::{
    Consumer as _, Producer as _, buffer::dynamic::DynamicBuffer, spsc as magnetic_spsc,
};
use ringbuf::{
    HeapCons, HeapProd, HeapRb,
    traits::{Consumer as _, Producer as _, Raw as _, Split as _},
};

use super::push_pop;
use crate::rings::peer::{CAPACITY, Fill, Item, Peer, PopSlice, PushSlice, Shape, Sweep};

pub(crate) struct Rtrb;
pub(crate) struct Ringbuf;
pub(crate) struct Heapless;
pub(crate) struct Kevy;
pub(crate) struct Nexus;
pub(crate) struct Llds;
pub(crate) struct Fq;
pub(crate) struct Magnetic;

/// One end of each kind.
fn pair<Tx, Rx>((tx, rx): (Tx, Rx)) -> (Vec<Tx>, Vec<Rx>) {
    (vec![tx], vec![rx])
}

impl<T: Item> Peer<T> for Rtrb {
    type Tx = rtrb::Producer<T>;
    type Rx = rtrb::Consumer<T>;

    fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        pair(rtrb::RingBuffer::new(shape.capacity))
    }
}

push_pop!(
    rtrb::Producer<T>,
    rtrb::Consumer<T>,
    |tx, item| tx.push(item).is_ok(),
    |rx| rx.pop().ok()
);

impl PushSlice for rtrb::Producer<u64> {
    #[inline(always)]
    fn push_slice(&mut self, items: &[u64]) -> usize {
        self.push_partial_slice(items).0.len()
    }
}

impl PopSlice for rtrb::Consumer<u64> {
    #[inline(always)]
    fn pop_slice(&mut self, into: &mut [u64]) -> usize {
        self.pop_partial_slice(into).0.len()
    }
}

impl Fill for rtrb::Producer<u64> {
    #[inline(always)]
    fn fill(&mut self, max: usize, mut next: impl FnMut() -> u64) -> usize {
        // The slots that it remembers, unless they are too few.
        let known = self.cached_slots();
        let free = if known < max { self.slots() } else { known };
        let Ok(mut chunk) = self.write_chunk_uninit(free.min(max)) else {
            return 0;
        };
        let (first, second) = chunk.as_mut_slices();
        for slot in first.iter_mut().chain(second) {
            slot.write(next());
        }
        let count = chunk.len();
        // SAFETY: all slots of the chunk are written.
        unsafe { chunk.commit_all() };
        count
    }
}

impl Sweep for rtrb::Consumer<u64> {
    #[inline(always)]
    fn sweep(&mut self, max: usize, mut see: impl FnMut(u64)) -> usize {
        let known = self.cached_slots();
        let full = if known < max { self.slots() } else { known };
        let Ok(chunk) = self.read_chunk(full.min(max)) else {
            return 0;
        };
        let (first, second) = chunk.as_slices();
        for &item in first {
            see(item);
        }
        for &item in second {
            see(item);
        }
        let count = chunk.len();
        chunk.commit_all();
        count
    }
}

impl<T: Item> Peer<T> for Ringbuf {
    type Tx = HeapProd<T>;
    type Rx = HeapCons<T>;

    fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        pair(HeapRb::new(shape.capacity).split())
    }
}

push_pop!(
    HeapProd<T>,
    HeapCons<T>,
    |tx, item| tx.try_push(item).is_ok(),
    |rx| rx.try_pop()
);

impl PushSlice for HeapProd<u64> {
    #[inline(always)]
    fn push_slice(&mut self, items: &[u64]) -> usize {
        ringbuf::traits::Producer::push_slice(self, items)
    }
}

impl PopSlice for HeapCons<u64> {
    #[inline(always)]
    fn pop_slice(&mut self, into: &mut [u64]) -> usize {
        ringbuf::traits::Consumer::pop_slice(self, into)
    }
}

impl Fill for HeapProd<u64> {
    #[inline(always)]
    fn fill(&mut self, max: usize, mut next: impl FnMut() -> u64) -> usize {
        let (first, second) = self.vacant_slices_mut();
        let mut count = 0;
        for slot in first.iter_mut().chain(second).take(max) {
            slot.write(next());
            count += 1;
        }
        // SAFETY: `count` slots are written.
        unsafe { self.advance_write_index(count) };
        count
    }
}

impl Sweep for HeapCons<u64> {
    #[inline(always)]
    fn sweep(&mut self, max: usize, mut see: impl FnMut(u64)) -> usize {
        let (first, second) = self.as_slices();
        let mut count = 0;
        for &item in first.iter().chain(second).take(max) {
            see(item);
            count += 1;
        }
        // SAFETY: so many are full; numbers need no drop.
        unsafe { self.advance_read_index(count) };
        count
    }
}

impl<T: Item> Peer<T> for Heapless {
    type Tx = heapless::spsc::Producer<'static, T>;
    type Rx = heapless::spsc::Consumer<'static, T>;

    /// It is made for a `static`, hence the leak. One of its slots stays empty.
    fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        assert_eq!(shape.capacity, CAPACITY);
        let queue = Box::leak(Box::new(heapless::spsc::Queue::<T, CAPACITY>::new()));
        pair(queue.split())
    }
}

push_pop!(
    heapless::spsc::Producer<'static, T>,
    heapless::spsc::Consumer<'static, T>,
    |tx, item| tx.enqueue(item).is_ok(),
    |rx| rx.dequeue()
);

impl<T: Item> Peer<T> for Kevy {
    type Tx = kevy_ring::Producer<T>;
    type Rx = kevy_ring::Consumer<T>;

    fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        pair(kevy_ring::ring(shape.capacity))
    }
}

push_pop!(
    kevy_ring::Producer<T>,
    kevy_ring::Consumer<T>,
    |tx, item| tx.push(item).is_ok(),
    |rx| rx.pop()
);

impl<T: Item> Peer<T> for Nexus {
    type Tx = nexus_queue::spsc::Producer<T>;
    type Rx = nexus_queue::spsc::Consumer<T>;

    fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        pair(nexus_queue::spsc::ring_buffer(shape.capacity))
    }
}

push_pop!(
    nexus_queue::spsc::Producer<T>,
    nexus_queue::spsc::Consumer<T>,
    |tx, item| tx.push(item).is_ok(),
    |rx| rx.pop()
);

impl<T: Item> Peer<T> for Llds {
    type Tx = llds::Producer<T, CAPACITY, GlobalAllocator>;
    type Rx = llds::Consumer<T, CAPACITY, GlobalAllocator>;

    fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        assert_eq!(shape.capacity, CAPACITY);
        pair(llds::new(llds::Options::global_mlocked()))
    }
}

push_pop!(
    llds::Producer<T, CAPACITY, GlobalAllocator>,
    llds::Consumer<T, CAPACITY, GlobalAllocator>,
    |tx, item| tx.push(item).is_none(),
    |rx| rx.pop()
);

impl<T: Item> Peer<T> for Fq {
    type Tx = fq::Producer<T>;
    type Rx = fq::Consumer<T>;

    fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        pair(fq::FastQueue::new(shape.capacity))
    }
}

push_pop!(
    fq::Producer<T>,
    fq::Consumer<T>,
    |tx, item| tx.push(item).is_ok(),
    |rx| rx.pop()
);

impl PushSlice for fq::Producer<u64> {
    #[inline(always)]
    fn push_slice(&mut self, items: &[u64]) -> usize {
        fq::Producer::push_slice(self, items)
    }
}

impl PopSlice for fq::Consumer<u64> {
    #[inline(always)]
    fn pop_slice(&mut self, into: &mut [u64]) -> usize {
        fq::Consumer::pop_slice(self, into)
    }
}

impl Fill for fq::Producer<u64> {
    /// It takes an iterator rather than lending its slots.
    #[inline(always)]
    fn fill(&mut self, max: usize, mut next: impl FnMut() -> u64) -> usize {
        self.push_iter((0..max).map(|_| next()))
    }
}

impl Sweep for fq::Consumer<u64> {
    #[inline(always)]
    fn sweep(&mut self, max: usize, mut see: impl FnMut(u64)) -> usize {
        self.pop_iter().take(max).map(&mut see).count()
    }
}

impl<T: Item> Peer<T> for Magnetic {
    type Tx = magnetic_spsc::SPSCProducer<T, DynamicBuffer<T>>;
    type Rx = magnetic_spsc::SPSCConsumer<T, DynamicBuffer<T>>;

    fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        let buffer = DynamicBuffer::new(shape.capacity).expect("the capacity is small");
        pair(magnetic_spsc::spsc_queue(buffer))
    }
}

push_pop!(
    magnetic_spsc::SPSCProducer<T, DynamicBuffer<T>>,
    magnetic_spsc::SPSCConsumer<T, DynamicBuffer<T>>,
    |tx, item| tx.try_push(item).is_ok(),
    |rx| rx.try_pop().ok()
);
