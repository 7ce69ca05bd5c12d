//! A report as Markdown.

use std::fmt::Write as _;

use crate::report::{Class, Kind, Report, Row, Table};

/// What the text around the tables says.
pub struct Style<'a> {
    /// Before the pictures' names, which are those of the tables.
    pub prefix: &'a str,
    /// Where the pictures lie, seen from the text.
    pub plots: &'a str,
    /// Who the rows are.
    pub rows: &'a str,
    /// What the first line ends with.
    pub note: &'a str,
    /// Which of ours the first table shows.
    pub leads: fn(&Table, &Row) -> bool,
}

/// The machine, one line a workload, where we lose, then a table a workload.
#[must_use]
pub fn markdown(report: &Report, style: &Style<'_>) -> String {
    let mut out = String::new();
    let machine: Vec<String> = report
        .machine
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    // Writing to a string does not fail.
    let _ = writeln!(
        out,
        "{}. {} interleaved rounds, {}\n",
        machine.join("; "),
        report.rounds,
        style.note
    );
    out += "| workload | ours | median | q3 / median | best rival | its median | ours / rival | | floor |\n";
    out += "|---|---|---:|---:|---|---:|---:|---|---:|\n";
    let mut behind = Vec::new();
    for table in &report.tables {
        for class in [Class::Plain, Class::EachProducer, Class::Awake] {
            let shown = |row: &&Row| {
                row.kind == Kind::Ours && row.class == class && (style.leads)(table, row)
            };
            for row in table.rows.iter().filter(shown) {
                summary(&mut out, table, row);
                behind.extend(loss(table, row));
            }
        }
    }
    if !behind.is_empty() {
        let _ = writeln!(
            out,
            "\nBehind, by more than a tenth: {}.",
            behind.join("; ")
        );
    }
    for table in &report.tables {
        let _ = writeln!(
            out,
            "\n#### `{}`: {} ({})\n",
            table.id, table.title, table.unit
        );
        let picture = format!("{}/{}-{}.svg", style.plots, style.prefix, table.id);
        let _ = writeln!(out, "![{}]({picture})\n", table.id);
        let _ = writeln!(
            out,
            "| {} | median | q1 – q3 | min | / best rival |",
            style.rows
        );
        out += "|---|---:|---:|---:|---:|\n";
        for row in sorted(table) {
            detail(&mut out, table, row);
        }
    }
    out
}

/// The rows, fastest first.
#[must_use]
pub fn sorted(table: &Table) -> Vec<&Row> {
    let mut rows: Vec<&Row> = table.rows.iter().collect();
    rows.sort_by(|a, b| a.spread().median.total_cmp(&b.spread().median));
    rows
}

/// What the row is called in tables and pictures.
#[must_use]
pub fn label(row: &Row) -> String {
    let name = match row.kind {
        Kind::Ours => format!("shared-nothing {}", row.name),
        Kind::Rival => row.name.clone(),
        Kind::Floor | Kind::Machine => format!("~ {}", row.name),
    };
    match row.class {
        Class::Plain => name,
        Class::Awake => format!("{name} (spins)"),
        Class::EachProducer => format!("{name} (order of each producer)"),
    }
}

fn summary(out: &mut String, table: &Table, row: &Row) {
    let spread = row.spread();
    let _ = write!(
        out,
        "| `{}` | {} | {} | {:.2} |",
        table.id,
        row.name,
        short(spread.median),
        if spread.q3 == spread.median {
            1.0
        } else {
            spread.q3 / spread.median
        }
    );
    match (table.best(Kind::Rival, row.class), table.ratio(row)) {
        (Some(best), Some(ratio)) => {
            let _ = write!(
                out,
                " {} | {} | {ratio:.2} | {} |",
                best.name,
                short(best.spread().median),
                verdict(ratio)
            );
        }
        _ => *out += " | | | |",
    }
    let floor = table.best(Kind::Floor, row.class);
    match floor.or_else(|| table.best(Kind::Floor, Class::Plain)) {
        Some(floor) => {
            let _ = writeln!(out, " {} |", short(floor.spread().median));
        }
        None => *out += " |\n",
    }
}

/// By how much a row is behind whom, if it is.
fn loss(table: &Table, row: &Row) -> Option<String> {
    let (best, ratio) = (table.best(Kind::Rival, row.class)?, table.ratio(row)?);
    let Table { id, .. } = table;
    (verdict(ratio) == BEHIND).then(|| format!("`{id}`, {}, {ratio:.2} of {}", row.name, best.name))
}

const BEHIND: &str = "**behind**";

/// Between two runs a median moves by a tenth.
fn verdict(ratio: f64) -> &'static str {
    match ratio {
        ..0.9 => "ahead",
        0.9..=1.1 => "level",
        _ => BEHIND,
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
        short(spread.median),
        short(spread.q1),
        short(spread.q3),
        short(spread.min),
    );
}

/// Three figures or so: nobody measures more.
#[must_use]
pub fn short(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        ..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::example;

    #[test]
    fn tables_are_sorted_and_ours_is_marked() {
        let style = Style {
            prefix: "rings",
            plots: "plots",
            rows: "queue",
            note: "nanoseconds.",
            leads: |_, _| true,
        };
        let text = markdown(&example(), &style);
        let line = "| `mpsc_2p` | mpsc | 11.0 | 1.05 | other | 22.0 | 0.50 | ahead | 2.00 |\n";
        assert!(text.contains(line));
        assert!(
            text.contains("| **shared-nothing mpsc** | **11.0** | 10.5 – 11.5 | 10.0 | 0.50 |\n")
        );
        let place = |what| text.find(what).expect(what);
        assert!(place("| ~ least") < place("| split (order of each producer)"));
        assert!(place("| split") < place("| **shared"));
        assert!(text.contains("![mpsc_2p](plots/rings-mpsc_2p.svg)"));
        assert!(!text.contains("Behind"));
    }

    #[test]
    fn where_we_lose_is_said() {
        let mut report = example();
        report.tables[0].rows[0].samples = vec![33.0];
        let style = Style {
            prefix: "rings",
            plots: "plots",
            rows: "queue",
            note: "",
            leads: |_, _| true,
        };
        let text = markdown(&report, &style);
        assert!(text.contains("tenth: `mpsc_2p`, mpsc, 1.50 of other.\n"));
    }
}
