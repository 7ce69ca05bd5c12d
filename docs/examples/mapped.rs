//! Counts the lines and words of a file that is mapped into memory: workers get pieces of it, and nothing is copied.
//!
//! ```text
//! cargo run --release --example mapped [FILE]
//! ```
//!
//! 1. The file is mapped once. A message is a [`Piece`]: a count on the mapping and a range of it, 32 bytes.
//! 2. [`pieces`] cuts it at ends of lines, so that no word and no line lies in two.
//! 3. Each worker counts its pieces in its own state, and says the sum when it shuts down.
//! 4. The sums are compared with those of one thread.
//!
//! Nobody may change the file while this runs: what is mapped would change under the workers.
//!
//! Without a file it makes one of eight million words in the folder for temporary files.

use std::{
    convert::Infallible,
    env,
    error::Error,
    fs::File,
    io::{BufWriter, Write},
    iter,
    ops::{AddAssign, Range},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Arc, mpsc},
    time::Instant,
};

use memmap2::Mmap;
use shared_nothing::{
    pool::{Outcome, PoolConfig, WorkerPool},
    worker::{Context, Worker},
};

/// Pieces are about as long as this: many for each worker, each worth a message.
const PIECE_BYTES: usize = 256 << 10;

/// A part of the mapped file. Whoever has one keeps the mapping alive.
struct Piece {
    file: Arc<Mmap>,
    range: Range<usize>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum {
    lines: usize,
    words: usize,
    bytes: usize,
}

impl Sum {
    fn of(text: &[u8]) -> Self {
        let words = text.split(u8::is_ascii_whitespace);
        Self {
            lines: text.iter().filter(|&&byte| byte == b'\n').count(),
            words: words.filter(|word| !word.is_empty()).count(),
            bytes: text.len(),
        }
    }
}

impl AddAssign for Sum {
    fn add_assign(&mut self, other: Self) {
        self.lines += other.lines;
        self.words += other.words;
        self.bytes += other.bytes;
    }
}

struct Counter {
    sums: mpsc::Sender<Sum>,
}

impl Worker for Counter {
    type State = Sum;
    type Message = Piece;
    type Error = Infallible;

    fn init(&self, _: &Context<Self::Message>) -> Result<Sum, Infallible> {
        Ok(Sum::default())
    }

    fn handle_message(
        &self,
        sum: &mut Sum,
        piece: Piece,
        _: &Context<Piece>,
    ) -> Result<(), Infallible> {
        *sum += Sum::of(&piece.file[piece.range]);
        Ok(())
    }

    fn shutdown(&self, sum: Sum, _: &Context<Piece>) -> Result<(), Infallible> {
        self.sums.send(sum).expect("main waits for it");
        Ok(())
    }
}

/// Ranges that cover the text, each but the last up to the end of a line.
fn pieces(text: &[u8], bytes: usize) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut from = 0_usize;
    iter::from_fn(move || {
        let least = from.checked_add(bytes)?.min(text.len());
        let rest = text[least..].iter().position(|&byte| byte == b'\n');
        let to = rest.map_or(text.len(), |at| least + at + 1);
        let piece = from..to;
        from = to;
        (!piece.is_empty()).then_some(piece)
    })
}

fn count(file: &Arc<Mmap>) -> Result<Sum, Box<dyn Error>> {
    let (sums, results) = mpsc::channel();
    let pool = WorkerPool::start(PoolConfig::new(), move |_| Counter { sums: sums.clone() })?;
    let workers = pool.sender().workers();
    for (number, range) in pieces(file, PIECE_BYTES).enumerate() {
        let file = Arc::clone(file);
        // A piece has no key: to each worker in turn.
        pool.send_to(number % workers, Piece { file, range })
            .map_err(|refused| refused.to_string())?;
    }
    let report = pool.stop();
    if let Some(worker) = report
        .workers
        .iter()
        .find(|worker| worker.outcome != Outcome::Stopped)
    {
        return Err(format!("worker {}: {:?}", worker.id, worker.outcome).into());
    }
    let mut all = Sum::default();
    results.iter().take(workers).for_each(|sum| all += sum);
    Ok(all)
}

fn run(path: &Path) -> Result<(), Box<dyn Error>> {
    let file = File::open(path)?;
    // SAFETY: nobody cuts or changes the file while it is mapped: the one made here is ours, and whoever names another
    // is told so by this program's documentation.
    let file = Arc::new(unsafe { Mmap::map(&file)? });
    let from = Instant::now();
    let sum = count(&file)?;
    let parallel = from.elapsed();
    let from = Instant::now();
    let alone = Sum::of(&file);
    println!(
        "{}: {} lines, {} words, {} bytes; in pieces {parallel:.1?}, on one thread {:.1?}",
        path.display(),
        sum.lines,
        sum.words,
        sum.bytes,
        from.elapsed()
    );
    match sum == alone {
        true => Ok(()),
        false => Err(format!("the workers counted {sum:?}, one thread {alone:?}").into()),
    }
}

/// A file of lines of 1 to 12 words. Dropping this removes it.
struct Made(PathBuf);

impl Made {
    fn new() -> Result<Self, Box<dyn Error>> {
        let made = Self(env::temp_dir().join(format!("mapped-{}.txt", std::process::id())));
        let mut text = BufWriter::new(File::create_new(&made.0)?);
        for word in 0..8_000_000_u32 {
            let end = if word % 13 == word % 7 { '\n' } else { ' ' };
            write!(text, "{}{end}", word % 1009)?;
        }
        text.flush()?;
        Ok(made)
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        let _gone = std::fs::remove_file(&self.0);
    }
}

fn main() -> ExitCode {
    let result = match env::args_os().nth(1) {
        Some(path) => run(Path::new(&path)),
        None => Made::new().and_then(|made| run(&made.0)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mapped: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_the_text_and_end_at_ends_of_lines() {
        let text = b"a b\nc\n\nlonger than a piece\nx";
        for bytes in 1..40 {
            let mut next = 0;
            for piece in pieces(text, bytes) {
                assert_eq!(piece.start, next);
                next = piece.end;
                assert!(next == text.len() || text[next - 1] == b'\n');
            }
            assert_eq!(next, text.len());
        }
        assert_eq!(pieces(b"", 8).count(), 0);
    }
}
