//! From samples to the tables of a report.

use std::fmt::Write as _;

use comparison::{
    report::{Kind, Report, Row as Line, Table},
    table::{label, short},
};

use super::{list::Chosen, peer::Peer, rounds::Samples};

/// A table a figure; who has no sample is not in it.
pub(crate) fn tables(chosen: &Chosen, samples: &Samples) -> Vec<Table> {
    let mut tables = Vec::new();
    for (row, peers) in chosen {
        for (index, figure) in row.figures().iter().enumerate() {
            let line = |peer: &&'static dyn Peer| Line {
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

/// The columns of the overview: what they are called, and whose medians stand there.
const COLUMNS: [(&str, &[&str]); 12] = [
    (
        "call p50 / p99 / p99.9 µs",
        &["call_p50", "call_p99", "call_p999"],
    ),
    ("idle CPU µs/s", &["idle_cpu"]),
    ("idle switches /s", &["idle_switches"]),
    ("wake p50 / p99 µs", &["wake_p50", "wake_p99"]),
    ("wake, sender µs", &["wake_send"]),
    ("pipe64 ns", &["pipe64"]),
    ("tell ns", &["tell"]),
    ("tell by 64, ns", &["tell_batch64"]),
    ("keyed ns", &["keyed"]),
    ("mesh ns", &["mesh"]),
    ("spawn+join ns", &["spawn_join"]),
    ("yield ns", &["yield"]),
];

/// A line a peer with all its medians, so that what a way of waiting brings stands beside what it costs.
pub(crate) fn overview(report: &Report) -> String {
    let mut out = "| peer |".to_owned();
    // Writing to a string does not fail.
    COLUMNS.iter().for_each(|(title, _)| {
        let _ = write!(out, " {title} |");
    });
    out += "\n|---|";
    out += &"--:|".repeat(COLUMNS.len());
    out.push('\n');
    let mut lines: Vec<&Line> = Vec::new();
    for line in report.tables.iter().flat_map(|table| &table.rows) {
        if !lines.iter().any(|known| known.name == line.name) {
            lines.push(line);
        }
    }
    let rank = |line: &&Line| match line.kind {
        Kind::Ours => 0,
        Kind::Rival => 1,
        Kind::Floor | Kind::Machine => 2,
    };
    lines.sort_by_key(rank);
    for line in lines {
        let mark = if line.kind == Kind::Ours { "**" } else { "" };
        let _ = write!(out, "| {mark}{}{mark} |", plain_label(line));
        for (title, tables) in COLUMNS {
            let scale = if title.ends_with("µs") { 1e3 } else { 1.0 };
            let median = |id: &&str| median(report, id, &line.name);
            let medians = tables.iter().filter_map(median);
            let cell: Vec<String> = medians.map(|value| short(value / scale)).collect();
            let _ = write!(out, " {} |", cell.join(" / "));
        }
        out.push('\n');
    }
    out
}

/// Without the class, which differs from row to row.
fn plain_label(line: &Line) -> String {
    label(line).replace(" (spins)", "")
}

fn median(report: &Report, table: &str, name: &str) -> Option<f64> {
    let table = report.tables.iter().find(|other| other.id == table)?;
    let row = table.rows.iter().find(|row| row.name == name)?;
    Some(row.spread().median)
}

#[cfg(test)]
mod tests {
    use comparison::report::Class;

    use super::*;

    #[test]
    fn a_peer_has_one_line_with_ours_first() {
        let line = |name: &str, kind, sample| Line {
            name: name.to_owned(),
            kind,
            class: Class::Awake,
            samples: vec![sample],
        };
        let table = |id: &str, sample| Table {
            id: id.to_owned(),
            title: String::new(),
            unit: "ns".to_owned(),
            rows: vec![
                line("rival", Kind::Rival, sample),
                line("executor", Kind::Ours, 2.0 * sample),
            ],
        };
        let report = Report {
            machine: Vec::new(),
            rounds: 1,
            tables: vec![table("call_p50", 1500.0), table("yield", 8.0)],
        };
        let text = overview(&report);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4);
        assert!(lines[2].starts_with("| **shared-nothing executor** | 3.00 |"));
        assert!(lines[3].starts_with("| rival | 1.50 |"));
        assert!(lines[3].ends_with("| 8.00 |"));
        assert!(leads(&report.tables[0], &report.tables[0].rows[1]));
        assert!(!leads(&report.tables[0], &report.tables[0].rows[0]));
    }
}
