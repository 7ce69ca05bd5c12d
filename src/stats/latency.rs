//! A histogram of durations in nanoseconds.
#![forbid(unsafe_code)]

use core::{fmt, time::Duration};

use hdrhistogram::Histogram;

/// Durations longer than this are counted as this long: one hour.
pub(super) const LIMIT_NS: u64 = 3_600_000_000_000;

/// How long something took, many times over: quantiles to two significant digits.
///
/// Two of them may be merged; averaging their quantiles would be wrong.
#[derive(Clone)]
pub struct Latency {
    histogram: Histogram<u64>,
}

impl Latency {
    /// An empty histogram for durations from 1 ns to one hour. It allocates here, and never again.
    pub(crate) fn new() -> Self {
        let histogram = match Histogram::new_with_bounds(1, LIMIT_NS, 2) {
            Ok(histogram) => histogram,
            Err(_) => unreachable!("constant bounds that are valid"),
        };
        Self { histogram }
    }

    pub(crate) fn record_ns(&mut self, ns: u64) {
        self.histogram.saturating_record(ns.clamp(1, LIMIT_NS));
    }

    /// As if the same had been recorded so many times.
    pub(super) fn record_many_ns(&mut self, ns: u64, times: u64) {
        self.histogram
            .saturating_record_n(ns.clamp(1, LIMIT_NS), times);
    }

    /// How many durations were recorded.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// The duration that a share `quantile` (0.0 to 1.0) of all did not exceed; zero if none was recorded.
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> Duration {
        if self.histogram.is_empty() {
            return Duration::ZERO;
        }
        Duration::from_nanos(self.histogram.value_at_quantile(quantile))
    }

    /// The longest duration; zero if none was recorded.
    #[must_use]
    pub fn max(&self) -> Duration {
        Duration::from_nanos(self.histogram.max())
    }

    /// The mean of all; zero if none was recorded.
    #[must_use]
    pub fn mean(&self) -> Duration {
        if self.histogram.is_empty() {
            return Duration::ZERO;
        }
        Duration::from_nanos(self.histogram.mean() as u64)
    }

    /// How many durations were at most so long, to two digits: what exporters call a bucket.
    #[must_use]
    pub fn count_up_to(&self, limit: Duration) -> u64 {
        let limit_ns = limit.as_nanos().min(u128::from(LIMIT_NS)) as u64;
        self.histogram.count_between(0, limit_ns)
    }

    /// Adds what another histogram recorded.
    pub fn merge(&mut self, other: &Self) {
        // Both have the same bounds, so there is always room.
        let _always_fits = self.histogram.add(&other.histogram);
    }
}

impl fmt::Debug for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Latency")
            .field("count", &self.count())
            .field("p50", &self.quantile(0.5))
            .field("p99", &self.quantile(0.99))
            .field("max", &self.max())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_to_two_digits() {
        let mut latency = Latency::new();
        for ns in 1..=1000 {
            latency.record_ns(ns * 1000);
        }
        let p50 = latency.quantile(0.5).as_nanos() as f64;
        assert!((p50 / 500_000.0 - 1.0).abs() < 0.01, "{p50}");
        assert_eq!(latency.count(), 1000);
    }

    #[test]
    fn counts_and_the_mean_are_right_to_two_digits() {
        let mut latency = Latency::new();
        assert_eq!(latency.mean(), Duration::ZERO);
        for ns in 1..=200 {
            latency.record_ns(ns);
        }
        latency.record_many_ns(1_000_000, 100);
        assert_eq!(latency.count_up_to(Duration::ZERO), 0);
        assert_eq!(latency.count_up_to(Duration::from_nanos(150)), 150);
        assert_eq!(latency.count_up_to(Duration::from_micros(1)), 200);
        assert_eq!(latency.count_up_to(Duration::MAX), 300);
        let mean = latency.mean().as_nanos() as f64;
        assert!((mean / 333_400.0 - 1.0).abs() < 0.01, "{mean}");
    }

    #[test]
    fn an_empty_histogram_says_zero_and_merging_adds() {
        let mut empty = Latency::new();
        assert_eq!(empty.quantile(0.99), Duration::ZERO);
        let mut other = Latency::new();
        other.record_ns(u64::MAX);
        other.record_ns(0);
        empty.merge(&other);
        assert_eq!(empty.count(), 2);
        assert!(empty.max() >= Duration::from_secs(3600));
    }
}
