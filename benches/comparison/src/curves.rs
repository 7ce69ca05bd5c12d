//! Several figures of each peer in one picture.

use std::fmt::Write as _;

use crate::{plot::escaped, table::short};

/// A peer's figures.
pub struct Curve {
    /// What it is called.
    pub label: String,
    /// Drawn to be seen first.
    pub is_ours: bool,
    /// Drawn apart from what can be used.
    pub is_floor: bool,
    /// One a step.
    pub values: Vec<f64>,
}

const LEFT: f64 = 320.0;
const WIDTH: f64 = 460.0;
const RIGHT: f64 = 70.0;
const TOP: f64 = 54.0;
const LINE: f64 = 20.0;

fn begin(width: f64, height: f64, title: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"8\" y=\"20\" font-weight=\"bold\">{}</text>\n",
        escaped(title)
    )
}

/// Nanoseconds: a line a peer, the best median first, with a mark for each of `steps`, on a scale of powers of ten.
#[must_use]
pub fn percentiles(title: &str, steps: &[&str], curves: &[Curve]) -> String {
    let mut curves: Vec<&Curve> = curves.iter().collect();
    curves.sort_by(|a, b| a.values[0].total_cmp(&b.values[0]));
    let all = || curves.iter().flat_map(|curve| &curve.values);
    let least = all().fold(f64::INFINITY, |least, value| least.min(*value));
    let most = all().fold(1.0_f64, |most, value| most.max(*value));
    let low = least.max(1.0).log10().floor();
    let high = most.log10().ceil().max(low + 1.0);
    let x = |value: f64| LEFT + (value.max(1.0).log10() - low) / (high - low) * WIDTH;
    let height = TOP + LINE * curves.len() as f64 + 8.0;
    let mut out = begin(LEFT + WIDTH + RIGHT, height, title);
    // Writing to a string does not fail.
    for power in low as i32..=high as i32 {
        let value = 10.0_f64.powi(power);
        let _ = writeln!(
            out,
            "<path d=\"M{0:.1} {TOP}V{height}\" stroke=\"#d8dee4\"/>\
             <text x=\"{0:.1}\" y=\"{1}\" text-anchor=\"middle\" fill=\"#57606a\">{2}</text>",
            x(value),
            TOP - 6.0,
            time(value)
        );
    }
    for (index, curve) in curves.iter().enumerate() {
        let middle = TOP + LINE * (index as f64 + 0.5);
        let (colour, weight) = style(curve);
        let ends = (x(curve.values[0]), x(curve.values[curve.values.len() - 1]));
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" font-weight=\"{weight}\">{}</text>\n\
             <path d=\"M{:.1} {middle:.1}H{:.1}\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            LEFT - 8.0,
            middle + 4.0,
            escaped(&curve.label),
            ends.0,
            ends.1,
        );
        for (step, value) in steps.iter().zip(&curve.values) {
            let _ = writeln!(
                out,
                "<circle cx=\"{:.1}\" cy=\"{middle:.1}\" r=\"4\" fill=\"{colour}\"><title>{} {step}: {}</title></circle>",
                x(*value),
                escaped(&curve.label),
                short(*value),
            );
        }
    }
    let _ = writeln!(
        out,
        "<text x=\"8\" y=\"{}\" fill=\"#57606a\">marks: {}</text>",
        TOP - 6.0,
        steps.join(", ")
    );
    out + "</svg>\n"
}

