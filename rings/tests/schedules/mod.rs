//! Runs a scene under many schedules and collects what it came to.
//!
//! Half of the schedules are drawn at random, half by priorities that change at few moments (PCT). Both are sequences
//! of whole steps, one order for all threads: no scene can show a missing release, acquire or fence. That is the models'
//! part (`loom_*.rs`); this one's are scenes too large for them. It is a sample, so a scene that passes proves nothing
//! about the schedules that were not drawn; each names outcomes that must have been met, so that the sample is known
//! not to be an empty one.
//!
//! Every run draws the same schedules. Others: `SHUTTLE_RANDOM_SEED=7`. More: `RINGS_SCHEDULES=100000` of each kind. A
//! scene that fails prints its schedule; `RINGS_REPLAY=<that text>` with the name of the test runs it alone.

use std::{
    collections::BTreeSet,
    env,
    fmt::Debug,
    sync::{Arc, Mutex},
};

use shuttle::{
    Config, Runner, replay,
    scheduler::{PctScheduler, RandomScheduler, Scheduler},
};

const SEED: u64 = 1;
const SCHEDULES: usize = 2_000;
/// How many changes of priority a schedule of the second kind has.
const DEPTH: usize = 4;

fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(text.parse().expect("a number"))
}

/// The outcomes of a scene under all the schedules.
pub(crate) fn outcomes<R: Ord + Send + 'static>(
    scene: impl Fn() -> R + Send + Sync + 'static,
) -> BTreeSet<R> {
    let reached = Arc::new(Mutex::new(BTreeSet::new()));
    let collect = Arc::clone(&reached);
    let scene = Arc::new(move || {
        let outcome = scene();
        let mut reached = collect.lock().expect("no panic under the lock");
        reached.insert(outcome);
    });
    if let Ok(schedule) = env::var("RINGS_REPLAY") {
        replay(move || scene(), &schedule);
    } else {
        let seed = number("SHUTTLE_RANDOM_SEED").unwrap_or(SEED);
        let schedules = number("RINGS_SCHEDULES").map_or(SCHEDULES, |count| count as usize);
        println!("{schedules} schedules of each kind, SHUTTLE_RANDOM_SEED={seed}");
        run(RandomScheduler::new_from_seed(seed, schedules), &scene);
        run(PctScheduler::new_from_seed(seed, DEPTH, schedules), &scene);
    }
    std::mem::take(&mut *reached.lock().expect("no panic under the lock"))
}

fn run(scheduler: impl Scheduler + 'static, scene: &Arc<impl Fn() + Send + Sync + 'static>) {
    let scene = Arc::clone(scene);
    let mut config = Config::new();
    // Panics, and the messages of failed assertions, want more than the 60 KiB of the default.
    config.stack_size = 1 << 18;
    Runner::new(scheduler, config).run(move || scene());
}

/// Whether all of `wanted` were met; a replay meets one.
#[track_caller]
pub(crate) fn assert_met<R: Ord + Debug>(
    reached: &BTreeSet<R>,
    wanted: impl IntoIterator<Item = R>,
) {
    if env::var_os("RINGS_REPLAY").is_some() {
        return;
    }
    let missing: Vec<R> = wanted
        .into_iter()
        .filter(|outcome| !reached.contains(outcome))
        .collect();
    assert!(missing.is_empty(), "never met: {missing:?} of {reached:?}");
}
