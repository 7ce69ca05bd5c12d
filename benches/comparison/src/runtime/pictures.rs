//! Pictures of several tables each: how long calls take, and what more workers bring.

use std::{fmt::Write as _, thread};

use comparison::{
    curves::{self, Curve},
    report::{Kind, Report, Table},
    table::label,
};

/// By name.
pub(crate) fn all(report: &Report) -> Vec<(&'static str, String)> {
    let latency = latency(report);
    let scaling = scaling(report);
    let mut all = Vec::new();
    if !latency.is_empty() {
        all.push(("latency", curves::percentiles(LATENCY, &STEPS, &latency)));
    }
    if !scaling.is_empty() {
        let cpus = thread::available_parallelism().map_or(1, usize::from);
        all.push(("scaling", curves::scaling(SCALING, cpus, &scaling)));
    }
    all
}

const LATENCY: &str = "call: how long a request and its answer take";
const STEPS: [&str; 4] = ["p50", "p99", "p99.9", "max"];
const SCALING: &str = "messages that are worked on, millions a second";

/// Lines of Markdown that show them.
pub(crate) fn links(report: &Report, plots: &str) -> String {
    let mut out = String::new();
    for (name, _) in all(report) {
        // Writing to a string does not fail.
        let _ = writeln!(out, "\n![{name}]({plots}/runtime-{name}.svg)");
    }
    out
}

fn latency(report: &Report) -> Vec<Curve> {
    let tables = ["call_p50", "call_p99", "call_p999", "call_max"];
    join(report, &tables, |median| median)
}

fn scaling(report: &Report) -> Vec<Curve> {
    let tables = ["scale1", "scale2", "scale3", "scale4"];
    join(report, &tables, |median_ns| 1e3 / median_ns)
}

/// A curve a peer that is in all tables, by its medians.
fn join(report: &Report, ids: &[&str], value: fn(f64) -> f64) -> Vec<Curve> {
    let table = |id: &&str| report.tables.iter().find(|table| table.id == *id);
    let tables: Vec<&Table> = ids.iter().filter_map(table).collect();
    if tables.len() != ids.len() {
        return Vec::new();
    }
    let curve = |row: &comparison::report::Row| {
        let at = |table: &&Table| {
            let row = table.rows.iter().find(|other| other.name == row.name)?;
            Some(value(row.spread().median))
        };
        Some(Curve {
            label: label(row),
            is_ours: row.kind == Kind::Ours,
            is_floor: matches!(row.kind, Kind::Floor | Kind::Machine),
            values: tables.iter().map(at).collect::<Option<_>>()?,
        })
    };
    tables[0].rows.iter().filter_map(curve).collect()
}

#[cfg(test)]
mod tests {
    use comparison::report::{Class, Row};

    use super::*;

    fn report(ids: &[&str]) -> Report {
        let table = |id: &&str| Table {
            id: (*id).to_owned(),
            title: String::new(),
            unit: "ns".to_owned(),
            rows: vec![Row {
                name: "peer".to_owned(),
                kind: Kind::Rival,
                class: Class::Plain,
                samples: vec![100.0],
            }],
        };
        Report {
            machine: Vec::new(),
            rounds: 1,
            tables: ids.iter().map(table).collect(),
        }
    }

    #[test]
    fn a_picture_needs_all_its_tables() {
        let whole = report(&["scale1", "scale2", "scale3", "scale4"]);
        assert_eq!(scaling(&whole)[0].values, [10.0; 4]);
        assert_eq!(all(&whole).len(), 1);
        assert!(links(&whole, "dir").contains("(dir/runtime-scaling.svg)"));
        assert!(all(&report(&["scale1", "scale2"])).is_empty());
    }
}
