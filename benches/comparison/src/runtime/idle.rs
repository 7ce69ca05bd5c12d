//! What the threads of this process take while nothing happens.

use std::{fs, thread, time::Duration};

use super::{peer::Figures, plan::Plan};

/// How long workers have to come to rest.
const SETTLE: Duration = Duration::from_millis(300);

/// Watches all threads but this one, which sleeps.
///
/// # Panics
///
/// If the kernel does not tell.
#[expect(
    clippy::disallowed_methods,
    reason = "time that passes is what is measured"
)]
pub(crate) fn watch(plan: Plan) -> Figures {
    thread::sleep(SETTLE);
    let before = Taken::so_far();
    thread::sleep(plan.idle_for());
    let after = Taken::so_far();
    let seconds = plan.idle_for().as_secs_f64();
    vec![
        ("cpu", (after.cpu_ns - before.cpu_ns) as f64 / 1e3 / seconds),
        (
            "switches",
            (after.switches - before.switches) as f64 / seconds,
        ),
    ]
}

#[derive(Default)]
struct Taken {
    cpu_ns: u64,
    switches: u64,
}

impl Taken {
    fn so_far() -> Self {
        let own = fs::read_link("/proc/thread-self").expect("the kernel tells of its threads");
        let tasks = fs::read_dir("/proc/self/task").expect("the kernel tells of its threads");
        let mut taken = Self::default();
        for task in tasks.flatten() {
            if own.file_name() == Some(&task.file_name()) {
                continue;
            }
            let read = |name| fs::read_to_string(task.path().join(name));
            // A thread may end meanwhile.
            let (Ok(stat), Ok(status)) = (read("schedstat"), read("status")) else {
                continue;
            };
            taken.cpu_ns += cpu_ns(&stat).expect("schedstat begins with the time");
            taken.switches += switches(&status).expect("status has the switches");
        }
        taken
    }
}

fn cpu_ns(schedstat: &str) -> Option<u64> {
    schedstat.split_whitespace().next()?.parse().ok()
}

fn switches(status: &str) -> Option<u64> {
    let mut lines = status.lines();
    let line = lines.find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicBool, Ordering},
        time::Instant,
    };

    use super::*;

    #[test]
    fn what_the_kernel_tells_is_understood() {
        assert_eq!(cpu_ns("700487 894004 2\n"), Some(700_487));
        let status = "Name:\ta\nvoluntary_ctxt_switches:\t12\nnonvoluntary_ctxt_switches:\t3\n";
        assert_eq!(switches(status), Some(12));
        assert_eq!((cpu_ns(""), switches("")), (None, None));
    }

    #[test]
    fn a_thread_that_works_is_seen() {
        let is_over = AtomicBool::new(false);
        thread::scope(|threads| {
            let before = Taken::so_far();
            threads.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
            let deadline = Instant::now() + Duration::from_secs(60);
            let worked = || Taken::so_far().cpu_ns > before.cpu_ns + 5_000_000;
            while !worked() && Instant::now() < deadline {
                thread::yield_now();
            }
            is_over.store(true, Ordering::Relaxed);
            assert!(worked(), "5 ms of work are not seen in a minute");
        });
    }
}
