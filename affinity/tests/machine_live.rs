//! Tests that change the machine itself: CPUs switched off, control groups made. They need root and a machine to
//! themselves, so they are ignored by default: run them one at a time, in a virtual machine, with
//! `--ignored --test-threads=1`.
#![cfg(target_os = "linux")]

use std::fs;

use shared_nothing_affinity::{Budget, CpuSet, Limit, PinError, Topology, pin, usable_cpus};

fn write(path: &str, text: &str) {
    fs::write(path, text).unwrap_or_else(|error| panic!("{path}: {error}"));
}

#[test]
#[ignore = "switches a CPU off"]
fn a_pin_lost_to_hotplug_is_noticed_and_repaired() {
    let before = usable_cpus().unwrap();
    let cpu = before.last().unwrap();
    let switch = format!("/sys/devices/system/cpu/cpu{cpu}/online");
    let guard = pin(cpu).unwrap();
    assert_eq!(guard.is_held(), Ok(true));

    write(&switch, "0");
    assert_eq!(guard.is_held(), Ok(false));
    assert_eq!(guard.repair(), Err(PinError::Offline { cpu }));
    assert_eq!(pin(cpu).unwrap_err(), PinError::Offline { cpu });
    assert!(Topology::read().unwrap().offline().contains(cpu));

    write(&switch, "1");
    assert_eq!(guard.is_held(), Ok(false), "the kernel does not mend it");
    assert_eq!(guard.repair(), Ok(true));
    assert_eq!(guard.is_held(), Ok(true));
    drop(guard);
    assert_eq!(usable_cpus().unwrap(), before);
}

#[test]
#[ignore = "makes control groups of version 2"]
fn h27_a_nested_group_of_version_2_limits_the_budget() {
    let top = "/sys/fs/cgroup";
    let (outer, inner) = (format!("{top}/outer"), format!("{top}/outer/inner"));
    write(&format!("{top}/cgroup.subtree_control"), "+cpu +cpuset");
    fs::create_dir_all(&outer).unwrap();
    write(&format!("{outer}/cgroup.subtree_control"), "+cpu +cpuset");
    fs::create_dir_all(&inner).unwrap();
    let visible = usable_cpus().unwrap();
    write(&format!("{inner}/cgroup.procs"), "0");

    write(&format!("{outer}/cpu.max"), "150000 100000");
    write(&format!("{inner}/cpu.max"), "300000 100000");
    let budget = Budget::read().unwrap();
    assert_eq!((budget.workers, budget.limit), (1, Limit::Quota));
    assert_eq!(
        budget.to_string(),
        format!("quota of 1.50 allows 1 of {} visible CPUs", visible.len())
    );

    write(&format!("{outer}/cpu.max"), "max 100000");
    write(&format!("{inner}/cpu.max"), "max 100000");
    let last = CpuSet::from(visible.last().unwrap());
    write(&format!("{inner}/cpuset.cpus"), &last.to_string());
    let budget = Budget::read().unwrap();
    assert_eq!((budget.cpus, budget.limit), (last, Limit::Cpuset));

    write(&format!("{top}/cgroup.procs"), "0");
    fs::remove_dir(&inner).unwrap();
    fs::remove_dir(&outer).unwrap();
    assert_eq!(Budget::read().unwrap().cpus, visible);
}
