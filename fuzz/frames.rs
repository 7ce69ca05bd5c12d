//! Bytes into steps on a ring of frames.

#[path = "../rings/tests/ops/frames.rs"]
#[allow(unreachable_pub)]
mod ops;

use arbitrary::{Arbitrary, Result, Unstructured};
use ops::{End, FrameOp};

/// A ring of frames to be made and the steps to be taken on it.
#[derive(Debug)]
pub struct FrameRun {
    capacity: usize,
    start: usize,
    ops: Vec<FrameOp>,
}

impl FrameRun {
    /// Replays on the ring; panics where ring and model disagree.
    pub fn replay(&self) {
        ops::replay(self.capacity, self.start, &self.ops);
    }
}

impl<'a> Arbitrary<'a> for FrameRun {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let near = [0, usize::MAX / 2, usize::MAX];
        Ok(Self {
            capacity: u.int_in_range(16..=130)?,
            start: u.choose(&near)?.wrapping_sub(u.int_in_range(0..=200)?),
            ops: u.arbitrary()?,
        })
    }
}

impl<'a> Arbitrary<'a> for FrameOp {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let len = |u: &mut Unstructured<'a>| u.int_in_range(0..=80);
        Ok(match u.int_in_range(0..=9)? {
            0..=2 => Self::Push { len: len(u)? },
            3 | 4 => Self::Reserve {
                len: len(u)?,
                keep: len(u)?,
                end: u.arbitrary()?,
            },
            5..=7 => Self::Peek {
                end: u.arbitrary()?,
            },
            8 => Self::CloseTx,
            _ => Self::CloseRx,
        })
    }
}

impl<'a> Arbitrary<'a> for End {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match u.int_in_range(0..=2)? {
            0 => Self::Left,
            _ => Self::Done,
        })
    }
}
