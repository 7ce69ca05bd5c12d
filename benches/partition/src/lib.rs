//! What the benches share: 16 workers, hashes of keys, and each strategy made for them.

use shared_nothing::partition::{
    BoundedLoad, HashRing, Jump, Maglev, MultiplyShift, PartitionMap, RangeMap, Rendezvous,
    RoundRobin, SlotTable, TwoChoices, WeightedRendezvous, WeightedRoundRobin, hash_u64,
};

/// How many workers each strategy chooses among.
pub const WORKERS: usize = 16;
/// How many bounds a range map has.
pub const BOUNDS: u64 = 1024;

/// Hashes of the keys below `keys`.
#[must_use]
pub fn hashes(keys: usize) -> Vec<u64> {
    (0..keys as u64).map(|key| hash_u64(key, 0)).collect()
}

/// Weights from 1 to 8, twice.
#[must_use]
pub fn weights() -> [u32; WORKERS] {
    std::array::from_fn(|worker| worker as u32 % 8 + 1)
}

/// All strategies. Each is boxed, so that none lies on a stack.
pub struct All {
    /// Multiply and shift.
    pub multiply_shift: MultiplyShift,
    /// The default.
    pub slot_table: Box<SlotTable>,
    /// A slot table that hashes the keys, too.
    pub map: Box<PartitionMap>,
    /// Jump.
    pub jump: Jump,
    /// A ring with 256 vnodes a worker.
    pub ring: HashRing,
    /// Rendezvous.
    pub rendezvous: Box<Rendezvous>,
    /// Rendezvous with weights from 1 to 8.
    pub weighted_rendezvous: Box<WeightedRendezvous>,
    /// A table of 65537 places.
    pub maglev: Maglev,
    /// Ranges between even bounds.
    pub range: RangeMap<u64>,
    /// Turns.
    pub round_robin: RoundRobin,
    /// Turns with weights from 1 to 8.
    pub weighted_round_robin: WeightedRoundRobin,
    /// Two of the workers.
    pub two_choices: TwoChoices,
    /// A slot table, and at most 125 % of the mean for anybody.
    pub bounded_load: Box<BoundedLoad<SlotTable>>,
}

impl All {
    /// Makes them.
    ///
    /// # Panics
    ///
    /// If one is refused: never, with 16 workers.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "it is a lot of work")]
    pub fn new() -> Self {
        let table = SlotTable::even(WORKERS).expect("16 workers");
        let bounds: Vec<u64> = (1..=BOUNDS)
            .map(|bound| u64::MAX / (BOUNDS + 1) * bound)
            .collect();
        Self {
            multiply_shift: MultiplyShift::new(WORKERS).expect("16 workers"),
            map: Box::new(PartitionMap::new(table.clone(), 7)),
            bounded_load: Box::new(BoundedLoad::new(table.clone(), 125).expect("above the mean")),
            slot_table: Box::new(table),
            jump: Jump::new(WORKERS).expect("16 workers"),
            ring: HashRing::new(WORKERS).expect("16 workers"),
            rendezvous: Box::new(Rendezvous::new(WORKERS).expect("16 workers")),
            weighted_rendezvous: Box::new(WeightedRendezvous::new(&weights()).expect("16 workers")),
            maglev: Maglev::new(WORKERS).expect("16 workers"),
            range: RangeMap::from_bounds(bounds).expect("they rise"),
            round_robin: RoundRobin::new(WORKERS).expect("16 workers"),
            weighted_round_robin: WeightedRoundRobin::new(&weights()).expect("small weights"),
            two_choices: TwoChoices::new(WORKERS).expect("16 workers"),
        }
    }
}

/// What each worker of a bounded load holds, and keys that come as Zipf's law with exponent 1 has them.
pub struct Skewed {
    /// What each worker holds.
    pub loads: [u64; WORKERS],
    /// The sum of it.
    pub total: u64,
    /// Hashes of the keys to come.
    pub hashes: Vec<u64>,
}

impl Skewed {
    /// The state after 100,000 messages, so that the workers with hot keys are full, and `messages` to come.
    ///
    /// # Panics
    ///
    /// Never: somebody always has room.
    #[must_use]
    pub fn new(route: &BoundedLoad<SlotTable>, messages: usize) -> Self {
        let mut all = zipf(100_000 + messages);
        let hashes = all.split_off(100_000);
        let mut skewed = Self {
            loads: [0; WORKERS],
            total: 0,
            hashes,
        };
        all.iter().for_each(|&hash| {
            skewed.place(route, hash);
        });
        skewed
    }

    /// Sends one message.
    ///
    /// # Panics
    ///
    /// Never: somebody always has room.
    #[inline]
    pub fn place(&mut self, route: &BoundedLoad<SlotTable>, hash: u64) -> usize {
        let capacity = route.capacity(self.total, WORKERS);
        let worker = route
            .choose(hash, capacity, |worker| Some(self.loads[worker]))
            .expect("somebody has room");
        self.loads[worker] += 1;
        self.total += 1;
        worker
    }
}

/// Hashes of keys among 10,000: key `k` in proportion to `1 / (k + 1)`.
fn zipf(messages: usize) -> Vec<u64> {
    let mut sum = 0.0;
    let bounds: Vec<f64> = (1..=10_000)
        .map(|k| {
            sum += 1.0 / f64::from(k);
            sum
        })
        .collect();
    (0..messages as u64)
        .map(|message| {
            let draw = (hash_u64(message, 99) >> 11) as f64 / (1_u64 << 53) as f64 * sum;
            hash_u64(bounds.partition_point(|&bound| bound < draw) as u64, 0)
        })
        .collect()
}
