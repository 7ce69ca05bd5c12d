//! Linux: one function a system call.

mod cpu;
mod memory;
mod thread;

pub(crate) use cpu::*;
pub(crate) use memory::*;
pub(crate) use thread::*;

use libc::c_int;

use crate::error::Error;

/// The error that the last call of this thread left: errno(3).
fn last_error(operation: &'static str) -> Error {
    let errno = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
    Error::Os { operation, errno }
}

/// What most calls answer: 0, or see errno.
fn done_or_error(operation: &'static str, status: c_int) -> Result<(), Error> {
    if status == 0 {
        Ok(())
    } else {
        Err(last_error(operation))
    }
}
