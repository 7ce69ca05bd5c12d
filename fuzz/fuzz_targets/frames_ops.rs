//! Any steps on the ring of frames, against its model.
#![no_main]

use shared_nothing_fuzz::FrameRun;

libfuzzer_sys::fuzz_target!(|run: FrameRun| run.replay());
