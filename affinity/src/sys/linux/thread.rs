//! Calls about the calling thread's name and priority.

use core::ffi::c_int;
use std::ffi::CStr;

use super::{done_or_error, last_error};
use crate::error::Error;

/// pthread_setname_np(3)
pub(crate) fn set_thread_name(name: &CStr) -> Result<(), Error> {
    // SAFETY: the name is a live string that ends in NUL; the thread is this one.
    let errno = unsafe { libc::pthread_setname_np(libc::pthread_self(), name.as_ptr()) };
    if errno == 0 {
        Ok(())
    } else {
        Err(Error::Os {
            operation: "pthread_setname_np",
            errno,
        })
    }
}

/// setpriority(2), which on Linux is about one thread: who 0 is this one.
pub(crate) fn set_nice(nice: c_int) -> Result<(), Error> {
    // SAFETY: it takes numbers only.
    let status = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, nice) };
    done_or_error("setpriority", status)
}

/// getpriority(2)
pub(crate) fn nice() -> Result<c_int, Error> {
    // The library's function may answer -1 in earnest. The raw call answers 20 - nice, which is 1 to 40.
    // SAFETY: it takes numbers only.
    let answer = unsafe { libc::syscall(libc::SYS_getpriority, libc::PRIO_PROCESS, 0) };
    if answer < 0 {
        Err(last_error("getpriority"))
    } else {
        Ok(20 - answer as c_int)
    }
}

/// sched_setscheduler(2). Children start as ordinary threads.
///
/// The raw call: some libraries refuse it because it is about a thread and not a process.
pub(crate) fn set_scheduler(policy: c_int, priority: c_int) -> Result<(), Error> {
    let policy = policy | libc::SCHED_RESET_ON_FORK;
    // SAFETY: the parameter's first field is the priority, and on Linux its only one; it is live and only read.
    let status =
        unsafe { libc::syscall(libc::SYS_sched_setscheduler, 0, policy, &raw const priority) };
    done_or_error("sched_setscheduler", status as c_int)
}

/// sched_getscheduler(2), without its flags.
pub(crate) fn scheduler() -> Result<c_int, Error> {
    // SAFETY: it takes a number only.
    let policy = unsafe { libc::syscall(libc::SYS_sched_getscheduler, 0) };
    if policy < 0 {
        return Err(last_error("sched_getscheduler"));
    }
    Ok(policy as c_int & !libc::SCHED_RESET_ON_FORK)
}

/// The kernel's names for ordinary and real-time threads: sched(7).
pub(crate) const ORDINARY: c_int = libc::SCHED_OTHER;
pub(crate) const FIRST_IN_FIRST_OUT: c_int = libc::SCHED_FIFO;
