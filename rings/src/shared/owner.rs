//! Who has an end, so that others can find out whether it lives.
#![forbid(unsafe_code)]

use core::{fmt, num::NonZeroU32};

/// A process as the owner of an end: its id, and when it was started, since ids come round again.
///
/// Both are what the program says they are. Two claims of one process are told apart only by different owners, so give
/// each ring and end of a process that may replace itself its own `started`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Owner {
    pid: NonZeroU32,
    started: u32,
}

impl Owner {
    /// A process of this id; `None` for the id 0, which no process has.
    ///
    /// `started` is any number that a later process of the same id does not have.
    #[must_use]
    pub const fn new(pid: u32, started: u32) -> Option<Self> {
        match NonZeroU32::new(pid) {
            Some(pid) => Some(Self { pid, started }),
            None => None,
        }
    }

    /// The process id.
    #[must_use]
    pub const fn pid(self) -> u32 {
        self.pid.get()
    }

    /// The number that tells it from others of that id.
    #[must_use]
    pub const fn started(self) -> u32 {
        self.started
    }

    /// One word, so that an end is claimed whole or not at all. Never 0.
    pub(super) const fn to_word(self) -> u64 {
        (self.started as u64) << 32 | self.pid.get() as u64
    }

    pub(super) const fn from_word(word: u64) -> Option<Self> {
        Self::new(word as u32, (word >> 32) as u32)
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Owner({} of {})", self.pid, self.started)
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {}", self.pid)
    }
}

#[cfg(all(feature = "std", target_os = "linux", not(loom)))]
mod linux {
    use std::{fs, io, string::ToString};

    use super::Owner;

    impl Owner {
        /// This process, by its id and the low half of its start time, which Linux counts in ticks since boot.
        ///
        /// Reads one file of `/proc`.
        ///
        /// # Errors
        ///
        /// `/proc` is not mounted or cannot be read.
        pub fn this_process() -> io::Result<Self> {
            let stat = fs::read_to_string("/proc/self/stat")?;
            // The id is this file's first word and not the caller's guess: they differ in a pid namespace.
            let pid = stat.split(' ').next().and_then(|pid| pid.parse().ok());
            let owner = pid.zip(Stat::parse(&stat));
            owner
                .and_then(|(pid, stat)| Self::new(pid, stat.started as u32))
                .ok_or_else(unreadable)
        }

        /// Whether that process, and not a later one of the same id, runs. One that has ended and was not yet waited
        /// for does not.
        ///
        /// Reads one file of `/proc`.
        ///
        /// # Errors
        ///
        /// `/proc` cannot be read. Under a `/proc` that hides the processes of others (`hidepid`), theirs seem dead:
        /// ask only for those of your own user.
        pub fn is_alive(self) -> io::Result<bool> {
            let path = std::path::Path::new("/proc")
                .join(self.pid.to_string())
                .join("stat");
            let stat = match fs::read_to_string(path) {
                Ok(stat) => stat,
                // Without any `/proc` nobody would seem to live.
                Err(error) if is_gone(&error) => return Self::this_process().map(|_| false),
                Err(error) => return Err(error),
            };
            let stat = Stat::parse(&stat).ok_or_else(unreadable)?;
            Ok(stat.is_running() && stat.started as u32 == self.started)
        }
    }

    /// The file is not there, or its process went while it was read.
    fn is_gone(error: &io::Error) -> bool {
        const ESRCH: i32 = 3;
        error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(ESRCH)
    }

    fn unreadable() -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, "not a stat file")
    }

    /// What `proc_pid_stat(5)` calls state, num_threads and starttime.
    #[derive(Debug, PartialEq, Eq)]
    struct Stat {
        state: u8,
        threads: u64,
        started: u64,
    }

    impl Stat {
        fn parse(text: &str) -> Option<Self> {
            // The name of the program stands in brackets and may have any characters, brackets too.
            let (_, rest) = text.rsplit_once(')')?;
            let mut fields = rest.split_ascii_whitespace();
            Some(Self {
                state: *fields.next()?.as_bytes().first()?,
                threads: fields.nth(16)?.parse().ok()?,
                started: fields.nth(1)?.parse().ok()?,
            })
        }

        /// A zombie with other threads is a process whose first thread alone has ended.
        fn is_running(&self) -> bool {
            !matches!(self.state, b'Z' | b'X' | b'x') || self.threads > 1
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        const TEXT: &str = "4711 (a (odd) S name) R 1 4711 4711 0 -1 4194304 90 0 0 0 0 0 0 0 20 0 7 0 \
                            123456789012 2703360 225 18446744073709551615";

        #[test]
        fn the_fields_are_found_behind_any_name() {
            let stat = Stat::parse(TEXT).expect("a stat file");
            let want = Stat {
                state: b'R',
                threads: 7,
                started: 123_456_789_012,
            };
            assert_eq!(stat, want);
        }

        #[test]
        fn what_is_no_stat_file_is_refused() {
            for text in ["", "1 (x", "1 (x)", "1 (x) R 1 2 3", &TEXT[..60]] {
                assert_eq!(Stat::parse(text), None, "{text}");
            }
        }

        #[test]
        fn a_zombie_runs_only_by_its_other_threads() {
            for (state, threads, runs) in [
                (b'R', 1, true),
                (b'S', 1, true),
                (b'T', 1, true),
                (b'Z', 1, false),
                (b'Z', 2, true),
                (b'X', 0, false),
            ] {
                let started = 0;
                let stat = Stat {
                    state,
                    threads,
                    started,
                };
                assert_eq!(stat.is_running(), runs);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_comes_back_from_its_word() {
        for (pid, started) in [(1, 0), (u32::MAX, u32::MAX), (7, 1 << 31)] {
            let owner = Owner::new(pid, started).expect("an id");
            assert_eq!(Owner::from_word(owner.to_word()), Some(owner));
        }
        assert_eq!(Owner::new(0, 9), None);
        assert_eq!(Owner::from_word(5 << 32), None);
    }
}