/// A curve a peer over the number of workers, from 1; beyond `cpus` they share CPUs, and the picture says so.
#[must_use]
pub fn scaling(title: &str, cpus: usize, curves: &[Curve]) -> String {
    const FOOT: f64 = 30.0;
    const DEPTH: f64 = 300.0;
    let steps = curves.iter().map(|curve| curve.values.len()).max();
    let steps = steps.unwrap_or(0).max(2);
    let all = curves.iter().flat_map(|curve| &curve.values);
    let most = all.fold(0.0_f64, |most, value| most.max(*value)).max(1e-9);
    let left = 60.0;
    let x = |step: usize| left + WIDTH * step as f64 / (steps - 1) as f64;
    let y = |value: f64| TOP + DEPTH * (1.0 - value / most);
    let (width, height) = (left + WIDTH + LEFT, TOP + DEPTH + FOOT);
    let mut out = begin(width, height, title);
    if cpus < steps {
        let from = x(cpus.saturating_sub(1)) + WIDTH / (steps - 1) as f64 / 2.0;
        let _ = writeln!(
            out,
            "<rect x=\"{from:.1}\" y=\"{TOP}\" width=\"{:.1}\" height=\"{DEPTH}\" fill=\"#f6f1dd\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" fill=\"#57606a\">more workers than the {cpus} CPUs</text>",
            left + WIDTH - from,
            from + 6.0,
            TOP + DEPTH - 8.0,
        );
    }
    for step in 0..steps {
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#57606a\">{}</text>",
            x(step),
            TOP + DEPTH + 18.0,
            step + 1
        );
    }
    for part in [0.0, 0.5, 1.0] {
        let _ = writeln!(
            out,
            "<path d=\"M{left} {0:.1}H{1}\" stroke=\"#d8dee4\"/><text x=\"{2}\" y=\"{3:.1}\" text-anchor=\"end\" \
             fill=\"#57606a\">{4}</text>",
            y(most * part),
            left + WIDTH,
            left - 6.0,
            y(most * part) + 4.0,
            short(most * part)
        );
    }
    for (curve, label_y) in curves.iter().zip(spread_out(curves, y)) {
        let (colour, weight) = style(curve);
        let points = curve.values.iter().enumerate();
        let points: Vec<String> = points
            .map(|(step, value)| format!("{:.1},{:.1}", x(step), y(*value)))
            .collect();
        let _ = writeln!(
            out,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\n\
             <text x=\"{:.1}\" y=\"{:.1}\" font-weight=\"{weight}\">{}</text>",
            points.join(" "),
            left + WIDTH + 8.0,
            label_y + 4.0,
            escaped(&curve.label)
        );
    }
    out + "</svg>\n"
}

/// Nanoseconds, in the unit that people say.
fn time(ns: f64) -> String {
    let (value, unit) = match ns {
        ..1e3 => (ns, "ns"),
        1e3..1e6 => (ns / 1e3, "µs"),
        1e6..1e9 => (ns / 1e6, "ms"),
        _ => (ns / 1e9, "s"),
    };
    format!("{value:.0} {unit}")
}

/// Where the names stand: each at its curve's end, or as near to it as the others leave room.
fn spread_out(curves: &[Curve], y: impl Fn(f64) -> f64) -> Vec<f64> {
    const APART: f64 = 13.0;
    let end = |curve: &Curve| curve.values.last().map_or(0.0, |value| y(*value));
    let mut order: Vec<usize> = (0..curves.len()).collect();
    order.sort_by(|a, b| end(&curves[*b]).total_cmp(&end(&curves[*a])));
    let mut places = vec![0.0; curves.len()];
    let mut below = f64::INFINITY;
    for index in order {
        below = end(&curves[index]).min(below - APART);
        places[index] = below;
    }
    places
}

fn style(curve: &Curve) -> (&'static str, &'static str) {
    if curve.is_ours {
        ("#1f6feb", "bold")
    } else if curve.is_floor {
        ("#bfa94a", "normal")
    } else {
        ("#a8b1bb", "normal")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curves() -> Vec<Curve> {
        let curve = |label: &str, is_ours, values: [f64; 4]| Curve {
            label: label.to_owned(),
            is_ours,
            is_floor: false,
            values: values.to_vec(),
        };
        vec![
            curve("a <rival>", false, [900.0, 1e4, 1e5, 1e6]),
            curve("ours", true, [300.0, 900.0, 1e4, 2e4]),
        ]
    }

    #[test]
    fn percentiles_have_a_mark_a_step_and_the_best_first() {
        let picture = percentiles("title", &["p50", "p99", "p999", "max"], &curves());
        assert_eq!(picture.matches("<circle").count(), 8);
        let place = |what: &str| picture.find(what).expect("it is there");
        assert!(place(">ours<") < place(">a &lt;rival&gt;<"));
    }

    #[test]
    fn scaling_says_where_cpus_end() {
        assert!(scaling("title", 2, &curves()).contains("more workers than the 2 CPUs"));
        assert!(!scaling("title", 4, &curves()).contains("more workers"));
        assert_eq!(
            scaling("title", 2, &curves()).matches("<polyline").count(),
            2
        );
    }

    #[test]
    fn names_do_not_lie_on_each_other() {
        let places = spread_out(&curves(), |value| 300.0 - value / 1e6);
        assert!((places[0] - places[1]).abs() >= 12.9);
    }
}
