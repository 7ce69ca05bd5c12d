//! Draws the machine as a tree, and how long a message takes from each CPU to each other and back.
//!
//! ```text
//! cargo run --release --example topology [-- --svg FILE]
//! ```
//!
//! Two threads, pinned to two CPUs, send a number to and fro through two rings. The time of one round trip is that of
//! two moves of a cache line in each direction, so it tells which CPUs are near each other.
//!
//! | module | does |
//! |---|---|
//! | `run` | the program: what is read, measured and shown, in order |
//! | `tree` | the machine as a tree |
//! | `measure` | round trips between two CPUs; **start here** |
//! | `matrix` | the round trips of all pairs, as a table and by how near the two CPUs are |
//! | `heat` | the same as a picture |
//! | `report`, `args` | everything as JSON, and what is asked |

use std::process::ExitCode;

#[path = "topology/args.rs"]
mod args;
#[path = "topology/heat.rs"]
mod heat;
#[path = "topology/matrix.rs"]
mod matrix;
#[path = "topology/measure.rs"]
mod measure;
#[path = "topology/report.rs"]
mod report;
#[path = "topology/run.rs"]
mod run;
#[path = "topology/tree.rs"]
mod tree;

fn main() -> ExitCode {
    run::main(std::env::args_os().skip(1))
}
