//! From samples to the tables of a report.

use comparison::report::{Kind, Row as Line, Table};

use super::{list::Chosen, rounds::Samples};

/// A table a figure; who has no sample is not in it.
pub(crate) fn tables(chosen: &Chosen, samples: &Samples) -> Vec<Table> {
    let mut tables = Vec::new();
    for (row, peers) in chosen {
        for (index, figure) in row.figures().iter().enumerate() {
            let line = |peer: &&'static dyn super::peer::Peer| Line {
                name: peer.name().to_owned(),
                kind: peer.kind(),
                class: peer.class(*row),
                samples: samples.figure(*row, peer.name(), index),
            };
            let lines = peers.iter().map(line);
            let rows: Vec<Line> = lines.filter(|line| !line.samples.is_empty()).collect();
            if !rows.is_empty() {
                tables.push(Table {
                    id: row.table(figure),
                    title: format!("{}{}", row.title(), figure.title),
                    unit: figure.unit.to_owned(),
                    rows,
                });
            }
        }
    }
    tables
}

/// What of ours the first table shows: the best of those that promise the same.
pub(crate) fn leads(table: &Table, row: &Line) -> bool {
    let best = table.best(Kind::Ours, row.class);
    best.is_some_and(|best| best.name == row.name)
}
