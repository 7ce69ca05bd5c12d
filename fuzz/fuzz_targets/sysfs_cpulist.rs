//! Any text as a list of CPUs, as a mask and as a quota: refused, or the same when printed and read again.
#![no_main]

use shared_nothing_affinity::{CpuSet, Quota};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let in_range = |cpus: &CpuSet| cpus.last().is_none_or(|cpu| cpu.0 < CpuSet::PARSE_LIMIT);
    if let Ok(cpus) = CpuSet::parse_list(text) {
        assert!(in_range(&cpus));
        assert_eq!(CpuSet::parse_list(&cpus.to_string()), Ok(cpus));
    }
    if let Ok(cpus) = CpuSet::parse_mask(text) {
        assert!(in_range(&cpus));
        let printed = cpus.mask().to_string();
        assert_eq!(CpuSet::parse_mask(&printed), Ok(cpus));
    }
    if let Some(quota) = Quota::parse_v2(text) {
        assert!(quota.cpus() > 0.0 && quota.whole_cpus() >= 1);
        assert_eq!(quota.cmp(&quota), core::cmp::Ordering::Equal);
    }
});
