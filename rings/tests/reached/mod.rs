//! Runs a model and collects what it came to.
//!
//! loom can miss interleavings of a thread that loads a location and later stores it (tokio-rs/loom #166, #392). A
//! model that only checks invariants may then pass because it saw too little, so each of ours names the outcomes
//! that must be reached. Ends keep their own position in a private cell, and ends that wait yield: with that the
//! sets below are complete.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

/// The outcomes of all interleavings, with at most 3 preemptions unless `LOOM_MAX_PREEMPTIONS` says otherwise.
pub(crate) fn outcomes<R: Ord + Send + 'static>(
    model: impl Fn() -> R + Send + Sync + 'static,
) -> BTreeSet<R> {
    let reached = Arc::new(Mutex::new(BTreeSet::new()));
    let collect = Arc::clone(&reached);
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(3);
    builder.check(move || {
        let outcome = model();
        collect
            .lock()
            .expect("no panic under the lock")
            .insert(outcome);
    });
    std::mem::take(&mut *reached.lock().expect("no panic under the lock"))
}

/// Calls `attempt` until it succeeds, letting others run after each failure. Also says whether it ever failed.
#[allow(dead_code, reason = "not every model retries")]
pub(crate) fn retry<R>(mut attempt: impl FnMut() -> Option<R>) -> (R, bool) {
    let mut failed = false;
    loop {
        if let Some(done) = attempt() {
            return (done, failed);
        }
        failed = true;
        loom::thread::yield_now();
    }
}

/// Counts the values that were dropped. The counter is no part of the model.
#[allow(dead_code, reason = "not every model counts")]
pub(crate) struct Counted(pub(crate) Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}
