//! Runs a user's code, and survives it.
#![forbid(unsafe_code)]

use core::{
    fmt::Display,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::Poll,
};
use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use crate::stats::Meter;

/// Runs a worker's code. Its error becomes text inside, since that is the worker's code, too; and so does a panic,
/// outside.
pub(crate) fn caught<R, E: Display>(
    code: impl FnOnce() -> Result<R, E>,
) -> Result<Result<R, String>, String> {
    let code = || code().map_err(|error| error.to_string());
    catch_unwind(AssertUnwindSafe(code)).map_err(panic_text)
}

/// Drops what is the user's, and says with which text that panicked.
///
/// One thing at a time: of two that are dropped together, the second to panic ends the program.
pub(super) fn let_go<T>(user_value: T) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(|| drop(user_value))).map_err(panic_text)
}

/// As [`caught`], for code that waits. While it waits it holds nobody, and its heart does not beat.
///
/// # Cancellation
///
/// The code is dropped, and a panic of that is nobody's.
pub(super) async fn caught_async<R, E: Display>(
    meter: &Meter,
    code: impl Future<Output = Result<R, E>>,
) -> Result<Result<R, String>, String> {
    let code = pin!(Some(code));
    let mut code = Cut(code);
    poll_fn(|cx| {
        let Some(code) = code.0.as_mut().as_pin_mut() else {
            return Poll::Pending;
        };
        meter.beat();
        let polled = catch_unwind(AssertUnwindSafe(|| code.poll(cx)));
        meter.beat();
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(result)) => Poll::Ready(Ok(result.map_err(|error| error.to_string()))),
            Err(payload) => Poll::Ready(Err(panic_text(payload))),
        }
    })
    .await
}

/// A future that is dropped where it lies, also where that panics.
struct Cut<'f, F>(Pin<&'f mut Option<F>>);

impl<F> Drop for Cut<'_, F> {
    fn drop(&mut self) {
        let _panic = catch_unwind(AssertUnwindSafe(|| self.0.set(None))).map_err(panic_text);
    }
}

/// The text of a panic. What carries it is the user's, too: if its drop panics, what that leaves is forgotten, but for a
/// text, whose drop cannot panic.
fn panic_text(payload: Box<dyn Any + Send>) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let text = text.unwrap_or("a panic without a text").to_owned();
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        if !second.is::<String>() && !second.is::<&str>() {
            core::mem::forget(second);
        }
    }
    text
}
