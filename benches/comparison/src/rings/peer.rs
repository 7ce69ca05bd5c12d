//! What a queue must offer to be measured, and the items that go through it.
//!
//! A workload asks for the traits that it needs, so that a queue without batches is not measured with a loop in place
//! of one.

/// How many items a queue holds in all workloads but `mpsc_contend`. A constant, because some queues want one.
pub(crate) const CAPACITY: usize = 1024;

/// How large a batch is.
pub(crate) const BATCH: usize = 64;

/// What is asked of a queue when it is made.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) capacity: usize,
    pub(crate) producers: usize,
    pub(crate) consumers: usize,
}

impl Shape {
    pub(crate) const SPSC: Self = Self {
        capacity: CAPACITY,
        producers: 1,
        consumers: 1,
    };

    /// The capacity of each of `count` rings that together hold what is asked for.
    pub(crate) fn share_of(&self, count: usize) -> usize {
        self.capacity.div_ceil(count)
    }
}

/// A kind of queue.
pub(crate) trait Peer<T> {
    type Tx: Send + 'static;
    type Rx: Send + 'static;

    /// A new queue: as many ends of each kind as `shape` says.
    fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>);

    /// A new queue with one end of each kind.
    fn make_pair() -> (Self::Tx, Self::Rx) {
        let (mut tx, mut rx) = Self::make(Shape::SPSC);
        (
            tx.pop().expect("a peer makes its ends"),
            rx.pop().expect("a peer makes its ends"),
        )
    }
}

/// Pushes one item. `false` if there was no room.
pub(crate) trait Push<T> {
    fn push_one(&mut self, item: T) -> bool;
}

/// Pops one item.
pub(crate) trait Pop<T> {
    fn pop_one(&mut self) -> Option<T>;
}

/// Sends one number, waiting while the queue is full.
pub(crate) trait SendWaiting {
    /// # Panics
    ///
    /// If the other end is gone.
    fn send_one(&mut self, item: u64);
}

/// Receives one number, waiting while the queue is empty.
pub(crate) trait RecvWaiting {
    /// # Panics
    ///
    /// If the other end is gone.
    fn recv_one(&mut self) -> u64;
}

/// Copies items from the front of a slice, and says how many.
pub(crate) trait PushSlice {
    fn push_slice(&mut self, items: &[u64]) -> usize;
}

/// Copies items to the front of a slice, and says how many.
pub(crate) trait PopSlice {
    fn pop_slice(&mut self, into: &mut [u64]) -> usize;
}

/// Writes up to `max` items where they will lie in the queue, publishes them together, and says how many.
pub(crate) trait Fill {
    fn fill(&mut self, max: usize, next: impl FnMut() -> u64) -> usize;
}

/// Shows up to `max` items where they lie in the queue, gives their places back together, and says how many.
pub(crate) trait Sweep {
    fn sweep(&mut self, max: usize, see: impl FnMut(u64)) -> usize;
}

/// An item made from a number, all of it.
pub(crate) trait Item: Copy + Send + Sync + Default + 'static {
    /// Its first word is `seq`, which is never 0.
    fn new(seq: u64) -> Self;

    /// 0 if it is `new(seq)` in every word.
    fn differs(&self, seq: u64) -> u64;
}

impl Item for u64 {
    #[inline(always)]
    fn new(seq: u64) -> Self {
        seq
    }

    #[inline(always)]
    fn differs(&self, seq: u64) -> u64 {
        self ^ seq
    }
}

impl<const N: usize> Item for [u64; N]
where
    Self: Default,
{
    #[inline(always)]
    fn new(seq: u64) -> Self {
        core::array::from_fn(|word| seq + word as u64)
    }

    #[inline(always)]
    fn differs(&self, seq: u64) -> u64 {
        let mut differs = 0;
        for (word, value) in self.iter().enumerate() {
            differs |= value ^ (seq + word as u64);
        }
        differs
    }
}

/// An item of 64 bytes.
pub(crate) type Bytes64 = [u64; 8];
/// An item of 256 bytes.
pub(crate) type Bytes256 = [u64; 32];
