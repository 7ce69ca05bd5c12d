//! Position arithmetic: wrap, distance, index. Pure, no unsafe.
//!
//! A *position* counts every value that ever passed a point of the ring and wraps with `usize`. An *index* is a
//! position reduced to `0..slots`, where `slots` is a power of two, so that the reduction survives the wrap.
#![forbid(unsafe_code)]

#[cfg(any(feature = "alloc", target_has_atomic = "ptr", test))]
use crate::CapacityError;

/// The largest capacity of any ring: positions may be doubled and still leave distances a sign bit.
pub(crate) const CAPACITY_MAX: usize = 1 << (usize::BITS - 4);

/// Number of slots that hold `capacity` values: the next power of two.
#[cfg(any(feature = "alloc", target_has_atomic = "ptr", test))]
pub(crate) const fn slots_for(capacity: usize) -> Result<usize, CapacityError> {
    match capacity {
        0 => Err(CapacityError::Zero),
        1..=CAPACITY_MAX => Ok(capacity.next_power_of_two()),
        _ => Err(CapacityError::TooLarge),
    }
}

/// Checks, at compile time, the slot count of an array: a power of two in `1..=CAPACITY_MAX`.
pub(crate) const fn assert_slots(slots: usize) -> usize {
    assert!(slots != 0, "a ring needs at least one slot");
    assert!(
        slots.is_power_of_two(),
        "an inline ring needs a power of two of slots"
    );
    assert!(
        slots <= CAPACITY_MAX,
        "a ring has at most 1 << (usize::BITS - 4) slots"
    );
    slots
}

/// How many values lie between two positions, the later one first.
#[inline(always)]
pub(crate) const fn distance(later: usize, earlier: usize) -> usize {
    later.wrapping_sub(earlier)
}

/// The position `count` values further on.
#[inline(always)]
pub(crate) const fn advance(pos: usize, count: usize) -> usize {
    pos.wrapping_add(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_survives_wrap_around() {
        let earlier = usize::MAX - 1;
        let later = advance(earlier, 5);
        assert_eq!(later, 3);
        assert_eq!(distance(later, earlier), 5);
    }

    #[test]
    fn slot_counts_are_powers_of_two_and_never_fewer_than_the_capacity() {
        assert_eq!(slots_for(1), Ok(1));
        assert_eq!(slots_for(3), Ok(4));
        assert_eq!(slots_for(1024), Ok(1024));
        assert_eq!(slots_for(CAPACITY_MAX), Ok(CAPACITY_MAX));
    }

    #[test]
    fn impossible_capacities_are_refused() {
        assert_eq!(slots_for(0), Err(CapacityError::Zero));
        assert_eq!(slots_for(CAPACITY_MAX + 1), Err(CapacityError::TooLarge));
        assert_eq!(slots_for(usize::MAX), Err(CapacityError::TooLarge));
    }
}
