//! Runs the rings and their rivals in turn, and writes tables, JSON and pictures.
//!
//! ```text
//! cargo run --profile compare --bin rings-compare -- [OPTION]...
//! ```
//!
//! | option | |
//! |---|---|
//! | `--rounds N` | how many rounds (default 11); each runs every queue of every workload once |
//! | `--millis N` | how long one run should take (default 40) |
//! | `--quick` | 3 rounds of 4 ms: shows that all works, and no figures |
//! | `--only TEXT` | workloads whose name contains this; may be repeated |
//! | `--queues TEXT` | queues whose name contains this; may be repeated |
//! | `--cpus LIST` | pin to these, as `0,2` (default: two neighbouring cores); a first thread to the first, and so on |
//! | `--seed N` | where the shuffling starts (default 1) |
//! | `--out DIR` | writes `rings.md`, `rings.json` and `rings-WORKLOAD.svg` there |
//! | `--doc FILE` | puts the tables into this document and the pictures into a folder beside it, called as it |
//! | `--from FILE` | does not measure but reads `rings.json` |
//! | `--list` | says what would run |
//!
//! The tables are printed in any case. A queue that brings a wrong item, or none in a minute, is an error.

mod rings;

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use comparison::{
    document, plot,
    report::{self, Report},
    table::{self, Style},
};
use lexopt::{Arg, Parser, ValueExt};
use rings::{
    list, pictures,
    rounds::{self, Settings},
    tables::{self, Names},
};
use shared_nothing_affinity::{CpuId, CpuSet, Demand, Machine, Placement};

fn main() -> ExitCode {
    match compare() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rings-compare: {error}");
            ExitCode::FAILURE
        }
    }
}

struct Options {
    settings: Settings,
    only: Vec<String>,
    queues: Vec<String>,
    out: Option<PathBuf>,
    doc: Option<PathBuf>,
    from: Option<PathBuf>,
    list: bool,
}

fn compare() -> Result<(), Box<dyn Error>> {
    let options = options()?;
    let report = match &options.from {
        Some(path) => Report::read(path)?,
        None => {
            let workloads = chosen(&options)?;
            if options.list {
                for workload in &workloads {
                    let names: Vec<&str> =
                        workload.entries.iter().map(|entry| entry.name).collect();
                    println!("{}: {}", workload.id, names.join(", "));
                }
                return Ok(());
            }
            let names: Vec<Names> = workloads.iter().map(Names::of).collect();
            let (machine, rounds) = (
                report::machine(&options.settings.cpus),
                options.settings.rounds,
            );
            let samples = rounds::measure(workloads, options.settings)?;
            Report {
                machine,
                rounds,
                tables: tables::tables(&names, &samples),
            }
        }
    };
    if let Some(dir) = &options.out {
        write_plots(&report, dir)?;
        fs::write(dir.join("rings.json"), format!("{:#}\n", report.to_json()))?;
        fs::write(dir.join("rings.md"), markdown(&report, "."))?;
    }
    if let Some(path) = &options.doc {
        let dir = document::rewrite(path, "rings-compare", |plots| markdown(&report, plots))?;
        write_plots(&report, &dir)?;
    }
    print!("{}", markdown(&report, "."));
    Ok(())
}

fn markdown(report: &Report, plots: &str) -> String {
    let style = Style {
        prefix: "rings",
        plots,
        rows: "queue",
        note: "order shuffled; nanoseconds an item.",
        leads: tables::leads,
    };
    let tables = table::markdown(report, &style);
    // The machine comes first.
    let (machine, tables) = tables.split_once("\n\n").unwrap_or_default();
    let pictures = comparison::pictures::links(&pictures::all(report), plots, "rings");
    format!("{machine}\n{pictures}\n{tables}")
}

fn write_plots(report: &Report, dir: &Path) -> std::io::Result<()> {
    fs::create_dir_all(dir)?;
    let write = |name: &str, svg| fs::write(dir.join(format!("rings-{name}.svg")), svg);
    for table in &report.tables {
        write(&table.id, plot::svg(table))?;
    }
    for picture in pictures::all(report) {
        write(picture.name, picture.svg)?;
    }
    Ok(())
}

/// What `--only` and `--queues` leave.
fn chosen(options: &Options) -> Result<Vec<list::Workload>, Box<dyn Error>> {
    let wanted = |texts: &[String], name: &str| {
        texts.is_empty() || texts.iter().any(|text| name.contains(text.as_str()))
    };
    let mut workloads = list::workloads();
    workloads.retain_mut(|workload| {
        workload
            .entries
            .retain(|entry| wanted(&options.queues, entry.name));
        wanted(&options.only, workload.id) && !workload.entries.is_empty()
    });
    if workloads.is_empty() {
        return Err("nothing is left to measure; see --list".into());
    }
    Ok(workloads)
}

fn options() -> Result<Options, Box<dyn Error>> {
    let mut options = Options {
        settings: Settings {
            rounds: 11,
            run: Duration::from_millis(40),
            seed: 1,
            cpus: Vec::new(),
            patience: Duration::from_secs(60),
        },
        only: Vec::new(),
        queues: Vec::new(),
        out: None,
        doc: None,
        from: None,
        list: false,
    };
    let settings = &mut options.settings;
    let mut parser = Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("rounds") => settings.rounds = parser.value()?.parse()?,
            Arg::Long("millis") => settings.run = Duration::from_millis(parser.value()?.parse()?),
            Arg::Long("quick") => (settings.rounds, settings.run) = (3, Duration::from_millis(4)),
            Arg::Long("only") => options.only.push(parser.value()?.string()?),
            Arg::Long("queues") => options.queues.push(parser.value()?.string()?),
            Arg::Long("cpus") => {
                settings.cpus = CpuSet::parse_list(&parser.value()?.string()?)?
                    .iter()
                    .collect();
            }
            Arg::Long("seed") => settings.seed = parser.value()?.parse()?,
            Arg::Long("out") => options.out = Some(parser.value()?.into()),
            Arg::Long("doc") => options.doc = Some(parser.value()?.into()),
            Arg::Long("from") => options.from = Some(parser.value()?.into()),
            Arg::Long("list") => options.list = true,
            other => return Err(other.unexpected().into()),
        }
    }
    if settings.rounds == 0 {
        return Err("no round, no median".into());
    }
    if settings.cpus.is_empty() {
        settings.cpus = neighbours()?;
    }
    if settings.cpus.len() < 2 {
        return Err("two CPUs are needed".into());
    }
    Ok(options)
}

/// Two cores that are near to each other.
fn neighbours() -> Result<Vec<CpuId>, Box<dyn Error>> {
    let machine = Machine::read()?;
    let cpus = &machine.budget.cpus;
    let placed = Placement::Packed.place(&machine.topology, cpus, 2, Demand::Require)?;
    Ok(placed.cpus.into_iter().flatten().collect())
}
