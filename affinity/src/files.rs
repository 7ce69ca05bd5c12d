//! Where the kernel's text comes from: this machine, a directory that looks like one, or a recording.

#![forbid(unsafe_code)]

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

/// Finds the text of an absolute path, such as `/sys/devices/system/cpu/online`; `None` if there is no such file.
///
/// Everything that this crate knows about a machine it reads through one of these, so a closure over a map is a
/// machine too.
pub type Files<'a> = &'a dyn Fn(&str) -> Option<String>;

/// No file of interest is as long; a longer one is cut.
const BYTES_MAX: u64 = 4 << 20;

/// The files below `root`: `/` for this machine, or a copy of some machine's `/sys` and `/proc`.
///
/// A file that cannot be read counts as absent. Bytes that are not text become replacement characters, which no parser
/// takes for a number.
///
/// ```
/// use shared_nothing_affinity::{Topology, files_under};
///
/// assert!(Topology::from_files(&files_under("/no/such/directory")).is_err());
/// ```
pub fn files_under(root: impl Into<PathBuf>) -> impl Fn(&str) -> Option<String> {
    let root = root.into();
    move |path| {
        let file = File::open(root.join(path.trim_start_matches('/'))).ok()?;
        let mut bytes = Vec::new();
        file.take(BYTES_MAX).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }
}
