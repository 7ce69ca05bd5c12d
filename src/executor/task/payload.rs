//! What a panic carries, in an error that threads may share.

use alloc::{boxed::Box, string::String};
use core::{any::Any, fmt};

/// What a panic was given: the argument of [`panic!`], of whatever type.
///
/// It may be sent to other threads and shared by them, as the errors that carry it, though what is in it need not be fit
/// to be shared: to those who share it, it shows only what is.
///
/// ```
/// use shared_nothing::executor::{JoinError, LocalExecutor};
///
/// let local = LocalExecutor::new();
/// let task = local.spawn_local(async { std::panic::panic_any(7_u32) });
/// let Err(JoinError::Panicked(payload)) = local.block_on(task) else { unreachable!() };
/// assert_eq!(payload.downcast_ref::<u32>(), Some(&7));
/// assert_eq!(payload.text(), None);
/// assert!(payload.into_inner().is::<u32>());
/// ```
pub struct PanicPayload(Box<dyn Any + Send>);

// SAFETY: a shared reference leads to the payload's type, which is no part of it, and to a payload that is `Sync`; that
// is all that the methods below give. Whoever has the whole of it, or a unique reference, is alone.
unsafe impl Sync for PanicPayload {}

impl PanicPayload {
    /// The text, if it is one, as it mostly is.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        let text = self.downcast_ref::<&'static str>().copied();
        text.or_else(|| self.downcast_ref::<String>().map(String::as_str))
    }

    /// The payload, if it is a `T`, which threads may share.
    #[must_use]
    pub fn downcast_ref<T: Any + Sync>(&self) -> Option<&T> {
        self.0.downcast_ref()
    }

    /// The payload, to be looked at or passed on to `resume_unwind`.
    #[must_use]
    pub fn into_inner(self) -> Box<dyn Any + Send> {
        self.0
    }
}

impl From<Box<dyn Any + Send>> for PanicPayload {
    fn from(payload: Box<dyn Any + Send>) -> Self {
        Self(payload)
    }
}

impl fmt::Debug for PanicPayload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut payload = f.debug_tuple("PanicPayload");
        match self.text() {
            Some(text) => payload.field(&text).finish(),
            None => payload.finish_non_exhaustive(),
        }
    }
}
