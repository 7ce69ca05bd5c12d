//! What is known about the workers of a pool, and how it prints.
#![forbid(unsafe_code)]

use core::{fmt, time::Duration};

use super::{ChannelStats, WorkerStats, table};

/// What the workers of a pool have done so far. It prints as tables: the workers; each way to each of them; and the shards.
///
/// ```
/// use shared_nothing::stats::{PoolStats, WorkerStats};
///
/// let mut stats = PoolStats::default();
/// stats.workers.push(WorkerStats::default());
/// let table = stats.to_string();
/// assert!(table.lines().next().is_some_and(|header| header.starts_with("worker")));
/// assert!(table.lines().last().is_some_and(|total| total.starts_with("total")));
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct PoolStats {
    /// One for each worker; its place is the worker's number.
    pub workers: Vec<WorkerStats>,
}

/// A shard, as far as a pool's workers use it.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct ShardStats {
    /// Its number.
    pub shard: usize,
    /// How many of the workers live there, those that have ended included.
    pub workers: usize,
    /// The share of the time in which they handled messages, 0.0 to 1.0: see
    /// [`WorkerStats::busy_share`]. The rest is idle, or others'.
    pub busy_share: f64,
}

impl PoolStats {
    #[cfg(feature = "pool")]
    pub(crate) const fn of(workers: Vec<WorkerStats>) -> Self {
        Self { workers }
    }

    /// All workers as if they were one.
    #[must_use]
    pub fn total(&self) -> WorkerStats {
        let mut total = WorkerStats::default();
        self.workers.iter().for_each(|worker| total.merge(worker));
        total
    }

    /// The shards on which the workers live.
    #[must_use]
    pub fn shards(&self) -> Vec<ShardStats> {
        let mut shards: Vec<ShardStats> = Vec::new();
        for worker in &self.workers {
            match shards.iter_mut().find(|one| one.shard == worker.shard) {
                Some(one) => {
                    one.workers += 1;
                    // They take turns, so their times add up.
                    one.busy_share = (one.busy_share + worker.busy_share()).min(1.0);
                }
                None => shards.push(ShardStats {
                    shard: worker.shard,
                    workers: 1,
                    busy_share: worker.busy_share(),
                }),
            }
        }
        shards.sort_unstable_by_key(|one| one.shard);
        shards
    }

    /// Adds what the workers of another pool have counted, number by number.
    pub fn merge(&mut self, other: &Self) {
        let more = other.workers.len().max(self.workers.len());
        self.workers.resize_with(more, WorkerStats::default);
        for (worker, other) in self.workers.iter_mut().zip(&other.workers) {
            worker.merge(other);
        }
    }
}

const HEADER: [&str; 17] = [
    "worker",
    "sent",
    "handled",
    "failed",
    "panicked",
    "returned",
    "dropped",
    "depth",
    "max",
    "restarts",
    "beat",
    "wait p50",
    "p99",
    "handle p50",
    "p99",
    "stall max",
    "busy",
];

fn row(name: String, stats: &WorkerStats) -> [String; 17] {
    let time = |time: Duration| format!("{time:.1?}");
    [
        name,
        stats.sent.to_string(),
        stats.handled.to_string(),
        stats.failed.to_string(),
        stats.panicked.to_string(),
        stats.returned.to_string(),
        stats.dropped.total().to_string(),
        stats.queue_depth.to_string(),
        stats.queue_depth_max.to_string(),
        stats.restarts.to_string(),
        time(stats.heartbeat_age),
        time(stats.queue_wait.quantile(0.5)),
        time(stats.queue_wait.quantile(0.99)),
        time(stats.handle_time.quantile(0.5)),
        time(stats.handle_time.quantile(0.99)),
        time(stats.stall.max()),
        percent(stats.busy_share()),
    ]
}

fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

const WAYS: [&str; 8] = [
    "worker", "channel", "sent", "received", "refused", "depth", "max", "capacity",
];

