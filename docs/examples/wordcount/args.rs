//! The command line.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use lexopt::{Arg, Parser, ValueExt};

/// What `--help` prints.
pub(crate) const HELP: &str = "\
Counts the words of text files.

Usage: wordcount [OPTION]... [PATH]...

PATH is a file or a folder. Without one, the documentation that the Rust
toolchain installs is counted, or the current folder where there is none.

  --workers N  count in N tables, one for each worker (default: one for each CPU)
  --readers N  read with N threads (default: as many as workers)
  --top N      show the N most frequent words (default: 10)
  --check      count again on one thread; a difference is an error
  --json       write the report as JSON
  --help       show this text

Exit status: 0 counted, 1 the check found a difference or a worker failed,
2 bad option or missing path, 130 interrupted.
";

/// More workers or readers than this are a slip of the finger.
const THREADS_MAX: usize = 1024;

/// What to do.
#[derive(Debug)]
pub(crate) struct Options {
    /// What to count; empty for the default.
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) workers: NonZeroUsize,
    /// As many as workers where nothing is said.
    pub(crate) readers: Option<NonZeroUsize>,
    pub(crate) top: usize,
    pub(crate) check: bool,
    pub(crate) json: bool,
    pub(crate) help: bool,
}

impl Options {
    /// The options in `args`, which begin behind the program's name.
    ///
    /// # Errors
    /// An unknown option, or a value that is missing or out of range.
    pub(crate) fn parse(args: impl Iterator<Item = OsString>) -> Result<Self, lexopt::Error> {
        let mut options = Self {
            paths: Vec::new(),
            workers: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            readers: None,
            top: 10,
            check: false,
            json: false,
            help: false,
        };
        let mut parser = Parser::from_args(args);
        while let Some(arg) = parser.next()? {
            match arg {
                Arg::Long("workers") => options.workers = parser.value()?.parse_with(threads)?,
                Arg::Long("readers") => {
                    options.readers = Some(parser.value()?.parse_with(threads)?)
                }
                Arg::Long("top") => options.top = parser.value()?.parse()?,
                Arg::Long("check") => options.check = true,
                Arg::Long("json") => options.json = true,
                Arg::Long("help") | Arg::Short('h') => options.help = true,
                Arg::Value(path) => options.paths.push(path.into()),
                other => return Err(other.unexpected()),
            }
        }
        Ok(options)
    }
}

fn threads(text: &str) -> Result<NonZeroUsize, String> {
    text.parse()
        .ok()
        .filter(|threads: &NonZeroUsize| threads.get() <= THREADS_MAX)
        .ok_or(format!("not a number from 1 to {THREADS_MAX}"))
}
