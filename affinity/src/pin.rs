//! Pins the calling thread to one CPU that it was given, and puts the former mask back.

#![forbid(unsafe_code)]

use core::marker::PhantomData;

use crate::cpuset::CpuSet;
use crate::error::{Error, PinError};
use crate::id::CpuId;
use crate::sys;

/// The CPUs on which the calling thread may run: its affinity mask, within the container's cpuset.
///
/// Not `0..n`: the numbers may have holes, and may be fewer than the machine has. A new thread starts with the mask of
/// the thread that made it.
///
/// Cost: one system call, and one more for each doubling beyond 1,024 CPUs.
///
/// # Errors
/// The operating system refused, or does not tell.
pub fn usable_cpus() -> Result<CpuSet, Error> {
    sys::thread_mask()
}

/// The CPU on which this thread ran when it asked. It may be another one at once, unless the thread is pinned.
///
/// # Errors
/// The operating system does not tell.
pub fn current_cpu() -> Result<CpuId, Error> {
    sys::current_cpu()
}

/// Gives the calling thread a new mask, wider or narrower, and returns the one that now holds.
///
/// The kernel leaves out CPUs that are absent, offline or outside the cpuset, so the answer may be smaller than what
/// was asked for. Compare the two.
///
/// # Errors
/// No CPU would be left (`EINVAL`), the operating system refused, or this platform can only pin to one CPU.
pub fn set_mask(mask: &CpuSet) -> Result<CpuSet, Error> {
    sys::set_thread_mask(mask)?;
    sys::thread_mask()
}

/// Pins the calling thread to `cpu`, one of its [`usable_cpus`].
///
/// On return the thread runs there. Threads that it makes from now on inherit the pin, unless it makes them
/// [`unpinned`](PinGuard::unpinned).
///
/// A mask is what somebody gave you: a CPU outside it is refused, even where the kernel would agree. To leave it on
/// purpose, widen it first with [`set_mask`].
///
/// Cost: two system calls, and a move to another CPU where needed.
///
/// # Errors
/// The CPU is not there, offline, or not in this thread's mask; or the operating system refused.
///
/// ```
/// # #[cfg(target_os = "linux")] {
/// use shared_nothing_affinity::{current_cpu, pin, usable_cpus};
///
/// let before = usable_cpus()?;
/// let cpu = before.first().expect("a running thread has a CPU");
/// let guard = pin(cpu)?;
/// assert_eq!(current_cpu()?, cpu);
/// assert!(guard.is_held()?);
///
/// drop(guard);
/// assert_eq!(usable_cpus()?, before);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn pin(cpu: CpuId) -> Result<PinGuard, PinError> {
    let former = sys::thread_mask()?;
    if !former.contains(cpu) {
        return Err(refusal(
            cpu,
            former,
            sys::possible_cpus(),
            sys::online_cpus(),
        ));
    }
    if let Err(error) = sys::set_thread_mask(&CpuSet::from(cpu)) {
        // It was there a moment ago.
        return Err(match sys::online_cpus() {
            Some(online) if !online.contains(cpu) => PinError::Offline { cpu },
            _ => PinError::Os(error),
        });
    }
    Ok(PinGuard {
        cpu,
        former: Some(former),
        stays_here: PhantomData,
    })
}

/// Why a CPU outside the mask is outside it, as far as the machine tells.
fn refusal(cpu: CpuId, mask: CpuSet, possible: Option<CpuSet>, online: Option<CpuSet>) -> PinError {
    let is_outside = |set: Option<CpuSet>| set.is_some_and(|set| !set.contains(cpu));
    if is_outside(possible) {
        PinError::NoSuchCpu { cpu }
    } else if is_outside(online) {
        PinError::Offline { cpu }
    } else {
        PinError::NotInMask { cpu, mask }
    }
}

/// Proof that this thread was pinned. Dropping it puts the former mask back.
///
/// It stays on its thread. A mask that somebody else has changed in the meantime is left alone. Outside Linux there is
/// no way back: the thread stays pinned.
#[must_use = "dropping the guard at once undoes the pin"]
#[derive(Debug)]
pub struct PinGuard {
    cpu: CpuId,
    /// Taken when the pin is made permanent.
    former: Option<CpuSet>,
    stays_here: PhantomData<*const ()>,
}

