//! Counting by a pool of workers: readers send words, each worker counts its own in a table that nobody else sees.

use std::convert::Infallible;
use std::num::NonZeroUsize;

use shared_nothing::affinity::Placement;
use shared_nothing::partition::{MultiplyShift, Partitioner};
use shared_nothing::pool::{Batcher, Outcome, PoolConfig, Sender, WorkerPool, WorkerReport};
use shared_nothing::rings::mpsc;
use shared_nothing::worker::{Context, Worker};

use crate::pack::Pack;
use crate::progress::Progress;
use crate::read::Sink;
use crate::readers::read_by;
use crate::run::{Counted, Job, Wait, WorkerStats};
use crate::table::Counts;
use crate::word::Word;

/// Packs that a reader's lane to a worker holds: half a megabyte. A worker that has parked is woken when half of it is
/// full, so that a reader pays for few wakes. Measured from 256 to 16384: the same up to 4096, then slower.
const MAILBOX: usize = 1024;

/// Counts words, and hands its table over when the pool stops.
struct Counter {
    id: usize,
    tables: mpsc::Producer<'static, (usize, Counts)>,
}

impl Worker for Counter {
    type State = Counts;
    type Message = Pack;
    type Error = Infallible;

    fn init(&self, _: &Context<Pack>) -> Result<Counts, Infallible> {
        Ok(Counts::default())
    }

    fn handle_message(
        &self,
        counts: &mut Counts,
        pack: Pack,
        _: &Context<Pack>,
    ) -> Result<(), Infallible> {
        pack.unpack(|word| counts.add(word));
        Ok(())
    }

    fn shutdown(&self, counts: Counts, _: &Context<Pack>) -> Result<(), Infallible> {
        // There is a place for each worker, and the main thread keeps the other end until all have ended.
        let _never_full = self.tables.try_push((self.id, counts));
        Ok(())
    }
}

/// The words of one reader on their way to the pool: a pack for each worker, and the sender of full ones.
struct ToPool {
    /// The number of workers stays as it is, so two instructions do; the pool's own table of map slots, which could move
    /// them, would take the whole first-level cache from a reader.
    route: MultiplyShift,
    batcher: Batcher<Pack>,
    packs: Vec<Pack>,
    /// A worker has ended: the count cannot be right any more.
    is_broken: bool,
}

impl ToPool {
    fn new(sender: Sender<Pack>) -> Result<Self, String> {
        let batcher = sender.batcher().map_err(|error| error.to_string())?;
        let route = MultiplyShift::new(sender.workers()).map_err(|error| error.to_string())?;
        let packs = (0..sender.workers()).map(|_| Pack::new()).collect();
        Ok(Self {
            route,
            batcher,
            packs,
            is_broken: false,
        })
    }

    #[cold]
    fn send(&mut self, worker: usize) {
        self.is_broken |= self
            .batcher
            .send_to(worker, self.packs[worker].take())
            .is_err();
    }
}

impl Sink for ToPool {
    #[inline]
    fn take(&mut self, word: Word) {
        let worker = self.route.worker_of(word.hash());
        if self.packs[worker].push(word) {
            self.send(worker);
        }
    }

    fn is_open(&mut self) -> bool {
        !self.is_broken
    }

    /// What a worker that has ended refuses shows in the report of the stop.
    fn finish(&mut self) {
        for worker in 0..self.packs.len() {
            if !self.packs[worker].is_empty() {
                self.send(worker);
            }
        }
        let _refused = self.batcher.flush();
    }
}

/// Counts the words of the job by as many workers as it asks for.
///
/// # Errors
/// The pool could not be started, or a worker ended early; in words.
pub(crate) fn count(job: &Job, progress: &mut Progress) -> Result<Counted, String> {
    let workers = job.workers.get();
    let (sender, mut tables) = mpsc::with_capacity(workers).map_err(|error| error.to_string())?;
    let cpus = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let config = PoolConfig::new()
        .with_workers(workers)
        .with_capacity(MAILBOX)
        .with_placement(if workers + job.readers.get() <= cpus {
            Placement::Spread
        } else {
            // Readers need CPUs as well: a worker pinned to that of one would take turns with it, while another may be
            // idle.
            Placement::Unpinned
        })
        .with_name("counter");
    let pool = WorkerPool::start(config, move |context: &Context<Pack>| Counter {
        id: context.id(),
        tables: sender.clone(),
    })
    .map_err(|error| error.to_string())?;

    let sinks = (0..job.readers.get()).map(|_| ToPool::new(pool.sender()));
    let tally = read_by(sinks.collect::<Result<_, _>>()?, job, progress);
    let report = pool.stop();

    let workers = report.workers.iter().map(stats).collect::<Result<_, _>>()?;
    let mut tables: Vec<_> = tables.drain(usize::MAX).collect();
    tables.sort_unstable_by_key(|(id, _)| *id);
    Ok(Counted {
        tally,
        tables: tables.into_iter().map(|(_, counts)| counts).collect(),
        workers,
    })
}

/// What a worker did, or how it failed.
fn stats(worker: &WorkerReport<Pack>) -> Result<WorkerStats, String> {
    match &worker.outcome {
        Outcome::Stopped => {}
        Outcome::Panicked(text) => return Err(format!("worker {} panicked: {text}", worker.id)),
        outcome => return Err(format!("worker {} failed: {outcome:?}", worker.id)),
    }
    let wait = |quantile| worker.queue_wait.quantile(quantile);
    Ok(WorkerStats {
        messages: worker.counts.handled,
        wait: Some(Wait {
            p50: wait(0.5),
            p99: wait(0.99),
            p999: wait(0.999),
        }),
    })
}
