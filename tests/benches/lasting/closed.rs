//! What the command line needs for a large store, and what the read of one record costs.

use super::command;
use super::copies::Copies;
use super::direct::HOST;
use super::figures::{figure, grouped};
use super::process::{cpu_us, drop_from_cache, median};
use atsync::SystemEntropy;
use atsync::internals::store::Observed;
use atsync::internals::store::redb::{RedbOptions, RedbStore};
use atsync::model::contract::RemoteRef;
use futures_util::FutureExt;
use std::path::Path;
use std::time::Instant;

/// Reads that are measured.
const READS: usize = 2_000;
/// A cache that holds the upper levels of a tree and little more.
const SMALL_CACHE_BYTES: usize = 1 << 20;
/// The step from one record to the next: a prime, far enough that no two share a page.
const STEP: usize = 104_729;

/// Measures a closed store with so many records, so many of them copies.
pub(crate) fn measure(directory: &Path, size: usize, copied: usize) {
    commands(directory, size);
    let file = directory.join("acme.redb");
    let at = format!("{} records", grouped(size));
    drop_from_cache(&file);
    let began = Instant::now();
    let store = open(&file, RedbOptions::default().cache_bytes);
    read(&store, copied / 2);
    let first_ms = began.elapsed().as_secs_f64() * 1e3;
    figure("lasting.open_and_read_ms", first_ms, &format!("{at}, nothing in a cache"));
    drop(store);
    // The system's cache has the file again, as on a machine with memory for it.
    std::io::copy(&mut std::fs::File::open(&file).unwrap(), &mut std::io::sink()).unwrap();
    let store = open(&file, SMALL_CACHE_BYTES);
    let cpu = cpu_us();
    let walls = (1..=READS).map(|at| {
        let began = Instant::now();
        read(&store, at * STEP % (copied - 100));
        began.elapsed().as_secs_f64() * 1e6
    });
    let wall = median(walls.collect());
    println!("{size} records: one read takes {:.1} µs CPU", (cpu_us() - cpu) / READS as f64);
    figure("lasting.read_us", wall, &format!("{at}, redb's cache 1 MiB"));
}

/// The command line over the store, each command in a process of its own.
fn commands(directory: &Path, size: usize) {
    command::configure(directory, &format!("http://{HOST}"));
    let at = format!("{} records", grouped(size));
    // The first one compiles the component.
    command::run(directory, &["status", "acme"]);
    let key = Copies::key(7);
    for (name, arguments) in [
        ("status", vec!["status", "acme"]),
        ("explain", vec!["explain", "acme", "candidates", &key]),
        ("get_one", vec!["get", "acme", "candidates", "90000000007", "--json"]),
        ("get", vec!["get", "acme", "candidates", "--json"]),
        ("changes", vec!["changes", "acme", "--json"]),
    ] {
        let used = command::run(directory, &arguments);
        println!(
            "{size} records, atsync {}: {:.2} s, {:.2} s CPU, {:.1} MiB anonymous at the end",
            arguments.join(" "),
            used.seconds,
            used.cpu_seconds,
            used.anonymous_mib
        );
        figure(&format!("lasting.peak_mib.{name}"), used.peak_mib, &at);
    }
}

/// A store whose calls are done by their caller, so that no thread's wake-up is measured.
fn open(file: &Path, cache_bytes: usize) -> RedbStore {
    let mut options = RedbOptions::default();
    (options.inline, options.cache_bytes) = (true, cache_bytes);
    RedbStore::open(file, options, &SystemEntropy).unwrap()
}

fn read(store: &RedbStore, number: usize) {
    let remote = RemoteRef::new("candidates", Copies::id(number));
    let row = store.observed("acme", &remote).now_or_never().unwrap().unwrap();
    assert!(row.is_some_and(|row| !row.gone));
}
