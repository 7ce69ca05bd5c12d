//! Sleeping on a word, as the kernel lets a thread: nothing is lost between the look at the word and the sleep.

use core::time::Duration;

use crate::sync::AtomicU32;
#[cfg(any(loom, shuttle))]
use crate::sync::{Bed, Ordering::Relaxed};

/// A word, and where those sleep who wait for it to change. In a program that is the kernel, by the word's address.
#[derive(Debug)]
pub(super) struct Futex {
    pub(super) word: AtomicU32,
    #[cfg(any(loom, shuttle))]
    bed: Bed,
}

impl Futex {
    /// Whether there are such words.
    pub(super) const IS_THERE: bool = cfg!(any(target_os = "linux", loom, shuttle));

    pub(super) fn new(value: u32) -> Self {
        Self {
            word: AtomicU32::new(value),
            #[cfg(any(loom, shuttle))]
            bed: Bed::new(),
        }
    }

    /// Sleeps until it is woken, if the word is `seen`, and no longer than `left`. May return early, for no reason.
    pub(super) fn sleep(&self, seen: u32, left: Option<Duration>) {
        #[cfg(any(loom, shuttle))]
        // RELAXED: whoever is woken looks again.
        self.bed
            .sleep(|| self.word.load(Relaxed) == seen, left.is_some());
        #[cfg(all(target_os = "linux", not(any(loom, shuttle))))]
        linux::wait(&self.word, seen, left);
        #[cfg(not(any(target_os = "linux", loom, shuttle)))]
        unreachable!("nobody sleeps here ({seen}, {left:?})");
    }

    /// Wakes one who sleeps here.
    pub(super) fn wake(&self) {
        #[cfg(any(loom, shuttle))]
        self.bed.wake();
        #[cfg(all(target_os = "linux", not(any(loom, shuttle))))]
        linux::wake(&self.word);
    }
}

#[cfg(all(target_os = "linux", not(any(loom, shuttle))))]
mod linux {
    use core::{ptr, time::Duration};

    use crate::sync::AtomicU32;

    /// [futex(2)](https://man7.org/linux/man-pages/man2/futex.2.html), `FUTEX_WAIT`: by the monotonic clock, and for as
    /// long as it is told; one too long for the kernel is no limit.
    pub(super) fn wait(word: &AtomicU32, seen: u32, left: Option<Duration>) {
        let left = left.and_then(|left| {
            Some(libc::timespec {
                tv_sec: left.as_secs().try_into().ok()?,
                // Less than a thousand million: it fits wherever it goes.
                tv_nsec: left.subsec_nanos() as _,
            })
        });
        let left = left.as_ref().map_or(ptr::null(), ptr::from_ref);
        // What it returns does not matter: whoever is back looks at the word again.
        // SAFETY: the word and the time live as long as the call, which writes neither.
        unsafe {
            libc::syscall(
                libc::SYS_futex,
                word.as_ptr(),
                libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG,
                seen,
                left,
            );
        }
    }

    /// The same, `FUTEX_WAKE`.
    pub(super) fn wake(word: &AtomicU32) {
        // SAFETY: the kernel looks up who sleeps at this address, and does not touch what is there.
        unsafe {
            libc::syscall(
                libc::SYS_futex,
                word.as_ptr(),
                libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG,
                1,
            );
        }
    }
}
