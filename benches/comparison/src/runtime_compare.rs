//! Runs our executor and our pool, and their rivals, in turn, and writes tables, JSON and pictures.
//!
//! ```text
//! cargo run --profile compare --bin runtime-compare -- [OPTION]...
//! ```
//!
//! | option | |
//! |---|---|
//! | `--rounds N` | how many rounds (default 7); each runs every peer of every row once |
//! | `--quick` | a round of small counts: shows that all works, and no figures |
//! | `--rows A,B` | these rows; a name, or how names begin |
//! | `--peers A,B` | these peers; likewise |
//! | `--cpus A,B` | where the client runs, and where the worker (default: two neighbouring cores) |
//! | `--seed N` | where the shuffling starts (default 1) |
//! | `--patience N` | after how many seconds a sample is said to hang (default 120) |
//! | `--json FILE` | writes all samples there |
//! | `--markdown FILE` | writes the tables there |
//! | `--svg DIR` | writes the pictures there |
//! | `--doc FILE` | puts the tables into this document and the pictures into a folder beside it, called as it |
//! | `--from FILE` | does not measure but reads what `--json` wrote |
//! | `--list` | says what would run |
//! | `--sample ROW PEER` | one sample, in this process, as a line of JSON: what the program calls itself with |
//!
//! The tables are printed in any case. Each sample is a process of its own, so that no peer inherits the threads or the
//! memory of another. A peer that cannot run here is left out, and one that hangs or fails is reported; both are said
//! with the reason.

mod runtime;

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use comparison::{
    document, plot,
    report::{self, Report},
    table::{self, Style},
};
use lexopt::{Arg, Parser, ValueExt};
use runtime::{
    list::{self, Chosen},
    pictures,
    rounds::{self, Settings},
    sample, tables,
};
use shared_nothing_affinity::{CpuId, CpuSet, Demand, Machine, Placement};

fn main() -> ExitCode {
    match compare() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("runtime-compare: {error}");
            ExitCode::FAILURE
        }
    }
}

struct Options {
    settings: Settings,
    rows: Vec<String>,
    peers: Vec<String>,
    json: Option<PathBuf>,
    markdown: Option<PathBuf>,
    svg: Option<PathBuf>,
    doc: Option<PathBuf>,
    from: Option<PathBuf>,
    list: bool,
    sample: Option<(String, String)>,
}

fn compare() -> Result<(), Box<dyn Error>> {
    let options = options()?;
    if let Some((row, peer)) = &options.sample {
        println!("{}", sample::run(row, peer, options.settings.plan)?);
        return Ok(());
    }
    let report = match &options.from {
        Some(path) => Report::read(path)?,
        None => {
            let chosen = list::chosen(&options.rows, &options.peers)?;
            if options.list {
                print_list(&chosen);
                return Ok(());
            }
            measure(&chosen, &options.settings)?
        }
    };
    if let Some(dir) = &options.svg {
        write_plots(&report, dir)?;
    }
    if let Some(path) = &options.json {
        fs::write(path, format!("{:#}\n", report.to_json()))?;
    }
    if let Some(path) = &options.markdown {
        fs::write(path, markdown(&report, "performance"))?;
    }
    if let Some(path) = &options.doc {
        let dir = document::rewrite(path, "runtime-compare", |plots| markdown(&report, plots))?;
        write_plots(&report, &dir)?;
    }
    print!("{}", markdown(&report, "performance"));
    Ok(())
}

fn print_list(chosen: &Chosen) {
    for (row, peers) in chosen {
        let names: Vec<&str> = peers.iter().map(|peer| peer.name()).collect();
        println!("{}: {}", row.name(), names.join(", "));
    }
}

fn measure(chosen: &Chosen, settings: &Settings) -> Result<Report, Box<dyn Error>> {
    let plan = settings.plan;
    let mut machine = report::machine(&[plan.client, plan.worker]);
    let samples = rounds::measure(chosen, settings)?;
    for (what, why) in &samples.without {
        machine.push((format!("without {what}"), why.clone()));
    }
    Ok(Report {
        machine,
        rounds: settings.rounds,
        tables: tables::tables(chosen, &samples),
    })
}

fn markdown(report: &Report, plots: &str) -> String {
    let style = Style {
        prefix: "runtime",
        plots,
        rows: "peer",
        note: "order shuffled; each sample a process of its own.",
        leads: tables::leads,
    };
    let tables = table::markdown(report, &style);
    // The machine comes first.
    let (machine, tables) = tables.split_once("\n\n").unwrap_or_default();
    let overview = tables::overview(report);
    let pictures = comparison::pictures::links(&pictures::all(report), plots, "runtime");
    format!("{machine}\n\n{overview}{pictures}\n{tables}")
}

fn write_plots(report: &Report, dir: &Path) -> std::io::Result<()> {
    fs::create_dir_all(dir)?;
    let write = |name: &str, svg| fs::write(dir.join(format!("runtime-{name}.svg")), svg);
    for table in &report.tables {
        write(&table.id, plot::svg(table))?;
    }
    for picture in pictures::all(report) {
        write(picture.name, picture.svg)?;
    }
    Ok(())
}

fn options() -> Result<Options, Box<dyn Error>> {
    let mut options = Options {
        settings: Settings::new(),
        rows: Vec::new(),
        peers: Vec::new(),
        json: None,
        markdown: None,
        svg: None,
        doc: None,
        from: None,
        list: false,
        sample: None,
    };
    let settings = &mut options.settings;
    let mut cpus = Vec::new();
    let names = |text: String| text.split(',').map(str::to_owned).collect::<Vec<_>>();
    let mut parser = Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("rounds") => settings.rounds = parser.value()?.parse()?,
            Arg::Long("quick") => (settings.rounds, settings.plan.quick) = (1, true),
            Arg::Long("rows") => options.rows.extend(names(parser.value()?.string()?)),
            Arg::Long("peers") => options.peers.extend(names(parser.value()?.string()?)),
            Arg::Long("cpus") => {
                let list = CpuSet::parse_list(&parser.value()?.string()?)?;
                cpus = list.iter().collect();
            }
            Arg::Long("seed") => settings.seed = parser.value()?.parse()?,
            Arg::Long("patience") => settings.patience_s = parser.value()?.parse()?,
            Arg::Long("json") => options.json = Some(parser.value()?.into()),
            Arg::Long("markdown") => options.markdown = Some(parser.value()?.into()),
            Arg::Long("svg") => options.svg = Some(parser.value()?.into()),
            Arg::Long("doc") => options.doc = Some(parser.value()?.into()),
            Arg::Long("from") => options.from = Some(parser.value()?.into()),
            Arg::Long("list") => options.list = true,
            Arg::Long("sample") => {
                let row = parser.value()?.string()?;
                options.sample = Some((row, parser.value()?.string()?));
            }
            other => return Err(other.unexpected().into()),
        }
    }
    if settings.rounds == 0 {
        return Err("no round, no median".into());
    }
    if cpus.is_empty() {
        cpus = neighbours()?;
    }
    let [client, worker, ..] = cpus[..] else {
        return Err("two CPUs are needed".into());
    };
    (settings.plan.client, settings.plan.worker) = (client, worker);
    Ok(options)
}

/// Two cores that are near to each other.
fn neighbours() -> Result<Vec<CpuId>, Box<dyn Error>> {
    let machine = Machine::read()?;
    let cpus = &machine.budget.cpus;
    let placed = Placement::Packed.place(&machine.topology, cpus, 2, Demand::Require)?;
    Ok(placed.cpus.into_iter().flatten().collect())
}
