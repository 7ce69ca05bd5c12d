//! The round trips of all pairs of CPUs: as a table, and by what the two CPUs have in common.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use shared_nothing::affinity::{CpuId, CpuSet, Topology};

use crate::measure::Trip;

/// Every pair of some CPUs, measured once: there and back is the same way as back and there.
#[derive(Debug)]
pub(crate) struct Matrix {
    pub(crate) cpus: Vec<CpuId>,
    /// By the lower number, then by the higher.
    pub(crate) pairs: BTreeMap<(CpuId, CpuId), Pair>,
}

/// Two CPUs.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    /// The least thing that has both in it.
    pub(crate) near: Near,
    /// Or why there is none.
    pub(crate) trip: Result<Trip, String>,
}

/// What two CPUs have in common, the nearest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Near {
    Core,
    Cache(u32),
    Node,
    Package,
    Machine,
}

impl fmt::Display for Near {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Core => f.pad("one core"),
            Self::Cache(level) => f.pad(&format!("one L{level}")),
            Self::Node => f.pad("one node"),
            Self::Package => f.pad("one package"),
            Self::Machine => f.pad("packages apart"),
        }
    }
}

impl Near {
    pub(crate) fn of(machine: &Topology, from: CpuId, to: CpuId) -> Self {
        let (Some(one), Some(other)) = (machine.cpu(from), machine.cpu(to)) else {
            return Self::Machine;
        };
        let both = |cpus: &CpuSet| cpus.contains(from) && cpus.contains(to);
        let shared = machine.caches().find(|cache| both(&cache.cpus));
        match shared {
            _ if one.core == other.core => Self::Core,
            Some(cache) => Self::Cache(cache.level),
            _ if one.node.is_some() && one.node == other.node => Self::Node,
            _ if one.package == other.package => Self::Package,
            _ => Self::Machine,
        }
    }
}

impl Matrix {
    /// Asks `round_trip` for every pair.
    pub(crate) fn fill(
        machine: &Topology,
        cpus: &CpuSet,
        mut round_trip: impl FnMut(CpuId, CpuId) -> Result<Trip, String>,
    ) -> Self {
        let cpus: Vec<CpuId> = cpus.iter().collect();
        let mut pairs = BTreeMap::new();
        for (index, &from) in cpus.iter().enumerate() {
            for &to in &cpus[index + 1..] {
                let (near, trip) = (Near::of(machine, from, to), round_trip(from, to));
                pairs.insert((from, to), Pair { near, trip });
            }
        }
        Self { cpus, pairs }
    }

    /// The median round trip, where the two differ and it could be measured.
    pub(crate) fn ns(&self, from: CpuId, to: CpuId) -> Option<f64> {
        let pair = self.pairs.get(&(from.min(to), from.max(to)))?;
        Some(pair.trip.as_ref().ok()?.ns_median)
    }

    /// The least and the greatest median, where anything was measured.
    pub(crate) fn range(&self) -> Option<(f64, f64)> {
        let medians = || self.trips().map(|(_, trip)| trip.ns_median);
        let least = medians().min_by(f64::total_cmp)?;
        Some((least, medians().max_by(f64::total_cmp)?))
    }

    fn trips(&self) -> impl Iterator<Item = (Near, Trip)> {
        let pairs = self.pairs.values();
        pairs.filter_map(|pair| Some((pair.near, *pair.trip.as_ref().ok()?)))
    }

    /// Why pairs could not be measured, each reason once with how many pairs it has.
    pub(crate) fn failures(&self) -> BTreeMap<&str, usize> {
        let mut failures = BTreeMap::new();
        for reason in self
            .pairs
            .values()
            .filter_map(|pair| pair.trip.as_ref().err())
        {
            *failures.entry(reason.as_str()).or_default() += 1;
        }
        failures
    }

