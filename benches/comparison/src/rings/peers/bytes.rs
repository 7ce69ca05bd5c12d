//! Rivals that carry bytes: items are copied as such.

use std::sync::Arc;

use bbqueue::{
    BBQueue,
    nicknames::GogiGui,
    prod_cons::stream::{StreamConsumer, StreamProducer},
    traits::{coordination::cas::AtomicCoord, notifier::polling::Polling, storage::BoxedSlice},
};

use crate::rings::peer::{Peer, PopSlice, PushSlice, Shape};

pub(crate) struct Bbqueue;

type Queue = Arc<BBQueue<BoxedSlice, AtomicCoord, Polling>>;

impl Peer<u64> for Bbqueue {
    type Tx = StreamProducer<Queue>;
    type Rx = StreamConsumer<Queue>;

    fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        let bytes = BoxedSlice::new(shape.capacity * size_of::<u64>());
        let queue = GogiGui::new_with_storage(bytes);
        (vec![queue.stream_producer()], vec![queue.stream_consumer()])
    }
}

impl PushSlice for StreamProducer<Queue> {
    /// All or nothing: a grant of what is left may end within an item.
    #[inline(always)]
    fn push_slice(&mut self, items: &[u64]) -> usize {
        let Ok(mut grant) = self.grant_exact(size_of_val(items)) else {
            return 0;
        };
        for (bytes, item) in grant.chunks_exact_mut(size_of::<u64>()).zip(items) {
            bytes.copy_from_slice(&item.to_ne_bytes());
        }
        grant.commit(size_of_val(items));
        items.len()
    }
}

impl PopSlice for StreamConsumer<Queue> {
    #[inline(always)]
    fn pop_slice(&mut self, into: &mut [u64]) -> usize {
        let Ok(grant) = self.read() else {
            return 0;
        };
        let mut count = 0;
        for (bytes, item) in grant.chunks_exact(size_of::<u64>()).zip(into) {
            *item = u64::from_ne_bytes(bytes.try_into().unwrap_or_default());
            count += 1;
        }
        grant.release(count * size_of::<u64>());
        count
    }
}
