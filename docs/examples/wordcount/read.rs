//! Files to words: one buffer, one pass, on the calling thread.

use std::fs::File;
use std::io::{ErrorKind, Read, Result};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::skip::{Reason, Skipped};
use crate::token::{Tokeniser, in_run};
use crate::word::Word;

/// Where words go.
pub(crate) trait Sink {
    /// Takes one word.
    fn take(&mut self, word: Word);

    /// Asked after each piece of text: false when no more words can be taken.
    fn is_open(&mut self) -> bool {
        true
    }

    /// Called when there will be no more words: sends what was kept back.
    fn finish(&mut self) {}
}

/// What was read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    pub(crate) skipped: Skipped,
}

impl Tally {
    /// Adds what another reader read.
    pub(crate) fn merge(&mut self, other: Self) {
        self.files += other.files;
        self.bytes += other.bytes;
        self.skipped.merge(other.skipped);
    }
}

/// Text between two looks at the stop flag, in bytes.
const PIECE: usize = 1 << 20;
/// First size of the buffer, which grows to that of the largest file.
const BUFFER: usize = 1 << 18;

/// Reads `files` and hands every word to `sink`, until all are read, `stop` is set, or the sink has closed.
///
/// A file that cannot be read, or is not UTF-8, is counted in the tally and hands over no word.
pub(crate) fn read_all<'a>(
    files: impl Iterator<Item = &'a Path>,
    stop: &AtomicBool,
    sink: &mut impl Sink,
) -> Tally {
    let mut tally = Tally::default();
    let mut tokeniser = Tokeniser::default();
    let mut buffer = vec![0; BUFFER];
    'files: for path in files {
        let Ok(bytes) = read_file(path, &mut buffer) else {
            tally.skipped.add(path, Reason::Unreadable);
            continue;
        };
        let Ok(mut text) = std::str::from_utf8(bytes) else {
            tally.skipped.add(path, Reason::NotUtf8);
            continue;
        };
        let len = text.len();
        while !text.is_empty() {
            // RELAXED: the flag carries nothing but itself.
            if stop.load(Ordering::Relaxed) || !sink.is_open() {
                break 'files;
            }
            let (piece, rest) = text.split_at(piece_len(text.as_bytes()));
            tokeniser.split(piece, |word| sink.take(word));
            text = rest;
        }
        tally.files += 1;
        tally.bytes += len as u64;
    }
    sink.finish();
    tally
}

/// The length of the next piece, which ends between two words.
fn piece_len(text: &[u8]) -> usize {
    let rest = text.get(PIECE..).unwrap_or_default();
    let more = rest.iter().position(|&byte| !in_run(byte));
    more.map_or(text.len(), |more| PIECE + more)
}

/// The whole file, in `buffer`, which is as long as it ever had to be.
fn read_file<'a>(path: &Path, buffer: &'a mut Vec<u8>) -> Result<&'a [u8]> {
    let mut file = File::open(path)?;
    let mut filled = 0;
    loop {
        if filled == buffer.len() {
            buffer.try_reserve_exact(filled)?;
            buffer.resize(2 * filled, 0);
        }
        match file.read(&mut buffer[filled..]) {
            Ok(0) => return Ok(&buffer[..filled]),
            Ok(more) => filled += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
