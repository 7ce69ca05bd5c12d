//! Lanes against a `VecDeque` a lane. Which lane gives the next value is checked by its value alone: order and fairness
//! have tests of their own.

use std::{cmp::min, collections::VecDeque};

use shared_nothing_rings::{
    TryPopError, TryPushError, TryReserveError,
    lanes::{self, Consumer, Producer},
};

use super::{Mint, Op, Setup, Source, Value};

struct Model {
    queue: VecDeque<u32>,
    /// Slots emptied by a drain and not yet given back, at most.
    held: usize,
}

struct Replay {
    capacity: usize,
    txs: Vec<Option<Producer<'static, Value>>>,
    rx: Consumer<'static, Value>,
    mint: Mint,
    models: Vec<Model>,
}

/// Takes all steps, drops the ends and counts the values.
pub(crate) fn replay(setup: Setup, lanes: usize, ops: &[Op]) {
    let (txs, rx) =
        lanes::with_capacity_at(lanes, setup.capacity, setup.start).expect("a small ring");
    let model = || Model {
        queue: VecDeque::new(),
        held: 0,
    };
    let mut replay = Replay {
        capacity: setup.capacity,
        txs: txs.map(Some).collect(),
        rx,
        mint: Mint::new(),
        models: (0..lanes).map(|_| model()).collect(),
    };
    for &op in ops {
        replay.step(op);
        replay.check_counts();
    }
    let Replay { txs, rx, mint, .. } = replay;
    if setup.consumer_last {
        drop(txs);
        drop(rx);
    } else {
        drop(rx);
        drop(txs);
    }
    mint.assert_all_dropped();
}

impl Replay {
    fn step(&mut self, op: Op) {
        let lane = self.mint.peek() as usize * 7 / 5 % self.models.len();
        match op {
            Op::Push => self.push(lane),
            Op::PushIter { says, has } => self.push_iter(lane, says, has),
            Op::Pop => {
                let got = self.rx.try_pop();
                self.models.iter_mut().for_each(|model| model.held = 0);
                self.took(got);
            }
            Op::Drain {
                max,
                take,
                push,
                forget,
            } => self.drain(lane, max, take, push, forget),
            Op::Reserve { want } => self.reserve(lane, usize::from(want) + 1),
            Op::Fill { which } => {
                let which = usize::from(which) % self.txs.len();
                if let Some(tx) = &mut self.txs[which] {
                    tx.end_burst();
                }
            }
            Op::Leave { which } => {
                let which = usize::from(which) % self.txs.len();
                self.txs[which] = None;
            }
            _ => {}
        }
    }

    fn free(&self, lane: usize) -> usize {
        self.capacity - self.models[lane].queue.len()
    }

    fn push(&mut self, lane: usize) {
        let free = self.free(lane);
        let Some(tx) = &mut self.txs[lane] else {
            return;
        };
        let number = self.mint.peek();
        match tx.try_push(self.mint.coin()) {
            Ok(()) => {
                assert!(free > 0);
                self.models[lane].queue.push_back(number);
            }
            Err(TryPushError::Full(value)) => {
                assert!(free <= self.models[lane].held);
                assert_eq!(value.number, number);
            }
            Err(TryPushError::Closed(_)) => panic!("nobody has closed"),
        }
    }

    fn push_iter(&mut self, lane: usize, says: u8, has: u8) {
        let free = self.free(lane);
        let Some(tx) = &mut self.txs[lane] else {
            return;
        };
        let number = self.mint.peek();
        let mut source = Source::new(&mut self.mint, says, has);
        let got = tx.try_push_iter(&mut source);
        let held = self.models[lane].held;
        let pushed = match got {
            Err(TryReserveError::Full) => {
                assert!(free <= held);
                0
            }
            Err(TryReserveError::Closed) => panic!("nobody has closed"),
            Ok(pushed) => pushed,
        };
        assert_eq!(source.has.len(), usize::from(has) - pushed);
        if says != 0 && got.is_ok() {
            assert!(pushed >= min(usize::from(has), free.saturating_sub(held)) && pushed <= free);
        }
        self.models[lane].queue.extend((number..).take(pushed));
    }

    /// Checks a value against the lane it must have come from.
    fn took(&mut self, got: Result<Value, TryPopError>) {
        match got {
            Ok(value) => {
                let front = |model: &&mut Model| model.queue.front() == Some(&value.number);
                let model = self.models.iter_mut().find(front);
                model.expect("the oldest of some lane").queue.pop_front();
            }
            Err(why) => {
                assert!(self.models.iter().all(|model| model.queue.is_empty()));
                let gone = self.txs.iter().all(Option::is_none);
                assert_eq!(why == TryPopError::Closed, gone);
            }
        }
    }

    fn drain(&mut self, lane: usize, max: u8, take: u8, push: bool, forget: bool) {
        let mut left: usize = self.models.iter().map(|model| model.queue.len()).sum();
        left = min(left, usize::from(max));
        let mut got = Vec::new();
        let mut drain = self.rx.drain(usize::from(max));
        for _ in 0..take {
            let value = drain.next();
            assert_eq!(value.is_some(), left > 0);
            left = left.saturating_sub(1);
            got.extend(value);
        }
        if forget {
            std::mem::forget(drain);
        } else {
            drop(drain);
        }
        for value in got {
            self.took(Ok(value));
            // Not known from which lane; any may hold as many.
            if forget {
                self.models.iter_mut().for_each(|model| model.held += 1);
            }
        }
        if push {
            self.push(lane);
        }
    }

    fn reserve(&mut self, lane: usize, want: usize) {
        let free = self.free(lane);
        let held = self.models[lane].held;
        let Some(tx) = &mut self.txs[lane] else {
            return;
        };
        let number = self.mint.peek();
        match tx.reserve(want) {
            Ok(mut grant) => {
                let count = grant.len();
                assert!(count >= min(want, free.saturating_sub(held)) && count <= min(want, free));
                let (first, second) = grant.as_uninit();
                for slot in first.iter_mut().chain(second) {
                    slot.write(self.mint.coin());
                }
                // SAFETY: all are written.
                unsafe { grant.commit(count) };
                self.models[lane].queue.extend((number..).take(count));
            }
            Err(why) => assert!(why == TryReserveError::Full && free <= held),
        }
    }

    fn check_counts(&self) {
        for (tx, model) in self.txs.iter().zip(&self.models) {
            if let Some(tx) = tx {
                let len = tx.len();
                assert!(len >= model.queue.len() && len <= model.queue.len() + model.held);
            }
        }
        let len: usize = self.models.iter().map(|model| model.queue.len()).sum();
        assert_eq!(self.rx.len(), len);
        assert_eq!(self.rx.is_empty(), len == 0);
    }
}
