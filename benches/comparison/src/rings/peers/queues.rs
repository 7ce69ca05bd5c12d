//! Rivals with many producers, and some with many consumers.

use std::sync::Arc;

use concurrent_queue::ConcurrentQueue;
use crossbeam_queue::ArrayQueue;
use thingbuf::ThingBuf;

use super::{clones, push_pop};
use crate::rings::peer::{Item, Peer, Shape};

pub(crate) struct CrossbeamArray;
pub(crate) struct Concurrent;
pub(crate) struct Thing;
pub(crate) struct OmangoSpsc;
pub(crate) struct OmangoMpmc;
pub(crate) struct NexusMpsc;

impl<T: Item> Peer<T> for CrossbeamArray {
    type Tx = Arc<ArrayQueue<T>>;
    type Rx = Arc<ArrayQueue<T>>;

    fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        let queue = Arc::new(ArrayQueue::new(shape.capacity));
        (
            clones(Arc::clone(&queue), shape.producers),
            clones(queue, shape.consumers),
        )
    }
}

push_pop!(
    Arc<ArrayQueue<T>>,
    Arc<ArrayQueue<T>>,
    |queue, item| ArrayQueue::push(queue, item).is_ok(),
    |queue| ArrayQueue::pop(queue)
);

impl<T: Item> Peer<T> for Concurrent {
    type Tx = Arc<ConcurrentQueue<T>>;
    type Rx = Arc<ConcurrentQueue<T>>;

    fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        let queue = Arc::new(ConcurrentQueue::bounded(shape.capacity));
        (
            clones(Arc::clone(&queue), shape.producers),
            clones(queue, shape.consumers),
        )
    }
}

push_pop!(
    Arc<ConcurrentQueue<T>>,
    Arc<ConcurrentQueue<T>>,
    |queue, item| ConcurrentQueue::push(queue, item).is_ok(),
    |queue| ConcurrentQueue::pop(queue).ok()
);

impl<T: Item> Peer<T> for Thing {
    type Tx = Arc<ThingBuf<T>>;
    type Rx = Arc<ThingBuf<T>>;

    fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        let queue = Arc::new(ThingBuf::new(shape.capacity));
        (
            clones(Arc::clone(&queue), shape.producers),
            clones(queue, shape.consumers),
        )
    }
}

push_pop!(
    Arc<ThingBuf<T>>,
    Arc<ThingBuf<T>>,
    [Item],
    |queue, item| ThingBuf::push(queue, item).is_ok(),
    |queue| ThingBuf::pop(queue)
);

impl<T: Item> Peer<T> for OmangoSpsc {
    type Tx = omango::queue::spsc::BSender<T>;
    type Rx = omango::queue::spsc::BReceiver<T>;

    fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        let (tx, rx) = omango::queue::spsc::bounded(shape.capacity as u32);
        (vec![tx], vec![rx])
    }
}

push_pop!(
    omango::queue::spsc::BSender<T>,
    omango::queue::spsc::BReceiver<T>,
    [Send],
    |tx, item| tx.try_send(item).is_ok(),
    |rx| rx.try_recv().ok()
);

impl<T: Item> Peer<T> for OmangoMpmc {
    type Tx = omango::queue::mpmc::BSender<T>;
    type Rx = omango::queue::mpmc::BReceiver<T>;

    fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        let (tx, rx) = omango::queue::mpmc::bounded(shape.capacity as u32);
        (clones(tx, shape.producers), clones(rx, shape.consumers))
    }
}

push_pop!(
    omango::queue::mpmc::BSender<T>,
    omango::queue::mpmc::BReceiver<T>,
    [Send],
    |tx, item| tx.try_send(item).is_ok(),
    |rx| rx.try_recv().ok()
);

impl<T: Item> Peer<T> for NexusMpsc {
    type Tx = nexus_queue::mpsc::Producer<T>;
    type Rx = nexus_queue::mpsc::Consumer<T>;

    fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        let (tx, rx) = nexus_queue::mpsc::ring_buffer(shape.capacity);
        (clones(tx, shape.producers), vec![rx])
    }
}

push_pop!(
    nexus_queue::mpsc::Producer<T>,
    nexus_queue::mpsc::Consumer<T>,
    |tx, item| tx.push(item).is_ok(),
    |rx| rx.pop()
);
