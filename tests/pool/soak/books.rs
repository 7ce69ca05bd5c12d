//! What was accepted, handled and tried, by number.

use std::{
    collections::BTreeMap,
    fmt,
    iter::Sum,
    ops::Add,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

use shared_nothing::pool::WorkerReport;

use super::worker::Message;

/// Numbers that look random.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// How many messages, and the sum of what stands for each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    count: u64,
    sum: u64,
}

/// So that two lost and one invented do not add up.
fn stamp(id: u64) -> u64 {
    (id ^ (id >> 31)).wrapping_mul(0x9fb2_1c65_1e98_df25)
}

impl Tally {
    pub(crate) fn add(&mut self, id: u64) {
        self.add_times(id, 1);
    }

    pub(crate) fn add_times(&mut self, id: u64, times: u64) {
        self.count += times;
        self.sum = self.sum.wrapping_add(stamp(id).wrapping_mul(times));
    }

    pub(crate) fn take_out(&mut self, id: u64) {
        self.count -= 1;
        self.sum = self.sum.wrapping_sub(stamp(id));
    }
}

impl Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            count: self.count + other.count,
            sum: self.sum.wrapping_add(other.sum),
        }
    }
}

impl Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Add::add)
    }
}

/// A tally of many threads.
#[derive(Default)]
struct SharedTally {
    count: AtomicU64,
    sum: AtomicU64,
}

impl SharedTally {
    fn add(&self, id: u64) {
        self.count.fetch_add(1, Relaxed);
        self.sum.fetch_add(stamp(id), Relaxed);
    }

    fn take(&self) -> Tally {
        Tally {
            count: self.count.swap(0, Relaxed),
            sum: self.sum.swap(0, Relaxed),
        }
    }
}

pub(crate) const SENDERS: usize = 8;
pub(crate) const KEYS: usize = 509;

pub(crate) struct Books {
    begun: Instant,
    ids: AtomicU64,
    handled: SharedTally,
    own: SharedTally,
    may_fail: AtomicBool,
    /// The last number of each sender for each key.
    last: Vec<AtomicU64>,
    rows: Mutex<BTreeMap<String, u64>>,
}

impl Default for Books {
    fn default() -> Self {
        Self {
            begun: Instant::now(),
            ids: AtomicU64::new(1),
            handled: SharedTally::default(),
            own: SharedTally::default(),
            may_fail: AtomicBool::new(false),
            last: (0..SENDERS * KEYS).map(|_| AtomicU64::new(0)).collect(),
            rows: Mutex::default(),
        }
    }
}

impl Books {
    /// A number that no other message has.
    pub(crate) fn new_id(&self) -> u64 {
        self.ids.fetch_add(1, Relaxed)
    }

    pub(crate) fn handled(&self, id: u64) {
        self.handled.add(id);
    }

    /// A worker sent itself something.
    pub(crate) fn own(&self, id: u64) {
        self.own.add(id);
    }

    /// What was handled and what workers sent themselves, since the last pool.
    pub(crate) fn take(&self) -> (Tally, Tally) {
        (self.handled.take(), self.own.take())
    }

    /// Lives may fail to begin from now on, or not.
    pub(crate) fn may_fail(&self, may: bool) {
        self.may_fail.store(may, Relaxed);
    }

    pub(crate) fn fails_now(&self) -> bool {
        self.may_fail.load(Relaxed) && self.new_id() % 16 == 0
    }

    /// A message that was handled again has the number of the last.
    pub(crate) fn check_order(&self, sender: usize, key: u64, number: u64) {
        let last = self.last[sender * KEYS + key as usize].swap(number, Relaxed);
        if last > number {
            eprintln!("{number} after {last} of {sender} for {key}");
            std::process::abort();
        }
    }

    pub(crate) fn row(&self, name: &str, more: u64) {
        *self
            .rows
            .lock()
            .unwrap()
            .entry(name.to_owned())
            .or_default() += more;
    }

    /// Something was tried: how often it was done and refused.
    pub(crate) fn count<T, E>(&self, name: &str, result: Result<T, E>) {
        match result {
            Ok(_) => self.row(name, 1),
            Err(_) => self.row(&format!("{name} refused"), 1),
        }
    }

    pub(crate) fn add_counts(&self, worker: &WorkerReport<Message>) {
        self.row("restarts", worker.counts.restarts);
        self.row("dead letters", worker.dead_letters.len() as u64);
        self.row("handed back by stops", worker.returned.len() as u64);
        self.row("messages cut off", worker.counts.cancelled);
    }

    pub(crate) fn pool_is_closed(&self, accepted: Tally) {
        self.row("messages accepted", accepted.count);
        self.row("pools", 1);
    }
}

impl fmt::Display for Books {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<28}{:>12}", "seconds", self.begun.elapsed().as_secs())?;
        for (name, count) in &*self.rows.lock().unwrap() {
            writeln!(f, "{name:<28}{count:>12}")?;
        }
        Ok(())
    }
}
