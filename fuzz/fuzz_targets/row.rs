//! What must hold stands at `atsync_fuzz_targets::row`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| atsync_fuzz_targets::row(bytes));
