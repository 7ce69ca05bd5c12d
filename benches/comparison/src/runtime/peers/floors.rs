//! The least that the machine takes: a place for one message between two threads, awaited by spinning or in a futex.

use std::{
    future::Future,
    hint::spin_loop,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use atomic_wait::{wait, wake_one};
use comparison::report::{Class, Kind};
use shared_nothing_affinity::CpuId;

use super::channels::ends;
use crate::runtime::{
    drive::block_on_ready,
    pair::{self, Pair, Rx, Tx},
    peer::{Figures, Peer},
    plan::Plan,
    row::Row,
};

/// A place between two threads, whose reader spins or parks.
pub(crate) struct Place<const PARKS: bool>;

pub(crate) const SPIN: Place<false> = Place;
pub(crate) const FUTEX: Place<true> = Place;

impl<const PARKS: bool> Peer for Place<PARKS> {
    fn name(&self) -> &'static str {
        if PARKS { "futex" } else { "spin" }
    }

    fn kind(&self) -> Kind {
        Kind::Floor
    }

    fn class(&self, _: Row) -> Class {
        if PARKS { Class::Plain } else { Class::Awake }
    }

    fn rows(&self) -> Vec<Row> {
        let awake = [Row::Call, Row::Wake];
        if PARKS {
            [&awake[..], &[Row::Idle]].concat()
        } else {
            awake.into()
        }
    }

    fn run(&self, row: Row, plan: Plan) -> Figures {
        pair::run::<Self>(row, plan)
    }
}

const EMPTY: u32 = 0;
const FULL: u32 = 1;
const CLOSED: u32 = 2;

#[repr(align(128))]
#[derive(Default)]
struct Line {
    state: AtomicU32,
    message: AtomicU64,
}

pub(crate) struct Writer<const PARKS: bool>(Arc<Line>);
pub(crate) struct Reader<const PARKS: bool>(Arc<Line>);

fn line<const PARKS: bool>(_: usize) -> (Writer<PARKS>, Reader<PARKS>) {
    let line = Arc::new(Line::default());
    (Writer(Arc::clone(&line)), Reader(line))
}

impl<const PARKS: bool> Pair for Place<PARKS> {
    ends!(Writer<PARKS>, Reader<PARKS>, line);

    fn block_on<T, F>(_: CpuId, code: impl FnOnce() -> F + Send + 'static) -> T
    where
        T: Send + 'static,
        F: Future<Output = T> + 'static,
    {
        block_on_ready(code())
    }
}

impl<const PARKS: bool> Writer<PARKS> {
    fn set(&self, state: u32) {
        self.0.state.store(state, Ordering::Release);
        if PARKS {
            wake_one(&self.0.state);
        }
    }
}

impl<const PARKS: bool> Tx for Writer<PARKS> {
    async fn send(&mut self, message: u64) {
        while !self.try_send(message) {
            spin_loop();
        }
    }

    fn try_send(&mut self, message: u64) -> bool {
        if self.0.state.load(Ordering::Acquire) != EMPTY {
            return false;
        }
        self.0.message.store(message, Ordering::Relaxed);
        self.set(FULL);
        true
    }
}

impl<const PARKS: bool> Drop for Writer<PARKS> {
    fn drop(&mut self) {
        while self.0.state.load(Ordering::Acquire) == FULL {
            spin_loop();
        }
        self.set(CLOSED);
    }
}

impl<const PARKS: bool> Rx for Reader<PARKS> {
    async fn recv(&mut self) -> Option<u64> {
        while self.0.state.load(Ordering::Acquire) == EMPTY {
            if PARKS {
                wait(&self.0.state, EMPTY);
            } else {
                spin_loop();
            }
        }
        self.try_recv()
    }

    fn try_recv(&mut self) -> Option<u64> {
        if self.0.state.load(Ordering::Acquire) != FULL {
            return None;
        }
        let message = self.0.message.load(Ordering::Relaxed);
        self.0.state.store(EMPTY, Ordering::Release);
        Some(message)
    }
}
