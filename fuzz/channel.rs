//! Bytes into steps on a channel.

#[path = "../rings/tests/ops/channel.rs"]
#[allow(unreachable_pub)]
mod ops;

use arbitrary::{Arbitrary, Result, Unstructured};
use ops::{ChannelOp, ChannelSetup};

/// A channel, and the steps to be taken on it.
#[derive(Debug)]
pub struct ChannelRun {
    setup: ChannelSetup,
    ops: Vec<ChannelOp>,
}

impl ChannelRun {
    /// Replays on the channel; panics where channel and model disagree.
    pub fn replay(&self) {
        ops::replay(self.setup, &self.ops);
    }
}

impl<'a> Arbitrary<'a> for ChannelRun {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let near = [0, usize::MAX / 2, usize::MAX];
        let setup = ChannelSetup {
            capacity: u.int_in_range(1..=5)?,
            start: u.choose(&near)?.wrapping_sub(u.int_in_range(0..=63)?),
            polls: u.int_in_range(0..=3)?,
        };
        Ok(Self {
            setup,
            ops: u.arbitrary()?,
        })
    }
}

impl<'a> Arbitrary<'a> for ChannelOp {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match u.int_in_range(0..=24)? {
            0..=5 => Self::TrySend,
            6..=7 => Self::SendNow,
            8..=10 => Self::Permit {
                send: u.arbitrary()?,
            },
            11..=13 => Self::PollSend {
                times: u.int_in_range(0..=4)?,
            },
            14..=18 => Self::TryRecv,
            19 => Self::RecvNow,
            20..=22 => Self::PollRecv {
                times: u.int_in_range(0..=4)?,
            },
            23 => Self::CloseTx,
            _ => Self::CloseRx,
        })
    }
}
