//! The word count on one thread, without the library: same reader, tokeniser, table and report.
#![allow(dead_code, reason = "modules shared with programs that have workers")]

use std::process::ExitCode;

#[path = "../../../docs/examples/wordcount/args.rs"]
mod args;
#[path = "../../../docs/examples/wordcount/progress.rs"]
mod progress;
#[path = "../../../docs/examples/wordcount/read.rs"]
mod read;
#[path = "../../../docs/examples/wordcount/report.rs"]
mod report;
#[path = "../../../docs/examples/wordcount/run.rs"]
mod run;
#[path = "../../../docs/examples/wordcount/single.rs"]
mod single;
#[path = "../../../docs/examples/wordcount/skip.rs"]
mod skip;
#[path = "../../../docs/examples/wordcount/table.rs"]
mod table;
#[path = "../../../docs/examples/wordcount/token.rs"]
mod token;
#[path = "../../../docs/examples/wordcount/walk.rs"]
mod walk;
#[path = "../../../docs/examples/wordcount/word.rs"]
mod word;

fn main() -> ExitCode {
    run::main(std::env::args_os().skip(1), |job, progress| {
        Ok(single::count(job, progress))
    })
}
