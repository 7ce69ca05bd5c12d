//! Random events, enacted as the module says; what must hold then holds after each.
use std::collections::VecDeque;

use super::*;
use crate::pool::supervise::{Backoff, Intensity};

/// Workers as a pool would have them: each enacts what it was told.
struct Enacted {
    supervisor: Supervisor,
    runs: Vec<bool>,
    kept_down: Vec<bool>,
    granted_ns: VecDeque<u64>,
    limit: usize,
    period_ns: u64,
    too_many: u32,
}

impl Enacted {
    fn end(&mut self, worker: usize, ending: Ending, now_ns: u64) -> u64 {
        self.runs[worker] = false;
        match self.supervisor.on_end(worker, ending, now_ns) {
            Decision::Restart(plan) => self.enact(worker, &plan, now_ns),
            Decision::GiveUp(reason) => {
                let is_full = self.recent(now_ns) == self.limit;
                assert_eq!(
                    reason == GiveUpReason::TooManyRestarts,
                    is_full && self.follows(worker, ending)
                );
                self.too_many += u32::from(is_full);
                self.kept_down[worker] = true;
                assert!(self.supervisor.is_given_up(worker));
                now_ns
            }
            other => panic!("{other:?} for a worker that ran and was told nothing"),
        }
    }

    fn follows(&self, worker: usize, ending: Ending) -> bool {
        self.supervisor.workers[worker].restart.follows(ending)
    }

    fn recent(&mut self, now_ns: u64) -> usize {
        self.granted_ns.retain(|at| now_ns - at < self.period_ns);
        self.granted_ns.len()
    }

    /// Returns when all have started.
    fn enact(&mut self, ended: usize, plan: &RestartPlan, mut now_ns: u64) -> u64 {
        assert!(self.recent(now_ns) < self.limit, "a restart too many");
        self.granted_ns.push_back(now_ns);
        assert!(plan.start.contains(&ended) && !plan.stop.contains(&ended));
        assert!(plan.start.is_sorted(), "started forwards");
        assert!(plan.stop.iter().rev().is_sorted(), "stopped backwards");
        for worker in &plan.stop {
            assert!(self.runs[*worker], "only those that run are stopped");
            self.runs[*worker] = false;
            assert_eq!(
                self.supervisor.on_end(*worker, Ending::Stopped, now_ns),
                Decision::Covered
            );
            self.kept_down[*worker] |= !plan.start.contains(worker);
        }
        let mut started = Vec::new();
        loop {
            match self.supervisor.next_start(now_ns) {
                NextStart::Now(worker) => {
                    assert!(
                        !self.runs[worker] && !self.kept_down[worker],
                        "{worker} is down for good"
                    );
                    self.runs[worker] = true;
                    self.supervisor.on_start(worker, now_ns);
                    started.push(worker);
                }
                NextStart::At(due_ns) => {
                    assert!(now_ns < due_ns, "that is later");
                    now_ns = due_ns;
                }
                NextStart::None => break,
            }
        }
        assert_eq!(started, plan.start);
        now_ns
    }
}

#[test]
fn h14_no_storm_exceeds_the_limit_and_no_worker_is_forgotten() {
    const WORKERS: usize = 6;
    let mut too_many = 0;
    for seed in 0..400_u64 {
        let mut draws = 0;
        let mut draw = |below: u64| {
            draws += 1;
            hash_u64(draws, seed) % below
        };
        let strategies = [Strategy::One, Strategy::All, Strategy::Rest];
        let kinds = [Restart::Permanent, Restart::Transient, Restart::Temporary];
        let endings = [
            Ending::Stopped,
            Ending::Failed,
            Ending::Panicked,
            Ending::Stuck,
        ];
        let (limit, period_ns) = (draw(6) as u32, 1 + draw(100));
        let policy = Supervision::new()
            .with_strategy(strategies[draw(3) as usize])
            .with_intensity(Intensity {
                restarts: limit,
                period: Duration::from_nanos(period_ns),
            })
            .with_backoff(Backoff {
                first: Duration::from_nanos(5),
                limit: Duration::from_nanos(40),
                ..Backoff::default()
            })
            .with_escalation(Escalation::GiveUpWorker)
            .with_seed(seed)
            .with_healthy_after(Duration::from_nanos(draw(50)));
        let mut pool = Enacted {
            supervisor: Supervisor::new(policy, WORKERS, 0).expect("a policy that makes sense"),
            runs: vec![true; WORKERS],
            kept_down: vec![false; WORKERS],
            granted_ns: VecDeque::new(),
            limit: limit as usize,
            period_ns,
            too_many: 0,
        };
        for worker in 0..WORKERS {
            pool.supervisor.set_restart(worker, kinds[draw(3) as usize]);
        }
        let mut now_ns = 0;
        for _ in 0..200 {
            now_ns += draw(30);
            let (worker, ending) = (draw(WORKERS as u64) as usize, endings[draw(4) as usize]);
            if pool.runs[worker] {
                now_ns = pool.end(worker, ending, now_ns);
            } else {
                assert_eq!(
                    pool.supervisor.on_end(worker, ending, now_ns),
                    Decision::Covered
                );
            }
            for worker in 0..WORKERS {
                assert_ne!(
                    pool.runs[worker], pool.kept_down[worker],
                    "up, or down for good"
                );
                assert_eq!(pool.supervisor.is_given_up(worker), pool.kept_down[worker]);
            }
        }
        too_many += pool.too_many;
    }
    assert!(too_many > 400, "limits were reached: {too_many}");
}
