//! The word count over `crossbeam-channel`: same readers, tokeniser, tables and report, a bounded channel to each worker.
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
use read::Sink;
use readers::read_by;
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
#[path = "../../../docs/examples/wordcount/readers.rs"]
mod readers;
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

/// The threads that count.
type Workers = Vec<JoinHandle<Counts>>;

/// Counts with the sink of one reader, cloned for the others: the senders are, what it keeps back is not.
fn count<S>(
    job: &Job,
    progress: &mut Progress,
    (sink, workers): (S, Workers),
) -> Result<Counted, String>
where
    S: Sink + Clone + Send,
{
    let tally = read_by(vec![sink; job.readers.get()], job, progress);
    let tables: Vec<_> = workers
        .into_iter()
        .map(JoinHandle::join)
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

/// A channel to each worker, and the workers, which count what `each` makes of a message.
fn start<M: Send + 'static>(
    job: &Job,
    capacity: usize,
    each: impl Fn(M, &mut Counts) + Clone + Send + 'static,
) -> (Vec<Sender<M>>, Workers) {
    let start = |_| {
        let (sender, receiver) = bounded(capacity);
        let each = each.clone();
        let worker = thread::spawn(move || {
            let mut counts = Counts::default();
            receiver
                .iter()
                .for_each(|message| each(message, &mut counts));
            counts
        });
        (sender, worker)
    };
    (0..job.workers.get()).map(start).unzip()
}

/// One word a message.
#[derive(Clone)]
struct Words {
    senders: Vec<Sender<Word>>,
    is_open: bool,
}

impl Words {
    fn start(job: &Job) -> (Self, Workers) {
        let (senders, workers) = start(job, WORDS, |word, counts| counts.add(word));
        let is_open = true;
        (Self { senders, is_open }, workers)
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

/// A pack of words a message: the same as in our program.
struct Packs {
    packs: Vec<Pack>,
    senders: Vec<Sender<Pack>>,
    is_open: bool,
}

impl Packs {
    fn start(job: &Job) -> (Self, Workers) {
        let (senders, workers) = start(job, PACKS, |pack: Pack, counts: &mut Counts| {
            pack.unpack(|word| counts.add(word));
        });
        (Self::new(senders), workers)
    }

    fn new(senders: Vec<Sender<Pack>>) -> Self {
        Self {
            packs: senders.iter().map(|_| Pack::new()).collect(),
            senders,
            is_open: true,
        }
    }

    #[cold]
    fn send(&mut self, worker: usize) {
        self.is_open &= self.senders[worker].send(self.packs[worker].take()).is_ok();
    }
}

impl Clone for Packs {
    fn clone(&self) -> Self {
        Self::new(self.senders.clone())
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

    fn finish(&mut self) {
        for worker in 0..self.packs.len() {
            if !self.packs[worker].is_empty() {
                self.send(worker);
            }
        }
    }
}

/// A batch of words, and where it goes back to once it is empty, if anywhere.
type Batch = (Vec<Word>, Option<Sender<Vec<Word>>>);
/// Where empty batches come back.
type Back = (Sender<Vec<Word>>, Receiver<Vec<Word>>);

/// Batches of words.
struct Batches {
    batches: Vec<Vec<Word>>,
    senders: Vec<Sender<Batch>>,
    back: Option<Back>,
    is_open: bool,
}

impl Batches {
    fn start(job: &Job, recycle: bool) -> (Self, Workers) {
        let (senders, workers) = start(job, BATCHES, |(mut batch, back): Batch, counts| {
            batch.drain(..).for_each(|word| counts.add(word));
            if let Some(back) = back {
                // Full or closed: the batch is freed.
                let _ = back.try_send(batch);
            }
        });
        (Self::new(senders, recycle), workers)
    }

    fn new(senders: Vec<Sender<Batch>>, recycle: bool) -> Self {
        Self {
            batches: senders.iter().map(|_| Vec::with_capacity(BATCH)).collect(),
            back: recycle.then(|| bounded(BATCHES * senders.len())),
            senders,
            is_open: true,
        }
    }

    #[cold]
    fn send(&mut self, worker: usize) {
        let back = self.back.as_ref();
        let empty = back.and_then(|(_, empty)| empty.try_recv().ok());
        let empty = empty.unwrap_or_else(|| Vec::with_capacity(BATCH));
        let full = replace(&mut self.batches[worker], empty);
        let back = back.map(|(back, _)| back.clone());
        self.is_open &= self.senders[worker].send((full, back)).is_ok();
    }
}

impl Clone for Batches {
    fn clone(&self) -> Self {
        Self::new(self.senders.clone(), self.back.is_some())
    }
}

impl Sink for Batches {
    #[inline]
    fn take(&mut self, word: Word) {
        let worker = worker_of(&word, self.senders.len());
        let batch = &mut self.batches[worker];
        batch.push(word);
        if batch.len() == BATCH {
            self.send(worker);
        }
    }

    fn is_open(&mut self) -> bool {
        self.is_open
    }

    fn finish(&mut self) {
        (0..self.batches.len()).for_each(|worker| self.send(worker));
    }
}
