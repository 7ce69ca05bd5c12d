//! Pictures that several tables of a report make together.

use std::fmt::Write as _;

use crate::{
    curves::Curve,
    report::{Kind, Report, Row, Table},
    table::label,
};

/// A picture, by the name of its file.
pub struct Picture {
    /// Without what all pictures of a program begin with.
    pub name: &'static str,
    /// As it is written.
    pub svg: String,
}

/// Lines of Markdown that show the pictures in the folder `plots`, whose files begin with `prefix`.
#[must_use]
pub fn links(pictures: &[Picture], plots: &str, prefix: &str) -> String {
    let mut out = String::new();
    for Picture { name, .. } in pictures {
        // Writing to a string does not fail.
        let _ = writeln!(out, "\n![{name}]({plots}/{prefix}-{name}.svg)");
    }
    out
}

/// A curve for each who is in all tables of these names, by the medians; none if a table is missing.
#[must_use]
pub fn join(report: &Report, ids: &[&str], value: fn(f64) -> f64) -> Vec<Curve> {
    let table = |id: &&str| report.tables.iter().find(|table| table.id == *id);
    let tables: Vec<&Table> = ids.iter().filter_map(table).collect();
    if tables.len() != ids.len() {
        return Vec::new();
    }
    let curve = |row: &Row| {
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
    use super::*;
    use crate::report::Class;

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
        let curves = join(&report(&["a", "b"]), &["a", "b"], |ns| 1e3 / ns);
        assert_eq!(curves[0].values, [10.0; 2]);
        assert!(join(&report(&["a"]), &["a", "b"], |ns| ns).is_empty());
    }

    #[test]
    fn links_lead_to_the_files() {
        let picture = Picture {
            name: "latency",
            svg: String::new(),
        };
        let text = links(&[picture], "dir", "rings");
        assert_eq!(text, "\n![latency](dir/rings-latency.svg)\n");
    }
}
