//! Everything as JSON, for programs.

use serde_json::{Value, json};
use shared_nothing::affinity::{CoreKind, Machine, Node};

use crate::matrix::Matrix;

/// One object and a line feed. Sets of CPUs are lists as the kernel writes them, times are in nanoseconds, and what
/// nobody says is null.
pub(crate) fn json(machine: &Machine, matrix: Option<&Matrix>) -> String {
    let (topology, budget) = (&machine.topology, &machine.budget);
    let cpus = topology.cpus().map(|cpu| {
        json!({
            "cpu": cpu.id.0,
            "core": cpu.core.0,
            "package": cpu.package.0,
            "node": cpu.node.map(|node| node.0),
            "kind": if cpu.kind == CoreKind::Efficiency { "efficiency" } else { "performance" },
            "usable": budget.cpus.contains(cpu.id),
        })
    });
    let caches = topology.caches().map(|cache| {
        let cpus = cache.cpus.to_string();
        json!({"level": cache.level, "cpus": cpus, "bytes": cache.size_bytes})
    });
    let report = json!({
        "known": machine.is_topology_known,
        "packages": topology.packages(),
        "cores": topology.cores(),
        "online": topology.online().to_string(),
        "offline": topology.offline().to_string(),
        "isolated": topology.isolated().to_string(),
        "tickless": topology.tickless().to_string(),
        "cpus": cpus.collect::<Vec<_>>(),
        "caches": caches.collect::<Vec<_>>(),
        "nodes": topology.nodes().map(node).collect::<Vec<_>>(),
        "budget": {
            "cpus": budget.cpus.to_string(),
            "workers": budget.workers,
            "visible": budget.visible,
            "quota": budget.quota.map(|quota| quota.cpus()),
            "reason": budget.to_string(),
        },
        "round_trips": matrix.map(round_trips),
    });
    format!("{report:#}\n")
}

fn node(node: &Node) -> Value {
    let distances = node.distances.iter();
    let distances: Vec<_> = distances
        .map(|(to, distance)| json!({"to": to.0, "distance": distance}))
        .collect();
    json!({
        "node": node.id.0,
        "cpus": node.cpus.to_string(),
        "bytes_total": node.memory_bytes_total,
        "bytes_free": node.memory_bytes_free,
        "distances": distances,
    })
}

/// Each pair once, the lower number first.
fn round_trips(matrix: &Matrix) -> Value {
    let pairs = matrix.pairs.iter().map(|((from, to), pair)| {
        let trip = pair.trip.as_ref();
        json!({
            "from": from.0,
            "to": to.0,
            "near": pair.near.to_string(),
            "ns_median": trip.ok().map(|trip| trip.ns_median),
            "ns_min": trip.ok().map(|trip| trip.ns_min),
            "error": trip.err(),
        })
    });
    pairs.collect()
}
