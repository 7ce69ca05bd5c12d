//! Turns bytes into a ring and steps on it, as the fuzz targets want them.
//!
//! The steps and their replay are those of the rings' model-based test, so a target finds what the test could have
//! found, and its findings can be written down as one.

mod channel;
mod frames;
mod grow;
#[path = "../rings/tests/ops/mod.rs"]
#[allow(dead_code, unreachable_pub)]
mod ops;

pub use channel::ChannelRun;
pub use frames::FrameRun;
pub use grow::GrowRun;

use arbitrary::{Arbitrary, Result, Unstructured};
use ops::{Op, Setup};

/// A ring to be made and the steps to be taken on it.
#[derive(Debug)]
pub struct Run {
    setup: Setup,
    lanes: usize,
    ops: Vec<Op>,
}

impl Run {
    /// Replays on the ring of one producer; panics where ring and model disagree.
    pub fn on_spsc(&self) {
        ops::spsc::replay(self.setup, &self.ops);
    }

    /// Replays on the ring of stamped slots with one producer; panics where ring and model disagree.
    pub fn on_stamped(&self) {
        ops::stamped::replay(self.setup, &self.ops);
    }

    /// Replays on the ring of many producers; panics where ring and model disagree.
    pub fn on_mpsc(&self) {
        ops::mpsc::replay(self.setup, &self.ops);
    }

    /// Replays on the ring of many producers and consumers; panics where ring and model disagree.
    pub fn on_mpmc(&self) {
        ops::mpmc::replay(self.setup, &self.ops);
    }

    /// Replays on lanes; panics where lanes and models disagree.
    pub fn on_lanes(&self) {
        ops::lanes::replay(self.setup, self.lanes, &self.ops);
    }
}

impl<'a> Arbitrary<'a> for Run {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let near = [0, usize::MAX / 2, usize::MAX];
        let setup = Setup {
            capacity: u.int_in_range(1..=9)?,
            start: u.choose(&near)?.wrapping_sub(u.int_in_range(0..=63)?),
            grants: u.arbitrary()?,
            consumer_last: u.arbitrary()?,
        };
        Ok(Self {
            setup,
            lanes: u.int_in_range(1..=4)?,
            ops: u.arbitrary()?,
        })
    }
}

impl<'a> Arbitrary<'a> for Op {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let small = |u: &mut Unstructured<'a>| u.int_in_range(0..=11);
        Ok(match u.int_in_range(0..=12)? {
            0 => Op::Push,
            1 => Op::PushIter {
                says: small(u)?,
                has: small(u)?,
            },
            2 => Op::Pop,
            3 => Op::Drain {
                max: small(u)?,
                take: small(u)?,
                push: u.arbitrary()?,
                forget: u.arbitrary()?,
            },
            4 => Op::CloseTx,
            5 => Op::CloseRx,
            6 => Op::Clone,
            7 => Op::Leave {
                which: u.arbitrary()?,
            },
            8 => Op::Reserve { want: small(u)? },
            9 => Op::Fill {
                which: u.arbitrary()?,
            },
            10 => Op::Commit {
                want: small(u)?,
                commit: small(u)?,
            },
            11 => Op::Consume {
                max: small(u)?,
                consume: small(u)?,
            },
            _ => Op::GiveUp {
                which: u.arbitrary()?,
            },
        })
    }
}
