//! An order that varies from round to round.

/// Marsaglia's xorshift64: the order must vary, not surprise.
pub struct Random(u64);

impl Random {
    /// The same seed gives the same numbers.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Each of `0..count` once.
    pub fn shuffled(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for last in (1..count).rev() {
            order.swap(last, (self.next() % (last as u64 + 1)) as usize);
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shuffled_has_every_index_once() {
        let mut random = Random::new(1);
        let (mut first, second) = (random.shuffled(20), random.shuffled(20));
        assert_ne!(first, second);
        first.sort_unstable();
        assert!(first.into_iter().eq(0..20));
    }
}
