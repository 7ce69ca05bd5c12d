//! Random steps for the tests against a model: how many runs, and where a close comes.

use std::{fmt::Debug, ops::Range};

use proptest::{collection::vec, prelude::*};

/// 700 runs, none remembered.
pub(crate) fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 700,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Steps before and after one of the two closes, which does not come `open` times in `open + 2`.
pub(crate) fn round_a_close<O, S>(
    any_op: fn() -> S,
    [before, after]: [Range<usize>; 2],
    open: u32,
    [tx, rx]: [O; 2],
) -> impl Strategy<Value = Vec<O>>
where
    O: Debug + Clone,
    S: Strategy<Value = O>,
{
    let close = prop_oneof![open => Just(None), 1 => Just(Some(tx)), 1 => Just(Some(rx))];
    (vec(any_op(), before), close, vec(any_op(), after)).prop_map(|(mut ops, close, rest)| {
        ops.extend(close);
        ops.extend(rest);
        ops
    })
}
