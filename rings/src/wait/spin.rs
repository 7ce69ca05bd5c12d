//! Waiting by looking again and again.
#![forbid(unsafe_code)]

use super::Wait;
use crate::sync::spin_loop;

/// Looks again after a pause of the processor, for ever. Needs nothing, not even an operating system.
///
/// The quickest answer there is, for a CPU that has nothing else to do. With fewer CPUs than threads it keeps the other
/// end from running; use a [`Yield`](super::Yield) or a [`Doorbell`](super::Doorbell) there.
#[derive(Debug, Clone, Copy, Default)]
pub struct Spin;

impl Wait for Spin {
    #[inline(always)]
    fn ring_for(&self, _count: usize) {}

    #[inline(always)]
    fn may_be_awaited(&self) -> bool {
        false
    }

    #[inline]
    fn wait<R>(&self, mut look: impl FnMut() -> Option<R>) -> R {
        loop {
            if let Some(found) = look() {
                return found;
            }
            spin_loop();
        }
    }
}

#[cfg(feature = "std")]
impl super::WaitUntil for Spin {
    fn wait_until<R>(
        &self,
        deadline: std::time::Instant,
        mut look: impl FnMut() -> Option<R>,
    ) -> Option<R> {
        loop {
            if let Some(found) = look() {
                return Some(found);
            }
            if crate::sync::now() >= deadline {
                return None;
            }
            spin_loop();
        }
    }
}
