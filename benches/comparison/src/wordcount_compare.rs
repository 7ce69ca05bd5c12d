//! Runs the word count and its rivals as whole processes, in turn, and prints a table.
//!
//! ```text
//! cargo build --release --example wordcount                                        # in the workspace
//! cargo build --release && target/release/wordcount-compare [OPTION]... [PATH]...  # here
//! ```
//!
//! | option | |
//! |---|---|
//! | `--rounds N` | rounds (default 7), after one that is not counted and that warms the page cache |
//! | `--workers N` | workers of the two that have some (default 2) |
//! | `--ours PROGRAM` | the example's program (default: in the workspace's target directory) |
//! | `--readers N` | readers of those two (default: as many as workers) |
//! | `--channel KIND` | what the crossbeam rival sends; more than once for more rivals (default `packs`, then `batches`) |
//!
//! Without a path, each counts what it counts by default. Every round the order moves on by one, so that none always
//! runs behind the same other. A run that counts differently from the first is an error.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use lexopt::{Arg, Parser, ValueExt};
use serde_json::Value;

fn main() -> ExitCode {
    match compare() {
        Ok(table) => {
            print!("{table}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("wordcount-compare: {error}");
            ExitCode::FAILURE
        }
    }
}

/// One of the programs, and what it took.
struct Contestant {
    name: String,
    program: PathBuf,
    args: Vec<OsString>,
    /// Seconds, a round each.
    times: Vec<f64>,
}

fn compare() -> Result<String, Box<dyn std::error::Error>> {
    let here = env::current_exe()?;
    let here = here.parent().ok_or("this program lies in no folder")?;
    let mut rounds = 7_usize;
    let mut workers = 2_usize;
    let mut readers = None;
    let mut channels = Vec::new();
    let mut ours =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/release/examples/wordcount");
    let mut paths = Vec::new();
    let mut parser = Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("rounds") => rounds = parser.value()?.parse()?,
            Arg::Long("workers") => workers = parser.value()?.parse()?,
            Arg::Long("readers") => readers = Some(parser.value()?.parse::<usize>()?),
            Arg::Long("channel") => channels.push(parser.value()?.string()?),
            Arg::Long("ours") => ours = parser.value()?.into(),
            Arg::Value(path) => paths.push(path),
            other => return Err(other.unexpected().into()),
        }
    }
    if rounds == 0 {
        return Err("no round, no median".into());
    }

    let contestant = |name: String, program: PathBuf, first: &[String]| {
        let args = first.iter().map(OsString::from).chain(["--json".into()]);
        Contestant {
            name,
            program,
            args: args.chain(paths.iter().cloned()).collect(),
            times: Vec::new(),
        }
    };
    if channels.is_empty() {
        channels = ["packs", "batches"].map(str::to_owned).into();
    }
    let readers = readers.unwrap_or(workers);
    let threads = [
        format!("--workers={workers}"),
        format!("--readers={readers}"),
    ];
    let crew = format!("{readers} readers, {workers} workers");
    let mut contestants = vec![
        contestant(format!("shared-nothing, {crew}"), ours, &threads),
        contestant(
            "one thread, no library".to_owned(),
            here.join("wordcount-single"),
            &[],
        ),
    ];
    for channel in channels {
        let [workers, readers] = threads.clone();
        contestants.push(contestant(
            format!("crossbeam-channel ({channel}), {crew}"),
            here.join("wordcount-crossbeam"),
            &[format!("--channel={channel}"), workers, readers],
        ));
    }

    let mut expected = None;
    for round in 0..=rounds {
        for turn in 0..contestants.len() {
            let index = (round + turn) % contestants.len();
            let contestant = &mut contestants[index];
            let (seconds, counted) = contestant.run()?;
            if *expected.get_or_insert_with(|| counted.clone()) != counted {
                return Err(format!("{} counted {counted}", contestant.name).into());
            }
            if round > 0 {
                contestant.times.push(seconds);
            }
        }
    }
    Ok(table(&mut contestants, &expected.unwrap_or_default()))
}

impl Contestant {
    /// Seconds from start to end of the process, and what it counted.
    fn run(&self) -> Result<(f64, Value), Box<dyn std::error::Error>> {
        let start = Instant::now();
        let output = Command::new(&self.program)
            .args(&self.args)
            .output()
            .map_err(|error| format!("{}: {error}", self.program.display()))?;
        let seconds = start.elapsed().as_secs_f64();
        if !output.status.success() {
            let message = String::from_utf8_lossy(&output.stderr);
            return Err(format!("{}: {}: {message}", self.name, output.status).into());
        }
        let mut report: Value = serde_json::from_slice(&output.stdout)?;
        let keys = ["words", "distinct", "bytes", "top"];
        let counted = keys.map(|key| (key.to_owned(), report[key].take()));
        Ok((seconds, Value::Object(counted.into_iter().collect())))
    }
}

/// Markdown: seconds, and how many times as long as the first each took, from the medians.
fn table(contestants: &mut [Contestant], counted: &Value) -> String {
    for contestant in contestants.iter_mut() {
        contestant.times.sort_by(f64::total_cmp);
    }
    let ours = median(&contestants[0].times);
    let mut out = format!(
        "{} words, {} of them different, in {:.1} MB; {} rounds in turn, whole process, seconds; load {}\n\n",
        counted["words"],
        counted["distinct"],
        counted["bytes"].as_f64().unwrap_or_default() / 1e6,
        contestants[0].times.len(),
        fs::read_to_string("/proc/loadavg").map_or("unknown".to_owned(), |load| {
            load.split(' ').take(3).collect::<Vec<_>>().join(" ")
        }),
    );
    out += "| program | median | min | max | median / ours |\n|---|---:|---:|---:|---:|\n";
    for Contestant { name, times, .. } in contestants {
        let (min, median, max) = (times[0], median(times), times[times.len() - 1]);
        out += &format!(
            "| {name} | {median:.2} | {min:.2} | {max:.2} | {:.2} |\n",
            median / ours
        );
    }
    out
}

/// Of sorted numbers, at least one; of two in the middle, their mean.
fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    match sorted.len() % 2 {
        0 => (sorted[middle - 1] + sorted[middle]) / 2.0,
        _ => sorted[middle],
    }
}
