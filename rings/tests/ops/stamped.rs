//! The ring of stamped slots with one producer against a `VecDeque`.

use std::{cmp::min, collections::VecDeque};

use shared_nothing_rings::{
    TryPopError, TryPushError, TryReserveError,
    stamped::{self, Consumer, Producer},
};

use super::{Mint, Op, Setup, Source, Value};

struct Replay {
    /// Nothing once it has left.
    tx: Option<Producer<'static, Value>>,
    rx: Consumer<'static, Value>,
    mint: Mint,
    capacity: usize,
    values: VecDeque<u32>,
    /// The producer is to push no more.
    refusing: bool,
    /// It knows, and has told the consumer.
    finished: bool,
}

/// Takes all steps, drops the ends and counts the values.
pub(crate) fn replay(setup: Setup, ops: &[Op]) {
    let (tx, rx) = stamped::with_capacity_at(setup.capacity, setup.start).expect("a small ring");
    let mut replay = Replay {
        tx: Some(tx),
        rx,
        mint: Mint::new(),
        capacity: setup.capacity,
        values: VecDeque::new(),
        refusing: false,
        finished: false,
    };
    for &op in ops {
        replay.step(op);
        replay.check_counts();
    }
    let Replay { tx, rx, mint, .. } = replay;
    if setup.consumer_last {
        drop(tx);
        drop(rx);
    } else {
        drop(rx);
        drop(tx);
    }
    mint.assert_all_dropped();
}

impl Replay {
    fn step(&mut self, op: Op) {
        match op {
            Op::Push => self.push(),
            Op::PushIter { says, has } => self.push_iter(says, has),
            Op::Pop => self.pop(),
            Op::Drain {
                max,
                take,
                push,
                forget,
            } => self.drain(max, take, push, forget),
            Op::Commit { want, commit } => self.fill(usize::from(want) + 1, commit),
            Op::CloseTx => {
                if let Some(tx) = &mut self.tx {
                    tx.close();
                    (self.refusing, self.finished) = (true, true);
                }
            }
            Op::CloseRx => {
                self.rx.close();
                self.refusing = true;
            }
            Op::Leave { which } => {
                // It would leave too early in most runs.
                if which < 30 {
                    self.tx = None;
                    (self.refusing, self.finished) = (true, true);
                }
            }
            Op::Consume { .. }
            | Op::Clone
            | Op::Reserve { .. }
            | Op::Fill { .. }
            | Op::GiveUp { .. } => {}
        }
    }

    /// What a push is told. It also tells the consumer if the ring is closed.
    fn refusal(&mut self) -> Option<TryReserveError> {
        self.finished |= self.refusing;
        if self.refusing {
            Some(TryReserveError::Closed)
        } else if self.values.len() == self.capacity {
            Some(TryReserveError::Full)
        } else {
            None
        }
    }

    fn push(&mut self) {
        let number = self.mint.peek();
        let Some(tx) = &mut self.tx else { return };
        let got = tx.try_push(self.mint.coin());
        match self.refusal() {
            None => {
                assert_eq!(got, Ok(()));
                self.values.push_back(number);
            }
            Some(TryReserveError::Full) => {
                assert!(matches!(got, Err(TryPushError::Full(value)) if value.number == number));
            }
            Some(TryReserveError::Closed) => {
                assert!(matches!(got, Err(TryPushError::Closed(value)) if value.number == number));
            }
        }
    }

    fn push_iter(&mut self, says: u8, has: u8) {
        let number = self.mint.peek();
        let Some(tx) = &mut self.tx else { return };
        let mut source = Source::new(&mut self.mint, says, has);
        let got = tx.try_push_iter(&mut source);
        let left = source.has.len();
        if says == 0 {
            assert_eq!((got, left), (Ok(0), usize::from(has)));
            return;
        }
        if let Some(refusal) = self.refusal() {
            assert_eq!((got, left), (Err(refusal), usize::from(has)));
            return;
        }
        let pushed = min(self.capacity - self.values.len(), usize::from(has));
        assert_eq!((got, left), (Ok(pushed), usize::from(has) - pushed));
        self.values.extend((number..).take(pushed));
    }

    fn fill(&mut self, want: usize, fill: u8) {
        let refusal = self.refusal();
        let free = self.capacity - self.values.len();
        let Some(tx) = &mut self.tx else { return };
        match (tx.reserve(want), refusal) {
            (Ok(mut grant), None) => {
                assert_eq!(grant.remaining(), min(free, want));
                for _ in 0..fill {
                    let number = self.mint.peek();
                    let room = grant.remaining() != 0;
                    assert_eq!(grant.push(self.mint.coin()).is_ok(), room);
                    if room {
                        self.values.push_back(number);
                    }
                }
            }
            (got, want) => assert_eq!(got.err(), want),
        }
    }

    fn pop(&mut self) {
        let got = self.rx.try_pop().map(|value| value.number);
        let why = if self.finished {
            TryPopError::Closed
        } else {
            TryPopError::Empty
        };
        assert_eq!(got, self.values.pop_front().ok_or(why));
    }

    fn drain(&mut self, max: u8, take: u8, push: bool, forget: bool) {
        let mut drain = self.rx.drain(usize::from(max));
        let mut left = max;
        for _ in 0..take {
            let want = (left > 0).then(|| self.values.pop_front()).flatten();
            left = if want.is_some() { left - 1 } else { 0 };
            assert_eq!(drain.next().map(|value| value.number), want);
        }
        if let (true, Some(tx)) = (push, &mut self.tx) {
            let number = self.mint.peek();
            let got = tx.try_push(self.mint.coin());
            self.finished |= self.refusing;
            if !self.refusing && self.values.len() < self.capacity {
                assert_eq!(got, Ok(()));
                self.values.push_back(number);
            } else {
                assert!(got.is_err());
            }
        }
        if forget {
            std::mem::forget(drain);
        }
    }

    fn check_counts(&self) {
        assert_eq!(self.rx.is_closed(), self.finished);
        assert_eq!(self.rx.len(), self.values.len());
        if let Some(tx) = &self.tx {
            assert_eq!(tx.len(), self.values.len());
            assert_eq!(tx.is_closed(), self.refusing);
        }
    }
}
