//! The ring of many producers against a `VecDeque` of places.

use std::{cmp::min, collections::VecDeque};

use shared_nothing_rings::{
    TryPopError, TryPushError, TryReserveError,
    mpsc::{self, Consumer, Grant, Producer},
};

use super::{Mint, Op, Setup, Source, Value};

/// What a claimed place holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The value of this number.
    Full(u32),
    /// A grant has it and may fill it.
    Open,
    /// Given up.
    Gap,
}

struct Model {
    capacity: usize,
    places: VecDeque<Place>,
    /// How many places were passed since the beginning: the number of the first in `places`.
    passed: usize,
    closed: bool,
}

struct OpenGrant<'g> {
    grant: Grant<'g, 'static, Value>,
    /// Number of the next place, counted as `Model::passed`.
    next: usize,
}

struct Replay<'g> {
    producers: Vec<Producer<'static, Value>>,
    /// Makes the grants, so that `producers` can come and go beside them.
    granter: Option<&'g Producer<'static, Value>>,
    grants: Vec<OpenGrant<'g>>,
    rx: Consumer<'static, Value>,
    mint: Mint,
    model: Model,
}

/// Takes all steps, drops the ends and counts the values.
pub(crate) fn replay(setup: Setup, ops: &[Op]) {
    let (tx, rx) = mpsc::with_capacity_at(setup.capacity, setup.start).expect("a small ring");
    let granter = setup.grants.then(|| tx.clone());
    let (producers, rx, mint) = take_steps(setup.capacity, tx, granter.as_ref(), rx, ops);
    if setup.consumer_last {
        drop((producers, granter));
        drop(rx);
    } else {
        drop(rx);
        drop((producers, granter));
    }
    mint.assert_all_dropped();
}

fn take_steps(
    capacity: usize,
    tx: Producer<'static, Value>,
    granter: Option<&Producer<'static, Value>>,
    rx: Consumer<'static, Value>,
    ops: &[Op],
) -> (
    Vec<Producer<'static, Value>>,
    Consumer<'static, Value>,
    Mint,
) {
    let mut replay = Replay {
        producers: vec![tx],
        granter,
        grants: Vec::new(),
        rx,
        mint: Mint::new(),
        model: Model {
            capacity,
            places: VecDeque::new(),
            passed: 0,
            closed: false,
        },
    };
    for &op in ops {
        replay.step(op);
        replay.check_counts();
    }
    (replay.producers, replay.rx, replay.mint)
}

impl Model {
    fn free(&self) -> usize {
        self.capacity - self.places.len()
    }

    fn refusal(&self) -> Option<TryReserveError> {
        if self.closed {
            Some(TryReserveError::Closed)
        } else if self.free() == 0 {
            Some(TryReserveError::Full)
        } else {
            None
        }
    }

    /// The next value for the consumer, stepping over gaps.
    fn take(&mut self) -> Option<u32> {
        loop {
            match *self.places.front()? {
                Place::Open => return None,
                Place::Gap => {}
                Place::Full(number) => {
                    self.pass();
                    return Some(number);
                }
            }
            self.pass();
        }
    }

    fn pass(&mut self) {
        self.places.pop_front();
        self.passed += 1;
    }

    fn end(&self) -> usize {
        self.passed + self.places.len()
    }
}

