//! The disruptor crate, polled. Its items stay in the ring and are copied out of it.

use disruptor::{
    BusySpin, EventPoller, MultiProducer, MultiProducerBarrier, Producer as _,
    SingleConsumerBarrier, SingleProducer, SingleProducerBarrier, build_multi_producer,
    build_single_producer,
};

use super::clones;
use crate::rings::peer::{Fill, Item, Peer, Pop, Push, Shape, Sweep};

pub(crate) struct DisruptorSp;
pub(crate) struct DisruptorMp;

impl<T: Item> Peer<T> for DisruptorSp {
    type Tx = SingleProducer<T, SingleConsumerBarrier>;
    type Rx = EventPoller<T, SingleProducerBarrier>;

    fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        let builder = build_single_producer(shape.capacity, T::default, BusySpin);
        let (rx, builder) = builder.new_event_poller();
        (vec![builder.build()], vec![rx])
    }
}

impl<T: Item> Push<T> for SingleProducer<T, SingleConsumerBarrier> {
    #[inline(always)]
    fn push_one(&mut self, item: T) -> bool {
        self.try_publish(|slot| *slot = item).is_ok()
    }
}

impl<T: Item> Pop<T> for EventPoller<T, SingleProducerBarrier> {
    #[inline(always)]
    fn pop_one(&mut self) -> Option<T> {
        let mut guard = self.take(1).ok()?;
        (&mut guard).next().copied()
    }
}

impl Fill for SingleProducer<u64, SingleConsumerBarrier> {
    #[inline(always)]
    fn fill(&mut self, max: usize, mut next: impl FnMut() -> u64) -> usize {
        let published = self.try_batch_publish(max, |slots| {
            for slot in slots {
                *slot = next();
            }
        });
        if published.is_ok() { max } else { 0 }
    }
}

impl Sweep for EventPoller<u64, SingleProducerBarrier> {
    #[inline(always)]
    fn sweep(&mut self, max: usize, mut see: impl FnMut(u64)) -> usize {
        let Ok(mut guard) = self.take(max as u64) else {
            return 0;
        };
        let mut count = 0;
        for &item in &mut guard {
            see(item);
            count += 1;
        }
        count
    }
}

impl<T: Item> Peer<T> for DisruptorMp {
    type Tx = MultiProducer<T, SingleConsumerBarrier>;
    type Rx = EventPoller<T, MultiProducerBarrier>;

    fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        let builder = build_multi_producer(shape.capacity, T::default, BusySpin);
        let (rx, builder) = builder.new_event_poller();
        (clones(builder.build(), shape.producers), vec![rx])
    }
}

impl<T: Item> Push<T> for MultiProducer<T, SingleConsumerBarrier> {
    #[inline(always)]
    fn push_one(&mut self, item: T) -> bool {
        self.try_publish(|slot| *slot = item).is_ok()
    }
}

impl<T: Item> Pop<T> for EventPoller<T, MultiProducerBarrier> {
    #[inline(always)]
    fn pop_one(&mut self) -> Option<T> {
        let mut guard = self.take(1).ok()?;
        (&mut guard).next().copied()
    }
}
