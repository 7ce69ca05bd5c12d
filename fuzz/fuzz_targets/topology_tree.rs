//! Any text of `/sys` and `/proc`: it is answered, and no CPU is invented. Begin with the recorded machines:
//! `cargo fuzz run topology_tree affinity/tests/machines`, on a copy of that folder.
#![no_main]

#[allow(dead_code)]
#[path = "../../affinity/tests/recording/mod.rs"]
mod recording;

libfuzzer_sys::fuzz_target!(|text: &str| {
    // An empty mask is refused before anything is read.
    if let Some(machine) = recording::Recording::parse(text).filter(|it| !it.mask.is_empty()) {
        machine.check();
    }
});
