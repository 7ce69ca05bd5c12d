//! Name and priority of the calling thread. Everything here is about one thread, and children do not inherit
//! real-time priority.

#![forbid(unsafe_code)]

use std::ffi::CString;

use crate::error::Error;
use crate::sys;

/// Names the calling thread, for debuggers and `top -H`.
///
/// # Errors
/// Longer than 15 bytes (`ERANGE`), or with a NUL inside (`EINVAL`).
///
/// ```
/// # #[cfg(target_os = "linux")] {
/// use shared_nothing_affinity::set_thread_name;
///
/// set_thread_name("shard-3")?;
/// assert!(set_thread_name("a name of 16 by.").is_err());
/// # }
/// # Ok::<(), shared_nothing_affinity::Error>(())
/// ```
pub fn set_thread_name(name: &str) -> Result<(), Error> {
    let name = CString::new(name).map_err(|_| Error::Os {
        operation: "pthread_setname_np",
        errno: 22,
    })?;
    sys::set_thread_name(&name)
}

/// Sets the calling thread's niceness and returns what it is now: -20 is served most, 19 least.
///
/// The kernel takes the nearest number that there is. It counts among ordinary threads only.
///
/// # Errors
/// Only the privileged may be less nice than they are (`EACCES`).
pub fn set_nice(nice: i32) -> Result<i32, Error> {
    sys::set_nice(nice)?;
    sys::nice()
}

/// Puts the calling thread before all ordinary ones, with a priority of 1 to 99 among its like (`SCHED_FIFO`).
///
/// It then runs until it waits: a loop that spins keeps its CPU for good, and whatever else was to run there starves,
/// a child of its own included. Threads that it makes are ordinary again; make them
/// [`unpinned`](crate::PinGuard::unpinned) too.
///
/// # Errors
/// A priority that there is not (`EINVAL`), or no permission (`EPERM`): it takes privilege or `ulimit -r`, and some
/// control groups deny it to everybody. Go on as an ordinary thread, and say so.
pub fn set_realtime(priority: u8) -> Result<(), Error> {
    sys::set_scheduler(sys::FIRST_IN_FIRST_OUT, priority.into())
}

/// Makes the calling thread an ordinary one again.
///
/// # Errors
/// The operating system refused.
pub fn set_ordinary() -> Result<(), Error> {
    sys::set_scheduler(sys::ORDINARY, 0)
}

/// Whether the calling thread has real-time priority by [`set_realtime`].
///
/// # Errors
/// The operating system does not tell.
pub fn is_realtime() -> Result<bool, Error> {
    Ok(sys::scheduler()? == sys::FIRST_IN_FIRST_OUT)
}
