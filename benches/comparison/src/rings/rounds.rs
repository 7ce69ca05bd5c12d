//! Interleaved rounds: each runs every queue of every workload once, in an order shuffled anew.
//!
//! What the machine does meanwhile then hits all alike, and no queue always runs behind the same other.

use std::{fmt, sync::mpsc, thread, time::Duration};

use comparison::shuffle::Random;
use shared_nothing_affinity::CpuId;

use super::{
    list::{Entry, Workload},
    workload::{Plan, Sample},
};

/// How many items a first run moves, from which the others' number is computed.
const TRIAL: u64 = 20_000;
/// How many items a run moves at most.
const ITEMS_MAX: u64 = 20_000_000;

pub(crate) struct Settings {
    pub(crate) rounds: usize,
    /// How long a run should take.
    pub(crate) run: Duration,
    /// Where the shuffling starts.
    pub(crate) seed: u64,
    pub(crate) cpus: Vec<CpuId>,
    /// How long no result may arrive before a queue is said to hang.
    pub(crate) patience: Duration,
}

/// A queue that hung, panicked or brought a wrong item.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) workload: &'static str,
    pub(crate) name: &'static str,
    /// How long it was waited for, if it hung.
    pub(crate) hung: Option<Duration>,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ", self.workload, self.name)?;
        match self.hung {
            Some(patience) => write!(f, "gave no result in {patience:?}"),
            None => f.write_str("failed"),
        }
    }
}

impl std::error::Error for Failed {}

enum News {
    Starts(&'static str, &'static str),
    Ran {
        workload: usize,
        entry: usize,
        sample: Sample,
    },
    Round(usize),
}

/// The samples of each entry of each workload, in the order of the lists.
///
/// # Errors
///
/// A queue hung or failed. Its threads are left behind: the program should end.
pub(crate) fn measure(
    workloads: Vec<Workload>,
    settings: Settings,
) -> Result<Vec<Vec<Vec<Sample>>>, Failed> {
    let mut samples: Vec<Vec<Vec<Sample>>> = workloads
        .iter()
        .map(|workload| vec![Vec::new(); workload.entries.len()])
        .collect();
    let (news, arrives) = mpsc::channel();
    let (rounds, patience) = (settings.rounds, settings.patience);
    // Not joined: it may hang.
    let _runner = thread::spawn(move || run_all(&workloads, &settings, &news));
    let mut current = ("", "");
    let mut done = 0;
    loop {
        match arrives.recv_timeout(patience) {
            Ok(News::Starts(workload, name)) => current = (workload, name),
            Ok(News::Ran {
                workload,
                entry,
                sample,
            }) => samples[workload][entry].push(sample),
            Ok(News::Round(round)) => {
                done = round;
                eprintln!("round {round} of {rounds}");
            }
            Err(_) if done == rounds => return Ok(samples),
            Err(cause) => {
                return Err(Failed {
                    workload: current.0,
                    name: current.1,
                    hung: (cause == mpsc::RecvTimeoutError::Timeout).then_some(patience),
                });
            }
        }
    }
}

fn run_all(workloads: &[Workload], settings: &Settings, news: &mpsc::Sender<News>) {
    let tell = |what| news.send(what).expect("the main thread listens to the end");
    let mut random = Random::new(settings.seed);
    let run = |workload: &Workload, entry: &Entry, items| {
        tell(News::Starts(workload.id, entry.name));
        (entry.run)(Plan {
            items,
            cpus: &settings.cpus,
        })
    };
    let items: Vec<Vec<u64>> = workloads
        .iter()
        .map(|workload| {
            let fit = |entry| items_for(settings.run, || run(workload, entry, TRIAL).ns);
            workload.entries.iter().map(fit).collect()
        })
        .collect();
    tell(News::Round(0));
    for round in 1..=settings.rounds {
        for (index, workload) in workloads.iter().enumerate() {
            for entry in random.shuffled(workload.entries.len()) {
                let sample = run(workload, &workload.entries[entry], items[index][entry]);
                tell(News::Ran {
                    workload: index,
                    entry,
                    sample,
                });
            }
        }
        tell(News::Round(round));
    }
}

/// How many items a run of `length` moves, by two trials; the first warms up.
fn items_for(length: Duration, mut trial_ns: impl FnMut() -> f64) -> u64 {
    trial_ns();
    let items = length.as_secs_f64() * 1e9 / trial_ns().max(0.1);
    (items as u64).clamp(TRIAL, ITEMS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use comparison::report::{Class, Kind};

    #[test]
    fn a_queue_that_hangs_or_panics_is_named() {
        let watched = |run, patience| {
            let entry = Entry {
                name: "queue",
                kind: Kind::Rival,
                class: Class::Plain,
                run,
            };
            let workload = Workload {
                id: "workload",
                title: "",
                entries: vec![entry],
            };
            let settings = Settings {
                rounds: 1,
                run: Duration::ZERO,
                seed: 1,
                cpus: Vec::new(),
                patience,
            };
            measure(vec![workload], settings).map_err(|failed| failed.to_string())
        };
        assert_eq!(
            watched(
                |_| loop {
                    thread::park()
                },
                Duration::from_millis(100)
            ),
            Err("workload: queue gave no result in 100ms".to_owned())
        );
        assert_eq!(
            watched(|_| panic!("a wrong item, say"), Duration::MAX),
            Err("workload: queue failed".to_owned())
        );
    }

    #[test]
    fn items_fill_the_time_within_bounds() {
        let length = Duration::from_millis(10);
        assert_eq!(items_for(length, || 10.0), 1_000_000);
        assert_eq!(items_for(length, || 1e9), TRIAL);
        assert_eq!(items_for(length, || 0.0), ITEMS_MAX);
    }
}
