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
//! | `--readers N` | readers of those two (default: as many as workers); more than once for more tables |
//! | `--channel KIND` | what the crossbeam rival sends; more than once for more rivals (default `packs`, then `batches`) |
//! | `--json FILE` | writes all samples there |
//! | `--markdown FILE` | writes the tables there |
//! | `--doc FILE` | puts the tables into this document and the pictures into a folder beside it, called as it |
//! | `--from FILE` | does not measure but reads what `--json` wrote |
//!
//! Without a path, each counts what it counts by default. Every round the order moves on by one, so that none always
//! runs behind the same other. A run that counts differently from the first is an error. The tables are printed in any
//! case.

use std::{
    env,
    error::Error,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Instant,
};

use comparison::{
    document, plot,
    report::{self, Class, Kind, Report, Row, Table},
    table::{self, Style},
};
use lexopt::{Arg, Parser, ValueExt};
use serde_json::Value;
use shared_nothing_affinity::usable_cpus;

fn main() -> ExitCode {
    match compare() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wordcount-compare: {error}");
            ExitCode::FAILURE
        }
    }
}

struct Options {
    rounds: usize,
    workers: usize,
    readers: Vec<usize>,
    channels: Vec<String>,
    ours: PathBuf,
    paths: Vec<OsString>,
    json: Option<PathBuf>,
    markdown: Option<PathBuf>,
    doc: Option<PathBuf>,
    from: Option<PathBuf>,
}

/// One of the programs, and what it took.
struct Contestant {
    name: String,
    kind: Kind,
    program: PathBuf,
    args: Vec<OsString>,
    /// Seconds, a round each.
    times: Vec<f64>,
}

fn compare() -> Result<(), Box<dyn Error>> {
    let options = options()?;
    let report = match &options.from {
        Some(path) => Report::read(path)?,
        None => measure(&options)?,
    };
    if let Some(path) = &options.json {
        fs::write(path, format!("{:#}\n", report.to_json()))?;
    }
    if let Some(path) = &options.markdown {
        fs::write(path, markdown(&report, "performance"))?;
    }
    if let Some(path) = &options.doc {
        let dir = document::rewrite(path, "wordcount-compare", |plots| markdown(&report, plots))?;
        fs::create_dir_all(&dir)?;
        for table in &report.tables {
            let file = dir.join(format!("wordcount-{}.svg", table.id));
            fs::write(file, plot::svg(table))?;
        }
    }
    print!("{}", markdown(&report, "performance"));
    Ok(())
}

fn options() -> Result<Options, Box<dyn Error>> {
    let mut options = Options {
        rounds: 7,
        workers: 2,
        readers: Vec::new(),
        channels: Vec::new(),
        ours: Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/release/examples/wordcount"),
        paths: Vec::new(),
        json: None,
        markdown: None,
        doc: None,
        from: None,
    };
    let mut parser = Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("rounds") => options.rounds = parser.value()?.parse()?,
            Arg::Long("workers") => options.workers = parser.value()?.parse()?,
            Arg::Long("readers") => options.readers.push(parser.value()?.parse()?),
            Arg::Long("channel") => options.channels.push(parser.value()?.string()?),
            Arg::Long("ours") => options.ours = parser.value()?.into(),
            Arg::Long("json") => options.json = Some(parser.value()?.into()),
            Arg::Long("markdown") => options.markdown = Some(parser.value()?.into()),
            Arg::Long("doc") => options.doc = Some(parser.value()?.into()),
            Arg::Long("from") => options.from = Some(parser.value()?.into()),
            Arg::Value(path) => options.paths.push(path),
            other => return Err(other.unexpected().into()),
        }
    }
    if options.rounds == 0 {
        return Err("no round, no median".into());
    }
    if options.channels.is_empty() {
        options.channels = ["packs", "batches"].map(str::to_owned).into();
    }
    if options.readers.is_empty() {
        options.readers.push(options.workers);
    }
    Ok(options)
}

/// Those who count with so many readers.
fn contestants(options: &Options, readers: usize) -> Result<Vec<Contestant>, Box<dyn Error>> {
    let here = env::current_exe()?;
    let here = here.parent().ok_or("this program lies in no folder")?;
    let contestant = |name: String, kind, program: PathBuf, first: &[String]| {
        let args = first.iter().map(OsString::from).chain(["--json".into()]);
        Contestant {
            name,
            kind,
            program,
            args: args.chain(options.paths.iter().cloned()).collect(),
            times: Vec::new(),
        }
    };
    let workers = format!("--workers={}", options.workers);
    let threads = [workers, format!("--readers={readers}")];
    let mut contestants = vec![
        contestant(
            "pool".to_owned(),
            Kind::Ours,
            options.ours.clone(),
            &threads,
        ),
        contestant(
            "one thread, no library".to_owned(),
            Kind::Rival,
            here.join("wordcount-single"),
            &[],
        ),
    ];
    for channel in &options.channels {
        let [workers, readers] = threads.clone();
        contestants.push(contestant(
            format!("crossbeam-channel, {channel}"),
            Kind::Rival,
            here.join("wordcount-crossbeam"),
            &[format!("--channel={channel}"), workers, readers],
        ));
    }
    Ok(contestants)
}

fn measure(options: &Options) -> Result<Report, Box<dyn Error>> {
    let cpus: Vec<_> = usable_cpus()?.iter().collect();
    let mut machine = report::machine(&cpus);
    let mut expected = None;
    let mut tables = Vec::new();
    for &readers in &options.readers {
        let mut contestants = contestants(options, readers)?;
        for round in 0..=options.rounds {
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
            eprintln!("round {round} of {}, {readers} readers", options.rounds);
        }
        let row = |contestant: Contestant| Row {
            name: contestant.name,
            kind: contestant.kind,
            class: Class::Plain,
            samples: contestant.times,
        };
        tables.push(Table {
            id: format!("words_{readers}r"),
            title: format!(
                "readers: {readers}, workers: {}; whole process",
                options.workers
            ),
            unit: "s".to_owned(),
            rows: contestants.into_iter().map(row).collect(),
        });
    }
    let counted = expected.unwrap_or_default();
    machine.push(("words".to_owned(), counted["words"].to_string()));
    machine.push((
        "of them different".to_owned(),
        counted["distinct"].to_string(),
    ));
    let megabytes = counted["bytes"].as_f64().unwrap_or_default() / 1e6;
    machine.push(("megabytes".to_owned(), format!("{megabytes:.1}")));
    Ok(Report {
        machine,
        rounds: options.rounds,
        tables,
    })
}

fn markdown(report: &Report, plots: &str) -> String {
    let style = Style {
        prefix: "wordcount",
        plots,
        rows: "program",
        note: "in an order that moves on by one; seconds of a whole process.",
        leads: |_, _| true,
    };
    table::markdown(report, &style)
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
