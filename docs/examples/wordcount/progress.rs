//! A bar on a terminal's standard error, and nothing in a pipe.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Time between two drawings.
const PERIOD: Duration = Duration::from_millis(100);
/// Characters of the bar.
const WIDTH: u64 = 30;

/// How far the readers are. Erased when dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    total: u64,
    /// Nothing where standard error is no terminal.
    next: Option<Instant>,
    drawn: bool,
}

impl Progress {
    /// A bar for `total` files.
    pub(crate) fn new(total: usize) -> Self {
        Self {
            total: total as u64,
            next: std::io::stderr()
                .is_terminal()
                .then(|| Instant::now() + PERIOD),
            drawn: false,
        }
    }

    /// Draws the bar if it is time to, with all files but `left` done.
    pub(crate) fn show(&mut self, left: usize) {
        let Some(next) = self.next else { return };
        let now = Instant::now();
        if now < next {
            return;
        }
        self.next = Some(now + PERIOD);
        self.drawn = true;
        let files = self.total.saturating_sub(left as u64);
        let filled = (files * WIDTH / self.total.max(1)).min(WIDTH);
        let bar = "#".repeat(filled as usize) + &"-".repeat((WIDTH - filled) as usize);
        // A terminal that went away is no reason to stop counting.
        let _ = write!(
            std::io::stderr(),
            "\r[{bar}] {files} of {} files",
            self.total
        );
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.drawn {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