    /// The table, then a line for each kind of nearness.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out).expect("a string takes everything");
        out
    }

    fn write(&self, out: &mut String) -> fmt::Result {
        if let [cpu] = self.cpus[..] {
            return writeln!(out, "CPU {cpu} alone: there is no other to measure to");
        }
        writeln!(out, "round trip in ns, median of 25 samples")?;
        // A CPU that others keep busy takes milliseconds.
        let greatest = self.range().map_or(0.0, |(_, greatest)| greatest);
        let width = format!("{greatest:.0}").len().max(6);
        write!(out, "{:>6}", "CPU")?;
        for to in &self.cpus {
            write!(out, " {to:>width$}")?;
        }
        writeln!(out)?;
        for &from in &self.cpus {
            write!(out, "{from:>6}")?;
            for &to in &self.cpus {
                match self.ns(from, to) {
                    _ if from == to => write!(out, " {:>width$}", "-")?,
                    Some(ns) => write!(out, " {ns:>width$.0}")?,
                    None => write!(out, " {:>width$}", "?")?,
                }
            }
            writeln!(out)?;
        }
        self.write_nearness(out)?;
        for (reason, pairs) in self.failures() {
            writeln!(out, "{pairs} pairs not measured: {reason}")?;
        }
        Ok(())
    }

    fn write_nearness(&self, out: &mut String) -> fmt::Result {
        let mut kinds: BTreeMap<Near, Vec<Trip>> = BTreeMap::new();
        for (near, trip) in self.trips() {
            kinds.entry(near).or_default().push(trip);
        }
        if kinds.is_empty() {
            return Ok(());
        }
        writeln!(
            out,
            "\n{:<16} {:>6} {:>8} {:>8} {:>8}",
            "CPUs of", "pairs", "fastest", "median", "slowest"
        )?;
        for (near, trips) in &mut kinds {
            trips.sort_unstable_by(|a, b| a.ns_median.total_cmp(&b.ns_median));
            let fastest = trips.iter().map(|trip| trip.ns_min).min_by(f64::total_cmp);
            let (median, slowest) = (trips[trips.len() / 2], trips[trips.len() - 1]);
            writeln!(
                out,
                "{near:<16} {:>6} {:>8.0} {:>8.0} {:>8.0}",
                trips.len(),
                fastest.unwrap_or(f64::NAN),
                median.ns_median,
                slowest.ns_median
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use shared_nothing::affinity::Synthetic;

    use super::*;

    /// Two packages of two nodes, two cores a node, two threads a core: threads 0 and 8 are of core 0.
    fn machine() -> Topology {
        Synthetic::default()
            .with_packages(2)
            .with_nodes_per_package(2)
            .with_cores_per_node(2)
            .with_threads_per_core(2)
            .build()
    }

    fn trip(ns: f64) -> Trip {
        Trip {
            ns_median: ns,
            ns_min: ns / 2.0,
        }
    }

    #[test]
    fn the_nearest_thing_in_common_is_named() {
        let near = |to| Near::of(&machine(), CpuId(0), CpuId(to)).to_string();
        assert_eq!(near(8), "one core");
        assert_eq!(near(1), "one L3");
        assert_eq!(near(2), "one package");
        assert_eq!(near(4), "packages apart");
        assert_eq!(near(5000), "packages apart");
        let flat = Topology::flat(&"0-1".parse().expect("a list"));
        assert_eq!(Near::of(&flat, CpuId(0), CpuId(1)), Near::Package);
    }

    #[test]
    fn the_table_is_symmetric_and_says_what_is_missing() {
        let cpus = "0,2,8".parse().expect("a list");
        let matrix = Matrix::fill(&machine(), &cpus, |from, to| match (from.0, to.0) {
            (0, 8) => Ok(trip(40.0)),
            (0, 2) => Ok(trip(200.0)),
            _ => Err("gone".into()),
        });
        assert_eq!(
            matrix.text(),
            "\
round trip in ns, median of 25 samples
   CPU      0      2      8
     0      -    200     40
     2    200      -      ?
     8     40      ?      -

CPUs of           pairs  fastest   median  slowest
one core              1       20       40       40
one package           1      100      200      200
1 pairs not measured: gone
"
        );
        assert_eq!(matrix.range(), Some((40.0, 200.0)));
    }

    #[test]
    fn a_long_time_makes_every_column_as_wide() {
        let cpus = "0,8".parse().expect("a list");
        let matrix = Matrix::fill(&machine(), &cpus, |_, _| Ok(trip(12_345_678.0)));
        let text = matrix.text();
        let lines: Vec<&str> = text.lines().skip(1).take(3).collect();
        let expected = [
            "   CPU        0        8",
            "     0        - 12345678",
            "     8 12345678        -",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn one_cpu_has_nobody_to_talk_to() {
        let cpus = "3".parse().expect("a list");
        let matrix = Matrix::fill(&machine(), &cpus, |_, _| unreachable!());
        assert_eq!(
            matrix.text(),
            "CPU 3 alone: there is no other to measure to\n"
        );
        assert_eq!(matrix.range(), None);
    }
}
