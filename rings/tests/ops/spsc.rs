//! The single-producer ring against a `VecDeque`.

use std::{cmp::min, collections::VecDeque};

use shared_nothing_rings::{
    TryPopError, TryPushError, TryReserveError,
    spsc::{self, Consumer, Producer},
};

use super::{Mint, Op, Setup, Source, Value};

struct Replay {
    capacity: usize,
    tx: Option<Producer<'static, Value>>,
    rx: Consumer<'static, Value>,
    mint: Mint,
    /// Numbers of the values in the ring.
    model: VecDeque<u32>,
    /// Slots emptied by a drain and not yet given back.
    held: usize,
    consumer_closed: bool,
}

/// Takes all steps, drops the ends and counts the values.
pub(crate) fn replay(setup: Setup, ops: &[Op]) {
    let (tx, rx) = spsc::with_capacity_at(setup.capacity, setup.start).expect("a small ring");
    let mut replay = Replay {
        capacity: setup.capacity,
        tx: Some(tx),
        rx,
        mint: Mint::new(),
        model: VecDeque::new(),
        held: 0,
        consumer_closed: false,
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
            Op::PushIter { has, .. } => self.push_iter(has),
            Op::Pop => self.pop(),
            Op::Drain {
                max,
                take,
                push,
                forget,
            } => self.drain(max, take, push, forget),
            Op::CloseTx => {
                if let Some(mut tx) = self.tx.take() {
                    tx.close();
                }
            }
            Op::CloseRx => {
                self.rx.close();
                self.consumer_closed = true;
            }
            Op::Commit { want, commit } => self.commit(usize::from(want) + 1, commit.into()),
            Op::Consume { max, consume } => self.consume(max.into(), consume.into()),
            Op::Clone | Op::Leave { .. } => {}
            Op::Reserve { .. } | Op::Fill { .. } | Op::GiveUp { .. } => {}
        }
    }

    fn free(&self) -> usize {
        self.capacity - self.model.len() - self.held
    }

    fn refusal(&self) -> Option<TryReserveError> {
        if self.consumer_closed {
            Some(TryReserveError::Closed)
        } else if self.free() == 0 {
            Some(TryReserveError::Full)
        } else {
            None
        }
    }

    fn push(&mut self) {
        let refusal = self.refusal();
        let Some(tx) = &mut self.tx else { return };
        let number = self.mint.peek();
        let got = tx.try_push(self.mint.coin());
        match refusal {
            None => {
                assert_eq!(got, Ok(()));
                self.model.push_back(number);
            }
            Some(TryReserveError::Full) => {
                assert!(matches!(got, Err(TryPushError::Full(value)) if value.number == number));
            }
            Some(TryReserveError::Closed) => {
                assert!(matches!(got, Err(TryPushError::Closed(value)) if value.number == number));
            }
        }
    }

    fn push_iter(&mut self, has: u8) {
        let (refusal, free) = (self.refusal(), self.free());
        let Some(tx) = &mut self.tx else { return };
        let number = self.mint.peek();
        let mut source = Source::new(&mut self.mint, has, has);
        let got = tx.try_push_iter(&mut source);
        let pushed = match refusal {
            Some(refusal) if has > 0 => {
                assert_eq!(got, Err(refusal));
                0
            }
            _ => {
                let pushed = min(free, usize::from(has));
                assert_eq!(got, Ok(pushed));
                pushed
            }
        };
        self.model.extend((number..).take(pushed));
        assert_eq!(source.has.len(), usize::from(has) - pushed);
    }

    fn pop(&mut self) {
        let got = self.rx.try_pop().map(|value| value.number);
        let why = match self.tx {
            Some(_) => TryPopError::Empty,
            None => TryPopError::Closed,
        };
        assert_eq!(got, self.model.pop_front().ok_or(why));
        self.held = 0;
    }

    fn drain(&mut self, max: u8, take: u8, push: bool, forget: bool) {
        let mut left = min(self.model.len(), usize::from(max));
        let mut drain = self.rx.drain(usize::from(max));
        // What an earlier drain still held came back just now.
        self.held = 0;
        for _ in 0..take {
            assert_eq!(drain.len(), left);
            let want = (left > 0).then(|| self.model.pop_front()).flatten();
            assert_eq!(drain.next().map(|value| value.number), want);
            if want.is_some() {
                left -= 1;
                self.held += 1;
            }
        }
        if push {
            let number = self.mint.peek();
            let room = self.capacity - self.model.len() - self.held;
            if let Some(tx) = &mut self.tx {
                let got = tx.try_push(self.mint.coin());
                assert_eq!(got.is_ok(), !self.consumer_closed && room > 0);
                if got.is_ok() {
                    self.model.push_back(number);
                }
            }
        }
        if forget {
            std::mem::forget(drain);
        } else {
            drop(drain);
            self.held = 0;
        }
    }

    fn commit(&mut self, want: usize, commit: usize) {
        let (refusal, free) = (self.refusal(), self.free());
        let Some(tx) = &mut self.tx else { return };
        let mut grant = match (tx.reserve(want), refusal) {
            (Ok(grant), None) => grant,
            (got, want) => return assert_eq!(got.err(), want),
        };
        // What the producer knows of the free slots may be old, but not when it asks for more.
        assert!(grant.len() == min(free, want));
        let commit = min(commit, grant.len());
        let (first, second) = grant.as_uninit();
        for slot in first.iter_mut().chain(second).take(commit) {
            self.model.push_back(self.mint.peek());
            slot.write(self.mint.coin());
        }
        // SAFETY: the loop wrote as many.
        unsafe { grant.commit(commit) };
    }

    fn consume(&mut self, max: usize, consume: usize) {
        let peek = self.rx.peek(max);
        let (first, second) = peek.as_slices();
        let seen = first.iter().chain(second).map(|value| value.number);
        assert!(seen.eq(self.model.iter().copied().take(max)));
        let consume = min(consume, peek.len());
        peek.consume(consume);
        self.model.drain(..consume);
        self.held = 0;
    }

    fn check_counts(&self) {
        assert_eq!(self.rx.len(), self.model.len());
        assert_eq!(self.rx.is_closed(), self.tx.is_none());
        if let Some(tx) = &self.tx {
            assert_eq!(tx.len(), self.model.len() + self.held);
            assert_eq!(tx.is_closed(), self.consumer_closed);
        }
    }
}
