//! The ring of many producers and consumers against a list of places.
//!
//! `Clone` makes a producer and a consumer by turns, `Leave` takes one of either, and consumers take turns at popping.

use std::cmp::min;

use shared_nothing_rings::{
    TryPopError, TryPushError, TryReserveError,
    mpmc::{self, Consumer, Grant, Producer},
};

use super::{Mint, Op, Setup, Source, Value};

/// What became of a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A grant has it and may fill it.
    Open,
    /// The value of this number.
    Full(u32),
    /// Given up.
    Gap,
    /// Empty again.
    Vacated,
}

struct Model {
    capacity: usize,
    slots: usize,
    /// All positions that producers claimed, since the beginning.
    places: Vec<Place>,
    /// How many of them consumers claimed.
    read: usize,
    closed: bool,
}

/// A consumer, and what it has claimed: it may have taken some of it.
struct Reader {
    rx: Consumer<'static, Value>,
    claimed: (usize, usize),
}

struct OpenGrant<'g> {
    grant: Grant<'g, 'static, Value>,
    next: usize,
}

struct Replay<'g> {
    producers: Vec<Producer<'static, Value>>,
    readers: Vec<Reader>,
    /// Makes the grants, so that `producers` can come and go beside them.
    granter: Option<&'g Producer<'static, Value>>,
    grants: Vec<OpenGrant<'g>>,
    mint: Mint,
    model: Model,
    turn: usize,
}

/// Takes all steps, drops the ends and counts the values.
pub(crate) fn replay(setup: Setup, ops: &[Op]) {
    let (tx, rx) = mpmc::with_capacity_at(setup.capacity, setup.start).expect("a small ring");
    let granter = setup.grants.then(|| tx.clone());
    let (producers, readers, mint) = {
        let mut replay = Replay::new(setup.capacity, tx, granter.as_ref(), rx);
        for &op in ops {
            replay.step(op);
            replay.check_counts();
        }
        (replay.producers, replay.readers, replay.mint)
    };
    if setup.consumer_last {
        drop((producers, granter));
        drop(readers);
    } else {
        drop(readers);
        drop((producers, granter));
    }
    mint.assert_all_dropped();
}

impl Model {
    /// How many of `want` positions can be claimed now.
    fn free(&self, want: usize) -> usize {
        let end = self.places.len();
        let room = min(want, self.capacity - (end - self.read));
        let is_free =
            |pos: &usize| *pos < self.slots || self.places[pos - self.slots] == Place::Vacated;
        (end..end + room).take_while(is_free).count()
    }

    fn refusal(&self) -> Option<TryReserveError> {
        if self.closed {
            Some(TryReserveError::Closed)
        } else if self.free(1) == 0 {
            Some(TryReserveError::Full)
        } else {
            None
        }
    }

    /// Claims up to `max` values in a row.
    fn claim(&mut self, max: usize) -> Result<(usize, usize), TryPopError> {
        let from = self.read;
        let (mut values, mut end) = (0, from);
        for at in from..self.places.len() {
            match self.places[at] {
                Place::Full(_) => values += 1,
                Place::Gap if values == 0 => {}
                Place::Gap => continue,
                Place::Open => break,
                Place::Vacated => panic!("nobody claimed {at}"),
            }
            end = at + 1;
            if values == max {
                break;
            }
        }
        self.read = end;
        if values != 0 {
            return Ok((from, end));
        }
        self.places[from..end].fill(Place::Vacated);
        Err(if self.closed && end == self.places.len() {
            TryPopError::Closed
        } else {
            TryPopError::Empty
        })
    }

    /// Takes the first value of what was claimed.
    fn take(&mut self, claimed: &mut (usize, usize)) -> Option<u32> {
        while claimed.0 != claimed.1 {
            let place = std::mem::replace(&mut self.places[claimed.0], Place::Vacated);
            claimed.0 += 1;
            if let Place::Full(number) = place {
                return Some(number);
            }
        }
        None
    }
}

impl<'g> Replay<'g> {
    fn new(
        capacity: usize,
        tx: Producer<'static, Value>,
        granter: Option<&'g Producer<'static, Value>>,
        rx: Consumer<'static, Value>,
    ) -> Self {
        Self {
            producers: vec![tx],
            readers: vec![Reader {
                rx,
                claimed: (0, 0),
            }],
            granter,
            grants: Vec::new(),
            mint: Mint::new(),
            model: Model {
                capacity,
                slots: capacity.next_power_of_two(),
                places: Vec::new(),
                read: 0,
                closed: false,
            },
            turn: 0,
        }
    }

