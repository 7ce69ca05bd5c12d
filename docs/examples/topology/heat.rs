//! The round trips as a heat map: an SVG picture that any browser shows.

use std::fmt::{self, Write};

use crate::matrix::Matrix;

/// The side of a cell, and the room for numbers beside the cells, in pixels.
const CELL: usize = 44;
const MARGIN: usize = 60;

/// From near to far: pale to dark, so that it can be told apart without colours too.
const PALE: [f64; 3] = [255.0, 247.0, 217.0];
const DARK: [f64; 3] = [122.0, 1.0, 60.0];

/// The picture.
pub(crate) fn draw(matrix: &Matrix) -> String {
    let mut out = String::new();
    write(matrix, &mut out).expect("a string takes everything");
    out
}

fn write(matrix: &Matrix, out: &mut String) -> fmt::Result {
    let side = matrix.cpus.len() * CELL;
    let (width, height) = ((MARGIN + side + 20).max(420), MARGIN + 30 + side + 20);
    writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">"#
    )?;
    writeln!(out, r##"<rect width="100%" height="100%" fill="#fff"/>"##)?;
    writeln!(
        out,
        r#"<text x="10" y="24" font-size="16">Round trip between CPUs, ns (median)</text>"#
    )?;
    match matrix.range() {
        Some((least, greatest)) => writeln!(
            out,
            r#"<text x="10" y="44">from {least:.0} (pale) to {greatest:.0} (dark)</text>"#
        )?,
        None => writeln!(out, r#"<text x="10" y="44">nothing was measured</text>"#)?,
    }
    let (left, top) = (MARGIN, MARGIN + 30);
    for (index, cpu) in matrix.cpus.iter().enumerate() {
        let middle = index * CELL + CELL / 2;
        let (x, y) = (left + middle, top - 8);
        writeln!(
            out,
            r#"<text x="{x}" y="{y}" text-anchor="middle">{cpu}</text>"#
        )?;
        let (x, y) = (left - 8, top + middle + 5);
        writeln!(
            out,
            r#"<text x="{x}" y="{y}" text-anchor="end">{cpu}</text>"#
        )?;
    }
    for (row, &from) in matrix.cpus.iter().enumerate() {
        for (column, &to) in matrix.cpus.iter().enumerate() {
            let (x, y) = (left + column * CELL, top + row * CELL);
            let ns = matrix.ns(from, to);
            let (fill, ink, text) = match ns {
                _ if from == to => ("#eee".to_owned(), "#000", String::new()),
                None => ("#eee".to_owned(), "#000", "?".to_owned()),
                Some(ns) => {
                    let heat = heat(ns, matrix.range());
                    let ink = if heat > 0.5 { "#fff" } else { "#000" };
                    (colour(heat), ink, short(ns))
                }
            };
            let what = ns.map_or(String::new(), |ns| format!(": {ns:.0} ns"));
            writeln!(
                out,
                r##"<g><title>CPU {from} and {to}{what}</title><rect x="{x}" y="{y}" width="{CELL}" height="{CELL}" fill="{fill}" stroke="#fff"/><text x="{}" y="{}" text-anchor="middle" fill="{ink}">{text}</text></g>"##,
                x + CELL / 2,
                y + CELL / 2 + 5
            )?;
        }
    }
    writeln!(out, "</svg>")
}

/// What fits into a cell: thousands from 100,000 on, as a CPU shows that others keep busy.
fn short(ns: f64) -> String {
    if ns < 99_999.5 {
        format!("{ns:.0}")
    } else {
        format!("{:.0}k", ns / 1000.0)
    }
}

/// 0 for the least, 1 for the greatest, by ratio: from 50 to 100 is as far as from 100 to 200.
fn heat(ns: f64, range: Option<(f64, f64)>) -> f64 {
    match range {
        Some((least, greatest)) if greatest > least && least > 0.0 => {
            (ns / least).ln() / (greatest / least).ln()
        }
        _ => 0.0,
    }
}

fn colour(heat: f64) -> String {
    let mix = |index: usize| PALE[index] + heat.clamp(0.0, 1.0) * (DARK[index] - PALE[index]);
    let [red, green, blue] = [0, 1, 2].map(|index| mix(index).round() as u8);
    format!("#{red:02x}{green:02x}{blue:02x}")
}

#[cfg(test)]
mod tests {
    use shared_nothing::affinity::Synthetic;

    use super::*;
    use crate::measure::Trip;

    #[test]
    fn heat_goes_by_ratio_and_colours_stay_within_their_ends() {
        let range = Some((50.0, 200.0));
        assert_eq!(heat(50.0, range), 0.0);
        assert!((heat(100.0, range) - 0.5).abs() < 1e-9);
        assert_eq!(heat(200.0, range), 1.0);
        assert_eq!((heat(7.0, Some((7.0, 7.0))), heat(7.0, None)), (0.0, 0.0));
        assert_eq!(
            (colour(0.0), colour(2.0)),
            ("#fff7d9".into(), "#7a013c".into())
        );
    }

    #[test]
    fn long_times_are_shortened() {
        let texts = [12.3, 99_999.4, 99_999.6, 4_075_060.0].map(short);
        assert_eq!(texts, ["12", "99999", "100k", "4075k"]);
    }

    #[test]
    fn every_pair_has_a_cell_in_each_direction() {
        let machine = Synthetic::default().with_cores_per_node(3).build();
        let matrix = Matrix::fill(&machine, &machine.online(), |from, _| match from.0 {
            0 => Ok(Trip {
                ns_median: 123.4,
                ns_min: 100.0,
            }),
            _ => Err("gone".into()),
        });
        let picture = draw(&matrix);
        assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"));
        assert_eq!(picture.matches("<g>").count(), 9);
        assert_eq!(picture.matches(">123</text>").count(), 4);
        assert_eq!(picture.matches(">?</text>").count(), 2);
        assert_eq!(
            picture
                .matches("<title>CPU 1 and 0: 123 ns</title>")
                .count(),
            1
        );
    }
}
