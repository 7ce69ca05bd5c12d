//! Numbers that look random and come again with their seed.
#![forbid(unsafe_code)]

/// The next of a sequence (a linear congruence of period 2^64): the high bits are the better ones.
pub(crate) const fn next(seed: u64) -> u64 {
    seed.wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407)
}
