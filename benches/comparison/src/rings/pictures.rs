//! Pictures of several tables each: how long round trips and wakes take.

use comparison::{
    curves,
    pictures::{Picture, join},
    report::Report,
};

/// What a picture shows, its marks, and the tables that they are from.
type Recipe = (
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

const RECIPES: [Recipe; 2] = [
    (
        "latency",
        "ping-pong: how long a value and its answer take",
        &["p50", "p99", "p99.9", "max"],
        &[
            "ping_pong_p50",
            "ping_pong_p99",
            "ping_pong_p999",
            "ping_pong_max",
        ],
    ),
    (
        "wakes",
        "wake: from the send until a parked consumer has the value",
        &["p50", "p99", "max"],
        &["wake_p50", "wake_p99", "wake_max"],
    ),
];

pub(crate) fn all(report: &Report) -> Vec<Picture> {
    let picture = |(name, title, steps, tables): Recipe| {
        let curves = join(report, tables, |median| median);
        (!curves.is_empty()).then(|| Picture {
            name,
            svg: curves::percentiles(title, steps, &curves),
        })
    };
    RECIPES.into_iter().filter_map(picture).collect()
}
