//! Random steps on a channel, against a model, from start positions round the wrap of `usize`.
#![cfg(all(feature = "async", not(any(loom, shuttle))))]

#[path = "ops/channel.rs"]
mod ops;
mod steps;

use ops::{ChannelOp, ChannelSetup};
use proptest::prelude::*;

fn any_op() -> impl Strategy<Value = ChannelOp> {
    let times = 0u8..5;
    prop_oneof![
        6 => Just(ChannelOp::TrySend),
        3 => Just(ChannelOp::SendNow),
        3 => any::<bool>().prop_map(|send| ChannelOp::Permit { send }),
        4 => times.clone().prop_map(|times| ChannelOp::PollSend { times }),
        6 => Just(ChannelOp::TryRecv),
        3 => Just(ChannelOp::RecvNow),
        4 => times.prop_map(|times| ChannelOp::PollRecv { times }),
    ]
}

/// Steps before and after a close, which may not come.
fn any_ops() -> impl Strategy<Value = Vec<ChannelOp>> {
    let closes = [ChannelOp::CloseTx, ChannelOp::CloseRx];
    steps::round_a_close(any_op, [0..60, 0..20], 2, closes)
}

fn any_setup() -> impl Strategy<Value = ChannelSetup> {
    let start = prop_oneof![(0usize..60).prop_map(|back| usize::MAX - back), 0usize..9];
    (1usize..=5, start, 0u8..4).prop_map(|(capacity, start, polls)| ChannelSetup {
        capacity,
        start,
        polls,
    })
}

proptest! {
    #![proptest_config(steps::config())]

    #[test]
    fn a_channel_agrees_with_its_model(setup in any_setup(), ops in any_ops()) {
        ops::replay(setup, &ops);
    }
}
