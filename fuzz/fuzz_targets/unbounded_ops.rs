//! Any steps on rings that grow, against their model.
#![no_main]

use shared_nothing_fuzz::GrowRun;

libfuzzer_sys::fuzz_target!(|run: GrowRun| run.replay());
