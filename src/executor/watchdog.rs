//! Sees a shard that is held, while it is held.
#![forbid(unsafe_code)]

use core::time::Duration;
use std::{sync::Arc, thread::JoinHandle, time::Instant};

use super::{
    Stall,
    config::StallHook,
    peer::Shared,
    task::{guarded, is_fine},
};
use crate::sys;

/// Looks in the time of a limit.
const LOOKS: u32 = 4;

/// What was seen of a shard: a beat, since when, and whether it was reported.
#[derive(Debug, Clone, Copy)]
struct Seen {
    count: usize,
    since: Instant,
    is_reported: bool,
}

/// Starts the thread that looks. It ends when all shards have. Without it an executor works as well, so that a thread
/// that cannot be had is no error.
pub(super) fn start(
    name: &str,
    shared: &Arc<Shared>,
    limit: Duration,
    hook: StallHook,
) -> Option<JoinHandle<()>> {
    let shared = Arc::clone(shared);
    let run = move || watch(&shared, limit, &hook);
    sys::spawn_with_stack(format!("{name}-watchdog"), None, run).ok()
}

fn watch(shared: &Shared, limit: Duration, hook: &StallHook) {
    let mut seen: Vec<Option<Seen>> = vec![None; shared.peers.len()];
    let is_over = || shared.is_over().then_some(());
    loop {
        let Some(next) = sys::now().checked_add(limit / LOOKS) else {
            return shared.ended.wait(is_over);
        };
        if shared.ended.wait_until(next, is_over).is_some() {
            return;
        }
        for (shard, (peer, seen)) in shared.peers.iter().zip(&mut seen).enumerate() {
            let now = sys::now();
            let Some(running) = peer.beat.running() else {
                *seen = None;
                continue;
            };
            let fresh = Seen {
                count: running.count,
                since: now,
                is_reported: false,
            };
            let known = seen.get_or_insert(fresh);
            if known.count != running.count {
                *known = fresh;
            }
            let held = now - known.since;
            if held >= limit && !known.is_reported {
                known.is_reported = true;
                let place = running.place;
                let stall = Stall { shard, place, held };
                is_fine(guarded(|| hook(&stall)));
            }
        }
    }
}
