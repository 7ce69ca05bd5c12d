//! The word count over `crossbeam-channel`: same reader, tokeniser, tables and report, a bounded channel to each worker.
//!
//! What a message is comes first on the command line, the options of the word count behind it:
//!
//! | first argument | a message is |
//! |---|---|
//! | `--channel=packs` (default) | a pack of words, as in our program |
//! | `--channel=recycled` | a `Vec` of words; the worker sends it back empty |
//! | `--channel=batches` | a `Vec` of words; the worker frees it |
//! | `--channel=words` | one word |

use std::ffi::OsString;
use std::mem::replace;
use std::process::ExitCode;
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};

use pack::Pack;
use progress::Progress;
use read::{Sink, read_all};
use run::{Counted, Job, WorkerStats};
use table::Counts;
use word::Word;

#[path = "../../../docs/examples/wordcount/args.rs"]
mod args;
#[path = "../../../docs/examples/wordcount/pack.rs"]
mod pack;
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

/// Words in a batch, batches in a channel, and words in a channel of words. The best of 128 to 8192 words and 8 to 64
/// batches; between 512 and 8192 words there is no difference beyond the noise.
const BATCH: usize = 2048;
const BATCHES: usize = 8;
const WORDS: usize = 65_536;
/// Packs in a channel: as in our program.
const PACKS: usize = 1024;

fn main() -> ExitCode {
    let mut args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let channel = args
        .first()
        .and_then(|arg| arg.to_str()?.strip_prefix("--channel="));
    let kind = channel.unwrap_or("packs").to_owned();
    if channel.is_some() {
        args.remove(0);
    }
    if !["packs", "words", "batches", "recycled"].contains(&&*kind) {
        eprintln!("wordcount: no such channel: {kind}");
        return ExitCode::from(2);
    }
    run::main(args.into_iter(), |job, progress| match &*kind {
        "packs" => count(job, progress, Packs::start(job)),
        "words" => count(job, progress, Words::start(job)),
        kind => count(job, progress, Batches::start(job, kind == "recycled")),
    })
}

/// A sink, and the threads behind it.
trait Route: Sink {
    /// Sends what is left, closes the channels, and waits for the tables.
    fn finish(self) -> Vec<JoinHandle<Counts>>;
}

fn count(job: &Job, progress: &mut Progress, mut route: impl Route) -> Result<Counted, String> {
    let tally = read_all(&job.files, &job.stop, progress, &mut route);
    let tables = route.finish().into_iter().map(JoinHandle::join);
    let tables: Vec<_> = tables
        .collect::<Result<_, _>>()
        .map_err(|_| "a worker panicked")?;
    let stats = |table: &Counts| WorkerStats {
        messages: table.total(),
        wait: None,
    };
    let workers = tables.iter().map(stats).collect();
    Ok(Counted {
        tally,
        tables,
        workers,
    })
}

/// Each worker owns one interval of hashes.
#[inline]
fn worker_of(word: &Word, workers: usize) -> usize {
    ((u128::from(word.hash()) * workers as u128) >> 64) as usize
}

/// One word a message.
struct Words {
    senders: Vec<Sender<Word>>,
    workers: Vec<JoinHandle<Counts>>,
    is_open: bool,
}

impl Words {
    fn start(job: &Job) -> Self {
        let start = |_| {
            let (sender, receiver) = bounded(WORDS);
            let worker = thread::spawn(move || {
                let mut counts = Counts::default();
                receiver.iter().for_each(|word| counts.add(word));
                counts
            });
            (sender, worker)
        };
        let (senders, workers) = (0..job.workers.get()).map(start).unzip();
        Self {
            senders,
            workers,
            is_open: true,
        }
    }
}

impl Sink for Words {
    #[inline]
    fn take(&mut self, word: Word) {
        let worker = worker_of(&word, self.senders.len());
        self.is_open &= self.senders[worker].send(word).is_ok();
    }

