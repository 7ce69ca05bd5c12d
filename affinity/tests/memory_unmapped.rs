//! That regions give their addresses back. Alone in its process, because it measures all of the process.
#![cfg(target_os = "linux")]

use shared_nothing_affinity::{Pages, Region, Request};

const MIB: usize = 1 << 20;

fn kib_of(key: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(key))
        .unwrap();
    line.trim_end_matches("kB").trim().parse().unwrap()
}

#[test]
fn dropping_a_region_unmaps_it() {
    let before = kib_of("VmSize:");
    let region = Region::new(&Request::new(512 * MIB)).unwrap();
    assert!(kib_of("VmSize:") > before + 400 * 1024);
    drop(region);
    assert!(kib_of("VmSize:") < before + 64 * 1024);

    // Aligned ones are cut out of larger mappings, and the cuttings go too.
    let request = Request::new(1).with_pages(Pages::Transparent);
    let regions: Vec<Region> = (0..200).map(|_| Region::new(&request).unwrap()).collect();
    assert!(kib_of("VmSize:") < before + 500 * 1024);
    drop(regions);
    assert!(kib_of("VmSize:") < before + 64 * 1024);
}
