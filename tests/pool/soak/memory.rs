//! How much memory the process has, over the time.

use std::fmt;

/// What is looked at before this counts as warming up: pools of all kinds have lived by then.
const WARM_AFTER: usize = 5;

/// By how much memory may be more than it was when all was warm: pools are of different sizes, and threads leave arenas of
/// the allocator behind. One message in a thousand that leaked would be more in ten minutes.
const BOUND: u64 = 16 << 20;

#[derive(Default)]
pub(crate) struct Memory {
    looks: Vec<u64>,
}

/// Bytes of this process that are in memory; none where the system does not say.
fn resident() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

impl Memory {
    pub(crate) fn look(&mut self) {
        self.looks.extend(resident());
    }

    /// What it was when warm, and the most and the last since.
    fn figures(&self) -> Option<(u64, u64, u64)> {
        let since = self.looks.get(WARM_AFTER..)?;
        let warm = self.looks[..WARM_AFTER].iter().max()?;
        Some((*warm, *since.iter().max()?, *since.last()?))
    }

    /// # Panics
    ///
    /// If there is more than when it was warm, by more than the bound.
    pub(crate) fn check(&self) {
        if let Some((warm, most, _)) = self.figures() {
            assert!(most <= warm + BOUND, "memory grows: {:?}", self.looks);
        }
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((warm, most, last)) = self.figures() else {
            return writeln!(f, "memory: too short to tell");
        };
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        for (name, bytes) in [("warm", warm), ("most", most), ("at the end", last)] {
            writeln!(
                f,
                "{:<28}{:>12.1} MiB",
                format!("memory {name}"),
                mib(bytes)
            )?;
        }
        writeln!(f, "{:<28}{:>12} MiB", "bound over warm", BOUND >> 20)
    }
}
