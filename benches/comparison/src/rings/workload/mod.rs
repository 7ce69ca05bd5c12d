//! The measured loops. Each is a function that is compiled for one queue alone.
//!
//! Every loop checks each item that arrives: all its words, and its place in the order. It says so at its end, since a
//! consumer that stops half-way leaves its producers waiting for ever.

pub(crate) mod batch;
pub(crate) mod blocking;
pub(crate) mod contend;
pub(crate) mod many;
pub(crate) mod ping_pong;
pub(crate) mod stream;
pub(crate) mod uncontended;
pub(crate) mod wake;

use std::time::Duration;

use shared_nothing_affinity::CpuId;

/// What a run is given.
#[derive(Clone, Copy)]
pub(crate) struct Plan<'a> {
    /// How many items the measured part moves, about.
    pub(crate) items: u64,
    /// Thread `i` runs on the `i`th of them, from the first again when they are used up.
    pub(crate) cpus: &'a [CpuId],
}

/// What a run found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sample {
    /// Nanoseconds an item; the median where single round trips are timed.
    pub(crate) ns: f64,
    /// What lies above, where single round trips are timed.
    pub(crate) tail: Option<Tail>,
}

/// The slow ones of single times, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tail {
    /// The 99th of a hundred.
    pub(crate) p99: f64,
    /// The 999th of a thousand, where there were as many.
    pub(crate) p999: Option<f64>,
    pub(crate) max: f64,
}

impl Sample {
    pub(crate) fn mean(time: Duration, items: u64) -> Self {
        Self {
            ns: time.as_secs_f64() * 1e9 / items as f64,
            tail: None,
        }
    }

    /// Of single times in nanoseconds.
    ///
    /// # Panics
    ///
    /// If there is none.
    fn percentiles(times: &mut [u32]) -> Self {
        times.sort_unstable();
        let at = |thousandths: usize| f64::from(times[(times.len() - 1) * thousandths / 1000]);
        Self {
            ns: at(500),
            tail: Some(Tail {
                p99: at(990),
                p999: (times.len() >= 1000).then(|| at(999)),
                max: at(1000),
            }),
        }
    }
}

/// A time as it is kept where each is timed: from 0 to 4 seconds, longer ones as 4.
fn whole_ns(time: Duration) -> u32 {
    u32::try_from(time.as_nanos()).unwrap_or(u32::MAX)
}

/// A workload made for one queue.
pub(crate) type Run = fn(Plan<'_>) -> Sample;

/// How many items pass before the clock starts: twice round the ring.
const WARM_UP: u64 = 2 * super::peer::CAPACITY as u64;

/// # Panics
///
/// If a loop saw an item that it should not have seen.
#[track_caller]
fn assert_right(differs: u64) {
    assert_eq!(differs, 0, "an item was lost, repeated, reordered or torn");
}

/// The checks of the loops: a queue that hands out one wrong item must fail in each of them.
#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    use super::*;
    use crate::rings::peer::{
        Fill, Peer, Pop, PopSlice, Push, PushSlice, RecvWaiting, Shape, Sweep,
    };

    /// Hands one item out twice and loses the next, if told so.
    struct Faulty<const IS_FAULTY: bool>;

    struct Rx<const IS_FAULTY: bool> {
        queue: Receiver<u64>,
        popped: u64,
        kept: Option<u64>,
    }

    impl<const IS_FAULTY: bool> Peer<u64> for Faulty<IS_FAULTY> {
        type Tx = SyncSender<u64>;
        type Rx = Rx<IS_FAULTY>;

        fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
            let (tx, queue) = sync_channel(shape.capacity);
            let rx = Rx {
                queue,
                popped: 0,
                kept: None,
            };
            (vec![tx; shape.producers], vec![rx])
        }
    }

    impl<const IS_FAULTY: bool> Pop<u64> for Rx<IS_FAULTY> {
        fn pop_one(&mut self) -> Option<u64> {
            if let Some(item) = self.kept.take() {
                return Some(item);
            }
            let item = self.queue.try_recv().ok()?;
            self.popped += 1;
            if IS_FAULTY && self.popped == WARM_UP + 10 {
                self.queue.recv().expect("more items follow");
                self.kept = Some(item);
            }
            Some(item)
        }
    }

    impl<const IS_FAULTY: bool> RecvWaiting for Rx<IS_FAULTY> {
        fn recv_one(&mut self) -> u64 {
            loop {
                if let Some(item) = self.pop_one() {
                    return item;
                }
                std::thread::yield_now();
            }
        }
    }

    impl PushSlice for SyncSender<u64> {
        fn push_slice(&mut self, items: &[u64]) -> usize {
            items
                .iter()
                .take_while(|item| self.push_one(**item))
                .count()
        }
    }

    impl<const IS_FAULTY: bool> PopSlice for Rx<IS_FAULTY> {
        fn pop_slice(&mut self, into: &mut [u64]) -> usize {
            let Some(item) = self.pop_one() else { return 0 };
            into[0] = item;
            1
        }
    }

    impl Fill for SyncSender<u64> {
        fn fill(&mut self, max: usize, mut next: impl FnMut() -> u64) -> usize {
            for _ in 0..max {
                self.send(next()).expect("the consumer is there");
            }
            max
        }
    }

    impl<const IS_FAULTY: bool> Sweep for Rx<IS_FAULTY> {
        fn sweep(&mut self, _max: usize, mut see: impl FnMut(u64)) -> usize {
            let Some(item) = self.pop_one() else { return 0 };
            see(item);
            1
        }
    }

    fn passes(run: Run) -> bool {
        let cpus: Vec<CpuId> = shared_nothing_affinity::usable_cpus()
            .expect("a running thread has a CPU")
            .iter()
            .collect();
        let plan = Plan {
            items: 10_000,
            cpus: &cpus,
        };
        std::panic::catch_unwind(|| run(plan)).is_ok()
    }

    #[test]
    fn a_repeated_item_is_seen() {
        macro_rules! runs {
            ($faulty:literal) => {
                [
                    stream::apart::<u64, Faulty<$faulty>>,
                    stream::packed::<u64, Faulty<$faulty>>,
                    batch::copied::<Faulty<$faulty>>,
                    batch::in_place::<Faulty<$faulty>>,
                    many::mpsc::<Faulty<$faulty>, 1>,
                    many::mpmc::<Faulty<$faulty>, 1, 1>,
                    contend::fill_and_drain::<Faulty<$faulty>>,
                    blocking::stream::<Faulty<$faulty>>,
                ] as [Run; 8]
            };
        }
        for (index, (right, faulty)) in runs!(false).into_iter().zip(runs!(true)).enumerate() {
            assert!(passes(right), "workload {index} refuses a right queue");
            assert!(!passes(faulty), "workload {index} accepts a faulty queue");
        }
    }
}
