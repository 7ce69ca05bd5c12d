//! Counts the words of text files: readers, workers, nothing shared.
//!
//! ```text
//! cargo run --release --example wordcount [PATH]...
//! ```
//!
//! Readers take files from a list, split them into words, and send each word to the worker that its hash belongs to.
//! Every worker counts in a `HashMap` of its own; no two hold the same word, so at the end the tables are put side by
//! side and the most frequent words taken.
//!
//! | module | does |
//! |---|---|
//! | `run` | the program around the counting |
//! | `walk`, `read`, `token` | paths to files to text to words |
//! | `readers` | many threads that do this |
//! | `word`, `pack`, `table` | a word, many of them as a message, and a worker's table |
//! | `parallel` | the pool: words to workers; **start here** |
//! | `single` | the same on one thread, for `--check` |
//! | `report`, `progress`, `args`, `skip` | what is shown, and what is asked |

use std::process::ExitCode;

#[path = "wordcount/args.rs"]
mod args;
#[path = "wordcount/pack.rs"]
mod pack;
#[path = "wordcount/parallel.rs"]
mod parallel;
#[path = "wordcount/progress.rs"]
mod progress;
#[path = "wordcount/read.rs"]
mod read;
#[path = "wordcount/readers.rs"]
mod readers;
#[path = "wordcount/report.rs"]
mod report;
#[path = "wordcount/run.rs"]
mod run;
#[path = "wordcount/single.rs"]
mod single;
#[path = "wordcount/skip.rs"]
mod skip;
#[path = "wordcount/table.rs"]
mod table;
#[path = "wordcount/token.rs"]
mod token;
#[path = "wordcount/walk.rs"]
mod walk;
#[path = "wordcount/word.rs"]
mod word;

fn main() -> ExitCode {
    run::main(std::env::args_os().skip(1), parallel::count)
}
