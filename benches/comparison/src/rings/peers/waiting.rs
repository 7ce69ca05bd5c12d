//! The calls that wait: our channels with each kind of wait, the rivals that block, and the least that parks.

use std::{
    marker::PhantomData,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, AtomicU64, Ordering},
        mpsc as std_mpsc,
    },
    thread::{self, Thread},
};

use shared_nothing_rings::{
    channel::{self, Bells, BellsRef, Receiver, Sender},
    ends::{PopEnd, PushEnd},
    mpsc, spsc,
    wait::Wait,
};

use super::{clones, gil::non_zero};
use crate::rings::peer::{Item, Peer, RecvWaiting, SendWaiting, Shape};

const GONE: &str = "the other end is there to the end of the run";

/// A channel over `spsc` as this project makes it: its ends spin a little, then park.
pub(crate) struct SpscPark;
/// The same over `mpsc`.
pub(crate) struct MpscPark;
/// A channel over `spsc` whose ends wait by `W`.
pub(crate) struct SpscBy<W>(PhantomData<W>);
/// A channel over `mpsc` whose ends wait by `W`.
pub(crate) struct MpscBy<W>(PhantomData<W>);

impl<T: Item> Peer<T> for SpscPark {
    type Tx = channel::SpscSender<T>;
    type Rx = channel::SpscReceiver<T>;

    fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        let (tx, rx) = channel::spsc(shape.capacity).expect("the capacity is small");
        (vec![tx], vec![rx])
    }
}

impl<T: Item> Peer<T> for MpscPark {
    type Tx = channel::MpscSender<T>;
    type Rx = channel::MpscReceiver<T>;

    fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        let (tx, rx) = channel::mpsc(shape.capacity).expect("the capacity is small");
        (clones(tx, shape.producers), vec![rx])
    }
}

impl<T: Item, W: Wait + Default + Send + Sync + 'static> Peer<T> for SpscBy<W> {
    type Tx = Sender<spsc::Producer<'static, T>, Arc<Bells<W>>>;
    type Rx = Receiver<spsc::Consumer<'static, T>, Arc<Bells<W>>>;

    fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        let ends = spsc::with_capacity(shape.capacity).expect("the capacity is small");
        let (tx, rx) = channel::join(ends, Arc::default());
        (vec![tx], vec![rx])
    }
}

impl<T: Item, W: Wait + Default + Send + Sync + 'static> Peer<T> for MpscBy<W> {
    type Tx = Sender<mpsc::Producer<'static, T>, Arc<Bells<W>>>;
    type Rx = Receiver<mpsc::Consumer<'static, T>, Arc<Bells<W>>>;

    fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        let ends = mpsc::with_capacity(shape.capacity).expect("the capacity is small");
        let (tx, rx) = channel::join(ends, Arc::default());
        (clones(tx, shape.producers), vec![rx])
    }
}

impl<P: PushEnd<Item = u64>, B: BellsRef> SendWaiting for Sender<P, B> {
    #[inline(always)]
    fn send_one(&mut self, item: u64) {
        self.send(item).expect(GONE);
    }
}

impl<C: PopEnd<Item = u64>, B: BellsRef> RecvWaiting for Receiver<C, B> {
    #[inline(always)]
    fn recv_one(&mut self) -> u64 {
        self.recv().expect(GONE)
    }
}

pub(crate) struct GilSpscParking;
pub(crate) struct CrossfireSpsc;
pub(crate) struct CrossfireMpmc;

impl Peer<u64> for GilSpscParking {
    type Tx = gil::spsc::parking::Sender<u64>;
    type Rx = gil::spsc::parking::Receiver<u64>;

    fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        let (tx, rx) = gil::spsc::parking::channel(non_zero(shape.capacity));
        (vec![tx], vec![rx])
    }
}

impl Peer<u64> for CrossfireSpsc {
    type Tx = crossfire::Tx<crossfire::spsc::Array<u64>>;
    type Rx = crossfire::Rx<crossfire::spsc::Array<u64>>;

    fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        let (tx, rx) = crossfire::spsc::bounded_blocking(shape.capacity);
        (vec![tx], vec![rx])
    }
}

impl Peer<u64> for CrossfireMpmc {
    type Tx = crossfire::MTx<crossfire::mpmc::Array<u64>>;
    type Rx = crossfire::MRx<crossfire::mpmc::Array<u64>>;

    fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        let (tx, rx) = crossfire::mpmc::bounded_blocking(shape.capacity);
        (clones(tx, shape.producers), clones(rx, shape.consumers))
    }
}

/// Implements [`SendWaiting`] and [`RecvWaiting`] for two types by one expression each.
macro_rules! send_recv {
    ($tx:ty, $rx:ty, |$send:ident, $item:ident| $do_send:expr, |$recv:ident| $do_recv:expr) => {
        impl SendWaiting for $tx {
            #[inline(always)]
            fn send_one(&mut self, $item: u64) {
                let $send = self;
                $do_send
            }
        }

        impl RecvWaiting for $rx {
            #[inline(always)]
            fn recv_one(&mut self) -> u64 {
                let $recv = self;
                $do_recv
            }
        }
    };
}

send_recv!(
    gil::spsc::parking::Sender<u64>,
    gil::spsc::parking::Receiver<u64>,
    |tx, item| tx.send(item),
    |rx| rx.recv()
);

send_recv!(
    crossfire::Tx<crossfire::spsc::Array<u64>>,
    crossfire::Rx<crossfire::spsc::Array<u64>>,
    |tx, item| tx.send(item).expect(GONE),
    |rx| rx.recv().expect(GONE)
);

send_recv!(
    crossfire::MTx<crossfire::mpmc::Array<u64>>,
    crossfire::MRx<crossfire::mpmc::Array<u64>>,
    |tx, item| tx.send(item).expect(GONE),
    |rx| rx.recv().expect(GONE)
);

send_recv!(
    omango::queue::spsc::BSender<u64>,
    omango::queue::spsc::BReceiver<u64>,
    |tx, item| tx.send(item).expect(GONE),
    |rx| rx.recv().expect(GONE)
);

send_recv!(
    std_mpsc::SyncSender<u64>,
    std_mpsc::Receiver<u64>,
    |tx, item| tx.send(item).expect(GONE),
    |rx| rx.recv().expect(GONE)
);

send_recv!(
    kanal::Sender<u64>,
    kanal::Receiver<u64>,
    |tx, item| tx.send(item).expect(GONE),
    |rx| rx.recv().expect(GONE)
);

send_recv!(
    crossbeam_channel::Sender<u64>,
    crossbeam_channel::Receiver<u64>,
    |tx, item| tx.send(item).expect(GONE),
    |rx| rx.recv().expect(GONE)
);

send_recv!(
    flume::Sender<u64>,
    flume::Receiver<u64>,
    |tx, item| tx.send(item).expect(GONE),
    |rx| rx.recv().expect(GONE)
);

/// A floor, not a queue: one word on which the receiver sleeps in the kernel, woken by every send. It has room for one
/// number, which may not be 0, and takes the next only when that one is gone.
pub(crate) struct Futex;

impl Peer<u64> for Futex {
    type Tx = Arc<AtomicU32>;
    type Rx = Arc<AtomicU32>;

    fn make(_: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        let word = Arc::new(AtomicU32::new(0));
        (vec![Arc::clone(&word)], vec![word])
    }
}

send_recv!(
    Arc<AtomicU32>,
    Arc<AtomicU32>,
    |word, item| {
        word.store(item as u32, Ordering::Release);
        atomic_wait::wake_one(&raw const **word);
    },
    |word| loop {
        match word.swap(0, Ordering::Acquire) {
            0 => atomic_wait::wait(word, 0),
            item => break item.into(),
        }
    }
);

/// As [`Futex`], but parks and unparks by the standard library.
pub(crate) struct StdPark;

#[derive(Default)]
pub(crate) struct Parked {
    word: AtomicU64,
    /// Who parks: known from the first receive on.
    thread: OnceLock<Thread>,
}

impl Peer<u64> for StdPark {
    type Tx = Arc<Parked>;
    type Rx = Arc<Parked>;

    fn make(_: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
        let parked = Arc::new(Parked::default());
        (vec![Arc::clone(&parked)], vec![parked])
    }
}

send_recv!(
    Arc<Parked>,
    Arc<Parked>,
    |parked, item| {
        parked.word.store(item, Ordering::Release);
        parked.thread.wait().unpark();
    },
    |parked| {
        parked.thread.get_or_init(thread::current);
        loop {
            match parked.word.swap(0, Ordering::Acquire) {
                0 => thread::park(),
                item => break item,
            }
        }
    }
);
