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
    let mut left = job.files.len();
    let files = job.files.iter().map(|path| {
        progress.show(left);
        left -= 1;
        path.as_path()
    });
    let tally = read_all(files, &job.stop, &mut counts);
    Counted {
        tally,
        tables: vec![counts],
        workers: Vec::new(),
    }
}
