//! Any steps on the ring of stamped slots with one producer, against its model.
#![no_main]

use shared_nothing_fuzz::Run;

libfuzzer_sys::fuzz_target!(|run: Run| run.on_stamped());
