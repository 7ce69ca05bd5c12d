//! From samples to the tables of a report.

use comparison::report::{Class, Kind, Row, Table};

use super::{
    list::{Entry, Workload},
    workload::{Sample, Tail},
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

/// How long the slow ones took, by the name of their table.
const TAIL: [(&str, &str, fn(&Tail) -> Option<f64>); 3] = [
    ("p99", "99th percentile", |tail| Some(tail.p99)),
    ("p999", "99.9th percentile", |tail| tail.p999),
    ("max", "longest", |tail| Some(tail.max)),
];

/// A table a workload; where single times were taken, one for the median and one for each figure above it.
pub(crate) fn tables(names: &[Names], samples: &[Vec<Vec<Sample>>]) -> Vec<Table> {
    let mut tables = Vec::new();
    for (names, samples) in names.iter().zip(samples) {
        let table = |id: String, title: String, figure: &dyn Fn(&Sample) -> Option<f64>| Table {
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
                .filter(|row| !row.samples.is_empty())
                .collect(),
        };
        let (id, title) = (names.id, names.title);
        if samples.iter().flatten().all(|one| one.tail.is_none()) {
            tables.push(table(id.to_owned(), title.to_owned(), &|one| Some(one.ns)));
            continue;
        }
        let (id, title) = (
            |figure: &str| format!("{id}_{figure}"),
            |figure: &str| format!("{title}, {figure}"),
        );
        tables.push(table(id("p50"), title("median"), &|one| Some(one.ns)));
        for (name, text, figure) in TAIL {
            let table = table(id(name), title(text), &|one| figure(one.tail.as_ref()?));
            if !table.rows.is_empty() {
                tables.push(table);
            }
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
