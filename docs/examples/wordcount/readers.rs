//! Many readers: each takes the next file from one list, until it is empty.

use std::iter;
use std::panic::resume_unwind;
use std::path::Path;
use std::thread;

use shared_nothing::rings::mpmc;

use crate::progress::Progress;
use crate::read::{Sink, Tally, read_all};
use crate::run::Job;

/// Reads the files of the job, with a thread for each sink; the calling thread is the first of them.
///
/// # Panics
/// A sink panicked.
pub(crate) fn read_by<S: Sink + Send>(sinks: Vec<S>, job: &Job, progress: &mut Progress) -> Tally {
    let (list, files) =
        mpmc::with_capacity::<&Path>(job.files.len().max(1)).expect("as long as a list in memory");
    for path in &job.files {
        list.try_push(path).expect("a place for each file");
    }
    drop(list);

    let mut sinks = sinks.into_iter();
    let Some(mut first) = sinks.next() else {
        return Tally::default();
    };
    thread::scope(|scope| {
        let others: Vec<_> = sinks
            .map(|mut sink| {
                let mut files = files.clone();
                let files = iter::from_fn(move || files.try_pop().ok());
                scope.spawn(move || read_all(files, &job.stop, &mut sink))
            })
            .collect();
        let mut files = files;
        let files = iter::from_fn(|| {
            progress.show(files.len());
            files.try_pop().ok()
        });
        let mut tally = read_all(files, &job.stop, &mut first);
        for other in others {
            tally.merge(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        tally
    })
}
