//! Any steps on lanes, against their models.
#![no_main]

use shared_nothing_fuzz::Run;

libfuzzer_sys::fuzz_target!(|run: Run| run.on_lanes());
