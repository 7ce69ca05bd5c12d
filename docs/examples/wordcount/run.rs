//! The program around the counting: the same for every way to count.

use std::ffi::OsString;
use std::io::{ErrorKind, Write, stderr, stdout};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::args::{HELP, Options};
use crate::progress::Progress;
use crate::read::Tally;
use crate::report::Report;
use crate::skip::Skipped;
use crate::table::Counts;
use crate::{single, walk};

/// What is to be counted, and by how many.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) readers: NonZeroUsize,
    pub(crate) workers: NonZeroUsize,
    /// Set by ctrl-C: read no further, stop what was started, and return.
    pub(crate) stop: Arc<AtomicBool>,
}

/// What was counted.
#[derive(Debug)]
pub(crate) struct Counted {
    pub(crate) tally: Tally,
    /// No word is in two tables.
    pub(crate) tables: Vec<Counts>,
    /// Empty where nothing is sent.
    pub(crate) workers: Vec<WorkerStats>,
}

/// What one worker received.
#[derive(Clone, Debug)]
pub(crate) struct WorkerStats {
    pub(crate) messages: u64,
    /// Nothing where it was not measured.
    pub(crate) wait: Option<Wait>,
}

/// Time from send to handler: half, 99 in 100 and 999 in 1000 of the messages waited no longer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    pub(crate) p999: Duration,
}

const FAILED: u8 = 1;
const USAGE: u8 = 2;
const INTERRUPTED: u8 = 130;

/// The whole program, with `count` to do the counting.
pub(crate) fn main(
    args: impl Iterator<Item = OsString>,
    count: impl FnOnce(&Job, &mut Progress) -> Result<Counted, String>,
) -> ExitCode {
    let error = |text: &dyn std::fmt::Display, status| {
        let _ = writeln!(stderr(), "wordcount: {text}");
        ExitCode::from(status)
    };
    let options = match Options::parse(args) {
        Ok(options) => options,
        Err(wrong) => return error(&format_args!("{wrong}; --help lists the options"), USAGE),
    };
    if options.help {
        return print(HELP, ExitCode::SUCCESS);
    }

    let stop = Arc::new(AtomicBool::new(false));
    // A second ctrl-C ends the process at once.
    let armed = signal_hook::flag::register_conditional_shutdown(
        signal_hook::consts::SIGINT,
        INTERRUPTED.into(),
        Arc::clone(&stop),
    )
    .and_then(|_| signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::clone(&stop)));
    if let Err(wrong) = armed {
        return error(&format_args!("cannot watch for ctrl-C: {wrong}"), FAILED);
    }

    let start = Instant::now();
    let mut paths = options.paths;
    if paths.is_empty() {
        paths.push(walk::default_path());
    }
    let mut skipped = Skipped::default();
    let files = match walk::list(&paths, &mut skipped) {
        Ok(files) => files,
        Err(path) => {
            return error(
                &format_args!("{}: no such file or folder", path.display()),
                USAGE,
            );
        }
    };
    let more = if paths.len() > 1 { " and more" } else { "" };
    let (count_files, first) = (files.len(), paths[0].display());
    let _ = writeln!(stderr(), "counting {count_files} files in {first}{more}");
    let job = Job {
        files,
        readers: options.readers.unwrap_or(options.workers),
        workers: options.workers,
        stop,
    };
    let counted = count(&job, &mut Progress::new(job.files.len()));
    // RELAXED: the flag carries nothing but itself.
    let is_interrupted = || job.stop.load(Ordering::Relaxed);
    let interrupted = |files| {
        error(
            &format_args!("interrupted after {files} files"),
            INTERRUPTED,
        )
    };
    let mut counted = match counted {
        Ok(counted) if is_interrupted() => return interrupted(counted.tally.files),
        Ok(counted) => counted,
        Err(wrong) => return error(&wrong, FAILED),
    };
    counted.tally.skipped.merge(skipped);
    let elapsed = start.elapsed();

    let agrees = options.check.then(|| {
        let again = single::count(&job, &mut Progress::new(job.files.len()));
        again.tables[0].is_union_of(&counted.tables)
    });
    if is_interrupted() {
        return interrupted(counted.tally.files);
    }
    let report = Report::new(&counted, elapsed, options.top, agrees);
    let text = if options.json {
        report.json()
    } else {
        report.text()
    };
    let status = if agrees == Some(false) {
        let _ = writeln!(stderr(), "wordcount: the check found a difference");
        ExitCode::from(FAILED)
    } else {
        ExitCode::SUCCESS
    };
    print(&text, status)
}

/// Writes to standard output and returns `status`. A reader that went away (`| head`) has read enough: no error.
fn print(text: &str, status: ExitCode) -> ExitCode {
    let mut out = stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let _ = writeln!(stderr(), "wordcount: cannot write the report: {error}");
            ExitCode::from(FAILED)
        }
        _ => status,
    }
}
