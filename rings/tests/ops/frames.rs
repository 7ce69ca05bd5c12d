//! The ring of frames against a `VecDeque` of frames and of the gaps between them.

use std::collections::VecDeque;

use shared_nothing_rings::{
    TryPopError,
    frames::{self, Consumer, HEADER_BYTES, Producer, TryReserveError},
};

/// One step.
#[derive(Debug, Clone, Copy)]
pub(crate) enum FrameOp {
    /// Copies a frame in.
    Push { len: u16 },
    /// Reserves `len` bytes and commits `keep` of them at most, or leaves the grant.
    Reserve { len: u16, keep: u16, end: End },
    /// Looks at the next frame, and consumes it or not.
    Peek { end: End },
    /// The producer leaves.
    CloseTx,
    /// The consumer closes and stays.
    CloseRx,
}

/// What becomes of a grant or a frame.
#[derive(Debug, Clone, Copy)]
pub(crate) enum End {
    /// It is committed or consumed.
    Done,
    /// It goes out of scope. It has nothing to drop, so forgetting it is the same.
    Left,
}

enum Entry {
    Frame(Vec<u8>),
    Gap(usize),
}

impl Entry {
    fn room(&self) -> usize {
        match self {
            Self::Frame(bytes) => room_for(bytes.len()),
            Self::Gap(bytes) => *bytes,
        }
    }
}

fn room_for(len: usize) -> usize {
    (HEADER_BYTES + len).next_multiple_of(4)
}

struct Replay {
    tx: Option<Producer<'static>>,
    rx: Consumer<'static>,
    entries: VecDeque<Entry>,
    capacity: usize,
    /// Where the next frame begins in the memory.
    index: usize,
    /// The byte that comes next: no two frames look alike.
    next: u8,
    consumer_closed: bool,
}

/// Takes all steps; the positions of the ring begin at `start`.
pub(crate) fn replay(capacity: usize, start: usize, ops: &[FrameOp]) {
    let (tx, rx) = frames::with_capacity_at(capacity, start).expect("a small ring");
    let start = start - start % HEADER_BYTES;
    let mut replay = Replay {
        tx: Some(tx),
        rx,
        entries: VecDeque::new(),
        capacity,
        index: start % capacity.next_power_of_two(),
        next: 1,
        consumer_closed: false,
    };
    for &op in ops {
        replay.step(op);
        replay.check_counts();
    }
}

impl Replay {
    fn step(&mut self, op: FrameOp) {
        match op {
            FrameOp::Push { len } => self.push(usize::from(len)),
            FrameOp::Reserve { len, keep, end } => {
                self.reserve(usize::from(len), usize::from(keep), end);
            }
            FrameOp::Peek { end } => self.peek(end),
            FrameOp::CloseTx => self.tx = None,
            FrameOp::CloseRx => {
                self.rx.close();
                self.consumer_closed = true;
            }
        }
    }

    fn used(&self) -> usize {
        self.entries.iter().map(Entry::room).sum()
    }

    /// What a reservation must say, and how much it skips.
    fn expect(&self, len: usize) -> Result<usize, TryReserveError> {
        let max = frames::frame_len_max(self.capacity);
        let to_end = self.capacity.next_power_of_two() - self.index;
        let skip = if room_for(len) > to_end { to_end } else { 0 };
        if len > max {
            Err(TryReserveError::FrameTooLong { len, max })
        } else if self.consumer_closed {
            Err(TryReserveError::Closed)
        } else if self.used() + skip + room_for(len) > self.capacity {
            Err(TryReserveError::Full)
        } else {
            Ok(skip)
        }
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len)
            .map(|_| {
                self.next = self.next.wrapping_mul(5).wrapping_add(3);
                self.next
            })
            .collect()
    }

    fn enter(&mut self, skip: usize, frame: Vec<u8>) {
        if skip > 0 {
            self.entries.push_back(Entry::Gap(skip));
        }
        let memory = self.capacity.next_power_of_two();
        self.index = (self.index + skip + room_for(frame.len())) % memory;
        self.entries.push_back(Entry::Frame(frame));
    }

    fn push(&mut self, len: usize) {
        let expected = self.expect(len);
        let frame = self.bytes(len);
        let Some(tx) = &mut self.tx else { return };
        assert_eq!(tx.try_push(&frame), expected.map(|_| ()));
        if let Ok(skip) = expected {
            self.enter(skip, frame);
        }
    }

    fn reserve(&mut self, len: usize, keep: usize, end: End) {
        let expected = self.expect(len);
        let frame = self.bytes(len);
        let Some(tx) = &mut self.tx else { return };
        let mut grant = match (tx.reserve(len), expected) {
            (Ok(grant), Ok(_)) => grant,
            (got, expected) => {
                assert_eq!(got.map(|grant| grant.len()), expected);
                return;
            }
        };
        assert_eq!(grant.len(), len);
        grant.copy_from_slice(&frame);
        assert_eq!(grant[..], frame);
        match end {
            End::Done => {
                let keep = keep.min(len);
                grant.commit(keep);
                let skip = expected.expect("reserved");
                self.enter(skip, frame[..keep].to_vec());
            }
            End::Left => {}
        }
    }

    fn peek(&mut self, end: End) {
        // Gaps go when the consumer meets them.
        while let Some(Entry::Gap(_)) = self.entries.front() {
            self.entries.pop_front();
        }
        let Some(Entry::Frame(want)) = self.entries.front() else {
            let why = match self.tx {
                Some(_) => TryPopError::Empty,
                None => TryPopError::Closed,
            };
            assert_eq!(self.rx.peek().err(), Some(why));
            return;
        };
        let frame = self.rx.peek().expect("a frame");
        assert_eq!(frame[..], want[..]);
        match end {
            End::Done => {
                frame.consume();
                self.entries.pop_front();
            }
            End::Left => {}
        }
    }

    fn check_counts(&self) {
        let used = self.used();
        assert_eq!(self.rx.len(), used);
        assert_eq!(self.rx.is_empty(), used == 0);
        assert_eq!(self.rx.is_closed(), self.tx.is_none());
        if let Some(tx) = &self.tx {
            assert_eq!(tx.len(), used);
            assert_eq!(tx.is_closed(), self.consumer_closed);
        }
    }
}
