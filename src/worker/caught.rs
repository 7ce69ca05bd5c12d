//! Runs a worker's code, and survives it.
#![forbid(unsafe_code)]

use core::{
    fmt::Display,
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};
use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use crate::stats::Meter;

/// Runs a worker's code. Its error becomes text inside, since that is the worker's code, too; and so does a panic,
/// outside.
pub(super) fn caught<R, E: Display>(
    code: impl FnOnce() -> Result<R, E>,
) -> Result<Result<R, String>, String> {
    let code = || code().map_err(|error| error.to_string());
    catch_unwind(AssertUnwindSafe(code)).map_err(|payload| panic_text(&*payload))
}

/// As [`caught`], for code that waits. While it waits it holds nobody, and its heart does not beat.
pub(super) async fn caught_async<R, E: Display>(
    meter: &Meter,
    code: impl Future<Output = Result<R, E>>,
) -> Result<Result<R, String>, String> {
    let mut code = pin!(code);
    poll_fn(|cx| {
        meter.beat();
        let polled = catch_unwind(AssertUnwindSafe(|| code.as_mut().poll(cx)));
        meter.beat();
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(result)) => Poll::Ready(Ok(result.map_err(|error| error.to_string()))),
            Err(payload) => Poll::Ready(Err(panic_text(&*payload))),
        }
    })
    .await
}

fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a text").to_owned()
}
