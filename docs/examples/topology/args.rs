//! The command line.

use std::ffi::OsString;
use std::num::NonZeroU32;
use std::path::PathBuf;

use lexopt::{Arg, Parser, ValueExt};
use shared_nothing::affinity::CpuSet;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
Draws the machine as a tree, and the round trip from each CPU to each other.

Usage: topology [OPTION]...

  --cpus LIST  measure between these CPUs, such as 0-3,8
               (default: all that this process may use)
  --trips N    round trips in each of the 25 samples of a pair (default: 200)
  --no-matrix  measure nothing
  --svg FILE   write the round trips as a heat map too; with - for FILE, to
               standard output and nothing else there
  --json       write the report as JSON
  --help       show this text

Exit status: 0 drawn, 1 a pair could not be measured or a file not written,
2 bad option or a CPU that this process may not use.
";

/// More in one sample than this are a slip of the finger.
const TRIPS_MAX: u32 = 1_000_000;

/// What to do.
#[derive(Debug)]
pub(crate) struct Options {
    /// What to measure between; nothing for all.
    pub(crate) cpus: Option<CpuSet>,
    pub(crate) trips: NonZeroU32,
    pub(crate) matrix: bool,
    pub(crate) svg: Option<PathBuf>,
    pub(crate) json: bool,
    pub(crate) help: bool,
}

impl Options {
    /// The options in `args`, which begin behind the program's name.
    ///
    /// # Errors
    /// An unknown option, a value that is missing or out of range, or two options that contradict each other.
    pub(crate) fn parse(args: impl Iterator<Item = OsString>) -> Result<Self, lexopt::Error> {
        let mut options = Self {
            cpus: None,
            trips: NonZeroU32::new(200).expect("not zero"),
            matrix: true,
            svg: None,
            json: false,
            help: false,
        };
        let mut parser = Parser::from_args(args);
        while let Some(arg) = parser.next()? {
            match arg {
                Arg::Long("cpus") => options.cpus = Some(parser.value()?.parse_with(cpus)?),
                Arg::Long("trips") => options.trips = parser.value()?.parse_with(trips)?,
                Arg::Long("no-matrix") => options.matrix = false,
                Arg::Long("svg") => options.svg = Some(parser.value()?.into()),
                Arg::Long("json") => options.json = true,
                Arg::Long("help") | Arg::Short('h') => options.help = true,
                other => return Err(other.unexpected()),
            }
        }
        if options.svg.is_some() && !options.matrix {
            return Err("--svg draws what --no-matrix leaves out".into());
        }
        if options.is_svg_alone() && options.json {
            return Err("--svg - and --json both want standard output".into());
        }
        Ok(options)
    }

    /// Whether standard output is for the picture.
    pub(crate) fn is_svg_alone(&self) -> bool {
        self.svg
            .as_deref()
            .is_some_and(|path| path.as_os_str() == "-")
    }
}

fn cpus(text: &str) -> Result<CpuSet, String> {
    match CpuSet::parse_list(text) {
        Ok(cpus) if cpus.is_empty() => Err("no CPU is listed".into()),
        Ok(cpus) => Ok(cpus),
        Err(wrong) => Err(wrong.to_string()),
    }
}

fn trips(text: &str) -> Result<NonZeroU32, String> {
    text.parse()
        .ok()
        .filter(|trips: &NonZeroU32| trips.get() <= TRIPS_MAX)
        .ok_or(format!("not a number from 1 to {TRIPS_MAX}"))
}