    fn is_open(&mut self) -> bool {
        self.is_open
    }
}

impl Route for Words {
    fn finish(self) -> Vec<JoinHandle<Counts>> {
        self.workers
    }
}

/// A pack of words a message: the same as in our program.
struct Packs {
    packs: Vec<Pack>,
    senders: Vec<Sender<Pack>>,
    workers: Vec<JoinHandle<Counts>>,
    is_open: bool,
}

impl Packs {
    fn start(job: &Job) -> Self {
        let start = |_| {
            let (sender, receiver) = bounded::<Pack>(PACKS);
            let worker = thread::spawn(move || {
                let mut counts = Counts::default();
                receiver
                    .iter()
                    .for_each(|pack| pack.unpack(|word| counts.add(word)));
                counts
            });
            (sender, worker)
        };
        let (senders, workers): (Vec<_>, _) = (0..job.workers.get()).map(start).unzip();
        let packs = senders.iter().map(|_| Pack::new()).collect();
        Self {
            packs,
            senders,
            workers,
            is_open: true,
        }
    }

    #[cold]
    fn send(&mut self, worker: usize) {
        self.is_open &= self.senders[worker].send(self.packs[worker].take()).is_ok();
    }
}

impl Sink for Packs {
    #[inline]
    fn take(&mut self, word: Word) {
        let worker = worker_of(&word, self.senders.len());
        if self.packs[worker].push(word) {
            self.send(worker);
        }
    }

    fn is_open(&mut self) -> bool {
        self.is_open
    }
}

impl Route for Packs {
    fn finish(mut self) -> Vec<JoinHandle<Counts>> {
        for worker in 0..self.packs.len() {
            if !self.packs[worker].is_empty() {
                self.send(worker);
            }
        }
        self.workers
    }
}

/// Words of one worker on their way.
struct Lane {
    batch: Vec<Word>,
    sender: Sender<Vec<Word>>,
    /// Empty batches that come back.
    empty: Receiver<Vec<Word>>,
}

/// Batches of words.
struct Batches {
    lanes: Vec<Lane>,
    workers: Vec<JoinHandle<Counts>>,
    is_open: bool,
}

impl Batches {
    fn start(job: &Job, recycle: bool) -> Self {
        let start = |_| {
            let (sender, receiver) = bounded::<Vec<Word>>(BATCHES);
            let (back, empty) = bounded(BATCHES);
            let worker = thread::spawn(move || {
                let mut counts = Counts::default();
                for mut batch in receiver {
                    batch.drain(..).for_each(|word| counts.add(word));
                    if recycle {
                        // Full or closed: the batch is freed.
                        let _ = back.try_send(batch);
                    }
                }
                counts
            });
            let lane = Lane {
                batch: Vec::with_capacity(BATCH),
                sender,
                empty,
            };
            (lane, worker)
        };
        let (lanes, workers) = (0..job.workers.get()).map(start).unzip();
        Self {
            lanes,
            workers,
            is_open: true,
        }
    }
}

impl Sink for Batches {
    #[inline]
    fn take(&mut self, word: Word) {
        let worker = worker_of(&word, self.lanes.len());
        let lane = &mut self.lanes[worker];
        lane.batch.push(word);
        if lane.batch.len() == BATCH {
            self.is_open &= lane.send();
        }
    }

    fn is_open(&mut self) -> bool {
        self.is_open
    }
}

impl Lane {
    #[cold]
    fn send(&mut self) -> bool {
        let empty = self
            .empty
            .try_recv()
            .unwrap_or_else(|_| Vec::with_capacity(BATCH));
        self.sender.send(replace(&mut self.batch, empty)).is_ok()
    }
}

impl Route for Batches {
    fn finish(mut self) -> Vec<JoinHandle<Counts>> {
        for lane in &mut self.lanes {
            lane.send();
        }
        self.workers
    }
}
