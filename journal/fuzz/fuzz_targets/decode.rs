//! The fuzz target: any bytes are a way to damage a journal. Does not know what may come of it; see `verdict`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use swarm_journal_fuzz::{Input, verdict};

fuzz_target!(|input: Input| verdict(&input));
