//! Control groups of version 1, which the test mounts for itself. It needs root and a machine to itself, so it is ignored
//! by default and run in a virtual machine by `.ci/vm`.
#![cfg(target_os = "linux")]

use std::fs;
use std::process::Command;

use shared_nothing_affinity::{Budget, CpuSet, Limit, Topology, usable_cpus};

/// A hierarchy with a nested group, `outer/inner`.
struct Hierarchy(String);

impl Hierarchy {
    fn mount(controller: &str) -> Self {
        let top = format!("/tmp/v1-{controller}");
        fs::create_dir_all(&top).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "cgroup", "-o", controller, "none", &top])
            .status();
        assert!(mounted.unwrap().success(), "mount of {controller}");
        fs::create_dir_all(format!("{top}/outer/inner")).unwrap();
        Self(top)
    }

    fn write(&self, file: &str, text: &str) {
        let path = format!("{}/{file}", self.0);
        fs::write(&path, text).unwrap_or_else(|error| panic!("{path}: {error}"));
    }
}

impl Drop for Hierarchy {
    fn drop(&mut self) {
        self.write("cgroup.procs", "0");
        fs::remove_dir(format!("{}/outer/inner", self.0)).unwrap();
        fs::remove_dir(format!("{}/outer", self.0)).unwrap();
        let unmounted = Command::new("umount").arg(&self.0).status();
        assert!(unmounted.unwrap().success());
    }
}

#[test]
#[ignore = "mounts control groups of version 1"]
fn h27_nested_groups_of_version_1_limit_the_budget() {
    let machine = Topology::read().unwrap();
    let (usable, online) = (usable_cpus().unwrap(), machine.online());
    let cpu = Hierarchy::mount("cpu");
    cpu.write("outer/cpu.cfs_quota_us", "150000");
    cpu.write("outer/inner/cpu.cfs_quota_us", "-1");
    cpu.write("outer/inner/cgroup.procs", "0");
    let budget = Budget::read().unwrap();
    assert_eq!((budget.workers, budget.limit), (1, Limit::Quota));
    let reason = format!("quota of 1.50 allows 1 of {} visible CPUs", online.len());
    assert_eq!(budget.to_string(), reason);
    cpu.write("outer/cpu.cfs_quota_us", "-1");

    let cpuset = Hierarchy::mount("cpuset");
    let nodes: Vec<String> = machine
        .nodes()
        .filter(|node| node.has_memory())
        .map(|node| node.id.to_string())
        .collect();
    let last = CpuSet::from(usable.last().unwrap());
    for (group, cpus) in [("outer", &usable), ("outer/inner", &last)] {
        cpuset.write(&format!("{group}/cpuset.cpus"), &cpus.to_string());
        cpuset.write(&format!("{group}/cpuset.mems"), &nodes.join(","));
    }
    cpuset.write("outer/inner/cgroup.procs", "0");
    let budget = Budget::read().unwrap();
    assert_eq!(
        (budget.cpus, budget.quota, budget.limit),
        (last, None, Limit::Cpuset)
    );
    drop((cpu, cpuset));
}
