//! A report as Markdown.

use std::fmt::Write as _;

use super::{
    list::{Kind, Order},
    report::{Report, Row, Table},
};

/// The machine, one line a workload, then a table a workload. `plots` is where its pictures lie, seen from the text.
pub(crate) fn markdown(report: &Report, plots: &str) -> String {
    let mut out = String::new();
    let machine: Vec<String> = report
        .machine
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    // Writing to a string does not fail.
    let _ = writeln!(
        out,
        "{}. {} interleaved rounds, order shuffled; nanoseconds an item.\n",
        machine.join("; "),
        report.rounds
    );
    out += "| workload | ours | median | q3 / median | best rival | its median | ours / rival | floor |\n";
    out += "|---|---|---:|---:|---|---:|---:|---:|\n";
    for table in &report.tables {
        for order in [Order::One, Order::EachProducer] {
            // The first of ours in a list is the one made for the task. Where one ring may do it in two ways, both are.
            let is_ours = |row: &&Row| row.kind == Kind::Ours && row.order == order;
            let mut ours = table.rows.iter().filter(is_ours);
            let first = ours.next().into_iter();
            for row in first.chain(ours.filter(|row| row.name == "stamped")) {
                summary(&mut out, table, row);
            }
        }
    }
    for table in &report.tables {
        let _ = writeln!(out, "\n#### `{}`: {}\n", table.id, table.title);
        let _ = writeln!(out, "![{}]({plots}/rings-{}.svg)\n", table.id, table.id);
        out += "| queue | median | q1 – q3 | min | / best rival |\n|---|---:|---:|---:|---:|\n";
        for row in sorted(table) {
            detail(&mut out, table, row);
        }
    }
    out
}

/// The rows, fastest first.
pub(crate) fn sorted(table: &Table) -> Vec<&Row> {
    let mut rows: Vec<&Row> = table.rows.iter().collect();
    rows.sort_by(|a, b| a.spread().median.total_cmp(&b.spread().median));
    rows
}

/// What the row is called in tables and pictures.
pub(crate) fn label(row: &Row) -> String {
    let name = match row.kind {
        Kind::Ours => format!("shared-nothing {}", row.name),
        Kind::Rival => row.name.clone(),
        Kind::Floor | Kind::Machine => format!("~ {}", row.name),
    };
    match row.order {
        Order::One => name,
        Order::EachProducer => format!("{name} (order of each producer)"),
    }
}

fn summary(out: &mut String, table: &Table, row: &Row) {
    let spread = row.spread();
    let _ = write!(
        out,
        "| `{}` | {} | {} | {:.2} |",
        table.id,
        row.name,
        ns(spread.median),
        spread.q3 / spread.median
    );
    match (table.best(Kind::Rival, row.order), table.ratio(row)) {
        (Some(best), Some(ratio)) => {
            let _ = write!(
                out,
                " {} | {} | {ratio:.2} |",
                best.name,
                ns(best.spread().median)
            );
        }
        _ => *out += " | | |",
    }
    match table.best(Kind::Floor, Order::One) {
        Some(floor) => {
            let _ = writeln!(out, " {} |", ns(floor.spread().median));
        }
        None => *out += " |\n",
    }
}

fn detail(out: &mut String, table: &Table, row: &Row) {
    let spread = row.spread();
    let mark = if row.kind == Kind::Ours { "**" } else { "" };
    let ratio = table
        .ratio(row)
        .map_or(String::new(), |ratio| format!("{ratio:.2}"));
    let _ = writeln!(
        out,
        "| {mark}{}{mark} | {mark}{}{mark} | {} – {} | {} | {ratio} |",
        label(row),
        ns(spread.median),
        ns(spread.q1),
        ns(spread.q3),
        ns(spread.min),
    );
}

/// Three figures or so: nobody measures more.
pub(crate) fn ns(value: f64) -> String {
    match value {
        ..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rings::report::tests::example;

    #[test]
    fn tables_are_sorted_and_ours_is_marked() {
        let text = markdown(&example(), "plots");
        assert!(text.contains("| `mpsc_2p` | mpsc | 11.0 | 1.05 | other | 22.0 | 0.50 | 2.00 |\n"));
        assert!(
            text.contains("| **shared-nothing mpsc** | **11.0** | 10.5 – 11.5 | 10.0 | 0.50 |\n")
        );
        let place = |what| text.find(what).expect(what);
        assert!(place("| ~ least") < place("| split (order of each producer)"));
        assert!(place("| split") < place("| **shared"));
        assert!(text.contains("![mpsc_2p](plots/rings-mpsc_2p.svg)"));
    }
}
