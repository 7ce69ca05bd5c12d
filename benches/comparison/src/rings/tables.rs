//! From samples to the tables of a report.

use comparison::report::{Class, Kind, Row, Table};

use super::{
    list::{Entry, Workload},
    workload::Sample,
};

/// What is needed of a workload once it has run.
pub(crate) struct Names {
    id: &'static str,
    title: &'static str,
    entries: Vec<(&'static str, Kind, Class)>,
}

impl Names {
    pub(crate) fn of(workload: &Workload) -> Self {
        let entry = |entry: &Entry| (entry.name, entry.kind, entry.class);
        Self {
            id: workload.id,
            title: workload.title,
            entries: workload.entries.iter().map(entry).collect(),
        }
    }
}

/// A table a workload; where single round trips were timed, one for the median and one for the 99th percentile.
pub(crate) fn tables(names: &[Names], samples: &[Vec<Vec<Sample>>]) -> Vec<Table> {
    let mut tables = Vec::new();
    for (names, samples) in names.iter().zip(samples) {
        let table = |id: String, title: String, figure: fn(&Sample) -> Option<f64>| Table {
            id,
            title,
            unit: "ns".to_owned(),
            rows: names
                .entries
                .iter()
                .zip(samples)
                .map(|(&(name, kind, class), samples)| Row {
                    name: name.to_owned(),
                    kind,
                    class,
                    samples: samples.iter().filter_map(figure).collect(),
                })
                .collect(),
        };
        let (id, title) = (names.id.to_owned(), names.title.to_owned());
        if samples.iter().flatten().any(|one| one.p99_ns.is_some()) {
            tables.push(table(
                format!("{id}_p50"),
                format!("{title}, median"),
                |one| Some(one.ns),
            ));
            tables.push(table(
                format!("{id}_p99"),
                format!("{title}, 99th percentile"),
                |one| one.p99_ns,
            ));
        } else {
            tables.push(table(id, title, |one| Some(one.ns)));
        }
    }
    tables
}

/// What of ours the first table shows: the first of a list is the one made for the task. Where one ring may do it in two
/// ways, both are.
pub(crate) fn leads(table: &Table, row: &Row) -> bool {
    let is_alike = |other: &&Row| other.kind == Kind::Ours && other.class == row.class;
    let first = table.rows.iter().find(is_alike);
    first.is_some_and(|first| first.name == row.name) || row.name == "stamped"
}
