//! Pictures of several tables each: how long calls take, and what more workers bring.

use std::thread;

use comparison::{
    curves,
    pictures::{Picture, join},
    report::Report,
};

const LATENCY: &str = "call: how long a request and its answer take";
const STEPS: [&str; 4] = ["p50", "p99", "p99.9", "max"];
const SCALING: &str = "messages that are worked on, millions a second";

pub(crate) fn all(report: &Report) -> Vec<Picture> {
    let calls = ["call_p50", "call_p99", "call_p999", "call_max"];
    let latency = join(report, &calls, |median| median);
    let scales = ["scale1", "scale2", "scale3", "scale4"];
    let scaling = join(report, &scales, |median_ns| 1e3 / median_ns);
    let mut all = Vec::new();
    if !latency.is_empty() {
        all.push(Picture {
            name: "latency",
            svg: curves::percentiles(LATENCY, &STEPS, &latency),
        });
    }
    if !scaling.is_empty() {
        let cpus = thread::available_parallelism().map_or(1, usize::from);
        all.push(Picture {
            name: "scaling",
            svg: curves::scaling(SCALING, cpus, &scaling),
        });
    }
    all
}
