//! The median and its spread.

/// Where the middle half of some numbers lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The least.
    pub min: f64,
    /// A quarter is below it.
    pub q1: f64,
    /// Half is below it.
    pub median: f64,
    /// Three quarters are below it.
    pub q3: f64,
}

impl Spread {
    /// Of at least one number.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn of(samples: &[f64]) -> Self {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = share * (sorted.len() - 1) as f64;
            let (low, high) = (place.floor() as usize, place.ceil() as usize);
            sorted[low] + (sorted[high] - sorted[low]) * place.fract()
        };
        Self {
            min: sorted[0],
            q1: at(0.25),
            median: at(0.5),
            q3: at(0.75),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_lie_between_the_numbers() {
        let spread = Spread::of(&[4.0, 1.0, 3.0, 2.0]);
        assert_eq!((spread.min, spread.median), (1.0, 2.5));
        assert_eq!((spread.q1, spread.q3), (1.75, 3.25));
        let one = Spread::of(&[7.0]);
        assert_eq!((one.min, one.q1, one.median, one.q3), (7.0, 7.0, 7.0, 7.0));
    }
}
