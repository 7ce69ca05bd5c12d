//! Any steps on a channel, against its model.
#![no_main]

use shared_nothing_fuzz::ChannelRun;

libfuzzer_sys::fuzz_target!(|run: ChannelRun| run.replay());