    fn step(&mut self, op: Op) {
        self.turn += 1;
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
            // In place, and only where there is one producer.
            Op::Commit { .. } | Op::Consume { .. } => {}
            Op::CloseTx => {
                if let Some(tx) = self.producers.first() {
                    tx.close();
                    self.model.closed = true;
                }
            }
            Op::CloseRx => {
                if let Some(reader) = self.readers.first_mut() {
                    reader.rx.close();
                    self.model.closed = true;
                }
            }
            Op::Clone => self.clone_one(),
            Op::Leave { which } => self.leave(usize::from(which)),
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
                self.model.places.push(Place::Full(number));
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
        let (says, has) = (usize::from(says), usize::from(has));
        if says == 0 {
            assert_eq!((got, source.has.len()), (Ok(0), has));
            return;
        }
        if let Some(refusal) = self.model.refusal() {
            assert_eq!((got, source.has.len()), (Err(refusal), has));
            return;
        }
        let claimed = self.model.free(says);
        let pushed = min(claimed, has);
        assert_eq!((got, source.has.len()), (Ok(pushed), has - pushed));
        let places = &mut self.model.places;
        places.extend((number..).take(pushed).map(Place::Full));
        places.extend((pushed..claimed).map(|_| Place::Gap));
    }

    fn pop(&mut self) {
        let Some(which) = self.turn.checked_rem(self.readers.len()) else {
            return;
        };
        let Reader { rx, claimed } = &mut self.readers[which];
        let got = rx.try_pop().map(|value| value.number);
        let want = loop {
            if let Some(number) = self.model.take(claimed) {
                break Ok(number);
            }
            match self.model.claim(1) {
                Ok(more) => *claimed = more,
                Err(why) => break Err(why),
            }
        };
        assert_eq!(got, want);
    }

    fn drain(&mut self, max: u8, take: u8, push: bool, forget: bool) {
        let Some(which) = self.turn.checked_rem(self.readers.len()) else {
            return;
        };
        let Reader { rx, claimed } = &mut self.readers[which];
        // The copy of the drain, and the one that the consumer keeps should the drain be forgotten.
        let (mut live, mut kept) = (*claimed, *claimed);
        let mut drain = rx.drain(usize::from(max));
        let mut left = usize::from(max);
        for _ in 0..take {
            let want = (left > 0)
                .then(|| {
                    self.model.take(&mut live).or_else(|| {
                        live = self.model.claim(left).ok()?;
                        kept = live;
                        self.model.take(&mut live)
                    })
                })
                .flatten();
            left = if want.is_some() { left - 1 } else { 0 };
            assert_eq!(drain.next().map(|value| value.number), want);
        }
        if let (true, Some(tx)) = (push, self.producers.last()) {
            let number = self.mint.peek();
            let got = tx.try_push(self.mint.coin());
            assert_eq!(got.is_ok(), self.model.refusal().is_none());
            if got.is_ok() {
                self.model.places.push(Place::Full(number));
            }
        }
        if forget {
            std::mem::forget(drain);
            *claimed = kept;
        } else {
            drop(drain);
            *claimed = live;
        }
    }

    fn clone_one(&mut self) {
        if self.turn % 2 == 0 {
            self.producers.extend(self.producers.first().cloned());
        } else if let Some(reader) = self.readers.first() {
            let rx = reader.rx.clone();
            self.readers.push(Reader {
                rx,
                claimed: (0, 0),
            });
        }
    }

    fn leave(&mut self, which: usize) {
        let all = self.producers.len() + self.readers.len();
        let Some(which) = which.checked_rem(all) else {
            return;
        };
        if which < self.producers.len() {
            self.producers.swap_remove(which);
            self.model.closed |= self.producers.is_empty() && self.granter.is_none();
        } else {
            let reader = self.readers.swap_remove(which - self.producers.len());
            // It takes with it what it has claimed.
            self.model.places[reader.claimed.0..reader.claimed.1].fill(Place::Vacated);
            drop(reader);
            self.model.closed |= self.readers.is_empty();
        }
    }

    fn reserve(&mut self, want: usize) {
        let Some(granter) = self.granter else { return };
        match (granter.reserve(want), self.model.refusal()) {
            (Ok(grant), None) => {
                let claimed = self.model.free(want);
                assert_eq!(grant.remaining(), claimed);
                let next = self.model.places.len();
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
            self.model.places[open.next] = Place::Full(number);
            open.next += 1;
        }
    }

    fn give_up(&mut self, which: u8) {
        let Some(which) = usize::from(which).checked_rem(self.grants.len()) else {
            return;
        };
        let OpenGrant { grant, next } = self.grants.swap_remove(which);
        self.model.places[next..next + grant.remaining()].fill(Place::Gap);
        drop(grant);
    }

    fn check_counts(&self) {
        let len = self.model.places.len() - self.model.read;
        for Reader { rx, claimed } in &self.readers {
            assert_eq!(rx.is_closed(), self.model.closed);
            let own = claimed.1 - claimed.0;
            assert_eq!(rx.len(), min(len + own, self.model.capacity));
        }
        if let Some(tx) = self.producers.first() {
            assert_eq!((tx.len(), tx.is_closed()), (len, self.model.closed));
        }
    }
}
