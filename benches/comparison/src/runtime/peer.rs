//! What a peer must offer to be compared.

use comparison::report::{Class, Kind};

use super::{plan::Plan, row::Row};

/// A library, in one way of using it.
pub(crate) trait Peer: Sync {
    fn name(&self) -> &'static str;

    fn kind(&self) -> Kind {
        Kind::Rival
    }

    /// With whom it is compared in this row.
    fn class(&self, row: Row) -> Class {
        let _same_in_all = row;
        Class::Plain
    }

    /// What it can do.
    fn rows(&self) -> Vec<Row>;

    /// Why it cannot run on this machine, if so.
    fn hindrance(&self) -> Option<String> {
        None
    }

    /// Runs one of its rows. Panics if a message was lost, repeated or changed.
    fn run(&self, row: Row, plan: Plan) -> Figures;
}

/// The numbers of one sample, by the names of the row's figures.
pub(crate) type Figures = Vec<(&'static str, f64)>;

/// The one figure of a row that has one.
pub(crate) fn each(total_ns: u64, count: u64) -> Figures {
    vec![("each", total_ns as f64 / count as f64)]
}

/// The value that so many ten-thousandths of the sorted `times` do not exceed.
///
/// # Panics
///
/// If there is none.
pub(crate) fn percentile(times: &[u64], ten_thousandths: usize) -> f64 {
    times[(times.len() - 1) * ten_thousandths / 10_000] as f64
}

/// How it ends when a peer's list of rows and its code disagree.
pub(crate) fn not_offered(row: Row) -> Figures {
    panic!("this peer does not offer the row {}", row.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_taken_from_what_is_there() {
        let times: Vec<u64> = (0..=100).collect();
        assert_eq!(percentile(&times, 5_000), 50.0);
        assert_eq!(percentile(&times, 9_990), 99.0);
        assert_eq!(percentile(&times, 10_000), 100.0);
        assert_eq!(percentile(&[7], 9_900), 7.0);
    }
}
