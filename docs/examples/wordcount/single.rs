//! Counting on one thread: what `--check` compares with, and the program without the library.

use crate::progress::Progress;
use crate::read::{Sink, read_all};
use crate::run::{Counted, Job};
use crate::table::Counts;
use crate::word::Word;

impl Sink for Counts {
    #[inline]
    fn take(&mut self, word: Word) {
        self.add(word);
    }
}

/// Counts the words of the job into one table.
pub(crate) fn count(job: &Job, progress: &mut Progress) -> Counted {
    let mut counts = Counts::default();
    let tally = read_all(&job.files, &job.stop, progress, &mut counts);
    Counted {
        tally,
        tables: vec![counts],
        workers: Vec::new(),
    }
}
