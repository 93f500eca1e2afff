//! What this process has used: CPU time, memory, bytes written; and what a file takes.
//!
//! CPU time and counts say more than a clock on a machine that others use too. They come from
//! `getrusage` and `/proc`, so this runs on Linux only.

#![allow(dead_code, reason = "each benchmark uses a part")]

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike as _};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

/// User and system time of all threads, in microseconds.
pub(crate) fn cpu_us() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    let us = |time: TimeVal| time.num_microseconds() as f64;
    us(usage.user_time()) + us(usage.system_time())
}

/// Bytes that were given to write calls, whether the disk has them yet or not.
pub(crate) fn written_bytes() -> f64 {
    let io = std::fs::read_to_string("/proc/self/io").unwrap();
    let line = io.lines().find_map(|line| line.strip_prefix("wchar:")).unwrap();
    line.trim().parse().unwrap()
}

/// A member of `/proc/self/status`, in KiB.
pub(crate) fn memory_kib(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// The peak of resident memory.
pub(crate) fn peak_kib() -> u64 {
    memory_kib("VmHWM:")
}

/// Sets the peak to what is resident now.
pub(crate) fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

/// The length of a file, and the bytes that it takes on the disk: redb doubles a file that is too
/// short, and what it has not written yet takes none.
pub(crate) fn sizes(file: &Path) -> (u64, u64) {
    let known = std::fs::metadata(file).unwrap();
    (known.len(), known.blocks() * 512)
}

/// Drops a file from the system's cache, as after a restart of the machine.
pub(crate) fn drop_from_cache(file: &Path) {
    let dropped = Command::new("dd")
        .arg(format!("of={}", file.display()))
        .args(["oflag=nocache", "conv=notrunc,fdatasync", "count=0", "status=none"])
        .status();
    assert!(dropped.unwrap().success());
}

/// The middle of some samples.
pub(crate) fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}
