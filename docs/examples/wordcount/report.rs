//! What was counted, as text for people and as JSON for programs.

use std::fmt::{self, Write};
use std::time::Duration;

use serde_json::{Value, json};

use crate::run::{Counted, Wait};
use crate::table::{Counts, top};
use crate::word::Word;

/// Characters of a word that the table shows.
const SHOWN: usize = 40;

/// Everything a report says.
pub(crate) struct Report<'a> {
    counted: &'a Counted,
    words: u64,
    distinct: usize,
    top: Vec<(&'a Word, u64)>,
    elapsed: Duration,
    /// The verdict of `--check`, where it ran.
    agrees: Option<bool>,
}

impl<'a> Report<'a> {
    /// Merges the tables into a list of the `n` most frequent words.
    pub(crate) fn new(
        counted: &'a Counted,
        elapsed: Duration,
        n: usize,
        agrees: Option<bool>,
    ) -> Self {
        Self {
            counted,
            words: counted.tables.iter().map(Counts::total).sum(),
            distinct: counted.tables.iter().map(Counts::distinct).sum(),
            top: top(&counted.tables, n),
            elapsed,
            agrees,
        }
    }

    fn words_per_second(&self) -> f64 {
        self.words as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// Tables, one line a word, a worker, and a reason.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out).expect("a string takes everything");
        out
    }

    fn write(&self, out: &mut String) -> fmt::Result {
        let tally = &self.counted.tally;
        if !self.top.is_empty() {
            writeln!(out, "{:>12}  word", "count")?;
        }
        for (word, count) in &self.top {
            writeln!(out, "{count:>12}  {}", shown(&word.text()))?;
        }
        writeln!(
            out,
            "\n{} words, {} of them different, in {} files of {:.1} MB",
            self.words,
            self.distinct,
            tally.files,
            tally.bytes as f64 / 1e6
        )?;
        writeln!(
            out,
            "{:.2} s, {:.1} million words/s",
            self.elapsed.as_secs_f64(),
            self.words_per_second() / 1e6
        )?;
        if !self.counted.workers.is_empty() {
            writeln!(
                out,
                "\nworker      messages     different  queue wait: p50         p99        p999"
            )?;
        }
        for (index, worker) in self.counted.workers.iter().enumerate() {
            let different = self.counted.tables[index].distinct();
            write!(out, "{index:>6}  {:>12}  {different:>12}", worker.messages)?;
            match worker.wait {
                None => writeln!(out, "  not measured")?,
                Some(Wait { p50, p99, p999 }) => {
                    writeln!(
                        out,
                        "  {:>15}  {:>10}  {:>10}",
                        micros(p50),
                        micros(p99),
                        micros(p999)
                    )?;
                }
            }
        }
        if tally.skipped.total() > 0 {
            writeln!(out, "\nskipped {} files", tally.skipped.total())?;
        }
        for (reason, count, named) in tally.skipped.iter().filter(|(_, count, _)| *count > 0) {
            writeln!(out, "{count:>6}  {reason}")?;
            for path in named {
                writeln!(out, "        {}", path.display())?;
            }
            if count > named.len() as u64 {
                writeln!(out, "        ...")?;
            }
        }
        match self.agrees {
            None => Ok(()),
            Some(true) => writeln!(out, "\ncheck: one thread counts the same"),
            Some(false) => writeln!(out, "\ncheck: one thread counts DIFFERENTLY"),
        }
    }

    /// One object and a line feed. Times of waiting are in nanoseconds, and null where they were not measured.
    pub(crate) fn json(&self) -> String {
        let tally = &self.counted.tally;
        let top = self.top.iter();
        let top: Vec<_> = top
            .map(|(word, count)| json!({"word": word.text(), "count": count}))
            .collect();
        let workers = self
            .counted
            .workers
            .iter()
            .zip(&self.counted.tables)
            .enumerate();
        let workers: Vec<_> = workers
            .map(|(index, (worker, table))| {
                json!({
                    "worker": index,
                    "messages": worker.messages,
                    "distinct": table.distinct(),
                    "wait_ns": worker.wait.map(|wait| json!({
                        "p50": nanos(wait.p50),
                        "p99": nanos(wait.p99),
                        "p999": nanos(wait.p999),
                    })),
                })
            })
            .collect();
        let skipped: serde_json::Map<_, Value> = tally
            .skipped
            .iter()
            .map(|(reason, count, named)| {
                let first: Vec<_> = named.iter().map(|path| path.to_string_lossy()).collect();
                (
                    reason.key().to_owned(),
                    json!({"files": count, "first": first}),
                )
            })
            .collect();
        let report = json!({
            "words": self.words,
            "distinct": self.distinct,
            "bytes": tally.bytes,
            "seconds": self.elapsed.as_secs_f64(),
            "words_per_second": self.words_per_second(),
            "files": {"counted": tally.files, "skipped": tally.skipped.total(), "reasons": skipped},
            "workers": workers,
            "top": top,
            "check": self.agrees.map(|agrees| json!({"agrees": agrees})),
        });
        format!("{report:#}\n")
    }
}

/// The word, or the start of a long one and its length.
fn shown(word: &str) -> String {
    match word.char_indices().nth(SHOWN) {
        None => word.to_owned(),
        Some((end, _)) => format!("{}... ({} bytes)", &word[..end], word.len()),
    }
}

fn micros(time: Duration) -> String {
    format!("{:.1} us", time.as_secs_f64() * 1e6)
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