fn way(worker: usize, stats: &ChannelStats) -> [String; 8] {
    [
        worker.to_string(),
        stats.kind.name().to_owned(),
        stats.sent.to_string(),
        stats.received.to_string(),
        stats.refused.to_string(),
        stats.depth.to_string(),
        stats.depth_max.to_string(),
        stats.capacity.to_string(),
    ]
}

const SHARDS: [&str; 4] = ["shard", "workers", "busy", "idle"];

fn shard(stats: &ShardStats) -> [String; 4] {
    [
        stats.shard.to_string(),
        stats.workers.to_string(),
        percent(stats.busy_share),
        percent(1.0 - stats.busy_share),
    ]
}

impl fmt::Display for PoolStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.total();
        let workers = self.workers.iter().enumerate();
        let mut rows = vec![HEADER.map(str::to_owned)];
        rows.extend(workers.map(|(number, stats)| row(number.to_string(), stats)));
        rows.push(row("total".to_owned(), &total));
        table::write(f, &rows)?;
        let mut ways = vec![WAYS.map(str::to_owned)];
        for (number, stats) in self.workers.iter().enumerate() {
            ways.extend(stats.channels.iter().map(|one| way(number, one)));
        }
        if ways.len() > 1 {
            write!(f, "\n\n")?;
            table::write(f, &ways)?;
            let mut shards = vec![SHARDS.map(str::to_owned)];
            shards.extend(self.shards().iter().map(shard));
            write!(f, "\n\n")?;
            table::write(f, &shards)?;
        }
        // Reasons follow only where something was dropped.
        let mut separator = "\ndropped: ";
        for (reason, count) in total.dropped.iter().filter(|(_, count)| *count > 0) {
            write!(f, "{separator}{count} {}", reason.name())?;
            separator = ", ";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{Counters, Drops, Meter};

    fn stats(handled: u64) -> WorkerStats {
        let (counters, meter) = (Counters::default(), Meter::default());
        counters.batch(handled);
        let drops = Drops::default();
        drops.oldest();
        meter.queue_wait(1500);
        meter.read(&counters.read(handled + 1, &drops), 2_000_000)
    }

    fn pool(handled: &[u64]) -> PoolStats {
        PoolStats {
            workers: handled.iter().map(|handled| stats(*handled)).collect(),
        }
    }

    #[test]
    fn the_table_is_aligned_and_ends_with_reasons() {
        let table = pool(&[7, 1_234_567]).to_string();
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 5);
        let width = lines[0].chars().count();
        assert!(
            lines[..4].iter().all(|line| line.chars().count() == width),
            "{table}"
        );
        assert!(
            lines[0].starts_with("worker     sent  handled  failed"),
            "{table}"
        );
        assert!(
            lines[2].starts_with("1       1234568  1234567       0"),
            "{table}"
        );
        assert!(
            lines[3].starts_with("total   1234576  1234574       0"),
            "{table}"
        );
        assert!(
            lines[1].contains("1.5µs") && lines[1].contains("2.0ms"),
            "{table}"
        );
        assert_eq!(lines[4], "dropped: 2 oldest");
    }

    #[test]
    fn a_pool_without_workers_prints_too() {
        assert_eq!(PoolStats::default().to_string().lines().count(), 2);
    }

    #[test]
    fn pools_merge_by_worker() {
        let mut merged = pool(&[1, 2]);
        merged.merge(&pool(&[10, 20, 30]));
        let handled: Vec<u64> = merged.workers.iter().map(|worker| worker.handled).collect();
        assert_eq!(handled, [11, 22, 30]);
        let total = merged.total();
        assert_eq!(
            (
                total.handled,
                total.queue_wait.count(),
                total.dropped.total()
            ),
            (63, 5, 5)
        );
        assert_eq!((total.sent, total.heartbeat_age.as_millis()), (68, 2));
    }
}
