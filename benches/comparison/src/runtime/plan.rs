//! Where a sample runs, and how much of it.

use std::time::Duration;

use shared_nothing_affinity::CpuId;

/// How many messages a mailbox holds.
pub(crate) const CAPACITY: usize = 1024;
/// How many requests are under way in `pipe64`, and how large a batch is.
pub(crate) const WINDOW: usize = 64;
/// How many workers are idle in `idle`.
pub(crate) const IDLE_WORKERS: usize = 4;
/// How long a worker is left alone before a wake.
pub(crate) const IDLE_BEFORE_WAKE: Duration = Duration::from_millis(3);
/// How often a message of `scale` is mixed: some hundred nanoseconds.
pub(crate) const SCALE_WORK: u32 = 200;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Less of everything.
    pub(crate) quick: bool,
    pub(crate) client: CpuId,
    pub(crate) worker: CpuId,
}

impl Plan {
    const fn count(self, full: u64, quick: u64) -> u64 {
        if self.quick { quick } else { full }
    }

    pub(crate) const fn calls(self) -> u64 {
        self.count(10_000, 300)
    }

    /// Calls before those that count.
    pub(crate) const fn warm_up(self) -> u64 {
        self.count(500, 20)
    }

    pub(crate) const fn piped(self) -> u64 {
        self.count(200_000, 6_400)
    }

    pub(crate) const fn messages(self) -> u64 {
        self.count(1_000_000, 20_000)
    }

    /// One way.
    pub(crate) const fn mesh(self) -> u64 {
        self.count(500_000, 10_000)
    }

    pub(crate) const fn tasks(self) -> u64 {
        self.count(500_000, 10_000)
    }

    pub(crate) const fn wakes(self) -> u64 {
        self.count(200, 10)
    }

    /// Messages of `scale`, which take longer each.
    pub(crate) const fn worked(self) -> u64 {
        self.count(500_000, 10_000)
    }

    pub(crate) const fn idle_for(self) -> Duration {
        Duration::from_millis(self.count(2_000, 200))
    }

    /// The CPU of a worker: the first has a core of its own, the second the client's, and so on.
    pub(crate) const fn cpu_of(self, worker: usize) -> CpuId {
        if worker.is_multiple_of(2) {
            self.worker
        } else {
            self.client
        }
    }

    /// Where `workers` workers run.
    pub(crate) fn cpus_of(self, workers: usize) -> Vec<CpuId> {
        (0..workers).map(|worker| self.cpu_of(worker)).collect()
    }
}

/// The worker that key `key` belongs to, where the peer leaves that to its user.
#[inline]
pub(crate) fn route(key: u64, workers: usize) -> usize {
    ((u128::from(mixed(key)) * workers as u128) >> 64) as usize
}

/// A key's bits, stirred: the finalizer of MurmurHash3.
#[inline]
pub(crate) const fn mixed(mut key: u64) -> u64 {
    key = (key ^ (key >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    key = (key ^ (key >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    key ^ (key >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_spread() {
        let mut counts = [0; 3];
        (0..3_000).for_each(|key| counts[route(key, 3)] += 1);
        assert!(counts.iter().all(|count| (900..1_100).contains(count)));
    }
}