static_assertions::assert_not_impl_any!(PinGuard: Send, Sync, Clone);

impl PinGuard {
    /// The CPU that the thread was pinned to.
    #[must_use]
    pub fn cpu(&self) -> CpuId {
        self.cpu
    }

    /// The mask that the thread had before, and gets back.
    #[must_use]
    pub fn former_mask(&self) -> &CpuSet {
        // Only `into_permanent` takes it, and that ends the guard.
        self.former.as_ref().unwrap_or(const { &CpuSet::new() })
    }

    /// Asks the kernel whether the thread's mask is still exactly this CPU.
    ///
    /// The kernel itself breaks a pin whose CPU goes offline, and does not mend it when the CPU comes back.
    ///
    /// Cost: one system call.
    ///
    /// # Errors
    /// The operating system does not tell.
    pub fn is_held(&self) -> Result<bool, Error> {
        Ok(sys::thread_mask()? == CpuSet::from(self.cpu))
    }

    /// Pins the thread again if its pin was lost. True if it was.
    ///
    /// A loop that never ends should ask now and then: see [`is_held`](Self::is_held).
    ///
    /// # Errors
    /// As [`pin`]: the CPU is still offline, or whoever changed the mask left it out.
    pub fn repair(&self) -> Result<bool, PinError> {
        if self.is_held()? {
            return Ok(false);
        }
        pin(self.cpu)?.into_permanent();
        Ok(true)
    }

    /// Runs `work` under the former mask, and pins the thread again whatever becomes of it.
    ///
    /// This is the way to make threads from a pinned one: they start with the former mask, not with the pin. It
    /// matters most to a real-time thread, whose child could never run beside it on the same CPU.
    ///
    /// If the CPU is gone by then, the thread stays unpinned, which [`is_held`](Self::is_held) tells.
    ///
    /// # Errors
    /// The former mask cannot be put back. `work` was then not run.
    ///
    /// ```
    /// # #[cfg(target_os = "linux")] {
    /// use shared_nothing_affinity::{pin, usable_cpus};
    ///
    /// let before = usable_cpus()?;
    /// let guard = pin(before.last().expect("a running thread has a CPU"))?;
    /// let helper = guard.unpinned(|| std::thread::spawn(usable_cpus))?;
    /// assert_eq!(helper.join().unwrap()?, before);
    /// assert!(guard.is_held()?);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn unpinned<R>(&self, work: impl FnOnce() -> R) -> Result<R, Error> {
        struct PinAgain(CpuSet);
        impl Drop for PinAgain {
            fn drop(&mut self) {
                // Its failure is what `is_held` tells.
                let _ = sys::set_thread_mask(&self.0);
            }
        }
        sys::set_thread_mask(self.former_mask())?;
        let _pin_again = PinAgain(CpuSet::from(self.cpu));
        Ok(work())
    }

    /// Leaves the thread pinned for good. Returns the CPU.
    pub fn into_permanent(mut self) -> CpuId {
        self.former = None;
        self.cpu
    }
}

impl Drop for PinGuard {
    fn drop(&mut self) {
        let Some(former) = self.former.take() else {
            return;
        };
        if self.is_held() == Ok(true) {
            // A drop cannot report. If the former mask is gone (its CPUs went offline), the pin is all there is left.
            let _ = sys::set_thread_mask(&former);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> CpuSet {
        text.parse().unwrap()
    }

    #[test]
    fn a_refusal_names_the_nearest_reason() {
        let why = |cpu| {
            refusal(
                CpuId(cpu),
                list("2,4"),
                Some(list("0-7")),
                Some(list("0-5")),
            )
        };
        assert_eq!(why(8), PinError::NoSuchCpu { cpu: CpuId(8) });
        assert_eq!(why(6), PinError::Offline { cpu: CpuId(6) });
        assert_eq!(
            why(3),
            PinError::NotInMask {
                cpu: CpuId(3),
                mask: list("2,4")
            }
        );
    }

    #[test]
    fn without_sys_the_mask_is_the_reason() {
        let why = refusal(CpuId(5000), list("0"), None, None);
        assert_eq!(
            why,
            PinError::NotInMask {
                cpu: CpuId(5000),
                mask: list("0")
            }
        );
    }
}
