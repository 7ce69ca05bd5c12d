//! The binary logarithm of a fraction in integers: the same on every machine, and there is none in `core`.
//!
//! `-log2(x)` for `x = bits / 2^64` is the number of leading zeros plus a part below 1, which comes from a
//! table of 256 steps with a straight line between two. The error is at most 2.8e-6, and the result never
//! rises where `x` rises.
#![forbid(unsafe_code)]

/// Bits after the point of a result. Seven bits before it are enough: the result is at most 64.
pub(super) const FRACTION_BITS: u32 = 57;

const STEP_BITS: u32 = 8;
/// `log2(1 + i / 256)` for `i` in `0..=256`.
static LOG2: [u64; (1 << STEP_BITS) + 1] = table();

/// `-log2(bits / 2^64)` with [`FRACTION_BITS`] after the point; 0 bits count as 1.
#[inline]
pub(super) fn minus_log2(bits: u64) -> u64 {
    let bits = bits | 1;
    let zeros = bits.leading_zeros();
    let mantissa = bits << zeros << 1; // without its leading one
    let step = (mantissa >> (64 - STEP_BITS)) as usize;
    let between = (mantissa << STEP_BITS) >> 32;
    let slope = (LOG2[step + 1] - LOG2[step]) >> 32;
    let log = LOG2[step] + slope * between;
    ((u64::from(zeros) + 1) << FRACTION_BITS) - log
}

const fn table() -> [u64; (1 << STEP_BITS) + 1] {
    let mut table = [0; (1 << STEP_BITS) + 1];
    let mut step = 0;
    while step < 1 << STEP_BITS {
        table[step] = log2_bits((1 << 63) | (step as u64) << (63 - STEP_BITS));
        step += 1;
    }
    table[step] = 1 << FRACTION_BITS;
    table
}

/// `log2(x / 2^63)` for `x` from 2^63 on, bit by bit: squaring doubles the logarithm.
const fn log2_bits(mut x: u64) -> u64 {
    let mut log = 0;
    let mut bit = FRACTION_BITS;
    while bit > 0 {
        bit -= 1;
        let square = x as u128 * x as u128;
        if square >> 127 == 1 {
            log |= 1 << bit;
            x = (square >> 64) as u64;
        } else {
            x = (square >> 63) as u64;
        }
    }
    log
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(bits: u64) -> f64 {
        minus_log2(bits) as f64 / (1_u64 << FRACTION_BITS) as f64
    }

    #[test]
    fn powers_of_two_are_exact() {
        assert_eq!(value(1 << 63), 1.0);
        assert_eq!(value(1 << 62), 2.0);
        assert_eq!(value(1), 64.0);
        assert_eq!(value(0), 64.0);
        assert!(value(u64::MAX) < 1e-6);
    }

    #[test]
    fn known_logarithms_are_near() {
        // log2 3, log2 5 and log2 7, from a table of logarithms.
        for (bits, log) in [
            (3, 1.584_962_500_7),
            (5, 2.321_928_094_9),
            (7, 2.807_354_922_1),
        ] {
            assert!((value(bits << 61) - (3.0 - log)).abs() < 2.8e-6);
        }
    }

    #[test]
    fn it_falls_where_its_argument_rises() {
        let mut last = u64::MAX;
        let mut bits = 1_u64;
        while bits < u64::MAX / 2 {
            assert!(minus_log2(bits) <= last);
            last = minus_log2(bits);
            bits += bits / 1000 + 1;
        }
        for step in 0..1_u64 << 16 {
            let bits = 1 << 63 | step << 47;
            assert!(minus_log2(bits) <= last, "{bits:x}");
            last = minus_log2(bits);
        }
    }
}
