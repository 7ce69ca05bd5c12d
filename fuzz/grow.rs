//! Bytes into steps on a ring that grows.

#[path = "../rings/tests/ops/unbounded.rs"]
#[allow(unreachable_pub)]
mod ops;

use arbitrary::{Arbitrary, Result, Unstructured};
use ops::GrowOp;

/// A ring that grows, of one flavour or the other, and the steps to be taken on it.
#[derive(Debug)]
pub struct GrowRun {
    many: bool,
    start: usize,
    ops: Vec<GrowOp>,
}

impl GrowRun {
    /// Replays on the ring; panics where ring and model disagree.
    pub fn replay(&self) {
        if self.many {
            ops::replay_on_mpsc(self.start, &self.ops);
        } else {
            ops::replay_on_spsc(self.start, &self.ops);
        }
    }
}

impl<'a> Arbitrary<'a> for GrowRun {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let near = [0, usize::MAX / 2, usize::MAX];
        Ok(Self {
            many: u.arbitrary()?,
            start: u.choose(&near)?.wrapping_sub(u.int_in_range(0..=999)?),
            ops: u.arbitrary()?,
        })
    }
}

impl<'a> Arbitrary<'a> for GrowOp {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match u.int_in_range(0..=24)? {
            0..=7 => Self::Push(u.arbitrary()?),
            8..=11 => Self::PushIter(u.arbitrary()?),
            12..=19 => Self::Pop(u.arbitrary()?),
            20..=23 => Self::Drain {
                max: u.arbitrary()?,
                take: u.arbitrary()?,
            },
            _ => Self::Close,
        })
    }
}
