//! A table as a picture: a bar for each median, a line over it from the first quartile to the third.

use std::fmt::Write as _;

use crate::{
    report::{Kind, Table},
    table::{label, short, sorted},
};

const LEFT: f64 = 320.0;
const WIDTH: f64 = 460.0;
const RIGHT: f64 = 70.0;
const TOP: f64 = 34.0;
const LINE: f64 = 20.0;
/// Bars longer than so many times the best are cut, or the others could not be told apart.
const CUT: f64 = 12.0;

/// The picture of a table.
#[must_use]
pub fn svg(table: &Table) -> String {
    let rows = sorted(table);
    let medians = || rows.iter().map(|row| row.spread().median);
    let least = medians().fold(f64::INFINITY, f64::min);
    let most = rows.iter().map(|row| row.spread().q3).fold(0.0, f64::max);
    // Where some took nothing, nothing is many times as much.
    let end = if least > 0.0 {
        most.min(least * CUT)
    } else {
        most.max(f64::MIN_POSITIVE)
    };
    let x = |value: f64| LEFT + (value / end).min(1.0) * WIDTH;

    let (width, height) = (LEFT + WIDTH + RIGHT, TOP + LINE * rows.len() as f64 + 8.0);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"8\" y=\"20\" font-weight=\"bold\">{}: {} ({}; bar: median, line: q1 to q3)</text>\n",
        escaped(&table.id),
        escaped(&table.title),
        escaped(&table.unit),
    );
    for (index, row) in rows.iter().enumerate() {
        let spread = row.spread();
        let y = TOP + LINE * index as f64;
        let middle = y + LINE / 2.0;
        let colour = match row.kind {
            Kind::Ours => "#1f6feb",
            Kind::Rival => "#a8b1bb",
            Kind::Floor | Kind::Machine => "#e3d9b0",
        };
        let weight = if row.kind == Kind::Ours {
            "bold"
        } else {
            "normal"
        };
        let is_cut = spread.median > end;
        // Writing to a string does not fail.
        let _ = write!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" font-weight=\"{weight}\">{}</text>\n\
             <rect x=\"{LEFT}\" y=\"{:.1}\" width=\"{:.1}\" height=\"14\" fill=\"{colour}\"/>\n",
            LEFT - 8.0,
            middle + 4.0,
            escaped(&label(row)),
            y + 3.0,
            x(spread.median) - LEFT,
        );
        let after = if is_cut {
            // Two slanted strokes: the bar goes on.
            let x = LEFT + WIDTH - 12.0;
            let _ = writeln!(
                out,
                "<path d=\"M{x} {:.1}l6 -18m4 0l-6 18\" stroke=\"#ffffff\" stroke-width=\"2\"/>",
                middle + 9.0
            );
            LEFT + WIDTH
        } else {
            let (q1, q3) = (x(spread.q1), x(spread.q3));
            let _ = writeln!(
                out,
                "<path d=\"M{q1:.1} {middle:.1}H{q3:.1}M{q1:.1} {:.1}v8M{q3:.1} {:.1}v8\" stroke=\"#24292f\" fill=\"none\"/>",
                middle - 4.0,
                middle - 4.0,
            );
            q3.max(x(spread.median))
        };
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            after + 6.0,
            middle + 4.0,
            short(spread.median)
        );
    }
    out + "</svg>\n"
}

pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::example;

    #[test]
    fn every_row_has_a_bar_and_a_long_one_is_cut() {
        let picture = svg(&example().tables[0]);
        // The background, and five rows.
        assert_eq!(picture.matches("<rect").count(), 6);
        assert_eq!(picture.matches("stroke=\"#ffffff\"").count(), 1);
        assert!(picture.contains(">900</text>"));
        let mut table = example().tables.remove(0);
        for none in [1, table.rows.len()] {
            let rows = &mut table.rows[..none];
            rows.iter_mut().for_each(|row| row.samples = vec![0.0]);
            assert!(!svg(&table).contains("NaN"));
        }
        assert!(picture.starts_with("<svg") && picture.ends_with("</svg>\n"));
    }
}
