//! Names and priorities on the machine at hand, with privilege or without.
#![cfg(target_os = "linux")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use shared_nothing_affinity::{
    Error, is_realtime, pin, set_nice, set_ordinary, set_realtime, set_thread_name, usable_cpus,
};

const EPERM: i32 = 1;
const EACCES: i32 = 13;
const EINVAL: i32 = 22;
const ERANGE: i32 = 34;

fn on_own_thread<R: Send>(test: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| scope.spawn(test).join().unwrap())
}

fn errno<T: std::fmt::Debug>(result: Result<T, Error>) -> Option<i32> {
    result.unwrap_err().errno()
}

#[test]
fn a_name_of_up_to_15_bytes_is_seen_by_the_kernel() {
    on_own_thread(|| {
        set_thread_name("exactly 15 byte").unwrap();
        assert_eq!(
            std::fs::read_to_string("/proc/thread-self/comm").unwrap(),
            "exactly 15 byte\n"
        );
        assert_eq!(errno(set_thread_name("exactly 16 bytes")), Some(ERANGE));
        assert_eq!(errno(set_thread_name("nul\0inside")), Some(EINVAL));
        assert_eq!(
            std::fs::read_to_string("/proc/thread-self/comm").unwrap(),
            "exactly 15 byte\n"
        );
    });
}

#[test]
fn niceness_is_of_one_thread_and_ends_at_19() {
    on_own_thread(|| {
        let field = |stat: &str| {
            stat.rsplit(')')
                .next()
                .unwrap()
                .split(' ')
                .nth(17)
                .map(str::to_owned)
        };
        let nice = || field(&std::fs::read_to_string("/proc/thread-self/stat").unwrap()).unwrap();
        assert_eq!(set_nice(7).unwrap(), 7);
        assert_eq!(nice(), "7");
        assert_eq!(set_nice(1000).unwrap(), 19);
        assert_eq!(nice(), "19");
    });
    on_own_thread(|| match set_nice(-5) {
        Ok(nice) => assert_eq!(nice, -5),
        Err(error) => assert_eq!(error.errno(), Some(EACCES), "without privilege"),
    });
}

#[test]
fn realtime_is_granted_or_refused_and_not_inherited() {
    on_own_thread(|| {
        assert_eq!(is_realtime(), Ok(false));
        match set_realtime(1) {
            Ok(()) => {
                assert_eq!(is_realtime(), Ok(true));
                assert_eq!(on_own_thread(is_realtime), Ok(false));
                set_ordinary().unwrap();
            }
            Err(error) => assert_eq!(error.errno(), Some(EPERM)),
        }
        assert_eq!(is_realtime(), Ok(false));
    });
}

/// Takes from this thread, and from no other, the privilege to raise priorities: capabilities(7).
fn give_up_sys_nice() {
    const VERSION_3: u32 = 0x2008_0522;
    const CAP_SYS_NICE: u32 = 23;
    let mut header = [VERSION_3, 0];
    // Effective, permitted and inheritable ones; the lower 32, then the higher.
    let mut sets = [0_u32; 6];
    // SAFETY: capget(2) writes a header of two words and, for version 3, two times three words.
    let read = unsafe { libc::syscall(libc::SYS_capget, header.as_mut_ptr(), sets.as_mut_ptr()) };
    assert_eq!(read, 0);
    for set in &mut sets[..3] {
        *set &= !(1 << CAP_SYS_NICE);
    }
    // SAFETY: capset(2) reads the same.
    let written = unsafe { libc::syscall(libc::SYS_capset, header.as_mut_ptr(), sets.as_ptr()) };
    assert_eq!(written, 0);
}

/// A line of `/proc/self/limits`, as far as the first number: proc(5).
fn is_zero(limit: &str) -> bool {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix(limit));
    line.unwrap().split_whitespace().next() == Some("0")
}

#[test]
fn without_privilege_priorities_are_refused_with_what_can_be_done() {
    on_own_thread(|| {
        give_up_sys_nice();
        if is_zero("Max realtime priority") {
            let error = set_realtime(1).unwrap_err();
            assert_eq!(error.errno(), Some(EPERM));
            let text = error.to_string();
            assert!(
                text.contains("sched_setscheduler") && text.contains("CAP_SYS_NICE"),
                "{text}"
            );
            assert_eq!(is_realtime(), Ok(false));
        }
        if is_zero("Max nice priority") {
            assert_eq!(errno(set_nice(-5)), Some(EACCES));
        }
    });
}

#[test]
fn a_priority_that_there_is_not_is_refused() {
    on_own_thread(|| {
        for priority in [0, 100, 255] {
            assert_eq!(errno(set_realtime(priority)), Some(EINVAL), "{priority}");
        }
    });
}

#[test]
fn a_child_made_unpinned_is_not_starved_by_its_realtime_parent() {
    on_own_thread(|| {
        let cpus = usable_cpus().unwrap();
        let guard = pin(cpus.first().unwrap()).unwrap();
        if cpus.len() < 2 || set_realtime(1).is_err() {
            return;
        }
        let has_run = AtomicBool::new(false);
        thread::scope(|scope| {
            guard
                .unpinned(|| scope.spawn(|| has_run.store(true, Ordering::Release)))
                .unwrap();
            let start = Instant::now();
            while !has_run.load(Ordering::Acquire) && start.elapsed() < Duration::from_secs(5) {
                std::hint::spin_loop();
            }
            let has_run = has_run.load(Ordering::Acquire);
            set_ordinary().unwrap();
            assert!(
                has_run,
                "the child could not run beside its spinning parent"
            );
        });
    });
}
