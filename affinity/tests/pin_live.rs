//! Pinning on the machine at hand, whatever it is: one CPU or many, whole or under a narrowed mask.
#![cfg(target_os = "linux")]

use std::thread;

use shared_nothing_affinity::{
    CpuId, CpuSet, Error, PinError, current_cpu, pin, set_mask, usable_cpus,
};

/// Runs `test` on a thread of its own, so that its mask is nobody else's.
fn on_own_thread<R: Send>(test: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| scope.spawn(test).join().unwrap())
}

/// The lowest number that this thread was not given.
fn first_not_usable() -> CpuId {
    let usable = usable_cpus().unwrap();
    (0..).map(CpuId).find(|&cpu| !usable.contains(cpu)).unwrap()
}

#[test]
fn the_mask_is_the_one_that_the_kernel_prints() {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    assert_eq!(
        usable_cpus().unwrap(),
        line.unwrap().trim().parse().unwrap()
    );
    assert!(usable_cpus().unwrap().contains(current_cpu().unwrap()));
}

#[test]
fn each_usable_cpu_can_be_pinned_and_given_back() {
    on_own_thread(|| {
        let before = usable_cpus().unwrap();
        for cpu in before.iter() {
            let guard = pin(cpu).unwrap();
            assert_eq!((guard.cpu(), current_cpu().unwrap()), (cpu, cpu));
            assert_eq!(guard.former_mask(), &before);
            assert_eq!(guard.is_held(), Ok(true));
            drop(guard);
            assert_eq!(usable_cpus().unwrap(), before);
        }
    });
}

#[test]
fn h27_a_narrowed_mask_is_obeyed() {
    on_own_thread(|| {
        let given = usable_cpus().unwrap();
        let last = given.last().unwrap();
        assert_eq!(set_mask(&CpuSet::from(last)).unwrap(), CpuSet::from(last));
        assert_eq!(usable_cpus().unwrap(), CpuSet::from(last));

        // The kernel would agree to these; we were not given them.
        for cpu in (&given - &CpuSet::from(last)).iter() {
            let mask = CpuSet::from(last);
            assert_eq!(pin(cpu).unwrap_err(), PinError::NotInMask { cpu, mask });
        }
        assert_eq!(pin(last).unwrap().into_permanent(), last);
    });
}

#[test]
fn cpu_5000_and_the_highest_number_are_refused() {
    on_own_thread(|| {
        let before = usable_cpus().unwrap();
        for cpu in [CpuId(5000), CpuId(u32::MAX)] {
            assert_eq!(pin(cpu).unwrap_err(), PinError::NoSuchCpu { cpu });
        }
        assert!(pin(first_not_usable()).is_err());
        assert_eq!(usable_cpus().unwrap(), before, "a refusal changes nothing");
    });
}

#[test]
fn a_mask_without_any_usable_cpu_is_refused_with_the_errno() {
    on_own_thread(|| {
        for mask in [
            CpuSet::new(),
            CpuSet::from(CpuId(5000)),
            CpuSet::from(CpuId(u32::MAX)),
        ] {
            let error = set_mask(&mask).unwrap_err();
            let expected = Error::Os {
                operation: "sched_setaffinity",
                errno: 22,
            };
            assert_eq!(error, expected, "{mask}");
        }
    });
}

#[test]
fn set_mask_answers_with_what_the_kernel_made_of_it() {
    on_own_thread(|| {
        let given = usable_cpus().unwrap();
        let mut wish = given.clone();
        wish.extend([CpuId(5000), CpuId(u32::MAX)]);
        assert_eq!(set_mask(&wish).unwrap(), given);
    });
}

#[test]
fn a_permanent_pin_outlives_its_guard() {
    on_own_thread(|| {
        let cpu = usable_cpus().unwrap().first().unwrap();
        assert_eq!(pin(cpu).unwrap().into_permanent(), cpu);
        assert_eq!(usable_cpus().unwrap(), CpuSet::from(cpu));
    });
}

#[test]
fn a_mask_changed_by_somebody_else_is_seen_and_left_alone() {
    on_own_thread(|| {
        let given = usable_cpus().unwrap();
        let (first, last) = (given.first().unwrap(), given.last().unwrap());
        let guard = pin(first).unwrap();
        assert_eq!(set_mask(&CpuSet::from(last)).unwrap(), CpuSet::from(last));
        assert_eq!(guard.is_held(), Ok(first == last));
        drop(guard);
        let expected = if first == last {
            given
        } else {
            CpuSet::from(last)
        };
        assert_eq!(usable_cpus().unwrap(), expected);
    });
}

#[test]
fn nested_guards_dropped_in_the_wrong_order_still_end_unpinned() {
    on_own_thread(|| {
        let before = usable_cpus().unwrap();
        let cpu = before.first().unwrap();
        let outer = pin(cpu).unwrap();
        let inner = pin(cpu).unwrap();
        drop(outer);
        drop(inner);
        assert_eq!(usable_cpus().unwrap(), before);
    });
}

#[test]
fn a_child_inherits_the_pin_unless_it_is_made_unpinned() {
    on_own_thread(|| {
        let before = usable_cpus().unwrap();
        let guard = pin(before.first().unwrap()).unwrap();
        let mask_of_child = || on_own_thread(|| usable_cpus().unwrap());
        assert_eq!(mask_of_child(), CpuSet::from(guard.cpu()));
        assert_eq!(guard.unpinned(mask_of_child).unwrap(), before);
        assert_eq!(guard.is_held(), Ok(true));
    });
}

#[test]
fn a_panic_while_unpinned_leaves_the_thread_pinned() {
    on_own_thread(|| {
        let guard = pin(usable_cpus().unwrap().last().unwrap()).unwrap();
        let panic = std::panic::AssertUnwindSafe(|| guard.unpinned(|| panic!("on purpose")));
        assert!(std::panic::catch_unwind(panic).is_err());
        assert_eq!(usable_cpus().unwrap(), CpuSet::from(guard.cpu()));
    });
}

#[test]
fn a_lost_pin_is_repaired() {
    on_own_thread(|| {
        let before = usable_cpus().unwrap();
        let guard = pin(before.first().unwrap()).unwrap();
        assert_eq!(guard.repair(), Ok(false), "it was held");

        // As the kernel does when the CPU goes offline: the mask is wide again.
        set_mask(&before).unwrap();
        assert_eq!(guard.repair(), Ok(before.len() > 1));
        assert_eq!(guard.is_held(), Ok(true));
        drop(guard);
        assert_eq!(usable_cpus().unwrap(), before);
    });
}

#[test]
fn a_pin_is_not_repaired_against_the_will_of_whoever_moved_the_thread() {
    on_own_thread(|| {
        let given = usable_cpus().unwrap();
        let (cpu, other) = (given.first().unwrap(), given.last().unwrap());
        let guard = pin(cpu).unwrap();
        set_mask(&CpuSet::from(other)).unwrap();
        let mask = CpuSet::from(other);
        let expected = if cpu == other {
            Ok(false)
        } else {
            Err(PinError::NotInMask { cpu, mask })
        };
        assert_eq!(guard.repair(), expected);
    });
}
