//! The fence between two steps of the waiting protocol: light for the many who ring, heavy for the few who park.
//!
//! Where the kernel grants it, the one who parks calls `membarrier(2)`, which makes every running thread of the process
//! pass a full barrier; the one who rings then needs none of its own, only that the compiler keeps its two steps in
//! order. Where it is refused, and in models, both sides use a fence.

use crate::sync::{Ordering::SeqCst, fence};

/// The barriers of a protocol in which many announce something and look, and few change something and look: between the
/// two steps of each. For whoever builds one of their own; [`Doorbell`](super::Doorbell) has its own.
///
/// One who is `light` and one who is `heavy` see each other's first step, at least one of them.
///
/// Both sides of one protocol use the same one, chosen when it is made.
#[derive(Debug, Clone, Copy)]
pub struct Barrier {
    #[cfg(all(target_os = "linux", not(any(loom, shuttle))))]
    asymmetric: bool,
}

impl Barrier {
    /// The cheapest that the system offers.
    #[must_use]
    pub fn new() -> Self {
        Self {
            #[cfg(all(target_os = "linux", not(any(loom, shuttle))))]
            asymmetric: linux::is_granted(),
        }
    }

    /// Between the change of a ring and the look for waiters.
    #[inline(always)]
    pub fn light(self) {
        #[cfg(all(target_os = "linux", not(any(loom, shuttle))))]
        if self.asymmetric {
            // CHECK: keeps the compiler from turning the two steps round; the processor's order is the parker's care.
            crate::sync::compiler_fence(SeqCst);
            return;
        }
        // CHECK: pairs with ANNOUNCE, the fence in `heavy`.
        fence(SeqCst);
    }

    /// Between the announcement of a waiter and its second look.
    ///
    /// A system call where `light` is free; it interrupts every CPU that runs a thread of the process.
    ///
    /// # Panics
    ///
    /// If the kernel takes back what it granted.
    pub fn heavy(self) {
        #[cfg(all(target_os = "linux", not(any(loom, shuttle))))]
        if self.asymmetric {
            linux::run();
            return;
        }
        // ANNOUNCE: pairs with CHECK, the fence in `light`.
        fence(SeqCst);
    }
}

impl Default for Barrier {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(all(target_os = "linux", not(any(loom, shuttle))))]
mod linux {
    use std::sync::OnceLock;

    /// `MEMBARRIER_CMD_PRIVATE_EXPEDITED`: every running thread of this process passes a full barrier.
    const RUN: libc::c_int = 1 << 3;
    /// `MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED`: asks for the right to the above, once for the process.
    const REGISTER: libc::c_int = 1 << 4;

    /// [membarrier(2)](https://man7.org/linux/man-pages/man2/membarrier.2.html)
    fn membarrier(command: libc::c_int) -> bool {
        // SAFETY: the call takes three integers and touches no memory of ours.
        unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
    }

    /// Asks the kernel once.
    pub(super) fn is_granted() -> bool {
        static GRANTED: OnceLock<bool> = OnceLock::new();
        *GRANTED.get_or_init(|| membarrier(REGISTER) && membarrier(RUN))
    }

    /// # Panics
    ///
    /// If the kernel takes back what it granted, for instance by a filter of system calls that was set up since:
    /// without the barrier a wake could be lost.
    pub(super) fn run() {
        assert!(membarrier(RUN), "membarrier was granted and is now refused");
    }

    #[test]
    fn a_granted_barrier_can_be_called() {
        if is_granted() {
            run();
        }
    }
}
