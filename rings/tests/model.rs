//! Random steps on every ring, against a model, from start positions round the wrap of `usize`.
#![cfg(all(feature = "alloc", not(loom)))]

mod ops;
mod steps;

use ops::{Op, Setup};
use proptest::prelude::*;

fn any_op() -> impl Strategy<Value = Op> {
    let small = 0u8..12;
    prop_oneof![
        8 => Just(Op::Push),
        8 => Just(Op::Pop),
        4 => (small.clone(), small.clone()).prop_map(|(says, has)| Op::PushIter { says, has }),
        4 => (small.clone(), small.clone(), any::<bool>(), any::<bool>())
            .prop_map(|(max, take, push, forget)| Op::Drain { max, take, push, forget }),
        4 => (small.clone(), small.clone()).prop_map(|(want, commit)| Op::Commit { want, commit }),
        4 => (small.clone(), small.clone()).prop_map(|(max, consume)| Op::Consume { max, consume }),
        2 => small.clone().prop_map(|want| Op::Reserve { want: want % 4 }),
        4 => any::<u8>().prop_map(|which| Op::Fill { which }),
        2 => any::<u8>().prop_map(|which| Op::GiveUp { which }),
        1 => Just(Op::Clone),
        1 => any::<u8>().prop_map(|which| Op::Leave { which }),
    ]
}

/// Steps before and after a close, which may not come.
fn any_ops() -> impl Strategy<Value = Vec<Op>> {
    let closes = [Op::CloseTx, Op::CloseRx];
    steps::round_a_close(any_op, [0..80, 0..30], 4, closes)
}

fn any_setup() -> impl Strategy<Value = Setup> {
    let start = prop_oneof![
        4 => (0usize..60).prop_map(|back| usize::MAX - back),
        1 => (0usize..60).prop_map(|back| (usize::MAX / 2).wrapping_sub(back)),
        1 => 0usize..9,
    ];
    (1usize..=9, start, any::<bool>(), any::<bool>()).prop_map(
        |(capacity, start, grants, consumer_last)| Setup {
            capacity,
            start,
            grants,
            consumer_last,
        },
    )
}

proptest! {
    #![proptest_config(steps::config())]

    #[test]
    fn the_ring_of_one_producer_agrees_with_its_model(setup in any_setup(), ops in any_ops()) {
        ops::spsc::replay(setup, &ops);
    }

    #[test]
    fn the_ring_of_stamped_slots_agrees_with_its_model(setup in any_setup(), ops in any_ops()) {
        ops::stamped::replay(setup, &ops);
    }

    #[test]
    fn the_ring_of_many_producers_agrees_with_its_model(setup in any_setup(), ops in any_ops()) {
        ops::mpsc::replay(setup, &ops);
    }

    #[test]
    fn the_ring_of_many_ends_agrees_with_its_model(setup in any_setup(), ops in any_ops()) {
        ops::mpmc::replay(setup, &ops);
    }

    #[test]
    fn lanes_agree_with_their_models(setup in any_setup(), lanes in 1usize..5, ops in any_ops()) {
        ops::lanes::replay(setup, lanes, &ops);
    }
}
