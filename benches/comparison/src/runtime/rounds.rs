//! Interleaved rounds: each runs every peer of every row once, in an order shuffled anew, each sample in a process of its
//! own. What the machine does meanwhile then hits all alike.

use std::{collections::BTreeMap, time::Duration};

use comparison::shuffle::Random;
use shared_nothing_affinity::CpuId;

use super::{list::Chosen, plan::Plan, row::Row, sample};

pub(crate) struct Settings {
    pub(crate) rounds: usize,
    /// Where the shuffling starts.
    pub(crate) seed: u64,
    /// How long a sample may take.
    pub(crate) patience_s: u64,
    pub(crate) plan: Plan,
}

impl Settings {
    pub(crate) const fn new() -> Self {
        Self {
            rounds: 7,
            seed: 1,
            patience_s: 120,
            plan: Plan {
                quick: false,
                client: CpuId(0),
                worker: CpuId(1),
            },
        }
    }
}

/// What was measured.
#[derive(Default)]
pub(crate) struct Samples {
    /// By row and peer: the row's figures, a round each.
    of: BTreeMap<(&'static str, &'static str), Vec<Vec<f64>>>,
    /// Who is missing from what, and why.
    pub(crate) without: BTreeMap<String, String>,
}

impl Samples {
    /// The numbers of one figure.
    pub(crate) fn figure(&self, row: Row, peer: &'static str, index: usize) -> Vec<f64> {
        let samples = self.of.get(&(row.name(), peer)).into_iter().flatten();
        let numbers = samples.map(|sample| sample[index]);
        numbers.filter(|number| !number.is_nan()).collect()
    }
}

/// # Errors
///
/// Nothing could be measured.
pub(crate) fn measure(chosen: &Chosen, settings: &Settings) -> Result<Samples, String> {
    let mut samples = Samples::default();
    let mut random = Random::new(settings.seed);
    let patience = Duration::from_secs(settings.patience_s);
    for peer in chosen.iter().flat_map(|(_, peers)| peers) {
        if let Some(why) = peer.hindrance() {
            samples.without.insert(peer.name().to_owned(), why);
        }
    }
    for (who, why) in &samples.without {
        eprintln!("{who} is left out: {why}");
    }
    for round in 1..=settings.rounds {
        for (row, peers) in chosen {
            for index in random.shuffled(peers.len()) {
                let peer = peers[index];
                if samples.without.contains_key(peer.name()) {
                    continue;
                }
                match sample::spawn(*row, peer, settings.plan, patience) {
                    Ok(numbers) => {
                        let all = samples.of.entry((row.name(), peer.name()));
                        all.or_default().push(numbers);
                    }
                    Err(why) => {
                        eprintln!("{}: {}: {why}", row.name(), peer.name());
                        let what = format!("{} of {} (a sample or more)", row.name(), peer.name());
                        samples.without.insert(what, why);
                    }
                }
            }
        }
        eprintln!("round {round} of {}", settings.rounds);
    }
    if samples.of.is_empty() {
        return Err("no sample was had".to_owned());
    }
    Ok(samples)
}
