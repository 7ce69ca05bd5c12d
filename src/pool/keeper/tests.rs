//! Random lives of workers that are restarted together, told late, and given up: none waits for ever to begin.

use core::time::Duration;

use super::*;
use crate::pool::supervise::{Backoff, Intensity, Restart, Strategy, Supervision};

/// Where a worker stands, as its task does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    Runs,
    /// It has asked what comes now, and has not told others yet.
    Drops(Verdict),
    Waits,
    Begins,
    Gone,
}

struct Lives {
    keeper: Keeper,
    workers: Vec<(Stands, VecDeque<Control>)>,
    to_tell: Vec<Tell>,
    random: u64,
}

impl Lives {
    fn new(seed: u64) -> Self {
        let mut lives = Self {
            keeper: Keeper::new(None, None),
            workers: Vec::new(),
            to_tell: Vec::new(),
            random: seed,
        };
        let strategy = [Strategy::One, Strategy::Rest, Strategy::All][lives.roll(3)];
        let restart = [Restart::Permanent, Restart::Transient][lives.roll(2)];
        let restarts = [3, 10_000][lives.roll(2)];
        let escalation = [Escalation::AskHook, Escalation::GiveUpWorker][lives.roll(2)];
        let policy = Supervision::new()
            .with_strategy(strategy)
            .with_restart(restart)
            .with_escalation(escalation)
            .with_intensity(Intensity {
                restarts,
                period: Duration::from_secs(1),
            })
            .with_backoff(
                Backoff::default()
                    .with_first(Duration::ZERO)
                    .with_limit(Duration::ZERO),
            );
        let count = 2 + lives.roll(3);
        let supervisor = Supervisor::new(policy, count, 0).expect("it makes sense");
        let hook = |_: &Escalated| Escalation::GiveUpWorker;
        lives.keeper = Keeper::new(Some(supervisor), Some(Arc::new(hook)));
        lives.workers = (0..count)
            .map(|_| (Stands::Runs, VecDeque::new()))
            .collect();
        lives.to_tell = (0..count).map(|_| Tell::new()).collect();
        lives
    }

    fn roll(&mut self, below: usize) -> usize {
        self.random = crate::partition::hash_u64(self.random, 0);
        (self.random >> 33) as usize % below
    }

    fn tell(&mut self, tell: Tell) {
        for (worker, control) in tell {
            self.workers[worker].1.push_back(control);
        }
    }

    fn end(&mut self, worker: usize, ending: Ending) {
        let (verdict, tell) = self.keeper.on_end(worker, ending, 0);
        self.to_tell[worker] = tell;
        self.workers[worker].0 = Stands::Drops(verdict);
    }

    /// One step of a worker. `false`: there is nothing that it could do. Without `trouble` all goes well.
    fn step(&mut self, worker: usize, trouble: bool) -> bool {
        let what = if trouble { self.roll(8) } else { 7 };
        let (stands, told) = &mut self.workers[worker];
        match *stands {
            Stands::Drops(verdict) => {
                *stands = match verdict {
                    Verdict::BeginAt(_) => Stands::Begins,
                    Verdict::Wait => Stands::Waits,
                    Verdict::GiveUp | Verdict::StopPool => Stands::Gone,
                };
                let tell = core::mem::take(&mut self.to_tell[worker]);
                self.tell(tell);
            }
            Stands::Begins if what == 0 => self.end(worker, Ending::Failed),
            Stands::Begins => {
                *stands = Stands::Runs;
                let tell = self.keeper.on_start(worker, 0);
                self.tell(tell);
            }
            Stands::Waits => match told.pop_front() {
                None => return false,
                Some(Control::Begin(_)) => *stands = Stands::Begins,
                Some(_) => {}
            },
            Stands::Runs if what == 0 => self.end(worker, Ending::Panicked),
            Stands::Runs if what == 1 => {
                *stands = Stands::Gone;
                let tell = self.keeper.gone(worker);
                self.tell(tell);
            }
            Stands::Runs => match told.pop_front() {
                None => return false,
                Some(Control::Restart) if self.keeper.is_to_end(worker) => {
                    self.end(worker, Ending::Stopped);
                }
                Some(_) => {}
            },
            Stands::Gone if what == 0 => {
                self.keeper.replace_worker(worker, 0);
                *stands = Stands::Runs;
            }
            Stands::Gone => return told.pop_front().is_some(),
        }
        true
    }
}

#[test]
fn nobody_waits_for_ever_to_begin() {
    for seed in 0..20_000 {
        let mut lives = Lives::new(seed);
        let count = lives.workers.len();
        for _ in 0..60 {
            let worker = lives.roll(count);
            lives.step(worker, true);
        }
        while (0..count).fold(false, |any, worker| lives.step(worker, false) | any) {}
        for (worker, (stands, _)) in lives.workers.iter().enumerate() {
            let is_fine = matches!(stands, Stands::Runs | Stands::Gone);
            assert!(is_fine, "seed {seed}: worker {worker} {stands:?}");
        }
    }
}