impl Replay<'_> {
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
            Op::CloseTx => {
                if let Some(tx) = self.producers.first() {
                    tx.close();
                    self.model.closed = true;
                }
            }
            Op::CloseRx => {
                self.rx.close();
                self.model.closed = true;
            }
            Op::Clone => {
                if let Some(tx) = self.producers.first() {
                    self.producers.push(tx.clone());
                }
            }
            Op::Leave { which } => {
                if let Some(which) = usize::from(which).checked_rem(self.producers.len()) {
                    self.producers.swap_remove(which);
                    self.model.closed |= self.producers.is_empty() && self.granter.is_none();
                }
            }
            Op::Commit { .. } | Op::Consume { .. } => {}
            Op::Reserve { want } => self.reserve(usize::from(want) + 1),
            Op::Fill { which } => self.fill(which),
            Op::GiveUp { which } => self.give_up(which),
        }
    }

    fn push(&mut self) {
        let Some(tx) = self.producers.last() else {
            return;
        };
        let number = self.mint.peek();
        let got = tx.try_push(self.mint.coin());
        match self.model.refusal() {
            None => {
                assert_eq!(got, Ok(()));
                self.model.places.push_back(Place::Full(number));
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
        let Some(tx) = self.producers.last() else {
            return;
        };
        let number = self.mint.peek();
        let mut source = Source::new(&mut self.mint, says, has);
        let got = tx.try_push_iter(&mut source);
        if says == 0 {
            assert_eq!((got, source.has.len()), (Ok(0), usize::from(has)));
            return;
        }
        if let Some(refusal) = self.model.refusal() {
            assert_eq!((got, source.has.len()), (Err(refusal), usize::from(has)));
            return;
        }
        let claimed = min(self.model.free(), usize::from(says));
        let pushed = min(claimed, usize::from(has));
        assert_eq!(
            (got, source.has.len()),
            (Ok(pushed), usize::from(has) - pushed)
        );
        let places = &mut self.model.places;
        places.extend((number..).take(pushed).map(Place::Full));
        places.extend((pushed..claimed).map(|_| Place::Gap));
    }

    fn pop(&mut self) {
        let got = self.rx.try_pop().map(|value| value.number);
        let want = self.model.take();
        let why = if self.model.closed && self.model.places.is_empty() {
            TryPopError::Closed
        } else {
            TryPopError::Empty
        };
        assert_eq!(got, want.ok_or(why));
    }

    fn drain(&mut self, max: u8, take: u8, push: bool, forget: bool) {
        let mut drain = self.rx.drain(usize::from(max));
        let mut left = max;
        for _ in 0..take {
            let want = (left > 0).then(|| self.model.take()).flatten();
            left = if want.is_some() { left - 1 } else { 0 };
            assert_eq!(drain.next().map(|value| value.number), want);
        }
        if let (true, Some(tx)) = (push, self.producers.last()) {
            let number = self.mint.peek();
            let got = tx.try_push(self.mint.coin());
            assert_eq!(got.is_ok(), self.model.refusal().is_none());
            if got.is_ok() {
                self.model.places.push_back(Place::Full(number));
            }
        }
        if forget {
            std::mem::forget(drain);
        }
    }

    fn reserve(&mut self, want: usize) {
        let Some(granter) = self.granter else { return };
        match (granter.reserve(want), self.model.refusal()) {
            (Ok(grant), None) => {
                let claimed = min(self.model.free(), want);
                assert_eq!(grant.remaining(), claimed);
                let next = self.model.end();
                self.model.places.extend((0..claimed).map(|_| Place::Open));
                self.grants.push(OpenGrant { grant, next });
            }
            (got, want) => assert_eq!(got.err(), want),
        }
    }

    fn fill(&mut self, which: u8) {
        let Some(which) = usize::from(which).checked_rem(self.grants.len()) else {
            return;
        };
        let open = &mut self.grants[which];
        let number = self.mint.peek();
        let room = open.grant.remaining() != 0;
        assert_eq!(open.grant.push(self.mint.coin()).is_ok(), room);
        if room {
            self.model.places[open.next - self.model.passed] = Place::Full(number);
            open.next += 1;
        }
    }

    fn give_up(&mut self, which: u8) {
        let Some(which) = usize::from(which).checked_rem(self.grants.len()) else {
            return;
        };
        let OpenGrant { grant, next } = self.grants.swap_remove(which);
        for number in next..next + grant.remaining() {
            let place = &mut self.model.places[number - self.model.passed];
            assert_eq!(*place, Place::Open);
            *place = Place::Gap;
        }
        drop(grant);
    }

    fn check_counts(&self) {
        assert_eq!(self.rx.is_closed(), self.model.closed);
        assert_eq!(self.rx.len(), self.model.places.len());
        if let Some(tx) = self.producers.first() {
            assert_eq!(tx.len(), self.model.places.len());
            assert_eq!(tx.is_closed(), self.model.closed);
        }
    }
}
